"""A conversation by hand.

* ``_orders``: what a line that begins with a colon asks for; pure.
* ``_talk``: the conversation, whoever types it.
* ``_terminal``: lines typed at a terminal, with history and completion.
* ``_pipe``: lines from a pipe or a file, or from a terminal that can do no more than lines.
"""
