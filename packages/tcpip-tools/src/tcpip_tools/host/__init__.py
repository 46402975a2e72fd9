"""What this host knows of a port without connecting to it.

* ``_sockets``: the kernel's table of TCP sockets.
* ``_owners``: which programs have them.
* ``_who``: what the verb ``who`` shows of both.
"""
