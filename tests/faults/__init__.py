"""Each way in which a link or a peer can go wrong, over real sockets, in a bounded time."""
