"""Exercises on channels and filters: layouts and counts first, then groups, im2col, and the whole convolution."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from convlab import ops
from convlab.exercises.problem import Case, Group, Hint, Misconception, Problem, case
from convlab.exercises.problems.arrays import many_weights
from convlab.exercises.problems.decisions import convolve, mistaken, same
from convlab.geometry import ConvSpec

LESSON = "04_channels"
ALL_CHANNELS, HWIO_ORDER, ONE_BY_ONE, GROUPS, AXES, SLIPS = (
    f"{LESSON}#{heading}"
    for heading in (
        "1. One filter sees all channels",
        "2. Many filters: HWIO",
        "3. One by one",
        "4. Groups",
        "8. The four axes",
        "Mistakes people make here",
    )
)
ARGUMENTS = f"{LESSON}#6. Argument by argument"
TURNED = "01_kernels#4. Correlation and convolution"
SAME, SAME_STRIDED, ZEROS = (
    "02_padding#2. Same",
    "02_padding#3. Same with a stride",
    "02_padding#5. What invented zeros do",
)
STRIDE = "03_stride#1. Stride"


def _pixels(*shape: int) -> np.ndarray:
    """Images whose numbers are all different and not zero."""
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def _biases(filters: int) -> np.ndarray:
    """10, 30, 50, ...: a different one for each filter."""
    return 10.0 + 20 * np.arange(filters)


def _centre(height: int, width: int) -> np.ndarray:
    """A kernel that gives back the pixel in the middle of its window."""
    kernel = np.zeros((height, width, 1, 1))
    kernel[height // 2, width // 2] = 1
    return kernel


def _whole(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random whole numbers from -9 to 9."""
    return rng.integers(-9, 10, shape).astype(float)


def _by_reshape(kernel: np.ndarray) -> np.ndarray:
    """A pointwise kernel (1, 1, C, F), cut anew into F rows of C."""
    return kernel.reshape(kernel.shape[3], kernel.shape[2]).T[None, None]


def hwio(weights: np.ndarray) -> np.ndarray:
    """Weights of a convolution as Keras stores them, from PyTorch's.

    weights: (F, C, kh, kw): filters, channels, kernel height, kernel width, which is OIHW. Returns (kh, kw, C, F).
    """
    # TODO: bring the four axes into the other order
    # BEGIN SOLUTION
    return weights.transpose(2, 3, 1, 0)
    # END SOLUTION


def _oihw(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(5):
        yield case(_whole(rng, *rng.integers(1, 4, 4)))


HWIO = Problem(
    solution=hwio,
    title="From PyTorch to Keras",
    lesson=LESSON,
    statement="""PyTorch stores the weights of a convolution as (filters, channels, height, width), OIHW. Keras stores
(height, width, channels, filters), HWIO. Return the same weights in Keras' order: the weight of filter f, channel c, row
u and column v must be at `[u, v, c, f]`. Both libraries correlate, so no kernel has to be turned.""",
    reference=lambda weights: np.einsum("oihw->hwio", weights),
    groups=(
        Group(
            "kernels of 1 × 1, and a single filter",
            1,
            (case(_pixels(2, 3, 1, 1)), case(_pixels(2, 2, 1, 1)), case(_pixels(1, 1, 2, 3))),
        ),
        Group(
            "several of everything",
            1,
            (case(_pixels(2, 2, 2, 2)), case(_pixels(3, 2, 2, 1)), case(_pixels(4, 2, 3, 2))),
        ),
        Group("other weights", 1, _oihw, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "reshape instead of transpose",
            lambda w: w.reshape(*w.shape[2:], w.shape[1], w.shape[0]),
            "You cut the numbers up anew with `reshape`, which keeps them in their old order, so that filters and channels "
            "get mixed. Move the axes instead: `transpose` takes the old number of each axis, in the new order.",
            HWIO_ORDER,
        ),
        Misconception(
            "channels and filters exchanged",
            lambda w: w.transpose(2, 3, 0, 1),
            "You put the filters before the channels, (kh, kw, F, C), which nobody notices as long as there are as many of "
            "both. In HWIO the input channels come third and the filters last.",
            HWIO_ORDER,
        ),
        Misconception(
            "height and width exchanged",
            lambda w: w.transpose(3, 2, 1, 0),
            "You reverse the order of all axes, as `.T` does, and so exchange the kernel's rows and columns too. Height comes "
            "before width in both layouts.",
            HWIO_ORDER,
        ),
        Misconception(
            "the way back",
            lambda w: w.transpose(3, 2, 0, 1),
            "Your order (3, 2, 0, 1) is the one that leads from HWIO to OIHW. `transpose` wants for each new axis the number of "
            "the old one: where in OIHW does the height stand?",
            HWIO_ORDER,
        ),
        Misconception(
            "only the filters are moved",
            lambda w: np.moveaxis(w, 0, -1),
            "You move the filters to the end, and leave the channels in front: (C, kh, kw, F). The channels have to go behind "
            "the height and the width.",
            HWIO_ORDER,
        ),
        Misconception(
            "the kernels are turned",
            lambda w: w.transpose(2, 3, 1, 0)[::-1, ::-1],
            "Your axes are right, but you turn each kernel by 180°. PyTorch and Keras both correlate: leave the rows and the "
            "columns in their order.",
            TURNED,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write O I H W, and below it H W I O. Where does each of the new axes come from?",
        ),
        Hint(
            "The shape is right, but the numbers are mixed up",
            "`reshape` leaves the numbers in their old order and only cuts them up anew. `transpose` moves axes.",
        ),
        Hint(
            "The shape is wrong",
            "weights.transpose(a, b, c, d) makes the old axis a the new first one. H is the old axis 2, W is 3, I is 1.",
        ),
    ),
    explanation="H is axis 2 of OIHW, W is 3, I is 1 and O is 0, hence transpose(2, 3, 1, 0). `reshape` can give the same "
    "shape, but it reads the numbers in their old order and fills the new shape row by row, so that almost every weight comes "
    "to belong to another filter or channel. Such a layer runs, and gives nonsense.",
)


def pointwise(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Mix the channels of each pixel: a convolution with kernels of 1 × 1.

    x: (N, H, W, C): images, height, width, channels. kernel: (1, 1, C, F) for F filters, in HWIO. bias: (F,). Returns
    (N, H, W, F).
    """
    # TODO: each filter sums the pixel's channels, each times its weight, and adds its bias
    # BEGIN SOLUTION
    return x @ kernel[0, 0] + bias
    # END SOLUTION


def _mixes(rng: np.random.Generator) -> Iterable[Case]:
    for n, channels, filters in ((1, 4, 3), (2, 2, 4), (3, 3, 2), (2, 3, 1)):
        size = rng.integers(1, 4, 2)
        yield case(_whole(rng, n, *size, channels), _whole(rng, 1, 1, channels, filters), _whole(rng, filters))


POINTWISE = Problem(
    solution=pointwise,
    title="One by one",
    lesson=LESSON,
    statement="""A convolution of 1 × 1 looks at one pixel at a time, but at all of its channels. Compute it for a batch of
images, for several filters and with one bias for each filter. The stride is 1, so height and width stay as they are.""",
    reference=ops.pointwise_conv2d,
    groups=(
        Group(
            "one pixel",
            1,
            (
                case(np.array([[[[1.0, 10, 100]]]]), np.array([[[[1.0], [2], [3]]]]), np.array([5.0])),
                case(_pixels(1, 1, 1, 2), many_weights(1, 1, 2, 3), _biases(3)),
            ),
        ),
        Group(
            "images",
            1,
            (
                case(_pixels(1, 1, 3, 2), many_weights(1, 1, 2, 2), _biases(2)),
                case(_pixels(1, 3, 2, 3), many_weights(1, 1, 3, 2), _biases(2)),
                case(_pixels(2, 1, 2, 4), many_weights(1, 1, 4, 3), _biases(3)),
            ),
        ),
        Group("other images", 1, _mixes, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "only the first channel is used",
            mistaken(window=lambda products: products[:, :, 0].sum()),
            "You use channel 0 and leave the others out. A filter has a weight for each channel, and sums over all of them.",
            ALL_CHANNELS,
        ),
        Misconception(
            "the mean over the channels",
            mistaken(window=lambda products: products.sum() / products.shape[2]),
            "You divide by the number of channels. A filter adds its channels up; it takes no mean.",
            ALL_CHANNELS,
        ),
        Misconception(
            "the largest channel",
            mistaken(window=lambda products: products.sum((0, 1)).max()),
            "You keep the largest of the products. A filter adds up the products of all channels.",
            ALL_CHANNELS,
        ),
        Misconception(
            "the weights are cut up anew",
            mistaken(kernel=_by_reshape),
            "You bring the weights into the shape (F, C) with `reshape`, which mixes channels and filters. kernel[0, 0] is the "
            "matrix (C, F) already; for (F, C) take its `.T`.",
            HWIO_ORDER,
        ),
        Misconception(
            "channels and filters exchanged",
            lambda x, kernel, bias: x @ kernel[0, 0].T + bias,
            "You multiply by the transposed matrix, (F, C), which works only where there are as many filters as channels. "
            "kernel[0, 0] is (C, F) and fits as it is: channels meet channels.",
            HWIO_ORDER,
        ),
        Misconception(
            "the bias is forgotten",
            mistaken(bias=lambda b, f, products: 0),
            "You leave the bias out. Add bias[f] to each number of map f.",
            ARGUMENTS,
        ),
        Misconception(
            "one bias for all filters",
            mistaken(bias=lambda b, f, products: b[0]),
            "You add the first bias to all maps. Each filter has its own: add bias[f] to map f.",
            ARGUMENTS,
        ),
        Misconception(
            "the bias is added for each channel",
            mistaken(bias=lambda b, f, products: b[f] * products.shape[2]),
            "You add the bias inside of the sum over the channels, so that it counts once for each of them. Add it once, after "
            "the sum.",
            ALL_CHANNELS,
        ),
        Misconception(
            "all results come from the first image",
            mistaken(image=lambda n: 0),
            "You compute each result from image 0. The first axis counts the images of the batch: image n of the result comes "
            "from x[n].",
            AXES,
        ),
        Misconception(
            "axes of length 1 are dropped",
            lambda x, kernel, bias: ops.pointwise_conv2d(x, kernel, bias).squeeze(),
            "Your numbers are right, but axes of length 1 are gone, as after `squeeze`. Return all four, (N, H, W, F), also for "
            "one image or one filter.",
            AXES,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take one pixel, x[n, i, j]: C numbers. Filter f has C weights too, kernel[0, 0, :, f]. Multiply and sum.",
        ),
        Hint(
            "I have many loops, and their numbers are wrong",
            "For one pixel it is a product of a row of C numbers and a matrix (C, F). NumPy's @ does that for all pixels at once.",
        ),
        Hint(
            "My shapes do not fit",
            "x is (N, H, W, C) and kernel[0, 0] is (C, F): x @ kernel[0, 0] is (N, H, W, F). The bias (F,) can be added to that.",
        ),
    ),
    explanation="With a kernel of 1 × 1 a window is a single pixel, a row of C numbers. Each filter is a column of C weights, so "
    "that all filters together are one matrix product, the same for each pixel. It is a dense layer applied to every pixel.",
)


def conv2d_parameters(
    input_shape: tuple[int, int, int],
    filters: int,
    kernel_size: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    groups: int = 1,
    use_bias: bool = True,
) -> int:
    """How many numbers a Conv2D layer has to learn, with padding="valid".

    input_shape: (height, width, channels) of the images. filters: how many. kernel_size, strides: (height, width).
    groups: into how many the channels and the filters are split. use_bias: are there biases?
    """
    # TODO: count the weights of one filter, then of all, then the biases; not every argument matters
    # BEGIN SOLUTION
    kernel_h, kernel_w = kernel_size
    channels = input_shape[2]
    weights = kernel_h * kernel_w * (channels // groups) * filters
    return weights + filters if use_bias else weights
    # END SOLUTION


def _layers(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(10):
        groups, depth, per_group = (int(v) for v in rng.integers(1, 6, 3))
        kernel, strides = (tuple(int(v) for v in rng.integers(1, 6, 2)) for _ in range(2))
        size = tuple(int(v) for v in rng.integers(5, 40, 2))
        yield case(
            (*size, groups * depth),
            groups * per_group,
            kernel,
            strides,
            groups=groups,
            use_bias=bool(rng.random() < 0.7),
        )


def _parameters(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True) -> int:
    """The right count."""
    return ConvSpec(kernel_size, filters, strides=strides, groups=groups, use_bias=use_bias).parameters(input_shape)


@dataclass(frozen=True)
class _Layer:
    """The arguments of `conv2d_parameters`, and what is counted from them."""

    input_shape: tuple[int, int, int]
    filters: int
    kernel_size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    groups: int = 1
    use_bias: bool = True

    @property
    def area(self) -> int:
        """Weights of a kernel for one channel."""
        return self.kernel_size[0] * self.kernel_size[1]

    @property
    def depth(self) -> int:
        """Channels that a filter sees."""
        return self.input_shape[2] // self.groups

    @property
    def pixels(self) -> int:
        """Pixels of each map that comes out."""
        height, width = ConvSpec(self.kernel_size, strides=self.strides).output_size(self.input_shape[:2])
        return height * width


def _miscounted(
    weights: Callable[[_Layer], int] = lambda p: p.area * p.depth * p.filters,
    biases: Callable[[_Layer], int] = lambda p: p.filters if p.use_bias else 0,
) -> Callable[..., int]:
    """The right count but for the weights or for the biases."""

    def wrong(*args: Any, **kwargs: Any) -> int:
        layer = _Layer(*args, **kwargs)
        return weights(layer) + biases(layer)

    return wrong


CONV2D_PARAMETERS = Problem(
    solution=conv2d_parameters,
    title="How many parameters?",
    lesson=LESSON,
    statement="""Count the numbers that a `Conv2D` layer has to learn: its weights, and one bias for each filter unless
`use_bias=False`. The shape of its images is given; the padding is "valid". With `groups=g` the channels are
split into g groups, and the filters too; g divides both.""",
    reference=_parameters,
    groups=(
        Group(
            "one group",
            1,
            (
                case((4, 4, 1), 1, (2, 2)),
                case((5, 4, 2), 3, (3, 3)),
                case((6, 7, 3), 4, (3, 5)),
                case((28, 28, 16), 32, (3, 3)),
            ),
        ),
        Group(
            "without bias, with strides",
            1,
            (
                case((8, 9, 3), 10, (1, 1), use_bias=False),
                case((9, 9, 2), 6, (2, 3), (2, 3)),
                case((12, 10, 4), 5, (4, 2), (2, 2), use_bias=False),
            ),
        ),
        Group(
            "groups",
            1,
            (
                case((5, 6, 2), 4, (1, 2), groups=2),
                case((5, 6, 6), 9, (2, 3), groups=3),
                case((28, 28, 16), 32, (3, 3), groups=4),
                case((7, 7, 8), 4, (5, 3), groups=4, use_bias=False),
            ),
        ),
        Group("other layers", 1, _layers, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the channels are left out",
            _miscounted(lambda p: p.area * p.filters),
            "You count one matrix of weights for each filter. A filter has such a matrix for each channel that it sees: multiply "
            "by the channels too.",
            SLIPS,
        ),
        Misconception(
            "the kernel is taken as square",
            _miscounted(lambda p: p.kernel_size[0] ** 2 * p.depth * p.filters),
            "You square the kernel's height. A kernel need not be square: multiply height by width.",
            HWIO_ORDER,
        ),
        Misconception(
            "one bias in all",
            _miscounted(biases=lambda p: 1 if p.use_bias else 0),
            "You add a single bias. There is one for each filter.",
            HWIO_ORDER,
        ),
        Misconception(
            "a bias for each weight matrix",
            _miscounted(biases=lambda p: p.depth * p.filters if p.use_bias else 0),
            "You count the bias with the weights of each channel, (area + 1) · channels · filters. A filter sums over its "
            "channels first, and then adds one bias: area · channels · filters + filters.",
            ALL_CHANNELS,
        ),
        Misconception(
            "a bias for each output pixel",
            _miscounted(biases=lambda p: p.pixels * p.filters if p.use_bias else 0),
            "You count a bias for each number of the output. All pixels of a map share one bias, so there are as many as filters.",
            SLIPS,
        ),
        Misconception(
            "use_bias is ignored",
            _miscounted(biases=lambda p: p.filters),
            "You add the biases always. With `use_bias=False` there are none.",
            ARGUMENTS,
        ),
        Misconception(
            "groups are ignored",
            _miscounted(lambda p: p.area * p.input_shape[2] * p.filters),
            "You let each filter see all channels. With groups it sees those of its own group only: channels // groups.",
            GROUPS,
        ),
        Misconception(
            "divided twice by the groups",
            _miscounted(lambda p: p.area * p.depth * (p.filters // p.groups)),
            "You divide the channels and the filters by the groups. Each filter loses channels, but the number of filters stays: "
            "divide the channels only.",
            SLIPS,
        ),
        Misconception(
            "the biases are divided by the groups",
            _miscounted(biases=lambda p: p.filters // p.groups if p.use_bias else 0),
            "You divide the biases by the groups too. There are still as many filters as before, each with its bias.",
            GROUPS,
        ),
        Misconception(
            "the stride makes fewer weights",
            _miscounted(lambda p: p.area * p.depth * p.filters // (p.strides[0] * p.strides[1])),
            "You divide the weights by the strides. The same kernel stands at fewer places then, so there is less to compute, but "
            "not less to learn: leave the strides out.",
            SLIPS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin", "Draw one filter. It has a matrix of weights for each channel that it sees."
        ),
        Hint(
            "It works until groups come",
            "A filter sees only channels // groups of the channels. There are as many filters as before.",
        ),
        Hint(
            "My result is near, but a little off",
            "Look at the biases: there is one for each filter, added after all weights were counted, and none with "
            "`use_bias=False`. The size of the images and the strides do not matter.",
        ),
    ),
    explanation="A filter has kernel height · kernel width weights for each channel of its group, and there are `filters` of "
    "them, each with one bias. The same weights are used at every place, so the size of the image, the strides and the padding "
    "change how much there is to compute, but not how much to learn.",
)


def grouped_conv2d(x: np.ndarray, kernel: np.ndarray, groups: int) -> np.ndarray:
    """A convolution in groups, with stride 1 and without padding.

    x: (N, H, W, C). kernel: (kh, kw, C / groups, F). groups: divides C and F. Returns (N, OH, OW, F).
    """
    # TODO: for each filter take the channels of its group, and correlate them with it
    # BEGIN SOLUTION
    kernel_h, kernel_w, depth, filters = kernel.shape
    y = np.zeros((len(x), x.shape[1] - kernel_h + 1, x.shape[2] - kernel_w + 1, filters))
    for f in range(filters):
        group = f // (filters // groups)
        seen = x[:, :, :, group * depth : (group + 1) * depth]
        for i in range(y.shape[1]):
            for j in range(y.shape[2]):
                window = seen[:, i : i + kernel_h, j : j + kernel_w, :]
                y[:, i, j, f] = np.sum(window * kernel[:, :, :, f], axis=(1, 2, 3))
    return y
    # END SOLUTION


def _in_groups(rng: np.random.Generator) -> Iterable[Case]:
    for n, groups, depth, per_group in ((1, 2, 3, 1), (2, 3, 1, 2), (1, 3, 2, 2), (2, 3, 2, 1), (2, 4, 1, 3)):
        kernel = rng.integers(1, [3, 4])
        size = kernel + rng.permutation([1, 0])
        x = _whole(rng, n, *size, groups * depth)
        yield case(x, _whole(rng, *kernel, depth, groups * per_group), groups)


def _grouped(x: np.ndarray, kernel: np.ndarray, groups: int) -> np.ndarray:
    return ops.conv2d(x, kernel, groups=groups)


def _grouped_wrong(**changes: Any) -> Callable[..., np.ndarray]:
    """The right convolution in groups but for one decision."""
    return lambda x, kernel, groups: convolve(x, kernel, groups=groups, changes=changes)


def _dealt(x: np.ndarray, groups: int) -> np.ndarray:
    """The channels as if each group took every groups-th one."""
    return np.concatenate([x[..., g::groups] for g in range(groups)], axis=3)


def _maps(y: np.ndarray, groups: int) -> np.ndarray:
    """The maps of a result as two axes: (..., groups, maps of each)."""
    return y.reshape(*y.shape[:3], groups, -1)


GROUPED_CONV2D = Problem(
    solution=grouped_conv2d,
    title="Groups",
    lesson=LESSON,
    statement="""Compute a convolution with `groups`. The channels are split into groups of neighbours, and the filters
too: with 4 channels, 6 filters and 2 groups, filters 0, 1 and 2 see channels 0 and 1, and filters 3, 4 and 5 see channels 2
and 3. The maps come out in the order of the filters. The stride is 1, there is no padding and no bias.""",
    reference=_grouped,
    groups=(
        Group(
            "one pixel",
            1,
            (
                case(np.array([[[[1.0, 10, 100, 1000]]]]), np.array([[[[1.0, 2], [3, 4]]]]), 2),
                case(_pixels(1, 1, 1, 3), many_weights(1, 1, 1, 6), 3),
                case(_pixels(1, 1, 1, 8), many_weights(1, 1, 2, 12), 4),
            ),
        ),
        Group(
            "images",
            1,
            (
                case(_pixels(1, 2, 3, 2), many_weights(2, 1, 1, 2), 2),
                case(_pixels(2, 2, 3, 4), many_weights(2, 2, 2, 2), 2),
                case(_pixels(1, 3, 2, 6), many_weights(1, 2, 2, 6), 3),
            ),
        ),
        Group("other images", 1, _in_groups, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the filters are dealt out in turn",
            _grouped_wrong(group=lambda f, groups, filters: f % groups),
            "Your filter f reads group f % groups, so that neighbours read different groups. The first F / groups filters all "
            "read the first group: f // (F // groups).",
            GROUPS,
        ),
        Misconception(
            "all filters read the first group",
            _grouped_wrong(group=lambda f, groups, filters: 0),
            "All of your filters read the first channels. Filter f reads the channels of group f // (F // groups): begin at that "
            "group times the kernel's depth.",
            GROUPS,
        ),
        Misconception(
            "the filter divided by the groups",
            _grouped_wrong(group=lambda f, groups, filters: f // groups),
            "You take f // groups for the group of filter f. There are F // groups filters in each group, so divide f by that "
            "number.",
            GROUPS,
        ),
        Misconception(
            "the channels are dealt out in turn",
            lambda x, kernel, groups: _grouped(_dealt(x, groups), kernel, groups),
            "Your group g takes every groups-th channel, beginning with channel g. Groups are neighbours: with a depth of d, "
            "channels g · d to g · d + d - 1.",
            GROUPS,
        ),
        Misconception(
            "the maps are dealt out in turn",
            lambda x, kernel, groups: (
                _maps(_grouped(x, kernel, groups), groups).swapaxes(3, 4).reshape(_grouped(x, kernel, groups).shape)
            ),
            "Your maps are right, but in another order: the first of each group, then the second of each. All maps of the first "
            "group come first, as `np.concatenate` along the last axis puts them.",
            GROUPS,
        ),
        Misconception(
            "the groups are added up",
            lambda x, kernel, groups: _maps(_grouped(x, kernel, groups), groups).sum(3),
            "You add the maps of the groups together, and get F / groups maps. Groups are kept apart: put their maps side by "
            "side, F in all.",
            GROUPS,
        ),
        Misconception(
            "each group uses the first filters",
            lambda x, kernel, groups: _grouped(
                x, np.tile(kernel[..., : kernel.shape[3] // groups], (1, 1, 1, groups)), groups
            ),
            "You use the first F / groups filters in each group. Each group has filters of its own: group g begins at filter "
            "g · F / groups.",
            GROUPS,
        ),
        Misconception(
            "every filter sees all channels",
            lambda x, kernel, groups: ops.conv2d(x, np.tile(kernel, (1, 1, groups, 1))),
            "You repeat the weights, so that each filter sees the channels of all groups. It must see those of its own group "
            "only.",
            GROUPS,
        ),
        Misconception(
            "only the first channel of each group is used",
            _grouped_wrong(window=lambda products: products[:, :, 0].sum()),
            "You use one channel of each group, and leave the others out. A filter sums over all C / groups channels of its "
            "group.",
            ALL_CHANNELS,
        ),
        Misconception(
            "rows and columns of the result exchanged",
            lambda x, kernel, groups: _grouped(x, kernel, groups).swapaxes(1, 2),
            "Your numbers are right, but the maps lie on their side: (N, OW, OH, F). Rows come before columns, so window (i, j) "
            "belongs to y[n, i, j].",
            AXES,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Which channels does filter f see? Find that out first, for 4 channels, 6 filters and 2 groups, with pencil and paper.",
        ),
        Hint(
            "The shape is right, but some maps are wrong",
            "There are F // groups filters in a group, so filter f is in group f // (F // groups). Its channels begin at that "
            "group times kernel.shape[2].",
        ),
        Hint(
            'I get "could not be broadcast together"',
            "A filter has kernel.shape[2] channels and x has groups times as many. Cut x to the channels of the group before you "
            "multiply.",
        ),
    ),
    explanation="Groups are several convolutions side by side: each has its own channels and its own filters, and the maps of "
    "all are put one after the other. Neighbouring channels belong together because of that order. Weights and products are "
    "divided by the number of groups, and nothing is mixed between them.",
)


def im2col(x: np.ndarray, kernel_size: tuple[int, int], strides: tuple[int, int] = (1, 1)) -> np.ndarray:
    """All windows of a batch of images as the rows of one matrix, without padding.

    x: (N, H, W, C). kernel_size, strides: (height, width). Returns (N · OH · OW, kh · kw · C). The rows follow n, then i,
    then j: all windows of the first image come first, from left to right and then from top to bottom. In a row the
    numbers follow u, then v, then c: the channels of the window's first pixel come first, then its next pixel to the right.
    """
    # TODO: go through the windows in this order, and write each as one row
    # BEGIN SOLUTION
    kernel_h, kernel_w = kernel_size
    stride_h, stride_w = strides
    windows = []
    for image in x:
        for top in range(0, image.shape[0] - kernel_h + 1, stride_h):
            for left in range(0, image.shape[1] - kernel_w + 1, stride_w):
                windows.append(image[top : top + kernel_h, left : left + kernel_w].ravel())
    return np.array(windows)
    # END SOLUTION


def _all_windows(x: np.ndarray, kernel_size: tuple[int, int], strides: tuple[int, int] = (1, 1)) -> np.ndarray:
    """The windows (N, OH, OW, kh, kw, C)."""
    found = np.lib.stride_tricks.sliding_window_view(x, kernel_size, (1, 2))
    return found[:, :: strides[0], :: strides[1]].transpose(0, 1, 2, 4, 5, 3)


def _matrix(windows: np.ndarray) -> np.ndarray:
    """Windows (three axes of places, three of their numbers) as a matrix."""
    return windows.reshape(np.prod(windows.shape[:3]), -1)


def _laid_out(*order: int) -> Callable[..., np.ndarray]:
    """`im2col` with the axes n, i, j, u, v, c in another order."""
    return lambda *args, **kwargs: _matrix(_all_windows(*args, **kwargs).transpose(order))


def _side_by_side(x: np.ndarray, kernel_size: tuple[int, int], strides: tuple[int, int] = (1, 1)) -> np.ndarray:
    """As many windows as there should be, but each begins one pixel after the one before it."""
    rows, columns = _all_windows(x, kernel_size, strides).shape[1:3]
    return _matrix(_all_windows(x, kernel_size)[:, :rows, :columns])


def _to_lay_out(rng: np.random.Generator) -> Iterable[Case]:
    for n, channels, strides in ((1, 1, (1, 2)), (2, 1, (1, 1)), (1, 3, (3, 2)), (3, 2, (1, 1)), (2, 2, (2, 1))):
        kernel = tuple(int(v) for v in rng.integers(1, 4, 2))
        size = np.array(kernel) + rng.permutation([1, 2])
        yield case(_whole(rng, n, *size, channels), kernel, strides)


IM2COL = Problem(
    solution=im2col,
    title="Convolution as a matrix product",
    lesson=LESSON,
    statement="""Lay out every window of the images as one row of a matrix. Then a convolution is a single matrix product,
`im2col(x, (kh, kw)) @ kernel.reshape(kh * kw * C, F)`, because a kernel of shape (kh, kw, C, F) keeps its weights in this very
order: u, v, c. Rows of the matrix follow n, i, j, there is no padding, and windows at the end that do not fit are left out.""",
    reference=lambda *args, **kwargs: _matrix(_all_windows(*args, **kwargs)),
    groups=(
        Group("one channel", 1, (case(_pixels(1, 2, 3, 1), (2, 2)), case(_pixels(1, 3, 4, 1), (2, 3)))),
        Group(
            "channels and images",
            1,
            (
                case(_pixels(1, 1, 3, 2), (1, 2)),
                case(_pixels(2, 2, 3, 1), (1, 2)),
                case(_pixels(2, 2, 3, 2), (2, 2)),
            ),
        ),
        Group(
            "strides",
            1,
            (
                case(_pixels(1, 1, 5, 1), (1, 2), (1, 3)),
                case(_pixels(1, 5, 4, 1), (2, 2), (2, 1)),
                case(_pixels(2, 4, 6, 1), (1, 2), (3, 2)),
            ),
        ),
        Group("other images", 1, _to_lay_out, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the channels come first",
            _laid_out(0, 1, 2, 5, 3, 4),
            "You write the whole window of channel 0, then that of channel 1: the order c, u, v of PyTorch. Here the channels of "
            "one pixel stay together, u, v, c, because the kernel is stored like that.",
            HWIO_ORDER,
        ),
        Misconception(
            "a window is read column by column",
            _laid_out(0, 1, 2, 4, 3, 5),
            "You go down the columns of each window, v before u. A kernel's weights are stored row by row, so read the window row "
            "by row.",
            HWIO_ORDER,
        ),
        Misconception(
            "windows are the columns",
            lambda *args, **kwargs: _matrix(_all_windows(*args, **kwargs)).T,
            "Your windows stand upright, one in each column, as the name im2col says and as PyTorch's `unfold` does. Here each "
            "window is a row: return the `.T` of your matrix.",
            HWIO_ORDER,
        ),
        Misconception(
            "the images come last",
            _laid_out(1, 2, 0, 3, 4, 5),
            "You take the first window of each image, then the second of each. All windows of the first image come first, so loop "
            "over the images outside.",
            AXES,
        ),
        Misconception(
            "the windows go down first",
            _laid_out(0, 2, 1, 3, 4, 5),
            "You go down the image first, and then to the right. Rows follow i, then j: j is the inner loop.",
            AXES,
        ),
        Misconception(
            "the strides are exchanged",
            lambda x, kernel_size, strides=(1, 1): _matrix(_all_windows(x, kernel_size, strides[::-1])),
            "You move by the second stride from row to row, and by the first from column to column. Strides are (height, width), "
            "so the first is for the rows.",
            STRIDE,
        ),
        Misconception(
            "the stride counts, but does not move",
            _side_by_side,
            "You make as many windows as the stride asks for, but each begins only one pixel after the last. Window (i, j) "
            "begins at row i · stride and column j · stride.",
            STRIDE,
        ),
        Misconception(
            "the stride is ignored",
            lambda x, kernel_size, strides=(1, 1): _matrix(_all_windows(x, kernel_size)),
            "You take a window at every pixel. With a stride, go on by so many pixels from one window to the next: "
            "range(0, H - kh + 1, strides[0]) for the rows, and strides[1] for the columns.",
            STRIDE,
        ),
        Misconception(
            "only the first image is laid out",
            lambda x, *args, **kwargs: _matrix(_all_windows(x[:1], *args, **kwargs)),
            "You lay out the windows of image 0 only. Those of the other images follow below them.",
            AXES,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Three loops: over the images, over the tops of the windows, over their left edges.",
        ),
        Hint(
            "The shape is right, but the numbers are in another order",
            "The outermost loop is over n, the innermost over j. window.ravel() of a window (kh, kw, C) gives u, v, c.",
        ),
        Hint(
            "It works for stride 1 only",
            "range(0, H - kh + 1, stride) gives the first rows of all windows that fit.",
        ),
    ),
    explanation="A convolution multiplies every window by every filter, number by number, and sums: that is what a matrix product "
    "does with rows and columns. The windows overlap, so the matrix is up to kh · kw times as large as the images, and a fast "
    "library lays out a part at a time. The order u, v, c is the one in which a kernel in HWIO lies in memory, so that a "
    "`reshape` is enough to make it a matrix.",
)


def conv2d(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray,
    strides: tuple[int, int] = (1, 1),
    padding: str = "valid",
) -> np.ndarray:
    """A 2-D convolution as the layer Conv2D computes it.

    x: (N, H, W, C). kernel: (kh, kw, C, F), not turned. bias: (F,), one for each filter. strides: (height, width).
    padding: "valid", which adds nothing, or "same": the output is H / stride rows high and W / stride columns wide,
    rounded up, and as many zeros are added along each axis as that takes, if any. Half of them go before the image and
    half after; an odd one goes below or to the right. Returns (N, OH, OW, F).
    """
    # TODO: pad for "same", count the outputs, and compute each from its window, all channels and one filter
    # BEGIN SOLUTION
    kernel_h, kernel_w, _, filters = kernel.shape
    stride_h, stride_w = strides
    if padding == "same":
        rows, columns = -(-x.shape[1] // stride_h), -(-x.shape[2] // stride_w)  # rounded up
        height = max((rows - 1) * stride_h + kernel_h - x.shape[1], 0)
        width = max((columns - 1) * stride_w + kernel_w - x.shape[2], 0)
        top, left = height // 2, width // 2
        x = np.pad(x, ((0, 0), (top, height - top), (left, width - left), (0, 0)))
    rows = (x.shape[1] - kernel_h) // stride_h + 1
    columns = (x.shape[2] - kernel_w) // stride_w + 1
    y = np.zeros((len(x), rows, columns, filters))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride_h, j * stride_w
            window = x[:, top : top + kernel_h, left : left + kernel_w, :]
            for f in range(filters):
                y[:, i, j, f] = np.sum(window * kernel[:, :, :, f], axis=(1, 2, 3)) + bias[f]
    return y
    # END SOLUTION


def _convolutions(rng: np.random.Generator) -> Iterable[Case]:
    for n, channels, filters, kernel, strides, padding in (
        (1, 2, 3, (3, 2), (1, 1), "valid"),
        (2, 2, 1, (2, 3), (2, 1), "valid"),
        (2, 1, 2, (2, 4), (1, 2), "same"),
        (1, 3, 2, (3, 3), (2, 2), "same"),
        (3, 1, 2, (1, 2), (3, 3), "same"),
        (1, 2, 1, (4, 2), (3, 2), "same"),
    ):
        x = _whole(rng, n, *(np.array(kernel) + rng.permutation([1, 2])), channels)
        yield case(x, _whole(rng, *kernel, channels, filters), _whole(rng, filters), strides, padding)


def _without_clamp(n: int, reach: int, stride: int) -> tuple[int, int]:
    """The pixels that "same" adds (before, after), below zero where the windows leave pixels out."""
    total = (ceil(n / stride) - 1) * stride + reach - n
    return total // 2, total - total // 2


def _cropped(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, strides=(1, 1), padding="valid") -> np.ndarray:
    """The right convolution, but "same" cuts pixels off where it should add none."""
    if padding == "valid":
        return convolve(x, kernel, bias, strides)
    pads = [_without_clamp(x.shape[1 + a], kernel.shape[a], strides[a]) for a in (0, 1)]
    cut = [slice(max(-before, 0), n - max(-after, 0)) for (before, after), n in zip(pads, x.shape[1:3], strict=True)]
    return convolve(x[:, cut[0], cut[1]], kernel, bias, strides, [tuple(max(p, 0) for p in pair) for pair in pads])


def _crowded(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, strides=(1, 1), padding="valid") -> np.ndarray:
    """As many outputs as there should be, of windows that lie one pixel apart."""
    spec = ConvSpec(kernel.shape[:2], strides=strides, padding=padding)
    rows, columns = spec.output_size(x.shape[1:3])
    return ops.conv2d(x, kernel, bias, padding=spec.pads(x.shape[1:3]))[:, :rows, :columns]


CONV2D = Problem(
    solution=conv2d,
    title="The whole convolution",
    lesson=LESSON,
    statement="""Now all of it: a batch of images, several channels, several filters, a bias for each filter, a stride for
each axis, and `padding="valid"` or `"same"`. Compute what a `Conv2D` layer computes. Nothing has to be square, kernels may
have an even size, and a stride may be larger than the kernel.""",
    reference=lambda x, kernel, bias, strides=(1, 1), padding="valid": ops.conv2d(
        x, kernel, bias, strides=strides, padding=padding
    ),
    groups=(
        Group(
            "channels, filters and biases",
            1,
            (
                case(_pixels(1, 1, 3, 1), many_weights(1, 2, 1, 1), _biases(1)),
                case(_pixels(1, 1, 2, 3), many_weights(1, 2, 3, 1), _biases(1)),
                case(_pixels(1, 2, 2, 1), many_weights(1, 1, 1, 2), _biases(2)),
                case(_pixels(2, 3, 4, 2), many_weights(2, 3, 2, 3), _biases(3)),
            ),
        ),
        Group(
            "strides",
            1,
            (
                case(_pixels(1, 1, 5, 1), many_weights(1, 2, 1, 1), _biases(1), (1, 2)),
                case(_pixels(1, 5, 4, 1), many_weights(2, 1, 1, 1), _biases(1), (3, 2)),
                case(_pixels(2, 4, 5, 2), many_weights(2, 2, 2, 1), _biases(1), (1, 3)),
            ),
        ),
        Group(
            'padding="same"',
            1,
            (
                case(_pixels(1, 2, 3, 1), many_weights(1, 2, 1, 1), _biases(1), padding="same"),
                case(_pixels(1, 3, 3, 1), many_weights(3, 3, 1, 1), _biases(1), padding="same"),
                case(_pixels(2, 3, 2, 1), many_weights(2, 4, 1, 2), _biases(2), padding="same"),
            ),
        ),
        Group(
            '"same" with strides',
            1,
            (
                case(_pixels(1, 4, 6, 1), _centre(3, 3), _biases(1), (2, 2), "same"),
                case(_pixels(1, 3, 5, 2), many_weights(2, 3, 2, 1), _biases(1), (2, 1), "same"),
                case(_pixels(1, 6, 8, 1), many_weights(1, 2, 1, 1), _biases(1), (3, 3), "same"),
                case(_pixels(1, 6, 7, 1), many_weights(4, 2, 1, 2), _biases(2), (3, 2), "same"),
            ),
        ),
        Group("other images", 1, _convolutions, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the kernel is turned",
            mistaken(kernel=lambda k: k[::-1, ::-1]),
            "You turn the kernel by 180°, which is true convolution. Deep learning libraries correlate: lay the kernel on the "
            "window as it is.",
            TURNED,
        ),
        Misconception(
            "the channels are reversed too",
            mistaken(kernel=lambda k: k[::-1, ::-1, ::-1]),
            "You turn the kernel and reverse its channels, as `scipy.signal.convolve` does with arrays of three axes. Lay the "
            "kernel on the window as it is, or use `scipy.signal.correlate`.",
            TURNED,
        ),
        Misconception(
            "only the first channel is used",
            mistaken(window=lambda products: products[:, :, 0].sum()),
            "You use channel 0 and leave the others out. A filter has a matrix of weights for each channel, and sums over all of "
            "them.",
            ALL_CHANNELS,
        ),
        Misconception(
            "one weight matrix for all channels",
            mistaken(kernel=lambda k: np.repeat(k[:, :, :1], k.shape[2], axis=2)),
            "You multiply every channel by the weights of the first. Channel c has its own: kernel[:, :, c, f].",
            ALL_CHANNELS,
        ),
        Misconception(
            "all results come from the first image",
            mistaken(image=lambda n: 0),
            "You compute each result from image 0. The first axis counts the images of the batch: image n of the result comes "
            "from x[n].",
            AXES,
        ),
        Misconception(
            "the bias is added for each channel",
            mistaken(bias=lambda b, f, products: b[f] * products.shape[2]),
            "You add the bias inside of the sum over the channels, so that it counts once for each of them. Add it once, after "
            "the sum.",
            ALL_CHANNELS,
        ),
        Misconception(
            "the bias is forgotten",
            mistaken(bias=lambda b, f, products: 0),
            "You leave the bias out. Add bias[f] to each number of map f.",
            ARGUMENTS,
        ),
        Misconception(
            "the bias is added for each weight",
            mistaken(bias=lambda b, f, products: b[f] * products.size),
            "You add the bias to every product before you sum, so that it counts once for each weight. Add it once, after the "
            "sum.",
            ARGUMENTS,
        ),
        Misconception(
            "one bias for all filters",
            mistaken(bias=lambda b, f, products: b[0]),
            "You add the first bias to all maps. Each filter has its own: add bias[f] to map f.",
            ARGUMENTS,
        ),
        Misconception(
            "the strides are exchanged",
            mistaken(strides=lambda strides: strides[::-1]),
            "You move by the second stride from row to row, and by the first from column to column. Strides are (height, width), "
            "so the first is for the rows.",
            STRIDE,
        ),
        Misconception(
            "the first stride is used for both axes",
            mistaken(strides=lambda strides: (strides[0], strides[0])),
            "You use strides[0] for the columns too. Take strides[1] for them: windows begin at column j · strides[1].",
            STRIDE,
        ),
        Misconception(
            "windows move by one pixel",
            _crowded,
            "The size is right, but your windows begin at (i, j), one pixel apart. Window (i, j) begins at row i · strides[0] and "
            "column j · strides[1].",
            "03_stride#8. Mistakes people make here",
        ),
        Misconception(
            "padding is ignored",
            lambda x, kernel, bias, strides=(1, 1), padding="valid": convolve(x, kernel, bias, strides),
            'You treat "same" like "valid". For "same" first put zeros around the image: (outputs - 1) · stride + k - n in all '
            "along each axis, half of them before.",
            SAME_STRIDED,
        ),
        Misconception(
            "the odd pixel goes before",
            mistaken(same=lambda n, k, reach, stride: same(n, reach, stride)[::-1]),
            "Where the number of zeros is odd, you put the one more above and to the left. TensorFlow and Keras put it below and to "
            "the right: total // 2 goes before.",
            SAME,
        ),
        Misconception(
            "half the kernel on both sides",
            mistaken(same=lambda n, k, reach, stride: (k // 2, k // 2)),
            "You add k // 2 zeros on both sides, PyTorch's `padding=k // 2`, which need not be right for an even "
            "kernel or with a stride. Compute the total first, max((outputs - 1) · stride + k - n, 0), and put total "
            "// 2 before and the rest after.",
            SAME_STRIDED,
        ),
        Misconception(
            "the stride is ignored in the padding",
            mistaken(same=lambda n, k, reach, stride: ((k - 1) // 2, k - 1 - (k - 1) // 2)),
            "You add k - 1 zeros for every stride, which is right for stride 1 only. With a larger stride the last window begins at "
            "(outputs - 1) · stride, and fewer zeros are missing.",
            SAME_STRIDED,
        ),
        Misconception(
            "the smaller half on both sides",
            mistaken(same=lambda n, k, reach, stride: (same(n, reach, stride)[0],) * 2),
            "You add total // 2 zeros on both sides, so an odd total loses one, and the output comes out too small. Give the rest, "
            "total - total // 2, to the side after.",
            SAME,
        ),
        Misconception(
            "all padding below and to the right",
            mistaken(same=lambda n, k, reach, stride: (0, sum(same(n, reach, stride)))),
            "You add all zeros after the image, so every window lies too far down and to the right. Half of them, total // 2, go "
            "before.",
            SAME,
        ),
        Misconception(
            "a negative number of zeros",
            mistaken(same=lambda n, k, reach, stride: _without_clamp(n, reach, stride)),
            "Your total falls below zero where the stride is larger than the kernel, and np.pad refuses that. No zeros are missing "
            "there: take max(total, 0).",
            SAME_STRIDED,
        ),
        Misconception(
            "negative padding cuts pixels off",
            _cropped,
            "Your total falls below zero where the stride is larger than the kernel, and so the windows begin inside "
            "of the image. Padding never takes pixels away: use max(total, 0).",
            SAME_STRIDED,
        ),
        Misconception(
            "the border repeats the edge",
            mistaken(fill="edge"),
            'You fill the border with copies of the outermost pixels. "same" adds zeros, as np.pad does without a '
            "mode.",
            ZEROS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            'Begin with "valid" and stride 1. Loop over the rows and columns of the output and over the filters: a window '
            "(kh, kw, C) times a filter kernel[:, :, :, f], summed, plus bias[f].",
        ),
        Hint(
            'It works for "valid", but not for "same"',
            "For each axis: outputs = n / stride rounded up; total = max((outputs - 1) · stride + k - n, 0). Put total // 2 zeros "
            'before and the rest after, then go on as for "valid".',
        ),
        Hint(
            "The shape is right, but a few numbers differ",
            "Window (i, j) begins at row i · strides[0] and column j · strides[1] of the padded image. Try an even kernel by hand: "
            "the odd zero goes below and to the right.",
        ),
    ),
    explanation='"same" only makes the image larger, and after that nothing is special. A window of all channels times one '
    "filter gives one number, to which the filter's bias is added once. Strides change where the windows begin, and so how many "
    "fit.",
)

PROBLEMS = [HWIO, POINTWISE, CONV2D_PARAMETERS, GROUPED_CONV2D, IM2COL, CONV2D]
