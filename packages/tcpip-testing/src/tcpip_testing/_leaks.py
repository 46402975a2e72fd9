"""Find what is open or alive that was not before, and where it was made: tasks, timers, sockets, threads.

Where something was made is known to `tracemalloc`, as long as it traces; there is nothing to patch.
"""

import asyncio
import gc
import linecache
import os
import socket
import stat
import sys
import sysconfig
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

__all__ = ["LoopWatch", "ProcessWatch", "made_at", "open_sockets", "tracing"]

_FRAMES: Final = 25
"""How deep a trace goes: asyncio's own frames come last."""

_TURNS: Final = 50
"""How many turns of the loop a task that is ending gets."""

_GRACE: Final = 0.25
"""How long a thread that is ending gets to end (seconds)."""

_OF_LOOPS: Final = ("asyncio_", "uvloop_")
"""How the threads of loops' executors are called; a loop ends them when it is closed."""

_NOT_THE_MAKER: Final = tuple(
    str(Path(path)) + os.sep for path in {*(sysconfig.get_paths()[one] for one in ("stdlib", "platstdlib", "purelib"))}
)
"""Directories of code that makes things for somebody else: the standard library and what is installed."""

_OWN: Final = str(Path(__file__).parent) + os.sep


class tracing:  # noqa: N801  A context manager that reads like a verb.
    """Let `tracemalloc` trace while a block runs, and leave it as it was."""

    def __enter__(self) -> None:
        self._was_on = tracemalloc.is_tracing()
        if not self._was_on:
            tracemalloc.start(_FRAMES)

    def __exit__(self, *_: object) -> None:
        if not self._was_on:
            tracemalloc.stop()


def made_at(thing: object) -> str:
    """Say where something was made: the last line of the user's own code that led to it."""
    frames = _frames_of(thing)
    if isinstance(thing, threading.Thread) and not any(map(_is_the_makers, frames)):
        frames = _frames_of_locks(thing)
    elif not frames:  # Python 3.11 does not know it of objects that have a `__dict__`, but of the parts made with them.
        parts: dict[str, object] = getattr(thing, "__dict__", {})
        known = [_frames_of(part) for part in parts.values()]
        frames = next(filter(None, known), frames)
    if not frames:
        return "made before anybody watched"
    others = (frame for frame in frames if not frame.filename.startswith(_OWN))
    frame = next(filter(_is_the_makers, frames), None) or next(others, frames[0])
    line = linecache.getline(frame.filename, frame.lineno).strip()
    return f"made at {frame.filename}:{frame.lineno}" + (f": {line}" if line else "")


def _frames_of(thing: object) -> list[tracemalloc.Frame]:
    """Return where something was made, the innermost call first; nothing if that is not known."""
    return list(reversed(tracemalloc.get_object_traceback(thing) or ()))


def _is_the_makers(frame: tracemalloc.Frame) -> bool:
    return not frame.filename.startswith((*_NOT_THE_MAKER, _OWN, "<"))


def _frames_of_locks(thread: threading.Thread) -> list[tracemalloc.Frame]:
    """Return where a thread's locks were made: Python 3.11 does not know it of objects that have a ``__dict__``."""
    parts: list[object] = [thread]
    for part in parts:
        for one in gc.get_referents(part):
            if type(one).__module__ == "threading" and one not in parts:
                parts.append(one)
            elif type(one).__module__ == "_thread" and any(map(_is_the_makers, frames := _frames_of(one))):
                return frames
    return []


class LoopWatch:
    """What lives in an event loop.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks = asyncio.all_tasks(loop)
        # Held, so that no new one gets the id of an old one.
        self._timers = list(_timers(loop))
        self._sockets = _simulated_sockets(loop)

    async def settle(self) -> None:
        """Let what is ending end: a connection that was closed last is gone a few turns later."""
        for turn in range(_TURNS):
            await asyncio.sleep(0)
            if turn > 2 and not self._tasks_left():
                break
        network = getattr(self._loop, "network", None)
        if network is not None and (self._tasks_left() or self._sockets_left()):
            await asyncio.sleep(network.time_to_end())  # What is sent there takes its virtual time.
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    def _sockets_left(self) -> list[tuple[str, object]]:
        known = {id(holder) for _, holder in self._sockets}
        return [(address, one) for address, one in _simulated_sockets(self._loop) if id(one) not in known]

    def _tasks_left(self) -> "set[asyncio.Task[Any]]":
        current = asyncio.current_task(self._loop)
        return {task for task in asyncio.all_tasks(self._loop) - self._tasks if task is not current}

    def left(self) -> list[str]:
        """Describe the tasks, timers and simulated sockets that have come since."""
        known = set(map(id, self._timers))
        tasks = sorted(self._tasks_left(), key=lambda task: task.get_name())
        found = [f"task {task.get_name()!r} running {_name_of(task.get_coro())}, {made_at(task)}" for task in tasks]
        for timer in _timers(self._loop):
            if id(timer) not in known:
                due = timer.when() - self._loop.time()
                found.append(f"timer due in {due:.3g} s, {made_at(timer)}")
        return found + [f"simulated socket {address}, {made_at(one)}" for address, one in self._sockets_left()]


def _simulated_sockets(loop: asyncio.AbstractEventLoop) -> list[tuple[str, object]]:
    """Return the addresses of what is open on a simulated network, and what holds it."""
    network = getattr(loop, "network", None)
    return [] if network is None else network.open_sockets()


def _timers(loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    """Give the timers that are still to come. Of all loops only the simulated one lists those of the program."""
    listed: Callable[[], Iterable[Any]] | None = getattr(loop, "timers", None)
    if listed is not None:
        yield from listed()
        return
    now = loop.time()
    of_uvloop: type | None = getattr(sys.modules.get("uvloop.loop"), "TimerHandle", None)
    for timer in _all_of(asyncio.TimerHandle, *([of_uvloop] if of_uvloop else [])):
        if not timer.cancelled() and timer.when() > now:
            yield timer


def _all_of(*kinds: type) -> list[Any]:
    """Return the living objects of some classes and of those that are derived from them."""
    wanted: set[type] = set()
    new = list(kinds)
    while new:
        kind = new.pop()
        wanted.add(kind)
        new += kind.__subclasses__()
    return [thing for thing in gc.get_objects() if type(thing) in wanted]


def _name_of(coroutine: object) -> str:
    return getattr(coroutine, "__qualname__", repr(coroutine))


class ProcessWatch:
    """What this process holds: TCP and UDP sockets, threads."""

    def __init__(self) -> None:
        self._sockets = open_sockets()
        self._threads = set(threading.enumerate())

    def left(self) -> list[str]:
        """Describe the sockets and threads that have come since."""
        gc.collect()
        objects = {one.fileno(): one for one in _socket_objects()}
        found: list[str] = []
        for key, address in sorted(open_sockets().items()):
            if key not in self._sockets:
                owner = objects.get(key[0])
                found.append(f"socket {address}, {made_at(owner) if owner else 'made by code without a Python socket'}")
        return found + [f"thread {one.name!r}, {made_at(one)}" for one in self._threads_left()]

    def _threads_left(self) -> list[threading.Thread]:
        left = [
            one
            for one in threading.enumerate()
            if one not in self._threads and one is not threading.current_thread() and not one.name.startswith(_OF_LOOPS)
        ]
        for one in left:
            one.join(_GRACE / len(left))
        return [one for one in left if one.is_alive()]


def open_sockets() -> dict[tuple[int, int], str]:
    """Return the addresses of the open sockets by descriptor and inode."""
    folder = next((one for one in map(Path, ("/proc/self/fd", "/dev/fd")) if one.is_dir()), None)
    if folder is None:
        return {(one.fileno(), id(one)): _address(one) for one in _socket_objects()}
    found: dict[tuple[int, int], str] = {}
    for entry in folder.iterdir():
        fd = int(entry.name)
        try:
            status = os.fstat(fd)
            if stat.S_ISSOCK(status.st_mode):
                with socket.socket(fileno=os.dup(fd)) as copy:
                    if copy.family in {socket.AF_INET, socket.AF_INET6}:
                        found[fd, status.st_ino] = _address(copy)
        except OSError:
            continue  # It was the descriptor of the folder itself.
    return found


def _socket_objects() -> list[socket.socket]:
    return [one for one in _all_of(socket.socket) if one.fileno() >= 0 and one.family in _INTERNET]


_INTERNET: Final = {socket.AF_INET, socket.AF_INET6}  # Loops have a pair of another family for themselves.


def _address(sock: socket.socket) -> str:
    try:
        local = sock.getsockname()
    except OSError:
        return "without an address"
    try:
        peer = sock.getpeername()
    except OSError:
        return f"of {local[0]} port {local[1]}"
    return f"from {local[0]} port {local[1]} to {peer[0]} port {peer[1]}"
