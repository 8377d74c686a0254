"""Frames: what is sent arrives, and nothing that arrives can harm."""

import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convlab.exercises.comparing import Elsewhere, as_array, kind_of, shown
from convlab.grading.examination import wire
from convlab.grading.examination.wire import Broken, Decoder, Encoder, TooSlow

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
arrays = hnp.arrays(
    st.sampled_from(["?", "u1", "i2", ">i4", "<i8", "f2", "f4", ">f8", "f8"]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


def there_and_back(value):
    encoder = Encoder()
    frame = encoder.frame(encoder.encode(value))
    a, b = socket.socketpair()
    with a, b:
        a.sendall(frame)
        message, content = wire.receive(b, time.monotonic() + 5)
    return Decoder(content).decode(message)


@given(plain)
def test_plain_values_arrive_as_they_were(value):
    assert repr(there_and_back(value)) == repr(value)  # also NaN, -0.0, and True beside 1


@given(arrays)
def test_arrays_arrive_as_they_were(array):
    back = there_and_back(array)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)
    back[...] = 0  # and may be written to


def test_arrays_in_any_order_arrive_by_their_axes():
    array = np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)[::-1]
    np.testing.assert_array_equal(there_and_back(array), array)


def test_single_numbers_of_numpy_stay_what_they_are():
    for value in (np.float32(1.5), np.int8(-3), np.bool_(True)):
        back = there_and_back(value)
        assert type(back) is type(value)
        assert back == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ((k for k in range(3)), "a generator (`yield` where `return` belongs)"),
        ({1, 2}, "a set"),
        (lambda x: x, "a function"),
        (np.array([1, None]), "an array of object"),
        (b"bytes", "a bytes"),
        (1j, "a complex"),
        (10**400, "a huge number"),
    ],
)
def test_anything_else_arrives_as_what_it_is_in_words(value, kind):
    back = there_and_back(value)
    assert isinstance(back, Elsewhere)
    assert kind_of(back) == kind
    assert as_array(back) is None
    assert len(shown(back)) <= 200


def test_tensors_bring_their_numbers():
    class Tensor:
        shape = (2,)

        def numpy(self):
            return np.array([1.0, 2.0])

        def __array__(self, dtype=None, copy=None):
            return self.numpy()

    back = there_and_back(Tensor())
    np.testing.assert_array_equal(as_array(back), [1, 2])


def test_deep_lists_end_somewhere():
    value: list = []
    for _ in range(500):
        value = [value]
    back = there_and_back(value)
    for _ in range(wire.DEEP):
        back = back[0]
    assert isinstance(back, Elsewhere)


def test_lists_of_themselves_end_somewhere():
    value: list = []
    value += [value, value, value]
    encoder = Encoder()
    assert len(encoder.frame(encoder.encode(value))) < 100 * wire.MANY


def test_a_huge_array_arrives_as_words():
    back = there_and_back(np.broadcast_to(np.zeros(()), (2**20, 2**20)))
    assert isinstance(back, Elsewhere)
    assert "far too large, of shape (1048576, 1048576)" in kind_of(back)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["list", "tuple", "dict", "array", "number", "foreign", "other", "pickle"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)
dtypes = st.sampled_from(["<f8", "O", "|O8", "V8", "S4", "<U3", "f8,f8", "M8[s]", "c16", "(1000000,)f8", ";", ""])
hostile_arrays = st.fixed_dictionaries(
    {"array": st.tuples(dtypes, st.lists(st.integers(-3, 2**40), max_size=4), st.integers(-5, 99), st.integers(-5, 99))}
).map(lambda message: {"array": list(message["array"])})


@given(json_values | hostile_arrays, st.binary(max_size=64))
@settings(max_examples=1_000)
def test_no_message_does_more_than_be_refused(message, content):
    try:
        value = Decoder(content).decode(json.loads(json.dumps(message)))
    except Broken:
        return
    assert not isinstance(value, np.ndarray) or value.dtype.kind in "biuf"


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(content):
    a, b = socket.socketpair()
    with a, b:
        a.sendall(content)
        a.shutdown(socket.SHUT_WR)
        try:
            message, rest = wire.receive(b, time.monotonic() + 5, most=10_000)
        except Broken:
            return
        assert len(rest) <= 200
        json.dumps(message)


def test_deep_json_is_refused():
    text = b"[" * 100_000
    a, b = socket.socketpair()
    with a, b:
        threading.Thread(target=a.sendall, args=(struct.pack(">II", len(text), 0) + text,), daemon=True).start()
        with pytest.raises(Broken, match="without JSON"):
            wire.receive(b, time.monotonic() + 5)


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (0, 2**32 - 1), (2**31, 2**31)])
def test_a_giant_frame_is_refused_before_it_is_read(lengths):
    a, b = socket.socketpair()
    with a, b:
        a.sendall(struct.pack(">II", *lengths))
        with pytest.raises(Broken, match="a frame of"):
            wire.receive(b, time.monotonic() + 5)


def test_a_frame_that_drips_is_too_slow():
    a, b = socket.socketpair()
    stop = threading.Event()

    def drip():
        a.sendall(struct.pack(">II", 1_000, 0))
        while not stop.wait(0.01):
            a.sendall(b" ")

    with a, b:
        dripping = threading.Thread(target=drip)
        dripping.start()
        with pytest.raises(TooSlow):
            wire.receive(b, time.monotonic() + 0.2)
        stop.set()
        dripping.join()


def test_silence_is_too_slow_and_an_end_is_an_end():
    a, b = socket.socketpair()
    with b:
        with a, pytest.raises(TooSlow):
            wire.receive(b, time.monotonic() + 0.05)
        with pytest.raises(Broken, match="gone"):
            wire.receive(b, time.monotonic() + 5)
        with pytest.raises(Broken, match="gone"):
            wire.send(b, b"x")
