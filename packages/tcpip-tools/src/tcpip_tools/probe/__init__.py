"""What is wrong with a port, found out by one connection that says nothing.

* ``_facts``: what was seen; pure data.
* ``_verdict``: what that means, how sure it is, and what else it could be; pure.
* ``_steps``: name, route, connection, listening, question: the work.
"""
