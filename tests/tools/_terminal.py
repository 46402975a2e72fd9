"""The command at a pseudo-terminal, and what a person sees on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator

import pyte

from tests.tools._command import COMMAND, TIMEOUT, environment

__all__ = ["Terminal", "terminal"]

COLUMNS, ROWS = 100, 30


class AnsweringScreen(pyte.Screen):
    """A screen that says where its cursor is, which prompt_toolkit asks."""

    def __init__(self, answer: Callable[[str], None]) -> None:
        super().__init__(COLUMNS, ROWS)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        """Answer a question of the program."""
        self._answer(data)


class Terminal:
    """A terminal with a program at its other end; use it with `terminal`."""

    def __init__(self, controller: int, process: subprocess.Popen[bytes]) -> None:
        self._controller = controller
        self.process = process
        self.written = b""
        """All that the program wrote."""
        self._screen = AnsweringScreen(self.type)
        self._stream = pyte.ByteStream(self._screen)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._controller, text.encode())

    def lines(self) -> list[str]:
        """Give the lines that are on the screen, without the empty ones."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def rows(self) -> list[list[pyte.screens.Char]]:
        """Give each row down to the last that is not empty, with its colours."""
        screen = self._screen
        last = max((y for y, line in enumerate(screen.display) if line.strip()), default=0)
        return [[screen.buffer[y][x] for x in range(COLUMNS)] for y in range(last + 1)]

    def before_cursor(self) -> str:
        """Give what stands before the cursor; what is suggested stands behind it."""
        cursor = self._screen.cursor
        return str(self._screen.display[cursor.y])[: cursor.x]

    def wait_for(self, is_there: str | Callable[[list[str]], bool]) -> list[str]:
        """Wait until something is on the screen; give its lines."""

        def wanted(lines: list[str]) -> bool:
            return is_there(lines) if callable(is_there) else any(is_there in line for line in lines)

        end = time.monotonic() + TIMEOUT
        while not wanted(self.lines()):
            left = end - time.monotonic()
            assert left > 0, "\n".join(self.lines())
            assert self._take(left), "the program has gone:\n" + "\n".join(self.lines())
        return self.lines()

    def wait_end(self) -> int:
        """Wait until the program has ended; give its status."""
        end = time.monotonic() + TIMEOUT
        while self._take(end - time.monotonic()):
            assert time.monotonic() < end, "\n".join(self.lines())
        return self.process.wait(TIMEOUT)

    def close(self) -> None:
        """Give the terminal up."""
        os.close(self._controller)

    def hang_up(self) -> None:
        """Close the window."""
        self.close()
        self._controller = os.open(os.devnull, os.O_RDWR)

    def _take(self, timeout: float) -> bool:
        """Show what the program writes next; tell whether it still can."""
        ready, _, _ = select.select([self._controller], [], [], max(0.0, timeout))
        if not ready:
            return True
        try:
            data = os.read(self._controller, 65536)
        except OSError:  # Linux says EIO when the other end is closed.
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)


def _own_the_terminal() -> None:
    """Make stdin the terminal that sends Ctrl-C and SIGHUP."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def terminal(*args: str, **env: str) -> Iterator[Terminal]:
    """Run the command at a terminal while the block runs."""
    controller, far_end = os.openpty()
    fcntl.ioctl(far_end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *args],
        stdin=far_end,
        stdout=far_end,
        stderr=far_end,
        start_new_session=True,
        preexec_fn=_own_the_terminal,  # noqa: PLW1509  # it makes one system call
        env=environment(**{"TERM": "xterm-256color"} | env),
    )
    os.close(far_end)
    screen = Terminal(controller, process)
    try:
        yield screen
    finally:
        process.kill()
        process.wait(TIMEOUT)
        screen.close()
