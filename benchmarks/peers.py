"""The same layer computed by others. A peer gives a function to time, or None where it has no such layer.

Each takes the arrays of a case as NumPy arrays, converts them to its own form before the clock starts, and returns what
`to_numpy` turns into the same arrays that convlab gives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

import convlab
from benchmarks.cases import Case
from convlab.hardware import quiet_tensorflow

Arrays = tuple[np.ndarray, ...]
Job = Callable[[], Any]
FORWARD, BACKWARD = "forward", "backward"


@dataclass(frozen=True)
class Peer:
    """name: as in the report. module: what must be installed. make: (case, arrays, direction) to a job, or None."""

    name: str
    module: str
    make: Callable[[Case, Arrays, str], Job | None]

    def start(self, threads: int) -> None:
        """Import the library, and give it so many threads."""
        if self.module == "convlab":
            convlab.set_threads(threads)
        elif self.module == "tensorflow":
            with quiet_tensorflow():
                import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        elif self.module == "torch":
            import torch

            torch.set_num_threads(threads)
        elif self.module == "cv2":
            import cv2

            cv2.setNumThreads(threads)

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None


def _convlab(case: Case, arrays: Arrays, direction: str) -> Job:
    names = {
        "conv": "conv2d",
        "depthwise": "depthwise_conv2d",
        "separable": "separable_conv2d",
        "transposed": "conv2d_transpose",
    }
    geometry = {"strides": case.strides, "padding": case.padding, "dilation": case.dilation}
    if direction == FORWARD:
        operation = getattr(convlab, names[case.kind])
        return lambda: operation(*arrays[:-1], **geometry)
    gradients = getattr(convlab, names[case.kind] + "_gradients")
    return lambda: gradients(*arrays, **geometry)


def _tensorflow_layer(case: Case) -> Callable[..., Any]:
    import tensorflow as tf

    s, d, padding = case.strides, case.dilation, case.padding.upper()
    if case.kind == "depthwise":
        return lambda x, k: tf.nn.depthwise_conv2d(x, k, [1, s, s, 1], padding, dilations=[d, d])
    if case.kind == "separable":
        return lambda x, k, p: tf.nn.separable_conv2d(x, k, p, [1, s, s, 1], padding, dilations=[d, d])
    if case.kind == "transposed":
        return lambda x, k: tf.nn.conv2d_transpose(x, k, case.output, s, padding)
    return lambda x, k: tf.nn.conv2d(x, k, s, padding, dilations=d)


def _tensorflow_eager(case: Case, arrays: Arrays, direction: str) -> Job:
    import tensorflow as tf

    layer = _tensorflow_layer(case)
    *inputs, upstream = map(tf.constant, arrays)
    if direction == FORWARD:
        return lambda: layer(*inputs).numpy()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        y = layer(*inputs)
    return lambda: [gradient.numpy() for gradient in tape.gradient(y, inputs, upstream)]


def _tensorflow_function(case: Case, arrays: Arrays, direction: str) -> Job:
    """The whole layer as one graph; TensorFlow drops the forward pass where only gradients are asked for."""
    import tensorflow as tf

    layer = _tensorflow_layer(case)
    *inputs, upstream = map(tf.constant, arrays)
    if direction == FORWARD:
        graph = tf.function(layer)
        return lambda: graph(*inputs).numpy()

    @tf.function
    def gradients(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = layer(*inputs)
        return tape.gradient(y, inputs, upstream)

    return lambda: [gradient.numpy() for gradient in gradients(*inputs)]


def _torch(case: Case, arrays: Arrays, direction: str) -> Job | None:
    """PyTorch with its channels-last memory format, which is the faster one on CPUs."""
    import torch
    from torch.nn import functional

    if case.kind == "transposed" and case.padding == "same":
        return None  # PyTorch crops both sides by the same amount
    x, *kernels, upstream = (torch.from_numpy(array) for array in arrays)
    x = x.permute(0, 3, 1, 2)  # a view of NHWC memory is what PyTorch calls channels_last
    upstream = upstream.permute(0, 3, 1, 2)
    weights = _torch_weights(case, kernels)
    inputs = [x, *weights]
    layer = _torch_layer(case, functional)
    if direction == FORWARD:

        def forward():
            with torch.inference_mode():
                return layer(*inputs).permute(0, 2, 3, 1).numpy()

        return forward
    if case.kind != "conv":
        return None  # the weights' layouts differ; the dense layers are what is compared
    for tensor in inputs:
        tensor.requires_grad_(True)
    y = layer(*inputs)

    def backward():
        dx, dw = torch.autograd.grad(y, inputs, upstream, retain_graph=True)
        return [dx.permute(0, 2, 3, 1).numpy(), dw.permute(2, 3, 1, 0).numpy()]

    return backward


def _torch_weights(case: Case, kernels: list[Any]) -> list[Any]:
    """Keras' kernels in PyTorch's layout (filters, channels / groups, kh, kw), in channels-last memory."""
    import torch

    last = {"memory_format": torch.channels_last}
    first = kernels[0]
    if case.kind in ("depthwise", "separable"):
        kh, kw, channels, multiplier = first.shape
        depthwise = first.permute(2, 3, 0, 1).reshape(channels * multiplier, 1, kh, kw).contiguous(**last)
        return [depthwise, *(k.permute(3, 2, 0, 1).contiguous(**last) for k in kernels[1:])]
    return [first.permute(3, 2, 0, 1).contiguous(**last)]


def _torch_layer(case: Case, functional: Any) -> Callable[..., Any]:
    s, d = case.strides, case.dilation
    if case.kind == "transposed":
        return lambda x, k: functional.conv_transpose2d(x, k, stride=s)
    channels = case.x[3]
    (top, bottom), (left, right) = case.spec.pads(case.x[1:3])
    even = top == bottom and left == right
    groups = channels if case.kind in ("depthwise", "separable") else 1

    def layer(x, k, pointwise=None):
        if not even:
            x = functional.pad(x, (left, right, top, bottom))
        y = functional.conv2d(x, k, stride=s, padding=(top, left) if even else 0, dilation=d, groups=groups)
        return y if pointwise is None else functional.conv2d(y, pointwise)

    return layer


def _one_image(case: Case, direction: str) -> bool:
    plain = case.kind == "conv" and case.strides == case.dilation == 1 and direction == FORWARD
    return plain and case.x[0] == case.x[3] == case.kernels[0][3] == 1


def _scipy(case: Case, arrays: Arrays, direction: str) -> Job | None:
    from scipy import signal

    if not _one_image(case, direction):
        return None
    x, k = arrays[0][0, :, :, 0], arrays[1][:, :, 0, 0]
    return lambda: signal.correlate(x, k, mode=case.padding)[np.newaxis, :, :, np.newaxis]


def _opencv(case: Case, arrays: Arrays, direction: str) -> Job | None:
    import cv2

    if not _one_image(case, direction):
        return None
    x, k = arrays[0][0, :, :, 0], arrays[1][:, :, 0, 0]
    rows, columns = (n // 2 for n in k.shape)

    def filter2d():
        y = cv2.filter2D(x, cv2.CV_32F, k, borderType=cv2.BORDER_CONSTANT)
        y = y if case.padding == "same" else y[rows : len(y) - rows, columns : y.shape[1] - columns]
        return y[np.newaxis, :, :, np.newaxis]

    return filter2d


@dataclass(frozen=True)
class Part:
    """A job that computes only a share of the layer, because the whole would take minutes."""

    job: Job
    share: float

    def __call__(self) -> Any:
        return self.job()


MOST_STEPS = 3000  # window sums that the textbook's loops compute in one timed call


def _textbook_loops(case: Case, arrays: Arrays, direction: str) -> Job | None:
    """Loops over images, rows, columns and filters with one sum each, as courses begin."""
    if case.kind != "conv" or case.dilation > 1 or direction == BACKWARD:
        return None
    x, k, _ = arrays
    images, rows, columns, filters = case.output
    pads = ((0, 0), *case.spec.pads(case.x[1:3]), (0, 0))
    kh, kw, s = k.shape[0], k.shape[1], case.strides
    steps = images * rows * columns * filters
    here = [(n, i, j, f) for n, i, j, f in _some(images, rows, columns, filters)]

    def loops():
        padded, out = np.pad(x, pads), np.zeros(case.output, np.float32)
        for n, i, j, f in here:
            out[n, i, j, f] = np.sum(padded[n, i * s : i * s + kh, j * s : j * s + kw] * k[:, :, :, f])
        return out

    return loops if len(here) == steps else Part(loops, len(here) / steps)


def _some(images: int, rows: int, columns: int, filters: int) -> list[tuple[int, ...]]:
    """The first places of the output, as many as MOST_STEPS allows."""
    places = np.ndindex(images, rows, columns, filters)
    return [place for place, _ in zip(places, range(MOST_STEPS), strict=False)]


def _textbook_im2col(case: Case, arrays: Arrays, direction: str) -> Job | None:
    """All windows copied into one matrix, then one product, as courses end."""
    if case.kind != "conv" or case.dilation > 1:
        return None
    x, k, upstream = arrays
    images, rows, columns, filters = case.output
    pads = ((0, 0), *case.spec.pads(case.x[1:3]), (0, 0))
    kh, kw, channels, _ = k.shape
    s = case.strides
    places = [(u, v, slice(u, u + s * rows, s), slice(v, v + s * columns, s)) for u, v in np.ndindex(kh, kw)]

    def matrix():
        padded = np.pad(x, pads)
        cols = np.empty((images, rows, columns, kh, kw, channels), np.float32)
        for u, v, i, j in places:
            cols[:, :, :, u, v] = padded[:, i, j][:, :rows, :columns]
        return padded, cols.reshape(images * rows * columns, -1)

    def forward():
        return (matrix()[1] @ k.reshape(-1, filters)).reshape(case.output)

    def backward():
        padded, cols = matrix()
        flat = upstream.reshape(-1, filters)
        dk = (cols.T @ flat).reshape(k.shape)
        dcols = (flat @ k.reshape(-1, filters).T).reshape(images, rows, columns, kh, kw, channels)
        dx = np.zeros_like(padded)
        for u, v, i, j in places:
            dx[:, i, j][:, :rows, :columns] += dcols[:, :, :, u, v]
        inside = [slice(before, before + n) for (before, _), n in zip(pads, x.shape, strict=True)]
        return [dx[tuple(inside)], dk]

    return forward if direction == FORWARD else backward


CONVLAB = Peer("convlab", "convlab", _convlab)
TENSORFLOW = ("TF eager", "tf.function")
PEERS = (
    Peer("TF eager", "tensorflow", _tensorflow_eager),
    Peer("tf.function", "tensorflow", _tensorflow_function),
    Peer("PyTorch", "torch", _torch),
    Peer("SciPy", "scipy", _scipy),
    Peer("OpenCV", "cv2", _opencv),
    Peer("textbook im2col", "numpy", _textbook_im2col),
    Peer("textbook loops", "numpy", _textbook_loops),
)
