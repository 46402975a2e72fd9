"""The demo: a mock dome controller and its operator; ``docs/tutorials/first-mock-device.md`` walks through it.

In the order to read them:

* ``_protocol``: what the two say to each other; pure.
* ``_dome``: the thing that turns; pure.
* ``_controller``: the mock device, a read-loop server.
* ``_operator``: the client's side, and the story that the demo tells.
* ``_overheard``, ``_dialogue``, ``_session``: how the conversation gets onto the screen.
"""
