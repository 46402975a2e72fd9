"""Lines typed at a terminal: with history for each target, and completion from it."""

import asyncio
import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout

from .._lines import Lines as Writer
from .._report import JsonLines, Output
from .._targets import Target
from ._orders import ORDERS
from ._talk import AT_ONCE

__all__ = ["TypedLines", "history_of", "writer_above_the_prompt"]


class EarlierLines(Completer):
    """Completes orders, and lines that were typed before.

    Parameters
    ----------
    history : History
        What was typed.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield what begins with what is typed, the latest first, then orders."""
        typed = document.text_before_cursor
        earlier = reversed(self._history.get_strings())
        for line in dict.fromkeys((*earlier, *ORDERS)):
            if line.startswith(typed) and line != typed:
                yield Completion(line, start_position=-len(typed))


class TypedLines:
    """Lines typed at the terminal, while what comes appears above.

    Parameters
    ----------
    target : Target
        With whom; it has a history of its own.
    """

    is_by_hand = True

    def __init__(self, target: Target) -> None:
        history = history_of(target)
        self.state: Callable[[], str] = lambda: str(target)
        self._lines: asyncio.Queue[str | type[InterruptedError] | None] = asyncio.Queue()
        self._prompting: asyncio.Task[None] | None = None
        self._session: PromptSession[str] = PromptSession(
            "> ",
            history=history,
            completer=EarlierLines(history),
            complete_while_typing=False,
            auto_suggest=AutoSuggestFromHistory(),
            erase_when_done=True,
            key_bindings=self._keys(),
            input=keyboard(),
            bottom_toolbar=lambda: self.state(),  # noqa: PLW0108  # it is set later
        )
        self._later: asyncio.TimerHandle | None = None
        self._redraw = self._session.app.invalidate
        self._session.app.invalidate = self._invalidate  # type: ignore[method-assign]  # it has no setting for that

    def _keys(self) -> KeyBindings:
        """Let Enter hand over a line without an end of the prompt.

        Between two prompts the terminal is not ours: keys that are pressed then would be echoed, and Ctrl-D lost.
        """
        keys = KeyBindings()

        @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
        def _(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            if line := buffer.text:
                buffer.append_to_history()
                self._put_drawing_off()
                self._lines.put_nowait(line)
            buffer.reset()

        return keys

    def _put_drawing_off(self) -> None:
        """Draw nothing until a prompt reply is there: the loop draws, and would hear of the reply milliseconds late."""
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(AT_ONCE, self._draw)

    def _draw(self) -> None:
        self._later = None
        self._redraw()

    def _invalidate(self) -> None:
        """Draw again soon; in place of `prompt_toolkit.application.Application.invalidate`."""
        if self._later is None:
            self._redraw()

    async def next_line(self) -> str | None:
        """Return the next line; None at Ctrl-D; raise `InterruptedError` at Ctrl-C."""
        if self._prompting is None:
            self._prompting = asyncio.create_task(self._prompt())
        line = await self._lines.get()
        if isinstance(line, type):
            raise line
        return line

    async def _prompt(self) -> None:
        end = None
        try:
            await self._session.prompt_async()
        except (EOFError, OSError):  # The latter where the terminal has gone.
            pass
        except KeyboardInterrupt:
            end = InterruptedError
        finally:
            self._lines.put_nowait(end)

    async def close(self) -> None:
        """Give the terminal back."""
        if self._later is not None:
            self._later.cancel()
        if self._prompting is not None:
            self._prompting.cancel()
            (end,) = await asyncio.gather(self._prompting, return_exceptions=True)
            if isinstance(end, Exception):
                raise end


def keyboard() -> Input:
    """Return the terminal's keyboard, which stays ours also while something is shown above the prompt.

    prompt_toolkit gives it back for that moment. Keys that are pressed just then would be echoed, and Ctrl-D lost.
    """
    if sys.platform == "win32":
        return create_input()
    from prompt_toolkit.input.vt100 import Vt100Input

    class Keyboard(Vt100Input):
        """A keyboard that stays raw."""

        def cooked_mode(self) -> contextlib.AbstractContextManager[None]:
            """Leave it as it is."""
            return contextlib.nullcontext()

    return Keyboard(sys.stdin)


def history_of(target: Target) -> History:
    """Return the history of a target, which lasts; one that does not where it cannot be written."""
    directory = Path(click.get_app_dir("tcpip")) / "history"
    path = directory / re.sub(r"[^\w.-]", "_", f"{target.host}_{target.port}")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


@contextlib.contextmanager
def writer_above_the_prompt(*, as_json: bool) -> Iterator[Writer | JsonLines]:
    """Show events above the prompt while the block runs, in one stream: asides belong where they happen."""
    with patch_stdout(raw=True):
        output = Output(sys.stdout)
        yield JsonLines(output) if as_json else Writer(output, output)
