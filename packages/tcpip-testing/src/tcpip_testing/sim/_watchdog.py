"""Who notices that a peer is silent: one end's clock of what it heard, what it sent, and when it gives up."""

from collections.abc import Callable

from ._handles import SimTimer
from ._silence import Patience, patience_of
from ._watch import WorldClock

__all__ = ["Watchdog"]


class Watchdog:
    """What one end of a connection knows of its peer's silence.

    Parameters
    ----------
    clock : WorldClock
        The loop.
    is_up : callable
        Returns whether what is sent arrives.
    on_silence : callable
        Called when the kernel gives up.
    """

    def __init__(self, clock: WorldClock, is_up: Callable[[], bool], on_silence: Callable[[], None]) -> None:
        self._clock = clock
        self._is_up = is_up
        self._on_silence = on_silence
        self._patience: Patience | None = None
        self._last_heard = clock.time()
        self._unacknowledged_since: float | None = None
        self._window_closed_since: float | None = None
        self._timer: SimTimer | None = None
        self._stopped = False
        self.options: dict[tuple[int, int], int] = {}

    def set_option(self, level: int, number: int, value: int) -> None:
        """Set a socket option."""
        self.options[level, number] = value
        self._patience = None
        self.look()

    def _asked(self) -> Patience:
        """Return what the options say."""
        if self._patience is None:
            self._patience = patience_of(self.options)
        return self._patience

    def heard(self) -> None:
        """Note a sign of life."""
        self._last_heard = self._clock.time()

    def sent(self) -> None:
        """Note that something is on its way."""
        if self._unacknowledged_since is None:
            self._unacknowledged_since = self._clock.time()

    def acknowledged(self, *, everything: bool) -> None:
        """Note that something arrived."""
        self._unacknowledged_since = None if everything else self._clock.time()

    def window_closed(self) -> None:
        """Note that the peer takes nothing more."""
        if self._window_closed_since is None:
            self._window_closed_since = self._clock.time()
        self.look()

    def window_opened(self) -> None:
        """Note that the peer takes more."""
        self._window_closed_since = None

    def next_probe(self) -> float | None:
        """Return when the peer is asked next whether it is there; None: never."""
        return self._asked().next_probe(self._last_heard, self._clock.time())

    def look(self) -> None:
        """Give up, if the time has come, or look again when it would."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = None if self._stopped else self._deadline()
        if deadline is None:
            return
        if deadline <= self._clock.time():
            self._on_silence()
        else:
            self._timer = self._clock.world_at(deadline, self.look)

    def _deadline(self) -> float | None:
        if not self._is_up():
            if self._unacknowledged_since is not None:
                return self._asked().gives_up_sending(self._unacknowledged_since)
            return self._asked().gives_up_idle(self._last_heard)
        if self._window_closed_since is not None and (timeout := self._asked().user_timeout) is not None:
            # Linux since 5.11: answered probes of a closed window do not count as progress.
            return self._window_closed_since + timeout
        return None

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self.look()
