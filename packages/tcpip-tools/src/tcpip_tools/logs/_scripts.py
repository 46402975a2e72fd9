"""A transcript as a program: the recorded device as a scripted peer, alone or in a test of a client; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tcpip_core.transcript import Close, Direction, Event, Gap, Header, Mark
from tcpip_testing.framing import Framing, Raw

from .._report import printable
from ._messages import Message, messages_in

__all__ = ["dialogue", "pytest_test"]

_PROGRAM: Final = """

async def main(port: int) -> None:
    async with DEVICE.serve(port=port) as device:
        print(f"listening on {device.host}:{device.port}", flush=True)
        await device.finished()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Play the device of a transcript.")
    parser.add_argument("port", nargs="?", type=int, default=5000, help="where to listen [default: 5000]")
    asyncio.run(main(parser.parse_args().port))
"""

_TEST: Final = '''

async def talk(host: str, port: int) -> None:
    """Talk to the device as the recorded client did: call your own program here instead."""
    async with CLIENT.connect(host, port) as client:
        await client.finished()


def test_the_recorded_conversation() -> None:
    """The device gets what it got, and answers what it answered."""

    async def play() -> None:
        async with DEVICE.serve() as device:
            await talk(device.host, device.port)
            await device.finished()

    asyncio.run(play())
'''


def dialogue(name: str, header: Header, events: Iterable[Event], framing: Framing | None) -> Iterator[bytes]:
    """Yield a program that plays the device.

    Links are played one after the other, in the order of their ends, without the times between messages.
    """
    script = _Script(header, framing)
    device = script.text("DEVICE", "<", _links_of(events, framing), timeout=3600.0)
    yield _head(name, "The device of a transcript, as a script.", script.used, "argparse", "asyncio").encode()
    yield (device + _PROGRAM).encode()


def pytest_test(name: str, header: Header, events: Iterable[Event], framing: Framing | None) -> Iterator[bytes]:
    """Yield a test of a client against the recorded device; as it is, the recorded client is tested."""
    script = _Script(header, framing)
    links = _links_of(events, framing)
    device = script.text("DEVICE", "<", links, timeout=5.0)
    client = script.text("CLIENT", ">", links, timeout=5.0)
    yield _head(name, "A recorded conversation, as a test.", script.used, "asyncio").encode()
    yield f"{device}\n{client}{_TEST}".encode()


def _head(name: str, words: str, used: set[str], *modules: str) -> str:
    steps = ", ".join(["Dialogue", *sorted(used)])
    # Nothing of a transcript may end the comment that it stands in; nor may it stand in the first two lines, where
    # Python looks for the encoding of the file (PEP 263).
    origin = f"# {words}\n# Made by tcpip log convert.\n# Out of {printable(name)}\n"
    imports = "".join(f"import {module}\n" for module in modules)
    return f"{origin}\n{imports}\nfrom tcpip_testing.dialogue import {steps}\n\n"


class _Script:
    """Writes scripts, and notes which steps they use."""

    def __init__(self, header: Header, framing: Framing | None) -> None:
        self._encoding = header.encoding
        self._framing = framing or Raw()
        self.used: set[str] = set()

    def text(self, name: str, own: Direction, links: "list[_Link]", *, timeout: float) -> str:
        """Return the script of one side."""
        lines = [line for number, link in enumerate(links) for line in self._link(link, own, number, len(links))]
        settings = f"framing={str(self._framing)!r}, encoding={self._encoding!r}, timeout={timeout!r}"
        steps = "".join(f"    {line}\n" for line in lines)
        return f"{name} = Dialogue(\n{steps}    {settings.replace(', ', f',{chr(10)}    ')},\n)\n"

    def _link(self, link: "_Link", own: Direction, number: int, of: int) -> Iterator[str]:
        if number:
            yield self._step("reconnect")
        turn: list[Message] = []
        for item in link.items:
            if isinstance(item, Message) and not self._is_part(item):
                # What the other side says begins a turn, with what is said after it.
                if item.direction != own:
                    yield from self._turn(turn, own)
                    turn = []
                turn.append(item)
            else:
                yield from self._turn(turn, own)
                turn = []
                yield f"# {_remark(item)}"
        yield from self._turn(turn, own)
        if link.close is not None or number + 1 < of:
            yield self._end(link.close, own)

    def _is_part(self, message: Message) -> bool:
        """Return whether this is not a whole message, and cannot be played."""
        return bool(message.remark) and self._framing != Raw()

    def _turn(self, turn: list[Message], own: Direction) -> Iterator[str]:
        if not turn:
            return
        said = [self._literal(message.payload) for message in turn]
        if turn[0].direction == own:
            yield self._step("send", *said)
        elif len(said) == 1:
            yield self._step("expect", *said)
        else:
            yield f"({', '.join(said)}),"

    def _end(self, close: Close | None, own: Direction) -> str:
        closer: Direction = ">" if close is None or close.by == "client" else "<"
        if closer != own:
            return self._step("hung_up")
        return self._step("close", repr("rst" if close is not None and close.reason == "RST" else "fin"))

    def _step(self, name: str, *arguments: str) -> str:
        self.used.add(name)
        return f"{name}({', '.join(arguments)}),"

    def _literal(self, payload: bytes) -> str:
        try:
            text = payload.decode(self._encoding)
            return repr(text) if text.encode(self._encoding) == payload else repr(payload)
        except ValueError:
            return repr(payload)


def _remark(item: "Message | Mark | Gap") -> str:
    match item:
        case Message():
            return f"{printable(item.remark)}: {item.payload[:200]!r}"
        case Mark():
            return f"mark: {printable(item.text)}"
        case Gap():
            return f"gap: events missing here: {item.events}, bytes: {item.bytes}"


@dataclass(slots=True)
class _Link:
    """What was said on a link, and how it ended."""

    items: "list[Message | Mark | Gap]" = field(default_factory=list["Message | Mark | Gap"])
    close: Close | None = None


def _links_of(events: Iterable[Event], framing: Framing | None) -> list[_Link]:
    links: dict[int, _Link] = {}
    closed: list[_Link] = []
    for item in messages_in(events, {">": framing, "<": framing}):
        match item:
            case Message():
                _add(links.setdefault(item.connection, _Link()), item, joined=framing is None or framing == Raw())
            case Mark() | Gap():
                for link in links.values():
                    link.items.append(item)
            case Close():
                link = links.pop(item.connection, _Link())
                link.close = item
                closed.append(link)
            case _:
                pass
    return [*closed, *links.values()]


def _add(link: _Link, message: Message, *, joined: bool) -> None:
    """Add a message; without a framing, pieces of one turn belong together."""
    last = link.items[-1] if link.items else None
    if joined and isinstance(last, Message) and last.direction == message.direction:
        whole = Message(message.time, message.connection, message.direction, last.payload + message.payload)
        link.items[-1] = whole
    else:
        link.items.append(message)
