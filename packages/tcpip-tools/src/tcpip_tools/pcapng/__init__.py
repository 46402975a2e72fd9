"""A transcript as a capture that Wireshark opens; pure: values in, bytes out."""

from ._capture import blocks

__all__ = ["blocks"]
