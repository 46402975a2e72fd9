"""Values into JSON text and back: the standard library made quick, a strict form of it, and msgspec.

Pure: no loop, no socket, no logging. All of them give the same values; what cannot be converted raises the same.
"""

import json
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from ._codec import shown

__all__ = ["JSONEncodeError", "JsonCodec", "MsgspecCodec", "decode_json", "encode_json", "json_codec_for"]


class JSONEncodeError(TypeError, ValueError):
    """Data that JSON cannot express, such as a set or a reference to itself.

    The standard library raises `TypeError` for some of it and `ValueError` for the rest; this is both, so that
    either handler catches it. The original error is its ``__cause__``.
    """


class JsonCodec(Protocol):
    """What turns values into JSON text and back; `MsgspecCodec` is one, and one's own may be given to `Tuning`.

    Of errors `ValueError`, `TypeError` and `RecursionError` are expected: ``read_json`` and ``write_json`` turn them
    into `json.JSONDecodeError` and `JSONEncodeError`.

    Parameters
    ----------
    *args, **kwargs
        What the codec's own constructor takes.
    """

    def encode(self, data: Any) -> str:
        """Return a value as JSON.

        Parameters
        ----------
        data : object
            What to express.

        Returns
        -------
        str
            The text, on one line.
        """
        ...

    def decode(self, text: str) -> Any:
        """Return what a JSON text says.

        Parameters
        ----------
        text : str
            The JSON.

        Returns
        -------
        object
            A dict, list, str, int, float, bool or None.
        """
        ...


def decode_json(text: str, codec: JsonCodec) -> Any:
    """Return what a JSON text says.

    Raises
    ------
    json.JSONDecodeError
        If it says nothing; the message shows the text, at most 200 characters of it, and ``doc`` holds all.
    """
    try:
        return codec.decode(text)
    except json.JSONDecodeError as e:
        raise json.JSONDecodeError(f"{e.msg} in {shown(text)}", e.doc, e.pos) from None
    except (TypeError, ValueError, RecursionError) as e:
        # Python's own limits: the digits of an integer, and the depth of nesting; or another codec's errors.
        why = "nested too deep" if isinstance(e, RecursionError) else str(e)
        raise json.JSONDecodeError(f"{why} in {shown(text)}", text, 0) from None


def encode_json(data: Any, codec: JsonCodec) -> str:
    """Return data as a JSON text on one line.

    Raises
    ------
    JSONEncodeError
        If JSON has no form for a value or a key, or the data contain themselves.
    """
    try:
        return codec.encode(data)
    except (TypeError, ValueError, RecursionError) as e:
        raise JSONEncodeError(f"cannot be written as JSON: {e}; data: {shown(data)}") from e


def json_codec_for(codec: JsonCodec | None, *, strict: bool) -> JsonCodec:
    """Return the codec to use.

    Raises
    ------
    ValueError
        If a codec is given together with `strict`, which is the standard library's.
    """
    if codec is None:
        return _STRICT if strict else _STANDARD
    if strict:
        raise ValueError("Limits.strict_json goes with the standard library's JSON: give no Tuning.json_codec with it")
    return codec


class _StandardCodec:
    """`json.loads` and `json.dumps`, to the last byte and error, with less to do for each call.

    What the scanner and the encoder in C do not take as they are goes the long way, which also words the errors.
    """

    def encode(self, data: Any) -> str:
        """Return what `json.dumps` does."""
        try:
            return "".join(_quick_encode(data, 0))
        except (TypeError, ValueError, RecursionError):
            return json.dumps(data)

    def decode(self, text: str) -> Any:
        """Return what `json.loads` does."""
        try:
            value, end = _quick_decode(text, 0)
        except (StopIteration, ValueError, RecursionError):
            return json.loads(text)
        return value if end == len(text) else json.loads(text)


def _make_quick_encode() -> Callable[[Any, int], tuple[str, ...]]:
    """Return the encoder that `json.dumps` makes anew for each call, but for its look-out for circles.

    A circle is then met as a `RecursionError`.
    """
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda data, _: (json.dumps(data),)
    plain = json.JSONEncoder()
    quote = json.encoder.encode_basestring_ascii
    encode: Callable[[Any, int], tuple[str, ...]] = make(
        None, plain.default, quote, None, plain.key_separator, plain.item_separator, False, False, True
    )
    return encode


_quick_encode = _make_quick_encode()
_quick_decode: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class _StrictCodec:
    """The standard library's, without NaN, infinities, and keys that stand twice."""

    def encode(self, data: Any) -> str:
        """Return what `json.dumps` does, which refuses here what is no number."""
        return json.dumps(data, allow_nan=False)

    def decode(self, text: str) -> Any:
        """Return what `json.loads` does, which refuses here more."""
        return _STRICT_DECODER.decode(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) < len(pairs):
        raise ValueError("a key stands twice")
    return whole


_STRICT_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
_STANDARD = _StandardCodec()
_STRICT = _StrictCodec()


class MsgspecCodec:
    """JSON by msgspec, several times as fast; the values on both sides are those of the standard library.

    The text differs: it has no spaces between items. What msgspec does not take, or takes in another way (``NaN``,
    keys that are numbers, sets, dates, text beyond ASCII), goes through the standard library. To find out, what was
    encoded is decoded again, and must be equal.

    Raises
    ------
    ImportError
        If msgspec is not installed.
    """

    def __init__(self) -> None:
        try:
            import msgspec
        except ImportError as e:
            raise ImportError("MsgspecCodec needs msgspec: pip install 'tcpip-core[msgspec]'") from e
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder().decode

    def encode(self, data: Any) -> str:
        """Return a value as JSON.

        Parameters
        ----------
        data : object
            What to express.

        Returns
        -------
        str
            The text, on one line.

        Raises
        ------
        TypeError
            If the standard library's encoder raises that.
        ValueError
            If the standard library's encoder raises that.
        """
        try:
            encoded = self._encode(data)
            if encoded.isascii() and self._decode(encoded) == data:
                return encoded.decode("ascii")
        except Exception:  # noqa: BLE001, S110  Whatever it is, the standard library's word counts.
            pass
        return _STANDARD.encode(data)

    def decode(self, text: str) -> Any:
        """Return what a JSON text says.

        Parameters
        ----------
        text : str
            The JSON.

        Returns
        -------
        object
            A dict, list, str, int, float, bool or None.

        Raises
        ------
        json.JSONDecodeError
            If it says nothing.
        """
        try:
            return self._decode(text)
        except Exception:  # noqa: BLE001  As above.
            return _STANDARD.decode(text)
