"""A link to a target, and what verbs do with one that they hold.

* ``_dial``: from a name to a connected socket.
* ``_link``: messages out and in, with times; how a link ends, as a sentence and a status.
* ``_send``, ``_ping``, ``_hold``: what the verbs of those names do.
* ``_statistics``: figures and a picture of reply times; pure.
"""
