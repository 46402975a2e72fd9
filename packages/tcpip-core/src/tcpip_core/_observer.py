"""What a client or server tells an observer of its links, as types; pure."""

from typing import Literal, Protocol, TypeAlias

from ._loss import LossReason

__all__ = ["LinkObserver", "Observer", "Side"]

Side: TypeAlias = Literal["client", "device"]
"""Which end of a link this program is; a server is the device."""


class LinkObserver(Protocol):
    """Is told of everything that happens on one link, in order.

    Notes
    -----
    Its methods are called in the middle of the link's work. They must not wait; one that raises is logged, and that
    link is not observed any further.
    """

    def received(self, data: bytes) -> None:
        """Note what arrived, in the piece in which it did.

        Parameters
        ----------
        data : bytes
            The bytes.
        """
        ...

    def sent(self, data: bytes) -> None:
        """Note what was handed to the operating system, in the piece in which it was.

        Parameters
        ----------
        data : bytes
            The bytes. Whether the peer gets them is not known yet.
        """
        ...

    def eof_received(self) -> None:
        """Note that the peer sends no more."""
        ...

    def eof_sent(self) -> None:
        """Note that this side sends no more, but still receives."""
        ...

    def ended(self, reason: LossReason) -> None:
        """Note that the link is over; nothing follows but what was received and is dropped.

        Parameters
        ----------
        reason : LossReason
            Why.
        """
        ...


class Observer(Protocol):
    """Is told of the links of a client or server; `tcpip_core.transcript.Recorder` is one.

    Notes
    -----
    The rules of `LinkObserver` hold here too. A raised exception is logged, and the link is not observed.
    """

    def connected(self, side: Side, local: str, peer: str) -> LinkObserver | None:
        """Note that a link was made.

        Parameters
        ----------
        side : {"client", "device"}
            Which end of it this program is.
        local : str
            This end's address, such as ``127.0.0.1:5000`` or ``[::1]:5000``.
        peer : str
            The other end's address.

        Returns
        -------
        LinkObserver or None
            Who is told what happens on it; None for nobody.
        """
        ...

    def failed(self, error: OSError) -> None:
        """Note that a client could not connect.

        Parameters
        ----------
        error : OSError
            Why; its text is for people.
        """
        ...
