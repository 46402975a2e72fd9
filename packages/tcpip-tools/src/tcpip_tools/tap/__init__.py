"""A relay that records.

* ``_end``: one end of a relayed link, from its socket made to its socket closed.
* ``_relay``: two ends, each of which meets what happens at the other.
* ``_screen``: what goes over, for a person or a machine, from a thread of its own.
* ``_tap``: opens the target, lets one client in after the other.
"""
