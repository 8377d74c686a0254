"""Compare what came back with what was expected, and say in words how they differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

EXACT = 1e-9  # what whole numbers may differ by
UNBOUND = 1e9  # times the largest expected number
TINY = 1e-30  # below this float32 has no digits left


@dataclass(frozen=True)
class Difference:
    """How an answer differs. wrong: for arrays of the same shape, where."""

    words: str
    expected: Any = None
    got: Any = None
    wrong: np.ndarray | None = None


@dataclass(frozen=True)
class Elsewhere:
    """Something that stayed in another process: what it is there, and how it is shown."""

    kind: str
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False, eq=False)
class NumbersElsewhere(Elsewhere):
    """An array or a tensor of another process, with its numbers."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def numpy(self) -> np.ndarray:
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.array if dtype is None else self.array.astype(dtype)


def difference(expected: Any, got: Any, tolerance: float = 1e-5) -> Difference | None:
    """How `got` differs from `expected`, or None where it does not.

    expected: a number, text, None, an array, or a tuple, list or dict of these. got: anything. Arrays of other
    libraries and lists count as arrays, arrays without axes as numbers, tuples as lists. tolerance: largest
    difference of fractions, relative to the largest expected number; whole numbers must be equal.
    """
    if type(got) is type(expected) and type(got) in (int, float, str, bool) and got == expected:
        return None
    if got is None and expected is not None:
        return Difference("nothing came back (None): is a `return` missing?", expected, got)
    if isinstance(expected, np.ndarray):
        return _arrays(expected, got, tolerance)
    if isinstance(expected, Mapping):
        return _mappings(expected, got, tolerance)
    if isinstance(expected, (tuple, list)):
        return _sequences(expected, got, tolerance)
    return _single(expected, got, tolerance)


def as_array(value: Any) -> np.ndarray | None:
    """The numbers of an array, a tensor of another library or a nested list; None where it holds anything else."""
    if isinstance(value, (str, bytes, Mapping, set)) or callable(value):
        return None
    try:
        array = np.asarray(value.numpy() if _is_tensor(value) else value)
    except Exception:
        return None
    return array if array.dtype.kind in "biuf" else None


def kind_of(value: Any) -> str:
    """What something is, for a sentence: "a list", "a TensorFlow tensor", "an array of float64"."""
    if isinstance(value, Elsewhere):
        return value.kind
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    if _is_tensor(value):
        library = type(value).__module__.partition(".")[0]
        return f"a {({'tensorflow': 'TensorFlow', 'torch': 'PyTorch', 'keras': 'Keras'}).get(library, library)} tensor"
    name = type(value).__name__
    known = {"function": "a function", "generator": "a generator (`yield` where `return` belongs)"}
    return known.get(name) or f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _is_tensor(value: Any) -> bool:
    return not isinstance(value, np.ndarray) and callable(getattr(value, "numpy", None)) and hasattr(value, "shape")


def _arrays(expected: np.ndarray, got: Any, tolerance: float) -> Difference | None:
    array = as_array(got)
    if array is None:
        dtype = getattr(got, "dtype", None)
        kind = "an array of Python objects" if dtype == np.dtype(object) else kind_of(got)
        return Difference(f"an array of numbers was expected, but {kind} came back", expected, got)
    if array.shape != expected.shape:
        return Difference(_shapes(expected, array), expected, array)
    if (array == expected).all():  # most answers; it takes a fifth of the time
        return None
    wrong = ~_close(expected, array, tolerance)
    if not wrong.any():
        return None
    return Difference(_numbers(expected, array, wrong), expected, array, wrong)


def _shapes(expected: np.ndarray, got: np.ndarray) -> str:
    words = f"the shape should be {expected.shape}, but is {got.shape}"
    if got.size == expected.size and got.squeeze().shape == expected.squeeze().shape:
        return words + ": only axes of length 1 are too many, missing or elsewhere"
    if got.ndim == expected.ndim > 1 and sorted(got.shape) == sorted(expected.shape):
        return words + ": the same axes in another order"
    return words


def _numbers(expected: np.ndarray, got: np.ndarray, wrong: np.ndarray) -> str:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    if bad.any():
        name = "NaN (not a number)" if np.isnan(got[bad]).any() else "infinite"
        return f"{_share(bad)} {name}: look for a division by zero, or numbers that were never set"
    if np.abs(got.astype(float)).max() > UNBOUND * max(np.abs(expected).max(), 1):
        return f"the numbers grow without bound: one of them is {number(got.ravel()[np.abs(got).argmax()])}"
    if expected.dtype.kind == "f" and got.dtype.kind in "iu" and np.allclose(got, np.trunc(expected), atol=1):
        return f"{_share(wrong)} cut off: fractions were expected, but the array holds whole numbers, {got.dtype}"
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f" at {list(place)}" if place else ""
    one = f"{number(expected[place])} was expected{where}, but {number(got[place])} came back"
    if wrong.size == 1:
        return one
    return f"{int(wrong.sum())} of {wrong.size} numbers differ; the first: {one}"


def _share(mask: np.ndarray) -> str:
    count = int(mask.sum())
    return f"{count} of {mask.size} numbers {'is' if count == 1 else 'are'}"


def _close(expected: np.ndarray, got: np.ndarray, tolerance: float) -> np.ndarray:
    if expected.dtype.kind in "iub":
        return np.abs(got - expected.astype(float)) <= EXACT
    largest = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
    scale = max(largest, TINY) if largest else 1.0
    with np.errstate(invalid="ignore"):
        near = np.abs(got.astype(float) - expected) <= tolerance * scale
    return near | (got == expected) | (np.isnan(got.astype(float)) & np.isnan(expected))


def _mappings(expected: Mapping[Any, Any], got: Any, tolerance: float) -> Difference | None:
    if not isinstance(got, Mapping):
        return Difference(f"a dict was expected, but {kind_of(got)} came back", expected, got)
    if missing := [key for key in expected if key not in got]:
        return Difference(f"{missing[0]!r} is missing", expected, got)
    if more := [key for key in got if key not in expected]:
        return Difference(f"{more[0]!r} is not asked for", expected, got)
    return _first(((str(key), expected[key], got[key]) for key in expected), tolerance)


def _sequences(expected: Any, got: Any, tolerance: float) -> Difference | None:
    if isinstance(got, np.ndarray) or _is_tensor(got):
        got = list(np.asarray(got))
    if not isinstance(got, (tuple, list)):
        return Difference(f"{len(expected)} values were expected, but {kind_of(got)} came back", expected, got)
    if len(got) != len(expected):
        return Difference(f"{len(expected)} values were expected, but {len(got)} came back", expected, got)
    if all(isinstance(value, Number) for value in expected):
        found = _first(((f"value {k + 1}", *pair) for k, pair in enumerate(zip(expected, got, strict=True))), tolerance)
        return found and Difference(found.words, expected, got)
    return _first(((f"value {k + 1}", *pair) for k, pair in enumerate(zip(expected, got, strict=True))), tolerance)


def _first(parts: Any, tolerance: float) -> Difference | None:
    """The first difference among named parts."""
    for name, expected, got in parts:
        found = difference(expected, got, tolerance)
        if found:
            return Difference(f"{name}: {found.words}", found.expected, found.got, found.wrong)
    return None


def _single(expected: Any, got: Any, tolerance: float) -> Difference | None:
    """A number, a truth value, a text or None."""
    if isinstance(expected, (str, bool, np.bool_, type(None))):
        return _equal(expected, got)
    array = as_array(got)
    if array is None or array.ndim:
        kind = kind_of(got) if array is None or not hasattr(got, "shape") else f"an array of shape {array.shape}"
        return Difference(f"one number was expected, but {kind} came back", expected, got)
    if _close(np.asarray(expected), array, tolerance).all():
        return None
    return Difference(f"{number(expected)} was expected, but {number(array)} came back", expected, got)


def _equal(expected: Any, got: Any) -> Difference | None:
    if isinstance(got, np.generic) or (isinstance(got, np.ndarray) and got.ndim == 0):
        got = got.item()
    elif _is_tensor(got) and not got.shape:
        got = np.asarray(got).item()
    if type(got) is type(expected) and got == expected:
        return None
    return Difference(f"{expected!r} was expected, but {shown(got)} came back", expected, got)


def number(value: Any) -> str:
    """A number for people: six digits, and whole numbers in full."""
    value = np.asarray(value).item()
    whole = isinstance(value, (bool, int)) or (abs(value) < 1e15 and value == int(value))
    return str(value if isinstance(value, bool) else int(value)) if whole else f"{value:.6g}"


def shown(value: Any) -> str:
    """Something for a sentence, cut where it is long."""
    if isinstance(value, (np.generic, float)):
        return number(value)
    if isinstance(value, tuple):
        inner = ", ".join(map(shown, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    try:
        text = repr(value)
    except Exception:
        return kind_of(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
