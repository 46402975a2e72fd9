"""Black-box tests of the contract: public names, real sockets, nothing mocked."""
