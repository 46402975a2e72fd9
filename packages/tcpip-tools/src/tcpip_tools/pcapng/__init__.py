"""A transcript as a capture that Wireshark opens; pure: values in, bytes out."""

from ._capture import blocks, messages_said

__all__ = ["blocks", "messages_said"]
