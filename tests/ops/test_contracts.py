"""What every operation promises beside its numbers: types, empty batches, threads, error bounds, docstrings."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import convlab
from convlab import ops

RNG = np.random.default_rng(0)
X, K = RNG.normal(size=(2, 9, 8, 3)), RNG.normal(size=(3, 2, 3, 4))
OPERATIONS = {
    "conv2d": lambda x: ops.conv2d(x, K.astype(x.dtype)),
    "depthwise": lambda x: ops.depthwise_conv2d(x, K.astype(x.dtype)),
    "separable": lambda x: ops.separable_conv2d(x, K.astype(x.dtype), np.ones((12, 2), x.dtype)),
    "pointwise": lambda x: ops.pointwise_conv2d(x, np.ones((3, 2), x.dtype)),
    "transposed": lambda x: ops.conv2d_transpose(x, K.astype(x.dtype).transpose(0, 1, 3, 2), strides=2),
    "max_pool": ops.max_pool2d,
    "avg_pool": ops.avg_pool2d,
    "global_max": ops.global_max_pool2d,
    "global_avg": ops.global_avg_pool2d,
}
MODULES = [m.name for m in pkgutil.walk_packages(convlab.__path__, "convlab.") if m.name.split(".")[1] in
           ("errors", "geometry", "ops")]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_floating_types_are_kept(name, dtype):
    exact = OPERATIONS[name](X.astype(dtype).astype(float))
    ours = OPERATIONS[name](X.astype(dtype))
    assert ours.dtype == dtype
    error = {"float16": 4e-3, "float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(ours.astype(float), exact, atol=error * np.abs(exact).max())


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"max_pool", "global_max"}))
def test_integers_become_float64(name, dtype):
    assert OPERATIONS[name](X.astype(dtype)).dtype == np.float64


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
@pytest.mark.parametrize("name", ["max_pool", "global_max"])
def test_maxima_keep_integers(name, dtype):
    assert OPERATIONS[name](X.astype(dtype)).dtype == dtype


def test_integers_do_not_overflow():
    bright = np.full((3, 3), 200, np.uint8)
    np.testing.assert_array_equal(ops.correlate2d(bright, np.ones((2, 2), np.uint8)), np.full((2, 2), 800.0))


@pytest.mark.parametrize("name", OPERATIONS)
def test_empty_batch(name):
    full = OPERATIONS[name](X)
    assert OPERATIONS[name](X[:0]).shape == (0, *full.shape[1:])


@pytest.mark.parametrize("method", ops.METHODS)
def test_empty_batch_by_every_method(method):
    x, kernel = one_channel(X, K) if method == "bands" else (X, K)
    assert ops.conv2d(x[:0], kernel, method=method).shape == (0, 7, 7, kernel.shape[3])


def one_channel(x, kernel):
    """What the method for one channel and one filter takes."""
    return x[..., :1], kernel[:, :, :1, :1]


def test_gradients_of_an_empty_batch_are_zero():
    dx, dkernel, dbias = ops.conv2d_gradients(X[:0], K, np.empty((0, 7, 7, 4)))
    assert dx.shape == (0, 9, 8, 3)
    np.testing.assert_array_equal(dkernel, np.zeros_like(K))
    np.testing.assert_array_equal(dbias, np.zeros(4))


# Relative to the largest output: what the docstrings of the methods say, and plain rounding for the others
BOUNDS = {"fft": 2e-6, "winograd": 2e-5}


@pytest.mark.parametrize("method", ops.METHODS)
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (5, 5), (7, 2)])
def test_error_bound_in_float32(method, kernel):
    channels, filters = {"loops": (2, 3), "bands": (1, 1)}.get(method, (48, 32))
    x = RNG.normal(size=(1, 14, 15, channels) if method == "loops" else (2, 30, 29, channels)).astype(np.float32)
    weights = RNG.normal(size=(*kernel, channels, filters)).astype(np.float32)
    exact = ops.conv2d(x.astype(float), weights.astype(float), method="windows")
    ours = ops.conv2d(x, weights, method=method)
    assert np.abs(ours - exact).max() <= BOUNDS.get(method, 2e-6) * np.abs(exact).max()


@pytest.mark.parametrize("method", [m for m in ops.METHODS if m != "loops"])
def test_threads_give_the_same(method):
    x, kernel = RNG.normal(size=(8, 40, 40, 16)), RNG.normal(size=(3, 3, 16, 16))
    if method == "bands":
        x, kernel = one_channel(x, kernel)
    before = ops.threads()
    try:
        ops.set_threads(1)
        alone, gradients = ops.conv2d(x, kernel, method=method), ops.conv2d_gradients(x, kernel, x[:, :38, :38])
        ops.set_threads(3)
        np.testing.assert_allclose(ops.conv2d(x, kernel, method=method), alone, atol=1e-11)
        for ours, expected in zip(ops.conv2d_gradients(x, kernel, x[:, :38, :38]), gradients, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)
    finally:
        ops.set_threads(before)


@pytest.mark.parametrize("module", MODULES)
def test_docstring_examples(module):
    found = importlib.import_module(module)
    failed, _ = doctest.testmod(found, extraglobs={"np": np})
    assert failed == 0


def test_blas_has_its_threads_back_after_every_call_and_error():
    """Also where two threads call at once, and where an operation refuses its arguments."""
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_info, threadpool_limits

    def blas():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    x, kernel = RNG.normal(size=(4, 40, 40, 16)), RNG.normal(size=(3, 3, 16, 16))
    upstream = ops.conv2d(x, kernel)

    def gradients(_):
        return ops.conv2d_gradients(x, kernel, upstream).dkernel

    before = ops.threads()
    try:
        with threadpool_limits(2, "blas"):
            ops.set_threads(2)
            ours = blas()
            with ThreadPoolExecutor(3) as pool:
                answers = list(pool.map(gradients, range(12)))
            assert blas() == ours
            with pytest.raises(convlab.ConvlabError):
                ops.conv2d_gradients(x, kernel, upstream[1:])
            assert blas() == ours
    finally:
        ops.set_threads(before)
    for answer in answers:
        np.testing.assert_allclose(answer, answers[0], atol=1e-9)
