"""Exercises on separable convolution: depthwise, its cost, both steps together, and kernels that are a column times a row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from convlab import ops
from convlab.errors import ConvlabError
from convlab.exercises.comparing import as_array
from convlab.exercises.problem import Case, Group, Hint, Misconception, Problem, case
from convlab.exercises.problems.arrays import many_weights
from convlab.exercises.problems.decisions import convolve
from convlab.geometry import ConvSpec, SeparableSpec
from convlab.ops import correlate2d

LESSON = "05_separable"
TWO_JOBS, DEPTHWISE, BOTH_STEPS, ROOT, SLIPS = (
    f"{LESSON}#{heading}"
    for heading in (
        "1. Two jobs in one layer",
        "2. Depthwise",
        "3. Separable, and the same from Keras",
        "5. The mathematical root: rank one",
        "6. Mistakes people make here",
    )
)
COST, ARGUMENTS, AXES, HWIO_ORDER = (
    f"04_channels#{heading}"
    for heading in (
        "5. What does a layer cost?",
        "6. Argument by argument",
        "8. The four axes",
        "2. Many filters: HWIO",
    )
)
TURNED = "01_kernels#4. Correlation and convolution"
ONE_WINDOW = "01_kernels#1. One window, one number"
BORDER = "02_padding#1. The border is lost"


def _pixels(*shape: int) -> np.ndarray:
    """Images whose numbers are all different and not zero."""
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def _whole(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random whole numbers from -9 to 9."""
    return rng.integers(-9, 10, shape).astype(float)


def depthwise_conv2d(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter each channel on its own, with stride 1 and without padding.

    x: (N, H, W, C). kernel: (kh, kw, C, M), M kernels for each channel. Returns (N, OH, OW, C · M); map c · M + m is
    channel c of x, correlated with kernel[:, :, c, m].
    """
    # TODO: correlate each channel with each of its kernels, and write the map to its place
    # BEGIN SOLUTION
    kernel_h, kernel_w, channels, multiplier = kernel.shape
    y = np.zeros((len(x), x.shape[1] - kernel_h + 1, x.shape[2] - kernel_w + 1, channels * multiplier))
    for c in range(channels):
        for m in range(multiplier):
            for i in range(y.shape[1]):
                for j in range(y.shape[2]):
                    window = x[:, i : i + kernel_h, j : j + kernel_w, c]
                    y[:, i, j, c * multiplier + m] = np.sum(window * kernel[:, :, c, m], axis=(1, 2))
    return y
    # END SOLUTION


def _by_channel(rng: np.random.Generator) -> Iterable[Case]:
    for n, channels, multiplier in ((1, 3, 1), (2, 2, 3), (1, 3, 2), (2, 1, 4), (3, 3, 3)):
        kernel = rng.integers(1, [3, 4])
        size = kernel + rng.permutation([1, 0])
        yield case(_whole(rng, n, *size, channels), _whole(rng, *kernel, channels, multiplier))


def _depthwise_wrong(**changes: Any) -> Callable[..., np.ndarray]:
    """The right depthwise convolution but for one decision: a convolution with as many groups as channels."""

    def wrong(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        height, width, channels, _ = kernel.shape
        return convolve(x, kernel.reshape(height, width, 1, -1), groups=channels, changes=changes)

    return wrong


def _with_kernel(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """The right depthwise convolution, but by another kernel."""
    return lambda x, kernel: ops.depthwise_conv2d(x, change(kernel))


def _maps(y: np.ndarray, multiplier: int) -> np.ndarray:
    """The maps of a depthwise result as two axes, (..., C, M)."""
    return y.reshape(*y.shape[:3], -1, multiplier)


def _multiplier_first(y: np.ndarray, multiplier: int) -> np.ndarray:
    """The maps of a depthwise result in the order m * C + c."""
    return _maps(y, multiplier).swapaxes(3, 4).reshape(y.shape)


DEPTHWISE_CONV2D = Problem(
    solution=depthwise_conv2d,
    title="Each channel on its own",
    lesson=LESSON,
    statement="""A depthwise convolution never mixes channels. Each channel has M kernels of its own (M is the depth
multiplier), and gives M maps; so C channels give C · M maps. All maps of the first channel come first, then those of the
second: map c · M + m. The stride is 1, and there is no padding and no bias.""",
    reference=ops.depthwise_conv2d,
    groups=(
        Group(
            "one kernel for each channel",
            1,
            (
                case(np.array([[[[1.0, 10]]]]), np.array([[[[2.0], [3]]]])),
                case(_pixels(1, 1, 3, 2), many_weights(1, 2, 2, 1)),
                case(_pixels(2, 3, 2, 2), many_weights(2, 1, 2, 1)),
            ),
        ),
        Group(
            "several kernels for each channel",
            1,
            (
                case(np.array([[[[1.0, 10]]]]), np.array([[[[1.0, 2], [3, 4]]]])),
                case(_pixels(1, 2, 3, 1), many_weights(2, 2, 1, 2)),
                case(_pixels(1, 2, 2, 2), many_weights(1, 2, 2, 3)),
                case(_pixels(2, 2, 3, 3), many_weights(2, 2, 3, 2)),
            ),
        ),
        Group("other images", 1, _by_channel, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the maps are ordered by the multiplier first",
            lambda x, kernel: _multiplier_first(ops.depthwise_conv2d(x, kernel), kernel.shape[3]),
            "You write map (c, m) to place m · C + c, so that the first map of each channel comes first. All maps of one "
            "channel stand together: c · M + m.",
            DEPTHWISE,
        ),
        Misconception(
            "as many groups as filters",
            lambda x, kernel: convolve(x, kernel.reshape(*kernel.shape[:2], 1, -1), groups=kernel[0, 0].size),
            "You give each of the C · M filters a group of its own, so that filter f reads channel f, and nothing is left for "
            "the last ones. There are as many groups as input channels: filter f reads channel f // M.",
            SLIPS,
        ),
        Misconception(
            "the channels are added up",
            lambda x, kernel: _maps(ops.depthwise_conv2d(x, kernel), kernel.shape[3]).sum(3),
            "You sum over the channels, which leaves M maps. An ordinary convolution does that, but here each channel keeps its "
            "own maps: sum over the rows and columns of the window only.",
            DEPTHWISE,
        ),
        Misconception(
            "the kernels of a channel are added up",
            lambda x, kernel: _maps(ops.depthwise_conv2d(x, kernel), kernel.shape[3]).sum(4),
            "You add the M maps of each channel together, which leaves C maps. Each kernel makes a map of its own: write it to place "
            "c · M + m, and add nothing over m.",
            DEPTHWISE,
        ),
        Misconception(
            "only the first kernel of each channel",
            _with_kernel(lambda kernel: kernel[..., :1]),
            "You use kernel[:, :, c, 0] and leave the others out. With a depth multiplier M each channel is filtered by M kernels, "
            "which makes C · M maps.",
            DEPTHWISE,
        ),
        Misconception(
            "the first channel's kernels for all channels",
            _with_kernel(lambda kernel: np.repeat(kernel[:, :, :1], kernel.shape[2], axis=2)),
            "You filter every channel by the kernels of the first. Channel c has its own: kernel[:, :, c, m].",
            DEPTHWISE,
        ),
        Misconception(
            "the kernel is cut up anew",
            _with_kernel(lambda k: k.reshape(*k.shape[:2], k.shape[3], k.shape[2]).swapaxes(2, 3)),
            "You bring the kernel into the shape (kh, kw, M, C) with `reshape`, which mixes its channels. It is (kh, kw, C, M), "
            "and kernel[:, :, c, m] is the one you need.",
            HWIO_ORDER,
        ),
        Misconception(
            "the kernel is turned",
            _with_kernel(lambda kernel: kernel[::-1, ::-1]),
            "You turn the kernels by 180°, which is true convolution. Deep learning libraries correlate: lay the kernel on the "
            "window as it is.",
            TURNED,
        ),
        Misconception(
            "the mean of the window",
            _depthwise_wrong(window=lambda products: products.mean()),
            "You take the mean of the products. A convolution sums them, in a depthwise layer too.",
            ONE_WINDOW,
        ),
        Misconception(
            "all results come from the first image",
            _depthwise_wrong(image=lambda n: 0),
            "You compute every result from image 0. The first axis of x counts the images of the batch: image n of the result comes "
            "from x[n].",
            AXES,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take one channel, x[:, :, :, c], and one kernel, kernel[:, :, c, m]. That is lesson 01.",
        ),
        Hint(
            "With M = 1 it works, with more the numbers are in the wrong place",
            "Count the maps as you fill them: c in the outer loop, m in the inner one.",
        ),
        Hint(
            "My result has too few maps",
            "Nothing is summed over c or m: only over the kernel's rows and columns. There are C · M maps, and y[..., c * M + m] is "
            "channel c with its kernel m.",
        ),
    ),
    explanation="It is a convolution in as many groups as there are input channels: each group has one channel and M filters. That "
    "is why the maps of a channel stand together, at c · M to c · M + M - 1. To mix the channels afterwards takes a pointwise "
    "convolution.",
)


def separable_costs(
    input_shape: tuple[int, int, int], filters: int, kernel_size: tuple[int, int], depth_multiplier: int = 1
) -> tuple[int, int]:
    """Parameters and multiply-accumulates (MACs) of a SeparableConv2D layer with stride 1 and padding="valid".

    input_shape: (height, width, channels) of one image. filters: of the pointwise step, each with a bias. kernel_size:
    (height, width) of the depthwise kernels. depth_multiplier: how many of them each channel has.
    Returns (parameters, MACs for one image); additions of the bias are no MACs.
    """
    # TODO: count the weights of the depthwise and of the pointwise step; each is used once for every pixel of the output
    # BEGIN SOLUTION
    height, width, channels = input_shape
    kernel_h, kernel_w = kernel_size
    depthwise = kernel_h * kernel_w * channels * depth_multiplier
    pointwise = channels * depth_multiplier * filters
    pixels = (height - kernel_h + 1) * (width - kernel_w + 1)
    return depthwise + pointwise + filters, (depthwise + pointwise) * pixels
    # END SOLUTION


def _separable_layers(rng: np.random.Generator) -> Iterable[Case]:
    for multiplier in (1, 1, 2, 3, 4, 2, 5, 3):
        kernel = tuple(int(v) for v in rng.integers(1, 6, 2))
        size = tuple(int(v) for v in rng.integers(5, 33, 2))
        yield case((*size, int(rng.integers(1, 33))), int(rng.integers(2, 65)), kernel, multiplier)


def _costs(input_shape, filters, kernel_size, depth_multiplier=1) -> tuple[int, int]:
    """The right counts."""
    layer = SeparableSpec(kernel_size, filters, depth_multiplier=depth_multiplier)
    return layer.parameters(input_shape), layer.macs(input_shape)


@dataclass(frozen=True)
class _Layer:
    """The arguments of `separable_costs`."""

    input_shape: tuple[int, int, int]
    filters: int
    kernel_size: tuple[int, int]
    multiplier: int = 1

    @property
    def area(self) -> int:
        """Weights of one depthwise kernel."""
        return self.kernel_size[0] * self.kernel_size[1]

    @property
    def channels(self) -> int:
        return self.input_shape[2]

    @property
    def pixels(self) -> int:
        """Pixels of each map that comes out."""
        height, width = ConvSpec(self.kernel_size).output_size(self.input_shape[:2])
        return height * width


def _counted(
    depthwise: Callable[[_Layer], int] = lambda p: p.area * p.channels * p.multiplier,
    pointwise: Callable[[_Layer], int] = lambda p: p.channels * p.multiplier * p.filters,
    biases: Callable[[_Layer], int] = lambda p: p.filters,
    pixels: Callable[[_Layer], int] = lambda p: p.pixels,
    products: Callable[[int, int], int] = lambda weights, biases: weights,
) -> Callable[..., tuple[int, int]]:
    """The right counts, but for one of these. products: those of one pixel, from the weights and the biases."""

    def wrong(*args: Any, **kwargs: Any) -> tuple[int, int]:
        layer = _Layer(*args, **kwargs)
        weights = depthwise(layer) + pointwise(layer)
        return weights + biases(layer), products(weights, biases(layer)) * pixels(layer)

    return wrong


SEPARABLE_COSTS = Problem(
    solution=separable_costs,
    title="What does a separable layer cost?",
    lesson=LESSON,
    statement="""Count the parameters and the multiply-accumulates (MACs) of a `SeparableConv2D` layer with stride 1 and
`padding="valid"`. It has two steps: the depthwise one, with `depth_multiplier` kernels for each channel and no bias, and the
pointwise one, with one bias for each filter. For 3 × 3, 16 channels and 32 filters there are 688 parameters, where an ordinary
layer has 4,640. MACs are counted for one image: a product for each weight, at each pixel of the **output**.""",
    reference=_costs,
    groups=(
        Group(
            "depth multiplier 1",
            1,
            (
                case((4, 3, 1), 2, (2, 2)),
                case((3, 4, 2), 3, (1, 3)),
                case((6, 5, 3), 4, (3, 2)),
                case((28, 28, 16), 32, (3, 3)),
            ),
        ),
        Group(
            "larger multipliers",
            1,
            (
                case((4, 3, 2), 3, (2, 2), 2),
                case((5, 6, 3), 2, (3, 2), 4),
                case((28, 28, 16), 32, (3, 3), 2),
            ),
        ),
        Group("other layers", 1, _separable_layers, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the multiplier is forgotten in the pointwise step",
            _counted(pointwise=lambda p: p.channels * p.filters),
            "You count C · F weights in the pointwise step. The depthwise step hands it C · M maps, so it has C · M · F weights.",
            SLIPS,
        ),
        Misconception(
            "the multiplier is ignored",
            lambda input_shape, filters, kernel_size, depth_multiplier=1: _costs(input_shape, filters, kernel_size),
            "You count as if each channel had one kernel. With a multiplier M both steps grow: the first has M kernels for each "
            "channel, and the second has C · M channels to mix.",
            BOTH_STEPS,
        ),
        Misconception(
            "a second bias",
            _counted(biases=lambda p: p.filters + p.channels * p.multiplier),
            "You count biases in the depthwise step too. There is one for each filter at the end, and none before: they would only "
            "be mixed into the others.",
            SLIPS,
        ),
        Misconception(
            "the biases are left out",
            _counted(biases=lambda p: 0),
            "You count no biases among the parameters. The pointwise step has one for each filter.",
            TWO_JOBS,
        ),
        Misconception(
            "the depthwise step has one kernel for all channels",
            _counted(depthwise=lambda p: p.area * p.multiplier),
            "You count M kernels in the depthwise step. Each channel has M kernels of its own, C · M in all.",
            DEPTHWISE,
        ),
        Misconception(
            "the cost of an ordinary layer",
            _counted(lambda p: p.area * p.channels * p.filters, pointwise=lambda p: 0),
            "You count an ordinary convolution, which has a kernel for each pair of channel and filter. A separable layer adds two "
            "small steps in place of this product: kh · kw · C · M + C · M · F weights.",
            TWO_JOBS,
        ),
        Misconception(
            "the size of the input instead of the output",
            _counted(pixels=lambda p: p.input_shape[0] * p.input_shape[1]),
            'You multiply by the number of pixels of the input. With "valid" the output is smaller: multiply by its '
            "(H - kh + 1) · (W - kw + 1) pixels.",
            COST,
        ),
        Misconception(
            "FLOPs instead of MACs",
            _counted(products=lambda weights, biases: 2 * weights),
            "Your second number is twice as large as it should be. A MAC is a product and an addition together, which makes two "
            "FLOPs: count each weight once for each pixel.",
            COST,
        ),
        Misconception(
            "the biases are counted as products",
            _counted(products=lambda weights, biases: weights + biases),
            "You multiply all parameters by the number of pixels. A bias is added, not multiplied: take the weights only.",
            COST,
        ),
        Misconception(
            "the kernel is taken as square",
            _counted(depthwise=lambda p: p.kernel_size[0] ** 2 * p.channels * p.multiplier),
            "You square the kernel's height. A kernel need not be square: multiply height by width.",
            TWO_JOBS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write down both steps as layers: how many channels go in, how many maps come out?",
        ),
        Hint(
            "It works for depth multiplier 1 only",
            "With multiplier M the depthwise step makes C · M maps, and each filter of the pointwise step has a weight for each.",
        ),
        Hint(
            "The parameters are right, the MACs are not",
            "Leave the biases out, and multiply by the pixels of the output: (H - kh + 1) · (W - kw + 1).",
        ),
    ),
    explanation="The depthwise step has kh · kw · C · M weights, the pointwise one C · M · F, and there are F biases. Each weight is "
    "used once at each pixel of the output, in both steps, because the pointwise step keeps the size. Without the biases, and with "
    "M = 1, that is 1/F + 1/(kh · kw) of an ordinary layer.",
)


def separable_conv2d(
    x: np.ndarray, depthwise: np.ndarray, pointwise: np.ndarray, bias: np.ndarray, relu: bool = False
) -> np.ndarray:
    """What the layer SeparableConv2D computes, with stride 1 and without padding.

    x: (N, H, W, C). depthwise: (kh, kw, C, M); its map c · M + m is channel c with kernel m. pointwise: (1, 1, C · M, F).
    bias: (F,). relu: is the layer's activation relu, max(value, 0)? Returns (N, OH, OW, F).
    """
    # TODO: filter each channel by its kernels, mix the maps at each pixel, and finish as the layer does
    # BEGIN SOLUTION
    kernel_h, kernel_w, channels, multiplier = depthwise.shape
    maps = np.zeros((len(x), x.shape[1] - kernel_h + 1, x.shape[2] - kernel_w + 1, channels * multiplier))
    for c in range(channels):
        for m in range(multiplier):
            for i in range(maps.shape[1]):
                for j in range(maps.shape[2]):
                    window = x[:, i : i + kernel_h, j : j + kernel_w, c]
                    maps[:, i, j, c * multiplier + m] = np.sum(window * depthwise[:, :, c, m], axis=(1, 2))
    y = maps @ pointwise[0, 0] + bias
    return np.maximum(y, 0) if relu else y
    # END SOLUTION


def _both_steps(rng: np.random.Generator) -> Iterable[Case]:
    for n, channels, multiplier, filters, relu in (
        (1, 2, 1, 3, False),
        (2, 3, 1, 2, True),
        (2, 2, 2, 3, False),
        (1, 2, 3, 4, True),
        (3, 1, 3, 2, True),
    ):
        kernel = rng.integers(1, [3, 4])
        x = _whole(rng, n, *(kernel + rng.permutation([1, 0])), channels)
        steps = _whole(rng, *kernel, channels, multiplier), _whole(rng, 1, 1, channels * multiplier, filters)
        yield case(x, *steps, 10 * _whole(rng, filters), relu=relu)


def _relu(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0)


def _finished(x, depthwise, pointwise, bias, relu=False) -> np.ndarray:
    """The right result."""
    y = ops.separable_conv2d(x, depthwise, pointwise, bias)
    return _relu(y) if relu else y


def _between(
    change: Callable[[np.ndarray, int], np.ndarray], for_relu: bool = False, at_the_end: bool = True
) -> Callable[..., np.ndarray]:
    """The right result, but the maps between the steps are changed. for_relu: with relu only. at_the_end: is relu there?"""

    def wrong(x, depthwise, pointwise, bias, relu=False):
        maps = ops.depthwise_conv2d(x, depthwise)
        if relu or not for_relu:
            maps = change(maps, depthwise.shape[3])
        y = ops.pointwise_conv2d(maps, pointwise, bias)
        return _relu(y) if relu and at_the_end else y

    return wrong


def _relu_before_bias(x, depthwise, pointwise, bias, relu=False) -> np.ndarray:
    y = ops.separable_conv2d(x, depthwise, pointwise)
    return (_relu(y) if relu else y) + bias


def _changed(**changes: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """The right result, but with some arrays changed."""

    def wrong(x, depthwise, pointwise, bias, relu=False):
        arrays = dict(x=x, depthwise=depthwise, pointwise=pointwise, bias=bias)
        return _finished(**arrays | {name: change(arrays[name]) for name, change in changes.items()}, relu=relu)

    return wrong


SEPARABLE_CONV2D = Problem(
    solution=separable_conv2d,
    title="Depthwise, then pointwise",
    lesson=LESSON,
    statement="""Put both steps together, as the layer `SeparableConv2D` does: the depthwise step filters each channel by its M
kernels, and the pointwise step mixes the C · M maps at each pixel. Each filter of the pointwise step has a bias; the depthwise
step has none. With `relu=True` the layer's activation is relu, and Keras applies an activation only once, at the very end.""",
    reference=_finished,
    groups=(
        Group(
            "depth multiplier 1",
            1,
            (
                case(
                    np.array([[[[1.0, 10]]]]),
                    np.array([[[[2.0], [3]]]]),
                    np.array([[[[1.0, 4], [5, 6]]]]),
                    np.array([7.0, 9]),
                ),
                case(_pixels(1, 1, 3, 2), many_weights(1, 2, 2, 1), many_weights(1, 1, 2, 3), np.array([10.0, 30, 50])),
                case(_pixels(2, 2, 2, 2), many_weights(2, 1, 2, 1), many_weights(1, 1, 2, 1), np.array([10.0])),
            ),
        ),
        Group(
            "larger multipliers",
            1,
            (
                case(
                    np.array([[[[1.0, 10]]]]),
                    np.array([[[[1.0, 2], [3, 4]]]]),
                    np.array([[[[1.0], [2], [3], [5]]]]),
                    np.array([7.0]),
                ),
                case(_pixels(1, 2, 3, 2), many_weights(2, 2, 2, 3), many_weights(1, 1, 6, 2), np.array([10.0, 30])),
            ),
        ),
        Group(
            "with relu",
            1,
            (
                case(
                    np.array([[[[1.0, 10]]]]),
                    np.array([[[[2.0], [-3]]]]),
                    np.array([[[[1.0, -4, 1], [5, -6, 1]]]]),
                    np.array([7.0, -9, 40]),
                    relu=True,
                ),
                case(
                    _pixels(2, 1, 3, 2),
                    many_weights(1, 2, 2, 2),
                    -many_weights(1, 1, 4, 3),
                    np.array([-20.0, 40, 90]),
                    relu=True,
                ),
            ),
        ),
        Group("other images", 1, _both_steps, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "relu between the steps too",
            _between(lambda maps, m: _relu(maps), for_relu=True),
            "You apply relu after each of the two steps. The layer applies its activation once, at the end: nothing stands between "
            "the steps.",
            BOTH_STEPS,
        ),
        Misconception(
            "relu between the steps instead of at the end",
            _between(lambda maps, m: _relu(maps), for_relu=True, at_the_end=False),
            "You apply relu to the maps of the depthwise step, and not to the result. The activation comes last, after the mixing "
            "and the bias.",
            BOTH_STEPS,
        ),
        Misconception(
            "relu before the bias",
            _relu_before_bias,
            "You apply relu to the sums, and add the bias after that, so that your results can be negative. The bias belongs to the "
            "sum: add it first, then relu.",
            ARGUMENTS,
        ),
        Misconception(
            "relu is left out",
            lambda x, depthwise, pointwise, bias, relu=False: _finished(x, depthwise, pointwise, bias),
            "You leave the activation out. With `relu=True` every negative number of the result becomes 0.",
            BOTH_STEPS,
        ),
        Misconception(
            "relu always",
            lambda x, depthwise, pointwise, bias, relu=False: _finished(x, depthwise, pointwise, bias, relu=True),
            "You apply relu always. It is asked for only with `relu=True`.",
            BOTH_STEPS,
        ),
        Misconception(
            "the maps are ordered by the multiplier first",
            _between(_multiplier_first),
            "Your maps stand in the order m · C + c, so the pointwise weights meet other maps than they were made for. All maps of "
            "one channel stand together: c · M + m.",
            DEPTHWISE,
        ),
        Misconception(
            "the pointwise weights are cut up anew",
            _changed(pointwise=lambda p: p.reshape(p.shape[3], p.shape[2]).T),
            "You bring the pointwise weights into the shape (F, C · M) with `reshape`, which mixes them. pointwise[0, 0] is the matrix "
            "(C · M, F) already; for (F, C · M) take its `.T`.",
            HWIO_ORDER,
        ),
        Misconception(
            "the bias is forgotten",
            _changed(bias=lambda b: 0 * b),
            "You leave the bias out. Add bias[f] to each number of map f, after the mixing.",
            ARGUMENTS,
        ),
        Misconception(
            "one bias for all filters",
            _changed(bias=lambda b: np.full_like(b, b[0])),
            "You add the first bias to all maps. Each filter has its own: add bias[f] to map f.",
            ARGUMENTS,
        ),
        Misconception(
            "the kernel is turned",
            _changed(depthwise=lambda d: d[::-1, ::-1]),
            "You turn the depthwise kernels by 180°, which is true convolution. Deep learning libraries correlate: lay the kernel on "
            "the window as it is.",
            TURNED,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "The first step is the depthwise exercise, the second the pointwise one. Compute the C · M maps first.",
        ),
        Hint(
            "Without relu it works, with it some numbers are wrong",
            "The order is: depthwise, pointwise, bias, relu. Nothing between the steps.",
        ),
        Hint(
            "The shape is right, but all numbers differ",
            "Look at the order of the maps, c · M + m, and at the matrix product: maps @ pointwise[0, 0], where maps is "
            "(N, OH, OW, C · M).",
        ),
    ),
    explanation="The pointwise step is a matrix product over the maps of each pixel, so row c · M + m of the matrix belongs to kernel m "
    "of channel c. Both steps are linear and together are one convolution. A relu between them, as MobileNet has, makes another "
    "layer of it, for which Keras needs two layers: `DepthwiseConv2D` and a 1 × 1 `Conv2D`.",
)


def two_passes(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Correlate an image with the kernel that is a column times a row, in two passes.

    image: (H, W). column: (kh,). row: (kw,). Returns (H - kh + 1, W - kw + 1), the same as one pass with
    np.outer(column, row) gives.
    """
    # TODO: correlate along one axis, then correlate the result along the other
    # BEGIN SOLUTION
    kernel_h, kernel_w = len(column), len(row)
    tall = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1]))
    for i in range(tall.shape[0]):
        tall[i] = column @ image[i : i + kernel_h]
    out = np.zeros((tall.shape[0], image.shape[1] - kernel_w + 1))
    for j in range(out.shape[1]):
        out[:, j] = tall[:, j : j + kernel_w] @ row
    return out
    # END SOLUTION


def _passes(rng: np.random.Generator) -> Iterable[Case]:
    for height, width in rng.integers(1, 5, (6, 2)):
        size = max(height, width) + rng.integers(0, 4, 2)
        yield case(_whole(rng, *size), _whole(rng, height), _whole(rng, width))


def _one_pass(column: np.ndarray, row: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: correlate2d(image, np.outer(column, row))


def _along_both(mode: Literal["same", "full"]) -> Callable[..., np.ndarray]:
    """Two passes of np.correlate in another mode than "valid"."""

    def wrong(image: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        tall = np.apply_along_axis(lambda pixels: np.correlate(pixels, column, mode), 0, image)
        return np.apply_along_axis(lambda pixels: np.correlate(pixels, row, mode), 1, tall)

    return wrong


TWO_PASSES = Problem(
    solution=two_passes,
    title="A column, then a row",
    lesson=LESSON,
    statement="""A kernel of rank one is a column times a row: weight (u, v) is `column[u] * row[v]`. Correlate an image with
such a kernel without building it: one pass with the column down each column of the image, and one with the row along each row of
what came out. Nothing is padded or turned. For a kernel of k × k that takes 2 · k products for each pixel instead of k · k.""",
    reference=lambda image, column, row: correlate2d(image, np.outer(column, row)),
    groups=(
        Group(
            "small images",
            1,
            (
                case(np.array([[1.0, 2], [3, 5]]), np.array([1.0, 10]), np.array([2.0, 3])),
                case(_pixels(3, 3), np.array([1.0, 0, -2]), np.array([3.0])),
                case(np.array([[4.0, 1, 3], [2, 7, 5]]), np.array([2.0, 1]), np.array([1.0, 3])),
            ),
        ),
        Group(
            "columns and rows of other lengths",
            1,
            (
                case(_pixels(3, 4) ** 2, np.array([1.0, -3]), np.array([1.0, 2, 4])),
                case(_pixels(5, 4) ** 2, np.array([-1.0, 0, 2, 1]), np.array([3.0, 1])),
            ),
        ),
        Group("other images", 1, _passes, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "column and row are turned",
            lambda image, column, row: _one_pass(column[::-1], row[::-1])(image),
            "You read column and row from their ends, as `np.convolve` does. Lay them on the image as they are, or use "
            "`np.correlate`.",
            TURNED,
        ),
        Misconception(
            "column and row are exchanged",
            lambda image, column, row: _one_pass(row, column)(image),
            "You lay the column along the rows of the image, and the row down its columns. The column's weights run down: axis 0.",
            ROOT,
        ),
        Misconception(
            "only the pass with the row",
            lambda image, column, row: _one_pass(np.ones(1), row)(image),
            "Your result is the image after the pass with the row alone. The column is missing, or the second pass began from the image "
            "again: it must take what the first pass gave.",
            ROOT,
        ),
        Misconception(
            "only the pass with the column",
            lambda image, column, row: _one_pass(column, np.ones(1))(image),
            "Your result is the image after the pass with the column alone. The row is missing, or the second pass began from the image "
            "again: it must take what the first pass gave.",
            ROOT,
        ),
        Misconception(
            "the column is used twice",
            lambda image, column, row: _one_pass(column, column)(image),
            "You use the column's weights in both passes. The pass along the rows has its own: `row`.",
            ROOT,
        ),
        Misconception(
            "the size is kept",
            _along_both("same"),
            'You keep the image\'s size, with zeros outside of it, as mode "same" does. Here nothing is padded: only the '
            '(H - kh + 1) · (W - kw + 1) places count where the kernel fits, mode "valid".',
            BORDER,
        ),
        Misconception(
            "the size grows",
            _along_both("full"),
            'You count all places where the kernel touches the image, as the mode "full" of NumPy does. Only those count where it lies '
            'inside: the mode is "valid".',
            BORDER,
        ),
        Misconception(
            "`np.convolve` as it is",
            lambda image, column, row: _along_both("full")(image, column[::-1], row[::-1]),
            "You use `np.convolve` as it is, which reads column and row from their ends, and counts all places where they touch the "
            'image. Use `np.correlate` with mode "valid".',
            TURNED,
        ),
        Misconception(
            "the last place is forgotten",
            lambda image, column, row: _one_pass(column, row)(image)[:-1, :-1],
            "Your output lacks its last row and column. The kernel fits at size - k + 1 places: the first one counts too.",
            BORDER,
        ),
        Misconception(
            "means instead of sums",
            lambda image, column, row: _one_pass(column / len(column), row / len(row))(image),
            "You take the mean of the products in each pass. A correlation sums them.",
            ONE_WINDOW,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take one column of the image, image[:, j], and slide `column` down it. Do that for all j.",
        ),
        Hint(
            "My shape is wrong",
            "After the first pass there are H - kh + 1 rows and still W columns. The second pass shortens the rows only.",
        ),
        Hint(
            "The shape is right, but the numbers differ",
            "Does the second pass begin from the result of the first? And `np.convolve` turns its weights: `np.correlate` with mode "
            '"valid" does not.',
        ),
    ),
    explanation="The sum over u and v of image[i + u, j + v] · column[u] · row[v] can be summed over u first, for each column of the "
    "image, and then over v. What the first pass computes for one pixel is used again for kw of them, and that is where products are "
    "saved. Which pass comes first makes no difference to the result.",
)


def rank_one(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The column and the row whose product comes nearest to a kernel.

    kernel: (kh, kw). Returns (column, row), of kh and of kw numbers: np.outer(column, row) has the smallest sum of
    squared differences from the kernel that any such product can have.
    """
    # TODO: the singular value decomposition gives such products in order; which of its numbers make the first one?
    # BEGIN SOLUTION
    u, s, vt = np.linalg.svd(kernel)
    return u[:, 0] * s[0], vt[0]
    # END SOLUTION


def _nearest(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By the eigenvectors of kernel.T kernel: the row is the last of them, and the column what the kernel makes of it."""
    row = np.linalg.eigh(kernel.T @ kernel)[1][:, -1]
    return kernel @ row, row


def _product(result: Any, kernel: np.ndarray) -> dict[str, np.ndarray]:
    """The matrix that a column and a row make, whatever their signs and scales."""
    if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != 2:
        raise ConvlabError("return two arrays, the column and the row: `return column, row`.")
    parts = [as_array(part) for part in result]
    for name, part, length in zip(("column", "row"), parts, kernel.shape, strict=True):
        if part is None:
            raise ConvlabError(f"the {name} must be an array of numbers.")
        if part.size != length:
            raise ConvlabError(
                f"the {name} of a kernel of shape {kernel.shape} has {length} numbers, but yours has {part.size}, with shape "
                f"{part.shape}."
            )
    column, row = (part.ravel() for part in parts if part is not None)
    return {"column times row": np.outer(column, row)}


def _with_svd(choose: Callable[[np.ndarray, np.ndarray, np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """A choice among the numbers that np.linalg.svd gives."""
    return lambda kernel: choose(*np.linalg.svd(kernel))


def _kernels(rng: np.random.Generator) -> Iterable[Case]:
    for height, width in ((2, 3), (3, 3), (4, 2), (3, 4)):
        yield case(np.outer(*(rng.permutation([1.0, -2, 3, 4, -1])[:n] for n in (height, width))))
        kernel = _whole(rng, height, width)
        while np.divide(*np.linalg.svd(kernel, compute_uv=False)[1::-1]) > 0.8:  # two products that are nearly as good
            kernel = _whole(rng, height, width)
        yield case(kernel)


RANK_ONE = Problem(
    solution=rank_one,
    title="A kernel as column times row",
    lesson=LESSON,
    statement="""Split a kernel into a column and a row. If its rank is one, their product must be the kernel itself; if not, the
matrix nearest to it, with the smallest sum of squared differences. Column and row are not unique (one can be twice as long and the
other half, or both change their sign), so only their product counts. `np.linalg.svd` is allowed.""",
    reference=_nearest,
    observe=_product,
    groups=(
        Group(
            "kernels of rank one",
            1,
            (
                case(np.array([[1.0, 2], [3, 6]])),
                case(np.array([[2.0, 4, -6], [1, 2, -3]])),
                case(np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])),
            ),
        ),
        Group(
            "the nearest product",
            2,
            (
                case(np.array([[1.0, 2], [3, 4]])),
                case(np.array([[1.0, 3], [-2, 1], [0, 5]])),
                case(np.array([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])),
                case(np.array([[2.0, 0, 1], [5, 1, -3], [1, 4, 7]])),
            ),
        ),
        Group("other kernels", 1, _kernels, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the singular value is left out",
            _with_svd(lambda u, s, vt: (u[:, 0], vt[0])),
            "You return the two singular vectors, which both have length 1. Multiply one of them by the first singular value, s[0].",
            ROOT,
        ),
        Misconception(
            "the singular value is used twice",
            _with_svd(lambda u, s, vt: (u[:, 0] * s[0], vt[0] * s[0])),
            "You multiply both vectors by s[0], so that their product has its square. Multiply one of them only, or both by its square "
            "root.",
            ROOT,
        ),
        Misconception(
            "a column of vt instead of a row",
            _with_svd(lambda u, s, vt: (u[:, 0] * s[0], vt[:, 0])),
            "You take the row from vt[:, 0]. The singular vectors in vt lie as rows, those in u stand as columns: take vt[0].",
            ROOT,
        ),
        Misconception(
            "a row of u instead of a column",
            _with_svd(lambda u, s, vt: (u[0] * s[0], vt[0])),
            "You take the column from u[0]. The singular vectors in u stand as columns, those in vt lie as rows: take u[:, 0].",
            ROOT,
        ),
        Misconception(
            "the last singular value",
            _with_svd(lambda u, s, vt: (u[:, -1] * s[-1], vt[-1])),
            "You take the vectors of the smallest singular value, which give the least part of the kernel. The values come in falling "
            "order, so take the first: u[:, 0], s[0] and vt[0].",
            ROOT,
        ),
        Misconception(
            "the first column and the first row",
            lambda kernel: (kernel[:, 0], kernel[0] / kernel[0, 0]),
            "You use the kernel's own first column and row. For rank one that is right (unless the corner is 0), but otherwise the rest of "
            "the kernel is ignored: take the first singular vectors.",
            ROOT,
        ),
        Misconception(
            "the sums of rows and columns",
            lambda kernel: (kernel.sum(1), kernel.sum(0) / kernel.sum()),
            "You multiply the sums of the rows by those of the columns. For rank one that is right (unless all numbers sum to 0), but "
            "otherwise it is not the nearest product: take the first singular vectors.",
            ROOT,
        ),
        Misconception(
            "row and column exchanged",
            _with_svd(lambda u, s, vt: (vt[0], u[:, 0] * s[0])),
            "You return the row first, and then the column. Return (column, row): u[:, 0] belongs to the column, vt[0] is the row.",
            ROOT,
        ),
        Misconception(
            "the signs are lost",
            _with_svd(lambda u, s, vt: (np.abs(u[:, 0]) * s[0], np.abs(vt[0]))),
            "You make all numbers of both vectors positive. Two numbers of a vector may have different signs, and the product needs them: "
            "leave the vectors as np.linalg.svd gives them.",
            ROOT,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "u, s, vt = np.linalg.svd(kernel) writes the kernel as a sum: s[0] times column 0 of u times row 0 of vt, plus s[1] times the "
            "next, and so on.",
        ),
        Hint(
            "My numbers have other signs than I expected",
            "Signs and lengths are free, as long as the product is right. Look at np.outer(column, row).",
        ),
        Hint(
            "The product is a multiple of what it should be",
            "The vectors in u and vt have length 1. How large the product is stands in s[0]: multiply one of the two by it.",
        ),
    ),
    explanation="Each pair of singular vectors, times its singular value, is a product of a column and a row, and their sum is the kernel. "
    "The singular values come in falling order, so the first product is the nearest (Eckart and Young). What is left out has the length "
    "√(s[1]² + s[2]² + …), which is zero for a kernel of rank one.",
)

PROBLEMS = [DEPTHWISE_CONV2D, SEPARABLE_COSTS, SEPARABLE_CONV2D, TWO_PASSES, RANK_ONE]
