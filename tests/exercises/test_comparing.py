"""What counts as equal, and how a difference is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convlab.exercises.comparing import difference, kind_of, number

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)
FLOATS = st.floats(-1e6, 1e6)


@given(hnp.arrays(np.float64, SHAPES, elements=FLOATS))
def test_equal_arrays_of_any_kind_are_equal(x):
    assert difference(x, x) is None
    assert difference(x, x.astype(np.float32), 1e-5) is None
    assert difference(x, x.tolist()) is None
    assert difference(x, x[::-1][::-1]) is None


@given(hnp.arrays(np.float64, SHAPES, elements=st.floats(1, 100)), st.data())
def test_one_other_number_is_found_where_it_is(x, data):
    place = tuple(data.draw(st.integers(0, n - 1)) for n in x.shape)
    other = x.copy()
    other[place] += 1
    found = difference(x, other)
    assert [tuple(i) for i in np.argwhere(found.wrong)] == [place]
    assert found.words.endswith(
        f"{number(x[place])} was expected at {list(place)}, but {number(other[place])} came back"
    )


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_whole_numbers_must_be_equal(a, b):
    assert (difference(a, b) is None) == (a == b)
    assert difference(a, np.int64(a)) is None
    assert difference(a, float(a)) is None
    assert difference(a, np.asarray(a)) is None
    assert difference(a, a + 0.4) is not None


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        (np.zeros((2, 3)), None, "nothing came back (None): is a `return` missing?"),
        (
            np.zeros((2, 3)),
            np.zeros((3, 2)),
            "the shape should be (2, 3), but is (3, 2): the same axes in another order",
        ),
        (
            np.zeros((1, 2, 3, 1)),
            np.zeros((2, 3)),
            "the shape should be (1, 2, 3, 1), but is (2, 3): only axes of length 1 are too many, missing or elsewhere",
        ),
        (np.zeros((2, 3)), np.zeros((2, 4)), "the shape should be (2, 3), but is (2, 4)"),
        (np.zeros(3), "text", "an array of numbers was expected, but a str came back"),
        (np.zeros(3), [1, "a", None], "an array of numbers was expected, but a list came back"),
        (
            np.zeros(3),
            np.array([1, None, 2], object),
            "an array of numbers was expected, but an array of Python objects",
        ),
        (np.zeros(3), np.zeros(3, complex), "an array of numbers was expected, but an array of complex128 came back"),
        (
            np.ones(3),
            np.array([1, np.nan, np.nan]),
            "2 of 3 numbers are NaN (not a number): look for a division by zero",
        ),
        (np.ones(3), np.array([1, np.inf, 1]), "1 of 3 numbers is infinite"),
        (
            np.array([0.5, 1.5]),
            np.array([0, 1]),
            "2 of 2 numbers are cut off: fractions were expected, but the array holds whole numbers, int64",
        ),
        (np.ones(3), np.array([1, -2.5e57, 1]), "the numbers grow without bound: one of them is -2.5e+57"),
        (3, None, "nothing came back"),
        (3, 4, "3 was expected, but 4 came back"),
        (3, [3], "one number was expected, but a list came back"),
        (3, np.array([3]), "one number was expected, but an array of shape (1,) came back"),
        (0.25, np.nan, "0.25 was expected, but nan came back"),
        ((1, 2), (1, 3), "value 2: 2 was expected, but 3 came back"),
        ((1, 2), (1, 2, 3), "2 values were expected, but 3 came back"),
        ((1, 2), 1, "2 values were expected, but an int came back"),
        ((np.zeros(2), 1), (np.ones(2), 1), "value 1: 2 of 2 numbers differ; the first: 0 was expected at [0]"),
        ("same", "valid", "'same' was expected, but 'valid' came back"),
        (True, 1, "True was expected, but 1 came back"),
        ({"a": 1}, {"b": 1}, "'a' is missing"),
        ({"a": 1}, {"a": 1, "b": 1}, "'b' is not asked for"),
        ({"a": 1}, {"a": 2}, "a: 1 was expected, but 2 came back"),
        ({"a": 1}, 3, "a dict was expected, but an int came back"),
    ],
)
def test_a_difference_is_told_exactly(expected, got, words):
    assert difference(expected, got).words.startswith(words)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ((1, 2), [1, 2]),
        ((1, 2), np.array([1, 2])),
        (True, np.True_),
        (None, None),
        ("a", np.str_("a")),
        (np.array([1, np.nan]), [1, np.nan]),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        ({"a": (1, np.zeros(2))}, {"a": [1, [0, 0]]}),
    ],
)
def test_the_same_in_another_container_is_equal(expected, got):
    assert difference(expected, got) is None


def test_tensors_count_as_arrays():
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    x = np.arange(6.0).reshape(2, 3)
    assert difference(x, tf.constant(x)) is None
    assert difference(x, tf.Variable(x, dtype=tf.float32)) is None
    assert difference(2, tf.constant(2)) is None
    assert difference((1, 2), tf.constant([1, 2])) is None
    assert kind_of(tf.constant(x)) == "a TensorFlow tensor"


def test_numbers_are_written_for_people():
    assert [number(v) for v in (3.0, -0.0, 1 / 3, 1e20, np.float32(0.1), True, 10**18)] == [
        "3",
        "0",
        "0.333333",
        "1e+20",
        "0.1",
        "True",
        "1000000000000000000",
    ]
