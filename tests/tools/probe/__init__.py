"""Tests of tcpip-tools."""
