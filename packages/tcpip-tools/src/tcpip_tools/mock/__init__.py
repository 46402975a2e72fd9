"""Servers that stand in for a device.

* ``_script``: a transcript as steps of the device, link by link; pure.
* ``_part``: where in such steps a client is, and what comes next; pure.
* ``_line``: one client's connection.
* ``_manners``: what a client meets: a replay, an echo, a sink, telemetry.
* ``_serving``: lets clients in by a policy, and serves each.
* ``_own_class``: serves with a server class of the user.
* ``_make``: from what was asked for to what serves it.
"""
