"""The loop's methods that tell of errors which nobody caught."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["ReportingLoop"]

ExceptionHandler: TypeAlias = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]

_log = logging.getLogger("asyncio")

_NOT_LISTED = {"message", "exception", "source_traceback", "handle_traceback"}
"""What of the context of an error has a place of its own, or is too long."""


class ReportingLoop(asyncio.AbstractEventLoop):
    """The part of a simulated loop that hears of errors."""

    _debug = False
    _exception_handler: ExceptionHandler | None = None

    def get_debug(self) -> bool:
        """Return whether asyncio keeps where each future was made; not unless it is asked for, as it is slow."""
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        """Let asyncio keep where each future was made."""
        self._debug = enabled

    def get_exception_handler(self) -> ExceptionHandler | None:
        """Return what `set_exception_handler` was given."""
        return self._exception_handler

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Let something else hear of errors that nobody catches."""
        if handler is not None and not callable(handler):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"an exception handler must be a callable or None, not {handler!r}")
        self._exception_handler = handler

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Log an error that nobody caught."""
        lines = [str(context.get("message") or "an error that nobody caught")]
        lines += [f"{key}: {context[key]!r}" for key in sorted(context) if key not in _NOT_LISTED]
        _log.error("\n".join(lines), exc_info=context.get("exception"))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody caught."""
        if self._exception_handler is None:
            self.default_exception_handler(context)
            return
        try:
            self._exception_handler(self, context)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:  # noqa: BLE001  As asyncio: an error in a handler ends nothing.
            self.default_exception_handler(
                {"message": "the exception handler failed", "exception": e, "context": context}
            )
