"""Tests of the parts of tcpip-core, a file for each of its modules."""
