"""Frames between the grader and a sandbox: JSON and the bytes of arrays, bounded in size and in time, never pickles.

A frame is two lengths (big-endian, 4 bytes each), a JSON text, and the bytes it refers to. Numbers, texts, None, lists,
tuples, dicts and arrays of numbers arrive as they were sent; anything else arrives as `Elsewhere`, which tells what it
was. This module is copied into the sandbox, where student code may tamper with it: whoever receives trusts nothing.
"""

import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from convlab.exercises.comparing import Elsewhere, NumbersElsewhere, as_array, kind_of, shown

LENGTHS = struct.Struct(">II")
MOST = 32 * 2**20  # bytes of a frame
DEEP = 20  # lists in lists
MANY = 20_000  # values in a frame
LARGE = 2**22  # bytes of an array
DIGITS = 300  # of a whole number
KINDS = "biuf"  # of arrays that travel: truth values, whole numbers, fractions
LETTERS = 10_000  # of a text


class Broken(Exception):
    """The other side does not keep to the protocol, or is gone."""


class TooSlow(Exception):
    """No whole frame came in time."""


class Encoder:
    """Turns values into JSON and the bytes it refers to.

    special: gives the JSON of a value that travels in a way of its own, and None for all others.
    """

    def __init__(self, special: Callable[[Any, "Encoder"], Any] | None = None) -> None:
        self.special = special
        self._left = MANY
        self._parts: list[bytes] = []
        self._length = 0

    def encode(self, value: Any, depth: int = 0) -> Any:
        """The JSON of a value; of more than `MANY`, that there are too many."""
        self._left -= 1
        if self._left < 0:
            return {"other": ["a value of too many parts", "too many parts"]}
        special = self.special and self.special(value, self)
        if special:
            return special
        if value is None or isinstance(value, bool) or type(value) is float:
            return value
        if type(value) is int:
            return value if abs(value) < 10**DIGITS else {"other": ["a huge number", "a huge number"]}
        if type(value) is str:
            return value[:LETTERS]
        if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in KINDS and value.nbytes <= LARGE:
            return {"number" if isinstance(value, np.generic) else "array": self._array(value)}
        if isinstance(value, (tuple, list)) and depth < DEEP:
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {kind: [self.encode(item, depth + 1) for item in value]}
        if isinstance(value, Mapping) and depth < DEEP:
            pairs = [[self.encode(key, DEEP), self.encode(item, depth + 1)] for key, item in value.items()]
            return {"dict": pairs}
        return self._other(value)

    def _array(self, value: Any) -> list[Any]:
        array = np.ascontiguousarray(value)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if array.dtype.itemsize > 8:  # long doubles differ from machine to machine
            array = array.astype("<f8")
        return [array.dtype.str, list(np.shape(value)), *self.append(array.tobytes())]

    def append(self, content: bytes) -> list[int]:
        """Add bytes to the frame; gives where they lie: offset and length."""
        self._parts.append(content)
        self._length += len(content)
        return [self._length - len(content), len(content)]

    def _other(self, value: Any) -> Any:
        """What a value is, in words, and its numbers if it has any."""
        words = [kind_of(value)[:200], shown(value)[:200]]
        if isinstance(value, np.ndarray) and value.nbytes > LARGE:
            return {"other": [f"{words[0]} that is far too large, of shape {value.shape}"[:200], words[1]]}
        numbers = as_array(value) if hasattr(value, "shape") else None
        if numbers is None or numbers.nbytes > LARGE:
            return {"other": words}
        return {"foreign": [*words, self._array(numbers)]}

    def frame(self, message: Any) -> bytes:
        """The whole frame around an encoded message."""
        text = json.dumps(message).encode()
        return b"".join([LENGTHS.pack(len(text), self._length), text, *self._parts])


class Decoder:
    """Turns the JSON of a frame and its bytes back into values, and refuses what no `Encoder` makes.

    special: turns the JSON of values that travel in a way of their own into these, by name.
    """

    def __init__(self, content: bytes, special: Mapping[str, Callable[[Any], Any]] | None = None) -> None:
        self._content = content
        self._left = MANY
        self._special = special or {}

    def decode(self, message: Any, depth: int = 0) -> Any:
        """The value; raises `Broken`."""
        self._left -= 1
        if self._left < 0 or depth > DEEP:
            raise Broken("too many values in a frame")
        if message is None or isinstance(message, (bool, int, float, str)):
            return message
        if not isinstance(message, dict) or len(message) != 1:
            raise Broken("a value of no known kind")
        ((kind, inside),) = message.items()
        if kind in self._special:
            return self._special[kind](inside)
        if kind in ("list", "tuple", "dict", "foreign", "other", "array", "number") and isinstance(inside, list):
            return getattr(self, f"_{kind}")(inside, depth)
        raise Broken("a value of no known kind")

    def _list(self, inside: list[Any], depth: int) -> list[Any]:
        return [self.decode(item, depth + 1) for item in inside]

    def _tuple(self, inside: list[Any], depth: int) -> tuple[Any, ...]:
        return tuple(self._list(inside, depth))

    def _dict(self, inside: list[Any], depth: int) -> dict[Any, Any]:
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in inside):
            raise Broken("a dict without pairs")
        pairs = [(self.decode(key, depth + 1), self.decode(value, depth + 1)) for key, value in inside]
        try:
            return dict(pairs)
        except TypeError as error:
            raise Broken("a key that is none") from error

    def _array(self, inside: list[Any], depth: int) -> np.ndarray:
        try:
            name, shape, *place = inside
            dtype, content = np.dtype(name), self.bytes_at(place)
            if dtype.kind not in KINDS or not isinstance(shape, list) or len(shape) > 32 or not all(map(_size, shape)):
                raise Broken("an array of no known kind")
            return np.frombuffer(content, dtype).reshape(shape).copy()
        except (TypeError, ValueError, OverflowError, MemoryError, SyntaxError) as error:
            raise Broken("an array whose bytes do not fit") from error

    def _number(self, inside: list[Any], depth: int) -> Any:
        return self._array(inside, depth)[()]

    def _foreign(self, inside: list[Any], depth: int) -> Any:
        if len(inside) != 3 or not isinstance(inside[2], list):
            raise Broken("an array of no known kind")
        return NumbersElsewhere(*_words(inside[:2]), self._array(inside[2], depth))

    def _other(self, inside: list[Any], depth: int) -> Any:
        return Elsewhere(*_words(inside))

    def bytes_at(self, place: Any) -> bytes:
        """The bytes at an offset, so many."""
        if not isinstance(place, list) or len(place) != 2 or not all(map(_size, place)):
            raise Broken("bytes at no place")
        start, length = place
        if start + length > len(self._content):
            raise Broken("bytes beyond the end")
        return self._content[start : start + length]


def _size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


def _words(inside: list[Any]) -> tuple[str, str]:
    if len(inside) != 2 or not all(isinstance(text, str) for text in inside):
        raise Broken("something of no kind")
    return inside[0][:200], inside[1][:200]


def send(to: socket.socket, frame: bytes) -> None:
    """Send a frame; raises `Broken` where nobody takes it, `TooSlow` where it is not taken in time."""
    try:
        to.sendall(frame)
    except TimeoutError as error:
        raise TooSlow from error
    except OSError as error:
        raise Broken("the other side is gone") from error


def receive(source: socket.socket, until: float | None = None, most: int = MOST) -> tuple[Any, bytes]:
    """The next frame's JSON and bytes.

    until: a time of `time.monotonic`, by which it must be whole, else `TooSlow`. Raises `Broken` at the end, for a
    frame of more than `most` bytes, and for one that holds no JSON.
    """
    lengths = LENGTHS.unpack(_exactly(source, LENGTHS.size, until))
    if sum(lengths) > most:
        raise Broken(f"a frame of {sum(lengths):,} bytes")
    text, content = _exactly(source, lengths[0], until), _exactly(source, lengths[1], until)
    try:
        return json.loads(text), content
    except (ValueError, RecursionError) as error:
        raise Broken("a frame without JSON") from error


def _exactly(source: socket.socket, length: int, until: float | None) -> bytes:
    """So many bytes; memory grows with what arrives, not with what was announced."""
    parts, missing = [], length
    while missing:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TooSlow
            source.settimeout(left)
        try:
            part = source.recv(min(missing, 2**16))
        except TimeoutError as error:
            raise TooSlow from error
        except OSError as error:
            raise Broken("the other side is gone") from error
        if not part:
            raise Broken("the other side is gone")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
