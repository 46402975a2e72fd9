"""One file per verb, each with a click command named ``command``.

A file here imports click and `_options` only; what its verb works with is imported when it runs, so that
``tcpip --help`` stays fast.
"""
