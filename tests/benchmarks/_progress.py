"""How far the work is, on the error output: a bar on a terminal, and sentences everywhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Watcher"]


class Watcher:
    """Shows the progress, and says what is to be said, each sentence once."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description:<30}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        )
        self._task = self._progress.add_task("", total=0)
        self._total = 0
        self._said: set[str] = set()

    def expect(self, steps: int) -> None:
        """Count on more steps."""
        self._total += steps
        self._progress.update(self._task, total=self._total)

    def label(self, text: str) -> None:
        """Say what is being done."""
        self._progress.update(self._task, description=text)

    def step(self) -> None:
        """Note that a step is done."""
        self._progress.advance(self._task)

    def tell(self, sentence: str) -> None:
        """Say something that is to stay."""
        if sentence not in self._said:
            self._said.add(sentence)
            self._console.print(sentence, markup=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
