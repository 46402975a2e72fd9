"""``python -m tcpip_tools``: the command where no script directory is on the path."""

from ._cli import main

main(prog_name="python -m tcpip_tools")
