"""Exercises on learning kernels: three gradients, their relatives, a check by numbers, and a descent."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convlab import geometry
from convlab.errors import ConvlabError
from convlab.exercises.comparing import shown
from convlab.exercises.problem import Case, Fresh, Group, Hint, Misconception, Problem, case
from convlab.ops import conv2d, conv2d_gradients, correlate2d, max_pool2d_gradient

LESSON = "06_learning_kernels"
KERNEL, INPUT, CHECK, RECOVER, MISTAKES = (
    f"{LESSON}#{heading}"
    for heading in (
        "1. What should a kernel change?",
        "2. The gradient for the input",
        "3. Check a gradient with numbers",
        "4. Recover an unknown kernel",
        "Mistakes people make here",
    )
)
PATTERNS = "03_stride#6. Two patterns to recognise"

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
NONE: Pads = ((0, 0), (0, 0))


def _mixed(*shape: int, seed: int = 0) -> np.ndarray:
    """Different whole numbers in no order, some of them negative, none 0."""
    size = int(np.prod(shape))
    numbers = np.random.default_rng([size, seed]).permutation(size) - size // 3
    return (numbers + (numbers >= 0)).astype(float).reshape(shape)


def _drawn(rng: np.random.Generator, *shape: int, seed: int = 0) -> np.ndarray:
    """Whole numbers from -9 to 9; the generator takes the place of a seed."""
    return rng.integers(-9, 10, shape).astype(float)


def bias_gradient(upstream: np.ndarray) -> np.ndarray:
    """Gradient of the loss for the bias of a convolution.

    upstream: (N, OH, OW, F), how the loss changes with each number of the output. Returns (F,), one number for each
    filter.
    """
    # TODO: the bias of one filter is added to which outputs? Each of them passes its upstream number on.
    # BEGIN SOLUTION
    return upstream.sum(axis=(0, 1, 2))
    # END SOLUTION


def _bias_gradient(upstream: np.ndarray) -> np.ndarray:
    x = np.zeros((*upstream.shape[:3], 1))
    return conv2d_gradients(x, np.zeros((1, 1, 1, upstream.shape[3])), upstream).dbias


def _upstreams(rng: np.random.Generator) -> Iterable[Case]:
    for shape in ((2, 3, 2, 4), (3, 1, 4, 2), (4, 3, 2, 3)):
        yield case(_drawn(rng, *shape))


BIAS_GRADIENT = Problem(
    solution=bias_gradient,
    title="The bias's gradient",
    lesson=LESSON,
    statement="""A convolution adds the bias of filter f to every number of feature map f, in all images of the batch. You
are given the upstream gradient: one number for each output. Compute the gradient of the bias.""",
    reference=_bias_gradient,
    groups=(
        Group("one image", 1, (case(_mixed(1, 2, 2, 1)), case(_mixed(1, 3, 2, 3)))),
        Group("several images", 1, (case(_mixed(2, 1, 2, 2)), case(_mixed(3, 2, 4, 2)))),
        Group("other shapes", 1, _upstreams, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "summed over the batch only",
            lambda upstream: upstream.sum(axis=0),
            "You sum over the images only, so a number is left for every place of the map. A filter has one bias for all "
            "places: sum over rows and columns too, axes 0, 1 and 2.",
            MISTAKES,
        ),
        Misconception(
            "not summed over the batch",
            lambda upstream: upstream.sum(axis=(1, 2)),
            "You sum over rows and columns, and each image keeps a gradient of its own. All images share the bias: sum over "
            "axis 0 too.",
            MISTAKES,
        ),
        Misconception(
            "the mean over the batch",
            lambda upstream: upstream.sum(axis=(1, 2)).mean(axis=0),
            "You divide by the number of images. If the loss is a mean, that is already in the upstream numbers: sum over the "
            "images, and divide by nothing.",
            MISTAKES,
        ),
        Misconception(
            "the mean over everything",
            lambda upstream: upstream.mean(axis=(0, 1, 2)),
            "You take the mean over images, rows and columns. The bias acts on each of these outputs in full, so its "
            "gradient is the sum of their upstream numbers.",
            KERNEL,
        ),
        Misconception(
            "one number for all filters",
            lambda upstream: upstream.sum(),
            "You sum over the filters too, as if all shared one bias. Each filter has its own: leave the last axis as it is.",
            KERNEL,
        ),
        Misconception(
            "channels taken from axis 1",
            lambda upstream: upstream.sum(axis=(0, 2, 3)),
            "You sum over axes 0, 2 and 3, which is right for (N, F, OH, OW). Here the filters are the last axis: sum over "
            "axes 0, 1 and 2.",
            "04_channels#7. data_format",
        ),
        Misconception(
            "the summed axes kept",
            lambda upstream: upstream.sum(axis=(0, 1, 2), keepdims=True),
            "Your numbers are right, but they come as (1, 1, 1, F). The gradient has the bias's own shape, (F,): leave "
            "keepdims out.",
            KERNEL,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Raise the bias of one filter by a little. Which numbers of the output change?",
        ),
        Hint(
            "My result has too many axes",
            "The result has one number for each filter, and the filters are the last axis. All other axes are summed over.",
        ),
        Hint(
            "The shape is right, but the numbers are too small",
            "A sum is asked for, not a mean: upstream.sum(axis=(0, 1, 2)).",
        ),
    ),
    explanation="The bias of filter f is added to every number of map f, so each of these outputs changes by as much as "
    "the bias does. By the chain rule their upstream gradients add up: over the images, the rows and the columns.",
)


def numerical_gradient(f: "Callable[[np.ndarray], float]", x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Gradient of f at x by central differences, computed in float64.

    f: a function of an array of x's shape; it returns one number. x: an array with any number of axes, which may also
    hold whole numbers or float32, and is not to be changed. h: how far each number is moved, up and down. Returns
    float64 of x's shape.
    """
    # TODO: move one number of a float64 copy of x up by h, then down by h, and put it back before the next one
    # BEGIN SOLUTION
    point = np.array(x, dtype=np.float64)  # a copy
    gradient = np.zeros(point.shape)
    for place in np.ndindex(*point.shape):
        here = point[place]
        point[place] = here + h
        above = f(point)
        point[place] = here - h
        below = f(point)
        point[place] = here
        gradient[place] = (above - below) / (2 * h)
    return gradient
    # END SOLUTION


def _at_once(f: Callable[[np.ndarray], Any], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """Central differences from an array of all the steps."""
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps]).reshape(x.shape)


def _moving(
    f: Callable[[np.ndarray], Any],
    x: np.ndarray,
    h: float = 1e-5,
    dtype: Any = np.float64,
    kept: Any = np.float64,
    back: float = 0.0,
    up: float = 1.0,
    down: float = -1.0,
    width: float = 2.0,
    whole_rows: bool = False,
) -> np.ndarray:
    """Numerical gradient with some decisions changed: None for a type is x's own; back, up and down are steps of h."""
    point, gradient = np.array(x, dtype or x.dtype), np.zeros(x.shape, kept or x.dtype)
    for place in np.ndindex(*(x.shape[:1] if whole_rows else x.shape)):
        here, values = np.copy(point[place]), []
        for steps in (up, down):
            point[place] = here + steps * h
            values.append(f(point))
        point[place] = here + back * h
        gradient[place] = (values[0] - values[1]) / (width * h)
    return gradient


def _step_by_step(f: Callable[[np.ndarray], Any], x: np.ndarray, h: float = 1e-5, kept: Any = np.float64) -> np.ndarray:
    """Numerical gradient by `x[place] += h`, then `-= 2 * h`, then `+= h`, in x's own type."""
    point, gradient = x.copy(), np.zeros(x.shape, kept or x.dtype)
    for place in np.ndindex(*x.shape):
        point[place] = point[place] + h
        above = f(point)
        point[place] = point[place] - 2 * h
        below = f(point)
        point[place] = point[place] + h
        gradient[place] = (above - below) / (2 * h)
    return gradient


def _row_views(f: Callable[[np.ndarray], Any], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """A whole row moved, and remembered by a view, which moves too: the second point is x itself."""
    return _moving(f, x, h, down=0.0 if x.ndim > 1 else -1.0, whole_rows=True)


def _together(f: Callable[[np.ndarray], Any], x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """All numbers moved at the same time."""
    return np.full(x.shape, (f(x.astype(float) + h) - f(x.astype(float) - h)) / (2 * h))


SQUARES = Fresh(lambda: lambda x: np.sum(x**2), "lambda x: np.sum(x**2)")
CUBES = Fresh(lambda: lambda x: np.sum(x**3), "lambda x: np.sum(x**3)")
PRODUCT = Fresh(lambda: lambda x: np.prod(x), "lambda x: np.prod(x)")
RUNNING = Fresh(lambda: lambda x: np.sum(np.cumsum(x) ** 3), "lambda x: np.sum(np.cumsum(x)**3)")
FINE = 2.0**-10  # a step that float32 can take without rounding, but whose differences it cannot tell


def _points(rng: np.random.Generator) -> Iterable[Case]:
    for f, shape in ((CUBES, (4,)), (RUNNING, (2, 3)), (RUNNING, (2, 1, 2))):
        yield case(f, rng.integers(1, 6, shape) + 0.5, 0.5)
        yield case(f, rng.integers(1, 6, shape), 0.75)
    yield case(RUNNING, rng.integers(1, 6, 5).astype(np.float32), FINE)
    yield case(PRODUCT, rng.integers(1, 6, (3, 2)) / 2)


NUMERICAL_GRADIENT = Problem(
    solution=numerical_gradient,
    title="A gradient by numbers",
    lesson=LESSON,
    statement="""Check gradients with **central differences**: move one number of `x` up by `h` and down by `h`, take the
difference of the two results, and divide by the distance between the two. Do it for each number of `x`, one at a time, whatever
the shape of `x` is. Compute in float64 also where `x` comes in another type, and leave `x` as it was.""",
    reference=_at_once,
    groups=(
        Group(
            "a row of numbers",
            1,
            (
                case(SQUARES, np.array([1.0, 3.0]), 1.0),
                case(CUBES, np.array([2.0, 0.5, -1.0]), 1.0),
                case(PRODUCT, np.array([2.0, 3.0, 4.0]), 0.5),
                case(PRODUCT, np.array([1.5, -2.0, 4.0])),
            ),
        ),
        Group(
            "other shapes",
            1,
            (
                case(CUBES, np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 4.0]]), 0.5),
                case(RUNNING, np.array([[1.0, 3.0], [2.0, -1.0]]), 0.5),
                case(RUNNING, np.array([[[1.0], [2.5]], [[-1.0], [0.5]]])),
            ),
        ),
        Group(
            "whole numbers and float32",
            1,
            (
                case(SQUARES, np.array([2, 5]), 0.5),
                case(CUBES, np.array([[1, 3], [2, 4]]), 0.75),
                case(CUBES, np.array([1.5, 3.25, 2.5], np.float32), FINE),
            ),
        ),
        Group("other points", 1, _points, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "a step up only",
            partial(_moving, down=0.0, width=1.0),
            "You compare f(x + h) with f(x), which is far less exact where f is curved. Move the number down as well: "
            "(f(x + h) - f(x - h)) / (2 · h).",
            CHECK,
        ),
        Misconception(
            "divided by h",
            partial(_moving, width=1.0),
            "You divide by h, and your gradient is twice as large as it should be. From x - h to x + h the distance is 2 · h: divide "
            "by that.",
            CHECK,
        ),
        Misconception(
            "the step down ends in the middle",
            partial(_moving, down=0.0),
            "Your second point is x itself: after the step up by h you go down by h only, and divide by 2 · h. Go down by 2 · h "
            "from there, to x - h.",
            CHECK,
        ),
        Misconception(
            "the number not put back",
            partial(_moving, back=-1.0),
            "You leave each number at x - h while you go on to the next, so the later derivatives are taken at another "
            "point. Put the number back to what it was before you move another one.",
            CHECK,
        ),
        Misconception(
            "all numbers moved together",
            _together,
            "You move all numbers of x at the same time, which gives the sum of all derivatives. Move one number at a time, "
            "and leave the others where they are.",
            CHECK,
        ),
        Misconception(
            "a whole row moved",
            partial(_moving, whole_rows=True),
            "You loop over the first axis only, so that a whole row of x moves at once. Loop over every place: "
            "`for place in np.ndindex(*x.shape)`, or over a flat view of a copy.",
            CHECK,
        ),
        Misconception(
            "a whole row moved, remembered without a copy",
            _row_views,
            "You loop over the first axis only, so that a whole row moves at once; and here = x[i] is no copy of that row, but "
            "changes with it. Loop over every place, where x[place] is a single number: `for place in np.ndindex(*x.shape)`.",
            CHECK,
        ),
        Misconception(
            "up and down exchanged",
            partial(_moving, up=-1.0, down=1.0),
            "You take f(x - h) - f(x + h), so that every sign is wrong. A derivative is positive where f grows: up minus "
            "down.",
            CHECK,
        ),
        Misconception(
            "moved in x's own type",
            partial(_moving, dtype=None),
            "You move the numbers of x in the type that x comes in: whole numbers cut the step off, and float32 rounds the "
            "small difference away. Begin with a float64 copy: x.astype(np.float64).",
            MISTAKES,
        ),
        Misconception(
            "kept in x's own type",
            partial(_moving, kept=None),
            "You keep the gradient in the type of x, as np.zeros_like(x) does, and whole numbers cut its fractions off. Make "
            "it float64: np.zeros(x.shape).",
            MISTAKES,
        ),
        Misconception(
            "x's own type throughout",
            partial(_moving, dtype=None, kept=None),
            "You move the numbers of x in the type that x comes in, and keep the gradient in it too; whole numbers and "
            "float32 have no room for small steps. Begin with a float64 copy, x.astype(np.float64), and with np.zeros(x.shape).",
            MISTAKES,
        ),
        Misconception(
            "x itself moved by += and -=",
            _step_by_step,
            "You move the numbers of x itself by += and -=, in the type that x comes in: whole numbers cut each step off, and float32 "
            "rounds the small difference away. Begin with a float64 copy, x.astype(np.float64), and move that.",
            MISTAKES,
        ),
        Misconception(
            "x itself moved by += and -=, and its type kept",
            partial(_step_by_step, kept=None),
            "You move the numbers of x itself by += and -=, and keep the gradient in the type of x too; whole numbers and float32 "
            "have no room for small steps. Begin with a float64 copy, x.astype(np.float64), and with np.zeros(x.shape).",
            MISTAKES,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Begin with one number: copy x, move x[0] up and call f; move it down and call f. What is the slope between?",
        ),
        Hint(
            "It works for a row of numbers only",
            "np.ndindex(*x.shape) gives the places of an array of any shape, and array[place] takes them.",
        ),
        Hint(
            "The first number is right, the others are a little off",
            "Remember the number before you move it, and put exactly that back: here = point[place] ... point[place] = here.",
        ),
    ),
    explanation="On both sides of x the curve bends alike, so most of the error cancels between x - h and x + h: a step ten times "
    "smaller makes it a hundred times smaller, and that of a one-sided slope only ten times. In float64 the two results differ in enough digits for a small h; float32 has too "
    "few of them, and whole numbers cannot move by a fraction at all.",
)


def kernel_gradient(
    x: np.ndarray,
    upstream: np.ndarray,
    kernel_size: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
) -> np.ndarray:
    """Gradient of the loss for the kernel of a convolution.

    x: (N, H, W, C), the input. upstream: (N, OH, OW, F), how the loss changes with each number of the output.
    kernel_size: (kh, kw). strides: (down, across). padding: zeros ((above, below), (left, right)) that were added to x.
    Returns (kh, kw, C, F).
    """
    # TODO: pad x. Each output saw a window of it; sum these windows, each times its output's upstream number.
    # BEGIN SOLUTION
    kernel_h, kernel_w = kernel_size
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    gradient = np.zeros((kernel_h, kernel_w, x.shape[3], upstream.shape[3]))
    for n, i, j, f in np.ndindex(*upstream.shape):
        row, column = i * strides[0], j * strides[1]
        window = padded[n, row : row + kernel_h, column : column + kernel_w]
        gradient[:, :, :, f] += upstream[n, i, j, f] * window
    return gradient
    # END SOLUTION


def _kernel_gradient(
    x: np.ndarray, upstream: np.ndarray, kernel_size: Pair, strides: Pair = (1, 1), padding: Pads = NONE
) -> np.ndarray:
    kernel = np.zeros((*kernel_size, x.shape[3], upstream.shape[3]))
    return conv2d_gradients(x, kernel, upstream, strides=strides, padding=padding).dkernel


def _windows(
    x: np.ndarray, upstream: np.ndarray, kernel_size: Pair, strides: Pair = (1, 1), padding: Pads = NONE
) -> np.ndarray:
    """The window of each output, (N, OH, OW, kh, kw, C)."""
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    views = sliding_window_view(padded, kernel_size, (1, 2))[:, :: strides[0], :: strides[1]]
    return views[:, : upstream.shape[1], : upstream.shape[2]].transpose(0, 1, 2, 4, 5, 3)


def _summed(windows: np.ndarray, upstream: np.ndarray) -> np.ndarray:
    """Each window times its upstream numbers, summed over all windows."""
    return np.einsum("nijuvc,nijf->uvcf", windows, upstream)


def _collecting(
    images: Callable[[np.ndarray], np.ndarray] = lambda x: x,
    steps: Callable[[Pair], Pair] = lambda strides: strides,
    pads: Callable[[Pads], Pads] = lambda padding: padding,
    result: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda gradient, g: gradient,
) -> Callable[..., np.ndarray]:
    """The kernel's gradient with some decisions changed."""

    def wrong(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
        windows = _windows(images(x), upstream, kernel_size, steps(strides), pads(padding))
        return result(_summed(windows, upstream), upstream)

    return wrong


def _last_window(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    """Only the last window of the last image is kept."""
    windows = _windows(x, upstream, kernel_size, strides, padding)
    return _summed(windows[-1:, -1:, -1:], upstream[-1:, -1:, -1:])


def _last_place(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    """Only the last window of each image is kept."""
    windows = _windows(x, upstream, kernel_size, strides, padding)
    return _summed(windows[:, -1:, -1:], upstream[:, -1:, -1:])


def _reversed(padding: Pads) -> Pads:
    """Below and above, right and left."""
    (above, below), (left, right) = padding
    return (below, above), (right, left)


def _output_shape(x: tuple[int, ...], kernel_size: Pair, filters: int, strides: Pair, padding: Pads) -> tuple[int, ...]:
    """Shape of a convolution's output."""
    sizes = (geometry.output_size(x[1 + a], kernel_size[a], strides[a], padding[a]) for a in (0, 1))
    return x[0], *sizes, filters


def _kernel_case(
    x: tuple[int, ...],
    kernel_size: Pair,
    filters: int = 1,
    strides: Pair = (1, 1),
    padding: Pads = NONE,
    numbers: Callable[..., np.ndarray] = _mixed,
) -> Case:
    """A case of the kernel's gradient, for an input of this shape."""
    upstream = numbers(*_output_shape(x, kernel_size, filters, strides, padding), seed=1)
    more = () if (strides, padding) == ((1, 1), NONE) else (strides,) if padding == NONE else (strides, padding)
    return case(numbers(*x), upstream, kernel_size, *more)


def _layers(rng: np.random.Generator) -> Iterable[tuple[tuple[int, ...], Pair, int, Pair, Pads]]:
    """Shapes of inputs, and settings: nothing square, strides larger than the kernel, padding of all kinds."""
    pads: tuple[Pads, ...] = (NONE, ((1, 0), (0, 0)), ((0, 1), (1, 2)), ((1, 0), (0, 1)))
    for channels, filters, padding in zip((1, 2, 1, 2), (1, 3, 2, 3), pads, strict=True):
        kernel_size = int(rng.integers(1, 3)), int(rng.integers(2, 4))
        strides = (int(rng.integers(1, 4)), int(rng.integers(1, 3)))
        height, width = kernel_size[0] + int(rng.integers(1, 3)), kernel_size[1] + 1
        yield (2, height, width, channels), kernel_size, filters, strides, padding


def _kernel_cases(rng: np.random.Generator) -> Iterable[Case]:
    for settings in _layers(rng):
        yield _kernel_case(*settings, numbers=partial(_drawn, rng))


KERNEL_GRADIENT = Problem(
    solution=kernel_gradient,
    title="The kernel's gradient",
    lesson=LESSON,
    statement="""Compute the gradient of a convolution's kernel, for batches, several channels and filters, strides and
zeros around the image. The layer computed `y[n, i, j, f]` from the window of the padded input that begins at row
i · `strides[0]` and column j · `strides[1]`, with the kernel as it is, not turned. Rows or columns at the end that no window
reaches play no part. The result is the plain sum over all images and places.""",
    reference=_kernel_gradient,
    groups=(
        Group(
            "one channel, one filter",
            1,
            (
                _kernel_case((1, 1, 3, 1), (1, 2)),
                _kernel_case((1, 3, 4, 1), (2, 2)),
                _kernel_case((1, 4, 3, 1), (3, 1)),
            ),
        ),
        Group(
            "larger strides",
            1,
            (
                _kernel_case((1, 1, 5, 1), (1, 2), strides=(1, 3)),
                _kernel_case((1, 5, 4, 1), (2, 1), strides=(2, 1)),
                _kernel_case((1, 6, 7, 1), (2, 3), strides=(3, 2)),
            ),
        ),
        Group(
            "padding",
            1,
            (
                _kernel_case((1, 2, 3, 1), (2, 2), padding=((1, 0), (0, 1))),
                _kernel_case((1, 3, 3, 1), (3, 2), padding=((1, 1), (2, 0))),
                _kernel_case((1, 4, 3, 1), (2, 3), strides=(2, 1), padding=((0, 1), (1, 1))),
            ),
        ),
        Group(
            "images, channels and filters",
            1,
            (
                _kernel_case((2, 2, 2, 1), (1, 2)),
                _kernel_case((1, 2, 3, 2), (2, 2), 3),
                _kernel_case((3, 3, 4, 2), (2, 3), 3, strides=(1, 2), padding=((1, 0), (1, 1))),
            ),
        ),
        Group("other layers", 1, _kernel_cases, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the stride is ignored",
            _collecting(steps=lambda strides: (1, 1)),
            "You let the window of output (i, j) begin at row i and column j. With strides it begins at row i · strides[0] and "
            "column j · strides[1], as in the forward pass.",
            MISTAKES,
        ),
        Misconception(
            "the gradient is turned",
            _collecting(result=lambda gradient, g: gradient[::-1, ::-1]),
            "Your gradient is turned by 180°. The kernel met the window as it is, so weight (u, v) collects from pixel "
            "(u, v) of each window: turn nothing.",
            MISTAKES,
        ),
        Misconception(
            "the mean over the batch",
            _collecting(result=lambda gradient, g: gradient / len(g)),
            "You divide by the number of images. If the loss is a mean, that is already in the upstream numbers: sum over the "
            "images, and divide by nothing.",
            MISTAKES,
        ),
        Misconception(
            "the mean over all windows",
            _collecting(result=lambda gradient, g: gradient / g[..., 0].size),
            "You divide by the number of windows. A weight took part in every output in full, so what the outputs pass on is "
            "summed, and not divided.",
            KERNEL,
        ),
        Misconception(
            "the first image for all",
            _collecting(lambda x: np.repeat(x[:1], len(x), axis=0)),
            "You take every window from the first image. The upstream gradient of image n belongs to windows of image n: "
            "index x with n too.",
            "04_channels#8. The four axes",
        ),
        Misconception(
            "`=` instead of `+=`",
            _last_window,
            "You overwrite the gradient with each window, so only the last one counts. Every window adds its part: begin "
            "with zeros and use +=.",
            MISTAKES,
        ),
        Misconception(
            "`=` instead of `+=`, for all images at once",
            _last_place,
            "You take all images at once, and overwrite the gradient with each place, so only the last place counts. Every "
            "window adds its part: begin with zeros and use +=.",
            MISTAKES,
        ),
        Misconception(
            "channels and filters exchanged",
            _collecting(result=lambda gradient, g: gradient.swapaxes(2, 3)),
            "Your numbers are right, but the result is (kh, kw, F, C). A kernel is (kh, kw, C, F), and its gradient has the "
            "same shape: exchange the last two axes.",
            "04_channels#2. Many filters: HWIO",
        ),
        Misconception(
            "all channels summed",
            _collecting(lambda x: np.broadcast_to(x.sum(axis=3, keepdims=True), x.shape)),
            "You add the channels of the window up before you multiply, so all channels get the same gradient. The forward "
            "pass sums over channels, but each weight met one channel only: keep them apart.",
            KERNEL,
        ),
        Misconception(
            "above and below exchanged in the padding",
            _collecting(pads=_reversed),
            "You exchange the numbers of each pair, so that the zeros for below come above, and those for the right come on the "
            "left. The first number of a pair counts those before the image: give np.pad the pairs as they are.",
            "02_padding#4. Your own padding",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write the forward pass with loops. Where it multiplies a window by the kernel, multiply it by the upstream "
            "number instead, and add the product to the gradient.",
        ),
        Hint(
            "It is right for stride 1 without padding only",
            "The windows are those of the forward pass: pad x first, and begin at row i · strides[0], column j · strides[1].",
        ),
        Hint(
            "One channel works, several do not",
            "A window has shape (kh, kw, C). Times upstream[n, i, j, f] it goes to gradient[:, :, :, f], for every f.",
        ),
    ),
    explanation="The weight at (u, v, c) of filter f occurs in every number of map f, each time with the pixel at (u, v, c) "
    "of that window. So its derivative is the sum, over images and places, of that pixel times the upstream number. Stride "
    "and padding only say which pixel that is.",
)


def max_pool_gradient(
    x: np.ndarray, upstream: np.ndarray, pool_size: tuple[int, int], strides: tuple[int, int]
) -> np.ndarray:
    """Gradient of the loss for the input of max pooling.

    x: (H, W), the input. upstream: (OH, OW), how the loss changes with each number of the output. pool_size: (height,
    width) of a window. strides: (down, across). Returns (H, W).
    """
    # TODO: in each window, which single pixel made the output? It gets the upstream number.
    # BEGIN SOLUTION
    pool_h, pool_w = pool_size
    gradient = np.zeros(x.shape)
    for i, j in np.ndindex(*upstream.shape):
        row, column = i * strides[0], j * strides[1]
        window = x[row : row + pool_h, column : column + pool_w]
        u, v = np.unravel_index(window.argmax(), window.shape)
        gradient[row + u, column + v] += upstream[i, j]
    return gradient
    # END SOLUTION


def _max_pool_gradient(x: np.ndarray, upstream: np.ndarray, pool_size: Pair, strides: Pair) -> np.ndarray:
    found = max_pool2d_gradient(x[None, :, :, None], upstream[None, :, :, None], pool_size, strides=strides)
    return found[0, :, :, 0]


def _largest(window: np.ndarray) -> np.ndarray:
    """1 at the largest number, 0 elsewhere."""
    return (np.arange(window.size) == window.argmax()).astype(float).reshape(window.shape)


def _first(window: np.ndarray) -> np.ndarray:
    """1 at the first pixel, 0 elsewhere."""
    return (np.arange(window.size) == 0).astype(float).reshape(window.shape)


def _handing(
    share: Callable[[np.ndarray], np.ndarray] = _largest,
    worth: Callable[[float, np.ndarray], float] = lambda g, window: g,
    keep: bool = True,
    steps: Callable[[Pair], Pair] = lambda strides: strides,
) -> Callable[..., np.ndarray]:
    """The gradient of max pooling with some decisions changed."""

    def wrong(x, upstream, pool_size, strides):
        gradient = np.zeros(x.shape)
        for place in np.ndindex(*upstream.shape):
            starts = (p * s for p, s in zip(place, steps(strides), strict=True))
            at = tuple(slice(start, start + k) for start, k in zip(starts, pool_size, strict=True))
            part = share(x[at])
            before = gradient[at] if keep else np.where(part > 0, 0, gradient[at])
            gradient[at] = before + part * worth(upstream[place], x[at])
        return gradient

    return wrong


def _pool_case(size: Pair, pool_size: Pair, strides: Pair, rng: np.random.Generator | None = None) -> Case:
    """A case of max pooling, without two equal pixels."""
    outputs = _output_shape((1, *size, 1), pool_size, 1, strides, NONE)[1:3]
    x, upstream = _mixed(*size), _mixed(*outputs, seed=1)
    if rng is not None:
        x, upstream = rng.permutation(x.ravel()).reshape(size) - x.size // 4, _drawn(rng, *outputs)
    return case(x, upstream, pool_size, strides)


def _pools(rng: np.random.Generator) -> Iterable[Case]:
    for pool_size, strides in (
        ((2, 2), (1, 1)),
        ((3, 2), (2, 1)),
        ((2, 3), (1, 2)),
        ((1, 2), (2, 3)),
        ((3, 3), (2, 2)),
    ):
        height, width = (int(v) for v in pool_size + rng.integers(2, 5, 2))
        yield _pool_case((height, width), pool_size, strides, rng)


MAX_POOL_GRADIENT = Problem(
    solution=max_pool_gradient,
    title="Back through max pooling",
    lesson=LESSON,
    statement="""Max pooling keeps the largest number of each window. Going back, each output hands its upstream number to
the one pixel that it was copied from; the others get nothing from it. Windows overlap where the strides are smaller than the window,
and a pixel may win in several of them. No two pixels of an image are equal, and there is no padding.""",
    reference=_max_pool_gradient,
    groups=(
        Group(
            "windows side by side",
            1,
            (
                _pool_case((1, 4), (1, 2), (1, 2)),
                _pool_case((4, 4), (2, 2), (2, 2)),
                _pool_case((5, 7), (2, 3), (2, 3)),
                _pool_case((5, 5), (1, 2), (2, 3)),
            ),
        ),
        Group(
            "overlapping windows",
            2,
            (
                _pool_case((1, 3), (1, 2), (1, 1)),
                _pool_case((3, 4), (2, 2), (1, 1)),
                _pool_case((5, 4), (3, 2), (2, 1)),
                _pool_case((4, 6), (2, 3), (1, 2)),
            ),
        ),
        Group("other images", 1, _pools, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "`=` instead of `+=`",
            _handing(keep=False),
            "You overwrite, so that a pixel that wins in several windows keeps only what the last one hands it. It made all of these "
            "outputs, so their upstream numbers add up: use +=.",
            MISTAKES,
        ),
        Misconception(
            "shared evenly in the window",
            _handing(lambda window: np.full(window.shape, 1 / window.size)),
            "You share each upstream number evenly among the pixels of its window, which is right for average pooling. A "
            "maximum changes with its largest pixel alone: that one gets all.",
            "03_stride#3. Pooling",
        ),
        Misconception(
            "all pixels get it",
            _handing(np.ones_like),
            "You hand the upstream number to every pixel of the window. Only the largest one made the output: the others "
            "get nothing.",
            "03_stride#3. Pooling",
        ),
        Misconception(
            "the window's first pixel gets it",
            _handing(_first),
            "You hand the upstream number to the upper left pixel of the window. It belongs to the largest pixel: find its "
            "place with argmax, and add the place where the window begins.",
            INPUT,
        ),
        Misconception(
            "the stride is ignored",
            _handing(steps=lambda strides: (1, 1)),
            "You let the window of output (i, j) begin at row i and column j. With strides it begins at row i · strides[0] and "
            "column j · strides[1], as in the forward pass.",
            MISTAKES,
        ),
        Misconception(
            "times the pixel itself",
            _handing(worth=lambda g, window: g * window.max()),
            "You multiply the upstream number by the largest pixel. The output is that pixel, so its derivative is 1: hand "
            "the upstream number on as it is.",
            KERNEL,
        ),
        Misconception(
            "the upstream gradient is ignored",
            _handing(worth=lambda g, window: 1.0),
            "You count how often each pixel wins. Each time it wins, add the upstream number of that output in place of 1.",
            KERNEL,
        ),
        Misconception(
            "the largest without its sign",
            _handing(lambda window: _largest(np.abs(window))),
            "You look for the largest absolute value, so that -9 wins over 2. Max pooling takes the largest number with its sign: "
            "leave np.abs out.",
            "03_stride#3. Pooling",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Begin with zeros in the shape of x. Loop over the outputs, cut out the window, and find its largest pixel.",
        ),
        Hint(
            "argmax gives me a single number",
            "It counts through the flat window. np.unravel_index(window.argmax(), window.shape) makes row and column of it, "
            "counted from where the window begins.",
        ),
        Hint(
            "It is right until windows overlap",
            "A pixel can be the largest of several windows, and gets the upstream number of each: +=, not =.",
        ),
    ),
    explanation="The output of a window equals its largest pixel, so it changes with that pixel one to one, and with no "
    "other. Hence the upstream number goes to that pixel as it is. Where one pixel made several outputs, the chain rule "
    "adds their numbers up.",
)


def input_gradient(
    kernel: np.ndarray,
    upstream: np.ndarray,
    input_size: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
) -> np.ndarray:
    """Gradient of the loss for the input of a convolution.

    kernel: (kh, kw, C, F). upstream: (N, OH, OW, F), how the loss changes with each number of the output. input_size:
    (H, W). strides: (down, across). padding: zeros ((above, below), (left, right)) that were added to the input.
    Returns (N, H, W, C).
    """
    # TODO: make zeros of the padded size, let each output paint the kernel into its window, and take the padding off
    # BEGIN SOLUTION
    kernel_h, kernel_w, channels, _ = kernel.shape
    (height, width), ((above, below), (left, right)) = input_size, padding
    padded = np.zeros((len(upstream), above + height + below, left + width + right, channels))
    for n, i, j, f in np.ndindex(*upstream.shape):
        row, column = i * strides[0], j * strides[1]
        padded[n, row : row + kernel_h, column : column + kernel_w] += upstream[n, i, j, f] * kernel[:, :, :, f]
    return padded[:, above : above + height, left : left + width]
    # END SOLUTION


def _input_gradient(
    kernel: np.ndarray, upstream: np.ndarray, input_size: Pair, strides: Pair = (1, 1), padding: Pads = NONE
) -> np.ndarray:
    x = np.zeros((len(upstream), *input_size, kernel.shape[2]))
    return conv2d_gradients(x, kernel, upstream, strides=strides, padding=padding).dx


def _add(window: np.ndarray, kernel: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The window with the kernels painted over it, each times its upstream number."""
    return window + kernel @ g


def _inside(padded: np.ndarray, input_size: Pair, padding: Pads) -> np.ndarray:
    """The image without its border."""
    (above, _), (left, _) = padding
    return padded[:, above : above + input_size[0], left : left + input_size[1]]


def _painting(
    kernels: Callable[[np.ndarray], np.ndarray] = lambda k: k,
    paint: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = _add,
    steps: Callable[[Pair], Pair] = lambda strides: strides,
    cut: Callable[[np.ndarray, Pair, Pads], np.ndarray] = _inside,
    backwards: bool = False,
) -> Callable[..., np.ndarray]:
    """The input's gradient with some decisions changed."""

    def wrong(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
        (kernel_h, kernel_w, channels, _), (down, across) = kernel.shape, steps(strides)
        size = (n + sum(pads) for n, pads in zip(input_size, padding, strict=True))
        padded = np.zeros((len(upstream), *size, channels))
        places = list(np.ndindex(*upstream.shape[:3]))
        for n, i, j in places[::-1] if backwards else places:
            at = n, slice(i * down, i * down + kernel_h), slice(j * across, j * across + kernel_w)
            padded[at] = paint(padded[at], kernels(kernel), upstream[n, i, j])
        return cut(padded, input_size, padding)

    return wrong


def _minus_cut(padded: np.ndarray, input_size: Pair, padding: Pads) -> np.ndarray:
    """Cut with negative ends, of which -0 is the beginning."""
    (above, below), (left, right) = padding
    return padded[:, above:-below, left:-right]


def _averaged(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    """The mean of all windows that reach a pixel."""
    ones = np.ones((*kernel.shape[:3], 1)), np.ones((*upstream.shape[:3], 1))
    times = _input_gradient(*ones, input_size, strides, padding)
    return _input_gradient(kernel, upstream, input_size, strides, padding) / np.maximum(times, 1)


def _undone(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    """The smallest input whose convolution comes nearest to `upstream`."""
    shape = (*input_size, kernel.shape[2])
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    matrix = conv2d(units, kernel, strides=strides, padding=padding).reshape(len(units), -1)
    return (upstream.reshape(len(upstream), -1) @ np.linalg.pinv(matrix)).reshape(-1, *shape)


def _input_case(
    x: tuple[int, ...],
    kernel_size: Pair,
    filters: int = 1,
    strides: Pair = (1, 1),
    padding: Pads = NONE,
    numbers: Callable[..., np.ndarray] = _mixed,
) -> Case:
    """A case of the input's gradient, for an input of this shape."""
    upstream = numbers(*_output_shape(x, kernel_size, filters, strides, padding), seed=1)
    more = () if (strides, padding) == ((1, 1), NONE) else (strides,) if padding == NONE else (strides, padding)
    return case(numbers(*kernel_size, x[3], filters), upstream, x[1:3], *more)


def _input_cases(rng: np.random.Generator) -> Iterable[Case]:
    for settings in _layers(rng):
        yield _input_case(*settings, numbers=partial(_drawn, rng))


INPUT_GRADIENT = Problem(
    solution=input_gradient,
    title="The input's gradient",
    lesson=LESSON,
    statement="""Compute the gradient of a convolution's input, for batches, several channels and filters, strides and
zeros around the image. Each output (i, j) of filter f paints that filter's kernel, as it is and times the upstream number,
into the window that it saw: the one that begins at row i · `strides[0]` and column j · `strides[1]` of the *padded* input.
What overlaps is added up. Pixels that no window saw get 0, and the padding does not belong to the result.""",
    reference=_input_gradient,
    groups=(
        Group(
            "one channel, one filter",
            1,
            (_input_case((1, 1, 3, 1), (1, 2)), _input_case((1, 3, 4, 1), (2, 2)), _input_case((1, 4, 3, 1), (3, 1))),
        ),
        Group(
            "larger strides",
            1,
            (
                _input_case((1, 1, 6, 1), (1, 2), strides=(1, 3)),
                _input_case((1, 5, 4, 1), (2, 1), strides=(2, 1)),
                _input_case((1, 6, 7, 1), (2, 3), strides=(3, 2)),
            ),
        ),
        Group(
            "padding",
            1,
            (
                _input_case((1, 2, 3, 1), (2, 2), padding=((1, 0), (0, 1))),
                _input_case((1, 3, 3, 1), (3, 2), padding=((1, 1), (1, 2))),
                _input_case((1, 4, 3, 1), (2, 3), strides=(2, 1), padding=((0, 1), (1, 1))),
            ),
        ),
        Group(
            "images, channels and filters",
            1,
            (
                _input_case((2, 2, 2, 1), (1, 2)),
                _input_case((1, 2, 3, 2), (2, 2), 3),
                _input_case((3, 3, 4, 2), (2, 3), 3, strides=(1, 2), padding=((1, 0), (1, 1))),
            ),
        ),
        Group("other layers", 1, _input_cases, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "`=` instead of `+=`",
            _painting(paint=lambda window, kernel, g: kernel @ g),
            "You overwrite, so that where windows overlap only the last one is left. A pixel collects from all windows that saw it: "
            "use +=.",
            MISTAKES,
        ),
        Misconception(
            "`=` instead of `+=`, for the filters too",
            _painting(paint=lambda window, kernel, g: kernel[..., -1] * g[-1]),
            "You overwrite the window in a loop over places and filters, so only the last window, and of it the last filter, "
            "is left. A pixel collects from all windows and all filters: use +=.",
            MISTAKES,
        ),
        Misconception(
            "`=` instead of `+=`, in a loop over the kernel",
            _painting(paint=lambda window, kernel, g: kernel @ g, backwards=True),
            "You loop over the places of the kernel and overwrite, so each pixel keeps what the last of these places gave "
            "it. A pixel collects from all of them: use +=.",
            MISTAKES,
        ),
        Misconception(
            "the stride is ignored",
            _painting(steps=lambda strides: (1, 1)),
            "You paint output (i, j) at row i and column j. Its window begins at row i · strides[0] and column j · strides[1], as "
            "in the forward pass.",
            MISTAKES,
        ),
        Misconception(
            "the kernel is turned",
            _painting(lambda k: k[::-1, ::-1]),
            "You paint the kernel turned by 180°, or correlate the padded upstream gradient by the kernel without turning "
            "it. Painting uses the kernel as it is; only the full correlation needs it turned.",
            MISTAKES,
        ),
        Misconception(
            "the padding cut off at the end",
            _painting(cut=lambda padded, size, padding: padded[:, : size[0], : size[1]]),
            "You keep the first H rows and W columns of the padded gradient, padding included. Skip the "
            "rows that were added above and the columns on the left, then take H rows and W columns.",
            MISTAKES,
        ),
        Misconception(
            "the padding left on",
            _painting(cut=lambda padded, size, padding: padded),
            "You return the gradient of the padded input. The zeros around the image are no input: skip those above and "
            "on the left, then take H rows and W columns.",
            MISTAKES,
        ),
        Misconception(
            "a slice that ends at -0",
            _painting(cut=_minus_cut),
            "You cut with padded[above:-below], but where nothing was added below, -0 is 0 and the slice is empty. Count "
            "from the front: padded[above : above + height].",
            MISTAKES,
        ),
        Misconception(
            "overlaps are averaged",
            _averaged,
            "You divide by the number of windows that saw a pixel. Each of these outputs changes with the pixel in full, so "
            "what they hand back is added up, and not divided.",
            INPUT,
        ),
        Misconception(
            "the convolution is undone",
            _undone,
            "You look for an input whose convolution is `upstream`, as if going back undid the convolution. The gradient does not: "
            "each output paints the kernel, times its upstream number, and what overlaps is added up.",
            INPUT,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take stride 1, one channel and no padding first: that is `input_gradient` of the lesson. Then let the window "
            "move by the stride.",
        ),
        Hint(
            "Padding gives a wrong shape or a shifted result",
            "Paint into zeros of the padded size, and return its rows from `above` to `above + height`, and likewise its "
            "columns.",
        ),
        Hint(
            "One channel works, several do not",
            "kernel[:, :, :, f] has shape (kh, kw, C), as a window of image n has. Add it, times upstream[n, i, j, f], for "
            "every f.",
        ),
    ),
    explanation="A pixel took part in several outputs, each time with another weight. Its derivative is the sum of these "
    "weights, each times the upstream number of its output, and painting adds up just these products. The border of the "
    "padded input collects numbers too, but there is no pixel that could use them.",
)


def transposed_shapes(
    input_shape: tuple[int, int, int],
    filters: int,
    kernel_size: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
    padding: str = "valid",
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of a transposed convolution, as Keras' Conv2DTranspose has them.

    input_shape: (H, W, C). filters: F, feature maps of the output. kernel_size: (kh, kw). strides: (down, across).
    padding: "valid" or "same". Returns (shape of the kernel, shape of the output): four numbers, and three numbers,
    (OH, OW, F).
    """
    # TODO: how far does the paint of the last input pixel reach? And which convolution has this kernel?
    # BEGIN SOLUTION
    sizes = []
    for axis in (0, 1):
        n, kernel, stride = input_shape[axis], kernel_size[axis], strides[axis]
        sizes.append(n * stride + max(kernel - stride, 0) if padding == "valid" else n * stride)
    return (*kernel_size, filters, input_shape[2]), (*sizes, filters)
    # END SOLUTION


def _transposed_shapes(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    spec = geometry.TransposeSpec(kernel_size, filters, strides=strides, padding=padding)
    return spec.kernel_shape(input_shape[2]), spec.output_shape(input_shape)


def _named_shapes(result: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The two shapes by name."""
    if not isinstance(result, (tuple, list)) or [np.ndim(shape) for shape in result] != [1, 1]:
        raise ConvlabError(
            f"two shapes were expected, that of the kernel and that of the output, but {shown(result)} came back: "
            "return (kernel_shape, output_shape), two tuples."
        )
    kernel, output = result
    return {"the kernel's shape": tuple(kernel), "the output's shape": tuple(output)}


def _transposed(
    size: Callable[[int, int, int, str], int] | None = None,
    kernel: Callable[[int, int], Pair] = lambda filters, channels: (filters, channels),
    depth: Callable[[int, int], int] = lambda filters, channels: filters,
) -> Callable[..., tuple[tuple[int, ...], tuple[int, ...]]]:
    """Shapes with some decisions changed. size(n, k, stride, padding), kernel(F, C) and depth(F, C)."""

    def wrong(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
        _, right = _transposed_shapes(input_shape, filters, kernel_size, strides, padding)
        axes = zip(input_shape[:2], kernel_size, strides, strict=True)
        sizes = right[:2] if size is None else tuple(size(*axis, padding) for axis in axes)
        channels = input_shape[2]
        return (*kernel_size, *kernel(filters, channels)), (*sizes, depth(filters, channels))

    return wrong


def _all_paint(n: int, kernel: int, stride: int) -> int:
    """What a "valid" transposed convolution keeps along one axis."""
    return n * stride + max(kernel - stride, 0)


def _transposed_cases(rng: np.random.Generator) -> Iterable[Case]:
    for shortest, padding in ((1, "valid"), (2, "same"), (3, "valid"), (1, "same"), (4, "valid"), (3, "same")):
        height, width, channels, filters = (int(v) for v in rng.integers(2, 9, 4))
        kernel_size = shortest, shortest + int(rng.integers(0, 3))
        strides = int(rng.integers(2, 4)), int(rng.integers(1, 4))
        yield case((height, width, channels), filters + 1, kernel_size, strides, padding)


TRANSPOSED_SHAPES = Problem(
    solution=transposed_shapes,
    title="Shapes of a transposed convolution",
    lesson=LESSON,
    statement="""A transposed convolution paints: input pixel i lays its kernel down from place i · stride on. With
`padding="valid"` Keras keeps all the paint, and at least `stride` pixels for each input pixel even where the kernel is
shorter; with `"same"` it keeps exactly `stride` pixels for each. Its kernel is the HWIO kernel of the convolution that goes
the *other* way, from the F maps of the output to the C channels of the input. Return the shapes of the kernel and of the
output, without the batch axis.""",
    reference=_transposed_shapes,
    observe=_named_shapes,
    groups=(
        Group(
            "valid",
            1,
            (
                case((4, 6, 3), 5, (3, 2)),
                case((4, 5, 16), 32, (3, 4), (2, 2)),
                case((4, 3, 2), 7, (1, 2), (2, 3)),
            ),
        ),
        Group(
            "same",
            1,
            (
                case((4, 6, 3), 5, (3, 2), (1, 1), "same"),
                case((7, 5, 8), 4, (3, 5), (2, 2), "same"),
                case((3, 4, 1), 6, (2, 1), (1, 3), "same"),
            ),
        ),
        Group("other layers", 1, _transposed_cases, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "(n - 1) · stride + k, always",
            _transposed(lambda n, k, s, padding: (n - 1) * s + k),
            'You take (n - 1) · stride + k for every padding. Keras\' "same" gives n · stride, and with "valid" a kernel '
            "shorter than the stride still leaves n · stride pixels.",
            PATTERNS,
        ),
        Misconception(
            "a short kernel shortens the output",
            _transposed(lambda n, k, s, padding: n * s if padding == "same" else (n - 1) * s + k),
            "With a kernel shorter than the stride you let the output end where the last paint ends. Keras keeps `stride` "
            "pixels for each input pixel: n · stride + max(k - stride, 0).",
            PATTERNS,
        ),
        Misconception(
            "`same` is ignored",
            _transposed(lambda n, k, s, padding: _all_paint(n, k, s)),
            'You keep all the paint for "same" too. There the output is exactly n · stride pixels long, and what paint is '
            "left over is cut off.",
            PATTERNS,
        ),
        Misconception(
            "same gives (n - 1) · stride + 1",
            _transposed(lambda n, k, s, padding: (n - 1) * s + 1 if padding == "same" else _all_paint(n, k, s)),
            'For "same" you return the smallest size whose convolution has n outputs, as PyTorch does with output_padding '
            "0. Several sizes lead to n, and Keras takes the largest: n · stride.",
            PATTERNS,
        ),
        Misconception(
            "stride times the input, always",
            _transposed(lambda n, k, s, padding: n * s),
            'You return n · stride for every padding. With "valid" the last kernel may stick out, and its paint is kept: '
            "n · stride + max(k - stride, 0).",
            PATTERNS,
        ),
        Misconception(
            "the size of an ordinary convolution",
            _transposed(
                lambda n, k, s, padding: -(-n // s) if padding == "same" else (n - k) // s + 1,
            ),
            "You compute the size of a convolution, which gets smaller with the stride. A transposed convolution goes the "
            'other way: n · stride with "same", and n · stride + max(k - stride, 0) with "valid".',
            PATTERNS,
        ),
        Misconception(
            "the kernel as HWIO of its own",
            _transposed(kernel=lambda filters, channels: (channels, filters)),
            "Your kernel is (kh, kw, C, F), as that of Conv2D. Conv2DTranspose has the output's maps first, (kh, kw, F, C), "
            "because it is the kernel of the convolution that goes the other way.",
            "04_channels#2. Many filters: HWIO",
        ),
        Misconception(
            "the output keeps the input's channels",
            _transposed(depth=lambda filters, channels: channels),
            "You give the output as many maps as the input has channels. The layer makes one map for each filter: "
            "the output's shape ends in `filters`.",
            "04_channels#2. Many filters: HWIO",
        ),
        Misconception(
            "strides exchanged",
            lambda input_shape, filters, kernel_size, strides=(1, 1), padding="valid": _transposed_shapes(
                input_shape, filters, kernel_size, strides[::-1], padding
            ),
            "You use strides[1] for the height and strides[0] for the width. The first goes down, from row to row: take strides[0] "
            "for the height.",
            "03_stride#1. Stride",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Draw a row of n = 3 pixels, a kernel of 3 and stride 2. Where does each kernel begin, and where does the last "
            "one end?",
        ),
        Hint(
            "My size is right but for some kernels",
            "With a kernel shorter than the stride there are gaps between the paint. Each input pixel still owns `stride` "
            "pixels, the last one too.",
        ),
        Hint(
            "My output is right, but not the kernel",
            "The convolution from the output to the input has F channels and C filters. HWIO of that one: (kh, kw, F, C).",
        ),
    ),
    explanation="The last of n kernels begins at (n - 1) · stride and is k long; with at least `stride` for each pixel that "
    'makes n · stride + max(k - stride, 0). "same" turns the rule of the convolution round, whose output is n / stride '
    "rounded up: several sizes lead to n, and n · stride is the largest. The layer is the gradient of that convolution for "
    "its input, not its inverse, and so it stores that convolution's kernel.",
)


def find_kernel(image: np.ndarray, output: np.ndarray, kernel_size: tuple[int, int]) -> np.ndarray:
    """Find the kernel with which an image was correlated.

    image: (H, W). output: (H - kh + 1, W - kw + 1), the valid correlation of the image with the unknown kernel, without
    a bias. kernel_size: (kh, kw). Returns the kernel, (kh, kw).
    """
    # TODO: start from zeros; correlate, compare with the output, and go down the gradient of the mean squared error
    # BEGIN SOLUTION
    kernel = np.zeros(kernel_size)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel_size)  # (OH, OW, kh, kw)
    for _ in range(500):
        error = np.tensordot(windows, kernel, 2) - output
        gradient = 2 / error.size * np.tensordot(error, windows, 2)
        kernel = kernel - 0.1 * gradient
    return kernel
    # END SOLUTION


def _least_squares(image: np.ndarray, output: np.ndarray, kernel_size: Pair) -> np.ndarray:
    """The kernel that comes nearest: each of its weights alone gives one column."""
    units = np.eye(int(np.prod(kernel_size))).reshape(-1, *kernel_size)
    columns = np.array([correlate2d(image, unit).ravel() for unit in units]).T
    return np.linalg.lstsq(columns, output.ravel(), rcond=None)[0].reshape(kernel_size)


def _found(change: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """The right kernel, changed."""
    return lambda image, output, kernel_size: change(_least_squares(image, output, kernel_size))


def _filtered(image: np.ndarray, kernel: np.ndarray) -> Case:
    """An image, what a kernel makes of it, and the kernel's size."""
    return case(image, correlate2d(image, kernel), kernel.shape)


def _noise(rng: np.random.Generator, kernel_size: Pair) -> np.ndarray:
    """Whole numbers from -2 to 2 in which a descent with a rate of 0.1 finds each weight in some hundred steps.

    Their mean is not 0, so that taking it away makes a difference.
    """
    while True:
        image = rng.integers(-2, 3, (kernel_size[0] + 6, kernel_size[1] + 5)).astype(float)
        windows = sliding_window_view(image, kernel_size).reshape(-1, kernel_size[0] * kernel_size[1])
        curvature = np.linalg.eigvalsh(2 / len(windows) * windows.T @ windows)
        if curvature[0] > 0.5 and curvature[-1] < 10 and abs(image.mean()) > 0.15:
            return image


def _secrets(rng: np.random.Generator) -> Iterable[Case]:
    for kernel_size in ((2, 3), (3, 3), (4, 2), (1, 4)):
        kernel = rng.integers(-6, 7, kernel_size) / 2
        kernel[0, 0], kernel[-1, -1] = 3.5, -1.5  # so that it is not the same when turned
        yield _filtered(_noise(rng, kernel_size), kernel)


def _visible_secrets(rng: np.random.Generator) -> Iterable[Case]:
    for kernel in (
        [[3.0, -1, 0.5], [2, 1, -2]],
        [[1.0, 2], [-3, 0.5], [4, -1.5]],
        [[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]],
    ):
        found = np.array(kernel)
        yield _filtered(_noise(rng, (found.shape[0], found.shape[1])), found)


FIND_KERNEL = Problem(
    solution=find_kernel,
    title="Recover an unknown kernel",
    lesson=LESSON,
    statement="""Somebody correlated an image with a kernel, without padding and with stride 1. Find the kernel from the image
and the output. Gradient descent from zeros gets there, and so does least squares; each weight may be off by a hundredth of
the largest weight. The images are noise between -2 and 2, in which a rate of 0.1 is safe and 500 steps are enough. All
cases together may take 20 seconds.""",
    reference=_least_squares,
    groups=(
        Group(
            "one or two weights",
            1,
            (
                _filtered(np.array([[1.0, -1], [2, 0]]), np.array([[3.0]])),
                _filtered(np.array([[1.0, 2, -1, 0], [0, 1, 2, -2]]), np.array([[2.0, -0.5]])),
                _filtered(np.array([[0.0, 2], [1, -1], [-2, 1], [1, 2]]), np.array([[1.0], [3.0]])),
            ),
        ),
        Group("more weights", 2, _visible_secrets),
        Group("other kernels", 1, _secrets, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the kernel is turned",
            _found(lambda k: k[::-1, ::-1]),
            "You found the kernel of a true convolution, which is turned by 180°. Here the image was correlated: compare "
            "with a correlation, such as convlab.correlate2d, in every step.",
            "01_kernels#4. Correlation and convolution",
        ),
        Misconception(
            "rows and columns of the kernel exchanged",
            _found(lambda k: k.T.reshape(k.shape)),
            "Your weights are right, but they stand column by column where they belong row by row. Put them into (kh, kw) in "
            "the order in which you took the pixels of a window.",
            "01_kernels#6. Mistakes people make here",
        ),
        Misconception(
            "the image correlated with its output",
            lambda image, output, kernel_size: correlate2d(image, output),
            "You return the correlation of the image with the output. That is the direction of the first step only: take "
            "many small steps, each with the error that is left.",
            RECOVER,
        ),
        Misconception(
            "the image centred, the output not",
            lambda image, output, kernel_size: _least_squares(image - image.mean(), output, kernel_size),
            "You take the mean off the image, but the output came from the image as it was. No kernel explains that pair: "
            "leave both as they are, for noise needs no centring.",
            RECOVER,
        ),
        Misconception(
            "image and output centred",
            lambda image, output, kernel_size: _least_squares(
                image - image.mean(), output - output.mean(), kernel_size
            ),
            "You take its own mean off the image and off the output. The two means do not fit together, because border "
            "pixels are seen by fewer windows: leave both as they are.",
            RECOVER,
        ),
        Misconception(
            "rounded to whole numbers",
            _found(np.round),
            "You round the weights to whole numbers. A kernel may hold fractions: return what the descent found.",
            RECOVER,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Guess zeros. Correlate the image with your guess; the error is this minus the output. Its kernel gradient, "
            "times a small rate, is taken off the guess; then do it again.",
        ),
        Hint(
            "My numbers explode (infinite or NaN)",
            "Divide by the number of outputs, as the mean squared error does: g = 2 (y - t) / n. Take a rate of 0.1, and "
            "**subtract** rate times gradient.",
        ),
        Hint(
            "My kernel is near, but not near enough",
            "Take more steps, about 500. Or build a row for each window and let np.linalg.lstsq solve windows · kernel = "
            "output at once.",
        ),
    ),
    explanation="The mean squared error of a correlation is a bowl in the weights, with its lowest point, zero, at the secret "
    "kernel. Noise makes the bowl about equally steep on all sides, so that every step takes a good part of each error "
    "away. Least squares jumps to the lowest point of the same bowl.",
    tolerance=1e-2,
    seconds=20.0,
)

PROBLEMS = [
    BIAS_GRADIENT,
    NUMERICAL_GRADIENT,
    KERNEL_GRADIENT,
    MAX_POOL_GRADIENT,
    INPUT_GRADIENT,
    TRANSPOSED_SHAPES,
    FIND_KERNEL,
]
