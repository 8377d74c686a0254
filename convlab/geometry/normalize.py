"""Turn the ways in which people write sizes, pairs and paddings into one form, or say what is wrong with them."""

import operator
from collections.abc import Iterable
from typing import Any

from convlab.errors import ConvlabError

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
Padding = str | Pads

AXES = ("height", "width")


def as_int(value: Any, name: str, minimum: int) -> int:
    """`value` as an int of at least `minimum`; NumPy integers are welcome, floats and booleans are not."""
    if type(value) is int and value >= minimum:
        return value  # nearly always
    if isinstance(value, bool) or type(value).__name__ == "bool":
        raise ConvlabError(f"{name} must be an integer, but {value!r} was given.")
    try:
        number = operator.index(value)
    except TypeError:
        raise ConvlabError(
            f"{name} must be an integer, but {value!r} (a {type(value).__name__}) was given. "
            "Write a whole number without a decimal point."
        ) from None
    if number < minimum:
        raise ConvlabError(f"{name} must be at least {minimum}, but {number} was given.")
    return number


def as_pair(value: Any, name: str, minimum: int = 1) -> Pair:
    """An int, or a pair for (height, width), as a pair of ints of at least `minimum`."""
    if not _is_sequence(value):
        number = as_int(value, name, minimum)
        return number, number
    entries = tuple(value)
    if len(entries) != 2:
        raise ConvlabError(
            f"{name} must be one integer or a pair (height, width), but {value!r} has {len(entries)} entries."
            + (" Leave out the batch and channel entries." if len(entries) == 4 else "")
        )
    return (
        as_int(entries[0], f"{name} (height)", minimum),
        as_int(entries[1], f"{name} (width)", minimum),
    )


def as_padding(value: Any) -> Padding:
    """ "valid" and "same" in lower case as they are; anything else as ((top, bottom), (left, right)).

    An int pads all four sides alike; a pair (height, width) pads both sides of each axis alike.
    """
    if isinstance(value, str):
        if value.lower() not in ("valid", "same"):
            raise ConvlabError(
                f"padding must be 'valid', 'same', an integer, a pair (height, width) or "
                f"((top, bottom), (left, right)), but {value!r} was given."
                + (" (An activation is a separate argument.)" if value.lower() in ("relu", "softmax") else "")
            )
        return value.lower()
    if not _is_sequence(value):
        amount = as_int(value, "padding", 0)
        return (amount, amount), (amount, amount)
    entries = tuple(value)
    if len(entries) == 2 and not any(_is_sequence(entry) for entry in entries):
        height, width = as_pair(entries, "padding", 0)
        return (height, height), (width, width)
    if len(entries) == 2 and all(_is_sequence(entry) and len(tuple(entry)) == 2 for entry in entries):
        (top, bottom), (left, right) = (tuple(entry) for entry in entries)
        return (
            (as_int(top, "padding (top)", 0), as_int(bottom, "padding (bottom)", 0)),
            (as_int(left, "padding (left)", 0), as_int(right, "padding (right)", 0)),
        )
    raise ConvlabError(
        f"padding {value!r} is not understood: give 'valid', 'same', an integer, a pair (height, width) or "
        "((top, bottom), (left, right))."
        + (" Leave out the batch and channel axes: only height and width are padded." if len(entries) == 4 else "")
    )


def as_data_format(value: Any) -> str:
    """ "channels_last" or "channels_first"; None means "channels_last"."""
    if value is None:
        return "channels_last"
    if value not in ("channels_last", "channels_first"):
        raise ConvlabError(f"data_format must be 'channels_last' or 'channels_first', but {value!r} was given.")
    return value


def _is_sequence(value: Any) -> bool:
    # NumPy calls an array without axes iterable, though it is one number
    return isinstance(value, Iterable) and not isinstance(value, str | bytes) and getattr(value, "ndim", 1) > 0
