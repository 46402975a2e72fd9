"""Tests of tcpip-testing, a file for each of its modules."""
