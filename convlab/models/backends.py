"""The one thing that Keras has no common word for: the gradient of a function, on each of its backends."""

from collections.abc import Callable
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.optional import need


def gradients(function: Callable[[Any], Any], x: Any) -> np.ndarray:
    """d function(x)[n] / d x[n] for every example n, of x's shape, by the backend that Keras runs on.

    function: takes x as a tensor of the backend, (N, ...), and gives one number for each example, (N,). The examples
    must not influence each other: then the gradient of the sum over all holds the gradient of each.

    Raises `ConvlabError` for a backend other than TensorFlow, JAX and PyTorch.
    """
    backend = need("keras").backend.backend()
    if backend not in _GRADIENTS:
        raise ConvlabError(f"gradients need Keras on one of {', '.join(_GRADIENTS)}, but it runs on {backend}.")
    return _GRADIENTS[backend](function, x)


def _with_tensorflow(function: Callable[[Any], Any], x: Any) -> np.ndarray:
    tf = need("tensorflow")
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x))
    return tape.gradient(total, x).numpy()


def _with_jax(function: Callable[[Any], Any], x: Any) -> np.ndarray:
    jax = need("jax")
    return np.asarray(jax.grad(lambda x: function(x).sum())(jax.numpy.asarray(x)))


def _with_torch(function: Callable[[Any], Any], x: Any) -> np.ndarray:
    torch, ops = need("torch"), need("keras").ops
    x = ops.convert_to_tensor(x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(function(x).sum(), x)
    return ops.convert_to_numpy(gradient)


_GRADIENTS: dict[str, Callable[[Callable[[Any], Any], Any], np.ndarray]] = {
    "tensorflow": _with_tensorflow,
    "jax": _with_jax,
    "torch": _with_torch,
}
