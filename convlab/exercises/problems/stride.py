"""Exercises on strides, dilation and pooling: sizes first, then arrays, then a whole stack of layers."""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, prod
from typing import Any

import numpy as np

from convlab import geometry
from convlab.exercises.problem import Case, Group, Hint, Misconception, Problem, case
from convlab.exercises.problems.arrays import counted, weights
from convlab.exercises.problems.decisions import mistaken, on_image
from convlab.ops import avg_pool2d, correlate2d, max_pool2d

LESSON = "03_stride"
STRIDE, DILATION, POOLING, FIELD, MISTAKES = (
    f"{LESSON}#{heading}"
    for heading in (
        "1. Stride",
        "2. Dilation",
        "3. Pooling",
        "5. How far does a network see?",
        "8. Mistakes people make here",
    )
)
Pair = tuple[int, int]
Pads = tuple[Pair, Pair]
NONE: Pads = ((0, 0), (0, 0))


def _pair(values: Iterable[Any]) -> Pair:
    """Two whole numbers of NumPy as Python's."""
    first, second = (int(value) for value in values)
    return first, second


def strided_size(n: int, kernel: int, stride: int = 1, dilation: int = 1, padding: str = "valid") -> int:
    """Outputs along one axis of a convolution.

    n: pixels of the image along this axis. kernel: weights along it. stride: pixels from one window to the next.
    dilation: pixels from one weight to the next. padding: "valid", which adds nothing, so that the dilated kernel has
    to fit; or "same", which adds as many zeros as it takes for n / stride outputs, rounded up.
    """
    # TODO: how far does the dilated kernel reach, and in how many places can it lie?
    # BEGIN SOLUTION
    if padding == "same":
        return -(-n // stride)  # rounded up
    reach = dilation * (kernel - 1) + 1
    return (n - reach) // stride + 1
    # END SOLUTION


def _size(
    n: int, kernel: int, stride: int = 1, dilation: int = 1, padding: str = "valid", **changes: Callable[..., int]
) -> int:
    """The right size, but for what is changed."""
    do: dict[str, Callable[..., int]] = dict(
        reach=lambda k, d: d * (k - 1) + 1,
        places=lambda n, reach, s: (n - reach) // s + 1,
        same=lambda n, s: ceil(n / s),
    )
    do |= changes
    return do["same"](n, stride) if padding == "same" else do["places"](n, do["reach"](kernel, dilation), stride)


def _other_size(**changes: Callable[..., int]) -> Callable[..., int]:
    """The right size but for one decision, called as `strided_size` is."""
    return lambda n, kernel, stride=1, dilation=1, padding="valid": _size(
        n, kernel, stride, dilation, padding, **changes
    )


def _axes(rng: np.random.Generator) -> Iterable[Case]:
    """Rows in which the dilated kernel has room."""
    for padding in ("valid", "same", "valid") * 5:
        kernel, stride, dilation = (int(v) for v in rng.integers([1, 1, 1], [6, 5, 4]))
        n = dilation * (kernel - 1) + 1 + int(rng.integers(0, 20))
        yield case(n, kernel, stride, dilation, padding)


STRIDED_SIZE = Problem(
    solution=strided_size,
    title="How many windows?",
    lesson=LESSON,
    statement="""A kernel moves over a row of pixels, by `stride` pixels at a time, and its weights lie `dilation` pixels
apart. Count the windows. With `padding="valid"` every window lies within the row, and pixels that are left over at the
end are not read; with `padding="same"` there are n / stride windows, rounded up.""",
    reference=lambda n, kernel, stride=1, dilation=1, padding="valid": geometry.output_size(
        n, kernel, stride, padding, dilation
    ),
    groups=(
        Group("strides", 1, (case(5, 3), case(6, 3, 2), case(7, 3, 2), case(8, 3, 3), case(10, 3, 4), case(11, 2, 4))),
        Group("dilation", 1, (case(9, 3, 1, 2), case(15, 5, 1, 3), case(16, 4, 2, 3))),
        Group("same", 1, (case(7, 3, 2, 1, "same"), case(9, 3, 1, 2, "same"), case(10, 2, 3, 1, "same"))),
        Group("other sizes", 1, _axes, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "rounded up",
            _other_size(places=lambda n, reach, s: ceil((n - reach) / s) + 1),
            "You round (n - k) / s up, which counts a window that sticks out at the end. The kernel has to fit, so round "
            "down: (n - k) // s + 1.",
            STRIDE,
        ),
        Misconception(
            "rounded to the nearest",
            _other_size(places=lambda n, reach, s: round((n - reach) / s) + 1),
            "You round (n - k) / s to the nearest whole number, so that you sometimes count a window that sticks out. "
            "Round down: (n - k) // s + 1.",
            MISTAKES,
        ),
        Misconception(
            "the first window is forgotten",
            _other_size(places=lambda n, reach, s: (n - reach) // s),
            "You count the steps from window to window, (n - k) // s, but the window before the first step is one too. "
            "Add 1.",
            STRIDE,
        ),
        Misconception(
            "the 1 is added before dividing",
            _other_size(places=lambda n, reach, s: (n - reach + 1) // s),
            "You add 1 before you divide, (n - k + 1) // s, and lose a window wherever s does not divide that number. "
            "Divide first, and add 1 for the first window after that: (n - k) // s + 1.",
            STRIDE,
        ),
        Misconception(
            "a reach of d · k",
            _other_size(reach=lambda k, d: d * k),
            "You take d · k for the reach of the kernel, so there is a gap behind its last weight, too. From the first to "
            "the last weight there are k - 1 steps: d · (k - 1) + 1.",
            DILATION,
        ),
        Misconception(
            "a reach of k + d",
            _other_size(reach=lambda k, d: k + d),
            "You add the dilation to the kernel once. Each of the k - 1 steps between weights is d pixels long: the reach is "
            "d · (k - 1) + 1.",
            DILATION,
        ),
        Misconception(
            "a reach of d · (k - 1)",
            _other_size(reach=lambda k, d: d * (k - 1)),
            "Your reach, d · (k - 1), leaves out the last pixel of the kernel. Add 1: without dilation it has to be k.",
            DILATION,
        ),
        Misconception(
            "padding is ignored",
            lambda n, kernel, stride=1, dilation=1, padding="valid": _size(n, kernel, stride, dilation),
            'You count for "same" as for "valid", without any zeros. With "same" there are n / stride windows, rounded up: '
            "-(-n // stride).",
            "02_padding#3. Same with a stride",
        ),
        Misconception(
            "the dilation is ignored",
            _other_size(reach=lambda k, d: k),
            "You count places for a kernel of k, whatever the dilation. Put its reach, d · (k - 1) + 1, in the place of k.",
            DILATION,
        ),
        Misconception(
            "same size whatever the stride",
            _other_size(same=lambda n, s: n),
            'You return n for "same". That is so for stride 1 only: with stride s there are n / s windows, rounded up.',
            "02_padding#3. Same with a stride",
        ),
        Misconception(
            "same, rounded down",
            _other_size(same=lambda n, s: n // s),
            'You round n / s down for "same". It is rounded up, so that the pixels at the end are read, too: -(-n // s).',
            "02_padding#3. Same with a stride",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Where does the first window begin, where the second? And which is the last pixel where one can begin?",
        ),
        Hint(
            "It is right for some strides only",
            "A window that does not fit at the end is left out. Divide n - k by the stride, round down, and add 1 for the first "
            "window.",
        ),
        Hint(
            "It is right without dilation only",
            "Put the reach k' = d · (k - 1) + 1 in the place of k. With 5 weights and dilation 3 it is 13.",
        ),
    ),
    explanation="The first window begins at pixel 0, and the last one at n - k' or before. Between these there are n - k' "
    'steps of one pixel, so (n - k\') // s steps of s pixels, and one window more than steps. "same" is defined by its '
    "result instead, n / s rounded up, so neither kernel nor dilation matter.",
)


def strided_correlation(image: np.ndarray, kernel: np.ndarray, strides: tuple[int, int]) -> np.ndarray:
    """Correlate an image with a kernel that moves by several pixels at a time, without padding.

    image: (H, W). kernel: (kh, kw), not larger than the image. strides: pixels that it moves (down, to the right).
    Returns one number for each window that fits, in rows and columns.
    """
    # TODO: how many windows are there, and where does window (i, j) begin?
    # BEGIN SOLUTION
    (kernel_h, kernel_w), (stride_h, stride_w) = kernel.shape, strides
    out_h = (image.shape[0] - kernel_h) // stride_h + 1
    out_w = (image.shape[1] - kernel_w) // stride_w + 1
    out = np.zeros((out_h, out_w))
    for i in range(out_h):
        for j in range(out_w):
            top, left = i * stride_h, j * stride_w
            out[i, j] = np.sum(image[top : top + kernel_h, left : left + kernel_w] * kernel)
    return out
    # END SOLUTION


def _strided(image: np.ndarray, kernel: np.ndarray, strides: Pair) -> np.ndarray:
    """The right answer."""
    return correlate2d(image, kernel, strides=strides)


def _steps(rng: np.random.Generator) -> Iterable[Case]:
    """Images that stay large enough when only every s-th pixel is left."""
    for _ in range(6):
        size, strides = rng.integers(1, 4, 2), rng.integers(1, 4, 2)
        shape = (size - 1) * strides + 1 + rng.integers(0, 4, 2)
        kernel = rng.integers(-3, 4, size).astype(float)
        yield case(rng.integers(1, 10, shape).astype(float), kernel, _pair(strides))


def _wrong_steps(**changes: Any) -> Callable[..., np.ndarray]:
    """The right correlation but for one decision, called as `strided_correlation` is."""
    wrong = on_image(mistaken(**changes))
    return lambda image, kernel, strides: wrong(image, kernel, strides=strides)


def _crowded(image: np.ndarray, kernel: np.ndarray, strides: Pair, steps: Pair) -> np.ndarray:
    """As many outputs as there should be, of windows that lie closer together."""
    rows, columns = _strided(image, kernel, strides).shape
    return correlate2d(image, kernel, strides=steps)[:rows, :columns]


STRIDED_CORRELATION = Problem(
    solution=strided_correlation,
    title="Correlate, with strides",
    lesson=LESSON,
    statement="""Correlate an image with a kernel that moves down by `strides[0]` pixels and to the right by `strides[1]`
pixels. The first window begins in the upper left corner; nothing is padded, and pixels that are left over at the bottom or
on the right are not read. A stride may be larger than the kernel.""",
    reference=_strided,
    groups=(
        Group(
            "equal strides",
            1,
            (
                case(counted(1, 4), weights(1, 2), (2, 2)),
                case(counted(4, 5), weights(2, 2), (2, 2)),
                case(counted(4, 6), weights(1, 2), (3, 3)),
            ),
        ),
        Group(
            "different strides",
            1,
            (
                case(counted(4, 3), weights(2, 1), (2, 1)),
                case(counted(3, 6), weights(1, 2), (1, 3)),
                case(counted(7, 6), weights(3, 2), (2, 3)),
            ),
        ),
        Group("other images", 1, _steps, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the kernel is turned",
            _wrong_steps(kernel=lambda k: k[::-1, ::-1]),
            "You turn the kernel by 180°, which is true convolution. Lay it on the window as it is.",
            "01_kernels#4. Correlation and convolution",
        ),
        Misconception(
            "the strides exchanged",
            _wrong_steps(strides=lambda s: s[::-1]),
            "You move down by the second stride and to the right by the first. Rows come first: strides is (down, right).",
            MISTAKES,
        ),
        Misconception(
            "the first stride for both axes",
            _wrong_steps(strides=lambda s: (s[0], s[0])),
            "You use strides[0] for rows and columns. Height and width have strides of their own: take strides[1] for "
            "the width, and begin windows at column j · strides[1].",
            STRIDE,
        ),
        Misconception(
            "windows move by one pixel",
            lambda image, kernel, strides: _crowded(image, kernel, strides, (1, 1)),
            "The size is right, but your windows begin at (i, j), one pixel apart, so you see the upper left corner only. "
            "Window (i, j) begins at row i · strides[0] and column j · strides[1].",
            MISTAKES,
        ),
        Misconception(
            "columns move by one pixel",
            lambda image, kernel, strides: _crowded(image, kernel, strides, (strides[0], 1)),
            "The rows move by their stride, but the columns by one pixel: your windows begin at column j. They have to "
            "begin at j · strides[1].",
            MISTAKES,
        ),
        Misconception(
            "the last window ends at the border",
            _wrong_steps(first=lambda n, reach, stride: (n - reach) % stride),
            "You leave pixels out at the top and on the left, so that the last window ends at the border. Windows are "
            "counted from the upper left corner; what is left over lies at the end.",
            STRIDE,
        ),
        Misconception(
            "the first window is forgotten",
            _wrong_steps(outputs=lambda n, reach, stride: (n - reach) // stride),
            "Your output lacks its last row and column, because (n - k) // s counts the steps and not the windows. Add 1.",
            STRIDE,
        ),
        Misconception(
            "the image is thinned out first",
            lambda image, kernel, strides: correlate2d(image[:: strides[0], :: strides[1]], kernel),
            "You keep every s-th pixel of the image and correlate what is left, so weights meet pixels that lie s apart. "
            "Within a window pixels are neighbours; only the windows lie s apart.",
            STRIDE,
        ),
        Misconception(
            "the strides are ignored",
            lambda image, kernel, strides: correlate2d(image, kernel),
            "You compute a sum for every place of the kernel. Keep only every s-th row and column of these sums, from "
            "the first one on: window (i, j) begins at (i · strides[0], j · strides[1]).",
            STRIDE,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write it for stride 1 first. Then change two things: how many outputs there are, and where a window begins.",
        ),
        Hint(
            "The shape is right, but numbers differ",
            "Output (i, j) is not the window at (i, j). How far have you moved after i steps down and j to the right?",
        ),
        Hint(
            "I get an error, or the shape is wrong",
            "There are (H - kh) // strides[0] + 1 rows and (W - kw) // strides[1] + 1 columns, and window (i, j) begins at "
            "(i · strides[0], j · strides[1]).",
        ),
    ),
    explanation="A stride changes nothing within a window; it leaves windows out. So the result is every s-th row and column "
    "of the correlation with stride 1, and cheaper than that, for the others are never computed.",
)


def dilated_correlation(image: np.ndarray, kernel: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """Correlate an image with a dilated kernel that moves by one pixel, without padding.

    image: (H, W). kernel: (kh, kw). dilation: pixels from one weight to the next (down, to the right); 1 is an ordinary
    kernel. The dilated kernel fits into the image. Returns one number for each place where it fits, in rows and columns.
    """
    # TODO: how far does the kernel reach, and which pixels meet its weights?
    # BEGIN SOLUTION
    (kernel_h, kernel_w), (dilation_h, dilation_w) = kernel.shape, dilation
    reach_h, reach_w = dilation_h * (kernel_h - 1) + 1, dilation_w * (kernel_w - 1) + 1
    out = np.zeros((image.shape[0] - reach_h + 1, image.shape[1] - reach_w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + reach_h : dilation_h, j : j + reach_w : dilation_w] * kernel)
    return out
    # END SOLUTION


def _dilated(image: np.ndarray, kernel: np.ndarray, dilation: Pair) -> np.ndarray:
    """The right answer."""
    return correlate2d(image, kernel, dilation=dilation)


def _spread(rng: np.random.Generator) -> Iterable[Case]:
    """Images with room for a kernel that is dilated in one of the wrong ways."""
    for _ in range(5):
        size, dilation = rng.integers(1, 4, 2), rng.integers(1, 4, 2)
        shape = np.maximum((size - 1) * (dilation.max() + 1) + 1, size * dilation) + rng.integers(0, 3, 2)
        kernel = rng.integers(-3, 4, size).astype(float)
        yield case(rng.integers(1, 10, shape).astype(float), kernel, _pair(dilation))


def _wrong_dilation(**changes: Any) -> Callable[..., np.ndarray]:
    """The right correlation but for one decision, called as `dilated_correlation` is."""
    wrong = on_image(mistaken(**changes))
    return lambda image, kernel, dilation: wrong(image, kernel, dilation=dilation)


def _short_windows(image: np.ndarray, kernel: np.ndarray, dilation: Pair) -> np.ndarray:
    """Windows as long as an ordinary kernel, of which every d-th pixel is taken."""
    out = np.zeros_like(_dilated(image, kernel, dilation))
    for i, j in np.ndindex(*out.shape):
        window = image[i : i + kernel.shape[0] : dilation[0], j : j + kernel.shape[1] : dilation[1]]
        out[i, j] = np.sum(window * kernel)
    return out


DILATED_CORRELATION = Problem(
    solution=dilated_correlation,
    title="Correlate, with holes",
    lesson=LESSON,
    statement="""The weights of a dilated kernel lie `dilation` pixels apart, `dilation[0]` down and `dilation[1]` to the
right; the pixels between them are not read. Correlate an image with such a kernel. It moves by one pixel, and nothing is
padded: every pixel that meets a weight lies in the image.""",
    reference=_dilated,
    groups=(
        Group(
            "equal dilations",
            1,
            (
                case(counted(2, 5), weights(1, 2), (2, 2)),
                case(counted(6, 5), weights(2, 2), (2, 2)),
                case(counted(7, 8), weights(3, 2), (2, 2)),
            ),
        ),
        Group(
            "different dilations",
            1,
            (
                case(counted(5, 3), weights(2, 1), (2, 1)),
                case(counted(4, 7), weights(2, 2), (1, 3)),
                case(counted(8, 7), weights(2, 3), (3, 2)),
            ),
        ),
        Group("other images", 1, _spread, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "a reach of d · k",
            _wrong_dilation(reach=lambda k, d: d * k),
            "Your output is too small, because you take d · k for the reach of the kernel. There is no hole behind its last "
            "weight: it reaches over d · (k - 1) + 1 pixels.",
            DILATION,
        ),
        Misconception(
            "the dilations exchanged",
            _wrong_dilation(dilation=lambda d: d[::-1]),
            "You use the first dilation for the columns and the second for the rows. Rows come first: dilation is "
            "(down, right).",
            MISTAKES,
        ),
        Misconception(
            "the dilation is ignored",
            lambda image, kernel, dilation: correlate2d(image, kernel),
            "You correlate with the kernel as it is. Its weights have to lie `dilation` pixels apart: take only every "
            "d-th pixel of a window, image[i : i + reach : d].",
            DILATION,
        ),
        Misconception(
            "the first dilation for both axes",
            _wrong_dilation(dilation=lambda d: (d[0], d[0])),
            "You use dilation[0] for rows and columns. From column to column of the kernel the step is dilation[1].",
            MISTAKES,
        ),
        Misconception(
            "taken for a stride",
            lambda image, kernel, dilation: correlate2d(image, kernel, strides=dilation),
            "You move the kernel by `dilation` pixels, which is a stride. The windows move by one pixel; it is the pixels "
            "within a window that lie `dilation` apart.",
            DILATION,
        ),
        Misconception(
            "the window ends too early",
            _short_windows,
            "Your windows end kh rows and kw columns after their first pixel, so a step leaves fewer pixels in them than the "
            "kernel has weights. Cut out the whole reach: image[i : i + reach : d], with a reach of d · (k - 1) + 1.",
            DILATION,
        ),
        Misconception(
            "one hole too many",
            _wrong_dilation(dilation=lambda d: (d[0] + 1, d[1] + 1)),
            "You leave d pixels out between two weights, so they lie d + 1 apart. Dilation d means d pixels from weight to "
            "weight, d - 1 of them left out; 1 is an ordinary kernel.",
            DILATION,
        ),
        Misconception(
            "weights repeated in place of holes",
            lambda image, kernel, dilation: correlate2d(image, np.kron(kernel, np.ones(dilation))),
            "You enlarge the kernel by repeating each weight, so it reads every pixel. Between the weights there are holes: "
            "zeros, if you write them down.",
            DILATION,
        ),
        Misconception(
            "the kernel is turned",
            _wrong_dilation(kernel=lambda k: k[::-1, ::-1]),
            "You turn the kernel by 180°, which is true convolution. Lay it on the window as it is.",
            "01_kernels#4. Correlation and convolution",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Which pixels of a row does a kernel of 3 read with dilation 2, if its first weight lies on pixel 0?",
        ),
        Hint(
            "The shape is wrong",
            "The kernel reaches over d · (k - 1) + 1 pixels along an axis. Put that in the place of k: n - reach + 1 places.",
        ),
        Hint(
            'I get "could not broadcast"',
            "Cut out with a step: image[i : i + reach_h : dilation[0], j : j + reach_w : dilation[1]] has just kh rows and kw "
            "columns.",
        ),
    ),
    explanation="From the first to the last of k weights there are k - 1 steps of d pixels, so the kernel reaches over "
    "d · (k - 1) + 1 of them. Once k is replaced by this reach, everything is as it was. A larger kernel with zeros in its "
    "holes gives the same numbers, with more work.",
)


def dilated_padding(n: int, kernel: int, stride: int = 1, dilation: int = 1) -> tuple[int, int]:
    """Zeros (before, after) that padding="same" adds along one axis, for a dilated kernel.

    n: pixels of the image along this axis. kernel: weights along it. stride: pixels from one window to the next.
    dilation: pixels from one weight to the next.
    """
    # TODO: first the reach of the dilated kernel, then the rule of lesson 02
    # BEGIN SOLUTION
    reach = dilation * (kernel - 1) + 1
    outputs = -(-n // stride)  # rounded up
    total = max((outputs - 1) * stride + reach - n, 0)
    return total // 2, total - total // 2
    # END SOLUTION


def _same_padding(
    n: int,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    reach: Callable[[int, int], int] = lambda k, d: d * (k - 1) + 1,
    outputs: Callable[[int, int], int] = lambda n, s: ceil(n / s),
    least: float = 0,
    halves: Callable[[int], Pair] = lambda total: (total // 2, total - total // 2),
) -> Pair:
    """The rule of "same", with every decision in a place of its own."""
    return halves(int(max((outputs(n, stride) - 1) * stride + reach(kernel, dilation) - n, least)))


def _dilated_rows(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(12):
        kernel, stride, dilation = (int(v) for v in rng.integers([1, 1, 1], [6, 4, 5]))
        yield case(int(rng.integers(kernel, 30)), kernel, stride, dilation)


def _padding_with(**changes: Any) -> Callable[..., Pair]:
    """The right padding but for what is changed."""

    def wrong(n: int, kernel: int, stride: int = 1, dilation: int = 1) -> Pair:
        return _same_padding(n, kernel, stride, dilation, **changes)

    return wrong


DILATED_PADDING = Problem(
    solution=dilated_padding,
    title="Same, for a dilated kernel",
    lesson=LESSON,
    statement="""With `padding="same"` the output has n / stride pixels, rounded up, and just as many zeros are added as that
takes: half of them before the image and half after it, the odd one after. A dilated kernel reaches further, so it needs
more of them. How many go before and how many after?""",
    reference=lambda n, kernel, stride=1, dilation=1: geometry.padding_amounts(n, kernel, stride, "same", dilation),
    groups=(
        Group("stride 1", 1, (case(5, 3, 1, 2), case(6, 2, 1, 3), case(7, 4, 1, 2), case(4, 1, 1, 3))),
        Group("larger strides", 1, (case(6, 3, 2, 2), case(7, 3, 3, 2), case(12, 2, 4, 2), case(10, 4, 3, 3))),
        Group("other sizes", 1, _dilated_rows, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the dilation is ignored",
            _padding_with(reach=lambda k, d: k),
            "You add zeros for a kernel of k pixels. Dilated by d it reaches over d · (k - 1) + 1 pixels: use that in place of k.",
            DILATION,
        ),
        Misconception(
            "a reach of d · k",
            _padding_with(reach=lambda k, d: d * k),
            "You let the kernel reach over d · k pixels, as if a gap followed its last weight, too. There are k - 1 gaps: the "
            "reach is d · (k - 1) + 1.",
            DILATION,
        ),
        Misconception(
            "a reach of d · (k - 1)",
            _padding_with(reach=lambda k, d: d * (k - 1)),
            "You count the steps from the first weight to the last, and not the pixel that the first one stands on. Add 1: the "
            "reach is d · (k - 1) + 1.",
            DILATION,
        ),
        Misconception(
            "the odd pixel goes before",
            _padding_with(halves=lambda total: (total - total // 2, total // 2)),
            "You put the larger half of the zeros before the image. TensorFlow and Keras put it after: total // 2 goes before.",
            "02_padding#2. Same",
        ),
        Misconception(
            "the stride is ignored",
            _padding_with(outputs=lambda n, s: (n - 1) / s + 1),
            "You add as many zeros for every stride. The last window begins at (outputs - 1) · stride, which is often before the "
            "last pixel: compute how far it reaches.",
            "02_padding#3. Same with a stride",
        ),
        Misconception(
            "negative padding",
            _padding_with(least=-np.inf),
            "Your total can fall below zero, where the windows leave pixels out. Padding never cuts pixels off: take max(total, 0).",
            "02_padding#3. Same with a stride",
        ),
        Misconception(
            "half of the reach on both sides",
            _padding_with(halves=lambda total: ((total + 1) // 2,) * 2),
            "You round both halves up, so an odd total adds a pixel too many. Round the half before down, and give the rest to "
            "the side after: total - total // 2.",
            "02_padding#2. Same",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Only one thing is new since lesson 02: over how many pixels does the kernel reach?",
        ),
        Hint(
            "It is right for dilation 1 only",
            "Between k weights there are k - 1 gaps of d pixels, and the first weight stands on a pixel of its own.",
        ),
        Hint(
            "It is right for stride 1 only",
            "total = max((outputs - 1) · stride + reach - n, 0), where outputs is n / stride, rounded up.",
        ),
    ),
    explanation="A dilated kernel of k weights covers d · (k - 1) + 1 pixels, most of which it does not read. All that padding asks "
    "is where the last window ends, so this reach takes the place of k, and nothing else changes.",
)


def max_pool(
    x: np.ndarray, pool_size: tuple[int, int], strides: tuple[int, int] | None = None, padding: str = "valid"
) -> np.ndarray:
    """The largest number of each window of each channel.

    x: (N, H, W, C), that is (images, height, width, channels), floats. pool_size: (height, width) of a window. strides:
    pixels from window to window (down, to the right); None means pool_size. padding: "valid", where every window lies in
    the image; or "same", where there are H / stride rows and W / stride columns of windows, rounded up. For these the
    image is padded by just as many rows and columns as they need, half of them before it; an odd one goes after it.
    Returns (N, OH, OW, C).
    """
    # TODO: what must the padding hold, so that it is never the largest?
    # BEGIN SOLUTION
    (pool_h, pool_w), (stride_h, stride_w) = pool_size, strides or pool_size
    if padding == "same":
        total_h = max((-(-x.shape[1] // stride_h) - 1) * stride_h + pool_h - x.shape[1], 0)
        total_w = max((-(-x.shape[2] // stride_w) - 1) * stride_w + pool_w - x.shape[2], 0)
        rows, columns = (total_h // 2, total_h - total_h // 2), (total_w // 2, total_w - total_w // 2)
        x = np.pad(x, ((0, 0), rows, columns, (0, 0)), constant_values=-np.inf)
    images, height, width, channels = x.shape
    out = np.zeros((images, (height - pool_h) // stride_h + 1, (width - pool_w) // stride_w + 1, channels))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            top, left = i * stride_h, j * stride_w
            out[:, i, j] = x[:, top : top + pool_h, left : left + pool_w].max(axis=(1, 2))
    return out
    # END SOLUTION


def _mixed(*shape: int) -> np.ndarray:
    """Different whole numbers in no order, most of them below zero."""
    count = prod(shape)
    return np.random.default_rng(count).permutation(count).reshape(shape) - 2.0 * count // 3


def _same_pads(x: np.ndarray, pool_size: Pair, strides: Pair | None) -> Pads:
    """What "same" adds ((above, below), (left, right))."""
    return geometry.PoolSpec(pool_size, strides, padding="same").pads(x.shape[1:3])


def _tail(n: int, pool: int, stride: int) -> int:
    """By how many pixels a last, incomplete window sticks out; 0 where nothing is left over."""
    return ceil((n - pool) / stride) * stride + pool - n


def _windows(rng: np.random.Generator, own: bool, pads: bool) -> tuple[Pair, Pair | None, Pads, tuple[int, ...]]:
    """A window, strides of their own or none, padding or none, and a shape with room for the window however it lies.

    A last, incomplete window always holds a pixel, so that a program that keeps it comes to a result.
    """
    while True:
        pool, strides = _pair(rng.integers(1, 4, 2)), _pair(rng.integers(1, 4, 2)) if own else None
        most = min(pool) if pads else 1
        padding = _pair(rng.integers(0, most, 2)), _pair(rng.integers(0, most, 2))
        size = _pair(max(pool) + rng.integers(0, 4, 2))
        after = _after(size, pool, strides, padding)
        if max(pool) > 1 and all(more < window for (_, more), window in zip(after, pool, strict=True)):
            return pool, strides, padding, (int(rng.integers(1, 3)), *size, int(rng.integers(1, 3)))


def _after(size: Sequence[int], pool: Pair, strides: Pair | None, padding: Pads) -> tuple[Pair, ...]:
    """The padding, and after it what an incomplete last window needs."""
    axes = zip(size, pool, strides or pool, padding, strict=True)
    return tuple((before, after + _tail(before + n + after, k, s)) for n, k, s, (before, after) in axes)


def _pools(rng: np.random.Generator) -> Iterable[Case]:
    """Both paddings, with and without strides, many numbers below zero."""
    for own, padding in ((False, "valid"), (True, "valid"), (False, "same"), (True, "same"), (True, "same")):
        pool, strides, _, shape = _windows(rng, own, pads=False)
        x = rng.permutation(prod(shape)) - 2.0 * prod(shape) // 3
        yield case(x.reshape(shape), pool, strides, padding)


def _max(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Any = "valid") -> np.ndarray:
    """The right answer, for any padding."""
    return max_pool2d(x, pool_size, strides=strides, padding=padding)


def _max_of_zeros(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: str = "valid") -> np.ndarray:
    """Zeros in the padding."""
    if padding == "same":
        x = np.pad(x, ((0, 0), *_same_pads(x, pool_size, strides), (0, 0)))
    return _max(x, pool_size, strides)


def _max_with_tail(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: str = "valid") -> np.ndarray:
    """Incomplete windows at the end count, too."""
    if padding == "same":
        return _max(x, pool_size, strides, "same")
    return _max(x, pool_size, strides, _after(x.shape[1:3], pool_size, strides, NONE))


def _max_odd_before(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Any = "valid") -> np.ndarray:
    """The larger half of the padding goes before."""
    if padding == "same":
        padding = tuple(pads[::-1] for pads in _same_pads(x, pool_size, strides))
    return _max(x, pool_size, strides, padding)


MAX_POOL = Problem(
    solution=max_pool,
    title="Max pooling",
    lesson=LESSON,
    statement="""Write what `keras.layers.MaxPooling2D` does: keep the largest number of each window, for each image and each
channel on its own. By default windows do not overlap: `strides=None` means the size of the window. With
`padding="valid"` rows and columns that are left over at the end are not read. With `padding="same"` the image is padded
as in lesson 02, but the padding never counts, and images may be negative everywhere.""",
    reference=_max,
    groups=(
        Group(
            "valid",
            1,
            (
                case(_mixed(1, 2, 4, 1), (2, 2)),
                case(_mixed(1, 3, 5, 1), (1, 2)),
                case(_mixed(1, 3, 5, 1), (2, 1), (1, 2)),
                case(_mixed(1, 5, 4, 1), (3, 2), (2, 1)),
            ),
        ),
        Group(
            "same",
            1,
            (
                case(_mixed(1, 1, 3, 1), (1, 2), None, "same"),
                case(_mixed(1, 3, 4, 1), (2, 3), (1, 1), "same"),
                case(_mixed(1, 2, 6, 1), (2, 2), (1, 3), "same"),
                case(_mixed(1, 5, 4, 1), (3, 3), (2, 3), "same"),
            ),
        ),
        Group(
            "several images and channels",
            1,
            (case(_mixed(2, 3, 5, 2), (2, 1)), case(_mixed(3, 2, 3, 2), (2, 2), (1, 2), "same")),
        ),
        Group("other images", 1, _pools, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "zeros in the padding",
            _max_of_zeros,
            "You pad with zeros, so a window of negative numbers at the border has 0 as its largest. Padding must not count: "
            "pad with -np.inf, or cut the windows off at the border.",
            POOLING,
        ),
        Misconception(
            "windows move by one pixel by default",
            lambda x, pool_size, strides=None, padding="valid": _max(x, pool_size, strides or (1, 1), padding),
            "With strides=None you move by one pixel. In Keras the default stride of pooling is the size of the window.",
            MISTAKES,
        ),
        Misconception(
            "incomplete windows are kept",
            _max_with_tail,
            'With "valid" you keep a last window that sticks out of the image. The size is rounded down: '
            "(n - pool) // stride + 1 windows.",
            POOLING,
        ),
        Misconception(
            "the strides are ignored",
            lambda x, pool_size, strides=None, padding="valid": _max(x, pool_size, None, padding),
            "You always move by the size of the window. That is the default only: where strides are given, move by them.",
            POOLING,
        ),
        Misconception(
            "height and width exchanged",
            lambda x, pool_size, strides=None, padding="valid": _max(
                x, pool_size[::-1], (strides or pool_size)[::-1], padding
            ),
            "You take the first of two numbers for the width. Rows come first: pool_size is (height, width), and strides are "
            "(down, right).",
            MISTAKES,
        ),
        Misconception(
            "the odd pixel goes before",
            _max_odd_before,
            'With "same" you put the odd row or column of padding above or to the left. TensorFlow puts it below or to the '
            "right: total // 2 goes before.",
            "02_padding#2. Same",
        ),
        Misconception(
            "padding is ignored",
            lambda x, pool_size, strides=None, padding="valid": _max(x, pool_size, strides),
            'You treat "same" like "valid", so windows at the border are missing. With "same" there are n / stride '
            "windows, rounded up: put around the image what they need, with -np.inf in it.",
            POOLING,
        ),
        Misconception(
            "same size whatever the stride",
            lambda x, pool_size, strides=None, padding="valid": _max(
                x, pool_size, (1, 1) if padding == "same" else strides, padding
            ),
            'With "same" you return as many rows and columns as the image has. That is so for stride 1 only: there are '
            "n / stride of them, rounded up.",
            "02_padding#3. Same with a stride",
        ),
        Misconception(
            "the largest of all channels",
            lambda x, pool_size, strides=None, padding="valid": np.repeat(
                _max(x, pool_size, strides, padding).max(axis=3, keepdims=True), x.shape[3], axis=3
            ),
            "You take the largest number over all channels of a window. In pooling every channel is on its own: "
            "window.max(axis=(1, 2)) keeps the last axis.",
            POOLING,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            'Write "valid" first. It is the loop of a strided correlation with max in the place of the sum; cut the window '
            "out of all images and channels at once.",
        ),
        Hint(
            '"valid" works, "same" has the wrong shape',
            "There are m = n / stride windows, rounded up, and they need max((m - 1) · stride + pool - n, 0) pixels of padding "
            "along this axis; half of that, rounded down, goes before.",
        ),
        Hint(
            "Some numbers at the border are 0",
            "Zeros are larger than negative numbers. np.pad(x, …, constant_values=-np.inf) adds what is never the largest.",
        ),
    ),
    explanation="Windows are placed as in a convolution, and only what is done with a window differs. Padding exists so that "
    "windows at the border have their size. In a sum zeros change nothing; in a maximum it is minus infinity that changes "
    "nothing.",
)


def avg_pool(
    x: np.ndarray,
    pool_size: tuple[int, int],
    strides: tuple[int, int] | None = None,
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
) -> np.ndarray:
    """The mean of each window of each channel; padding is not counted.

    x: (N, H, W, C), that is (images, height, width, channels). pool_size: (height, width) of a window. strides: pixels
    from window to window (down, to the right); None means pool_size. padding: rows and columns around the image,
    ((above, below), (left, right)), always fewer than the rows and columns of a window. Returns (N, OH, OW, C): as many
    windows as fit into the padded image.
    """
    # TODO: how many real pixels does a window hold?
    # BEGIN SOLUTION
    (pool_h, pool_w), (stride_h, stride_w) = pool_size, strides or pool_size
    (above, below), (left, right) = padding
    images, height, width, channels = x.shape
    out_h = (above + height + below - pool_h) // stride_h + 1
    out_w = (left + width + right - pool_w) // stride_w + 1
    out = np.zeros((images, out_h, out_w, channels))
    for i in range(out_h):
        for j in range(out_w):
            top, first = i * stride_h - above, j * stride_w - left  # in the image; negative in the padding
            window = x[:, max(top, 0) : top + pool_h, max(first, 0) : first + pool_w]
            out[:, i, j] = window.mean(axis=(1, 2))
    return out
    # END SOLUTION


def _mean(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Any = NONE) -> np.ndarray:
    """The right answer."""
    return avg_pool2d(x, pool_size, strides=strides, padding=padding)


def _padded(x: np.ndarray, padding: Pads, mode: Any = "constant") -> np.ndarray:
    """Images with rows and columns around them."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), mode=mode)


def _mean_of_all(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Pads = NONE) -> np.ndarray:
    """Zeros in the padding are counted."""
    return _mean(_padded(x, padding), pool_size, strides)


def _mean_of_edges(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Pads = NONE) -> np.ndarray:
    """The padding repeats the edge, and is counted."""
    return _mean(_padded(x, padding, "edge"), pool_size, strides)


def _mean_of_nonzero(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Pads = NONE) -> np.ndarray:
    """No zeros are counted, neither in the padding nor in the image."""
    zeros = _padded(x, padding)
    with np.errstate(invalid="ignore"):
        return _mean(zeros, pool_size, strides) / _mean((zeros != 0).astype(float), pool_size, strides)


def _mean_with_tail(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Pads = NONE) -> np.ndarray:
    """Incomplete windows at the end count, too."""
    return _mean(x, pool_size, strides, _after(x.shape[1:3], pool_size, strides, padding))


def _pixels(x: np.ndarray, pool_size: Pair, strides: Pair | None = None, padding: Pads = NONE) -> np.ndarray:
    """How many real pixels each window holds."""
    real = _padded(np.ones_like(x), padding)
    return np.rint(_mean(real, pool_size, strides) * prod(pool_size))


def _averages(rng: np.random.Generator) -> Iterable[Case]:
    """With and without strides and padding."""
    for own in (False, True, True, False, True):
        pool, strides, padding, shape = _windows(rng, own, pads=True)
        yield case(rng.permutation(prod(shape)).reshape(shape).astype(float), pool, strides, padding)


def _with_zeros(*shape: int) -> np.ndarray:
    """Small whole numbers, some of them 0."""
    return (np.arange(prod(shape)) * 5 % 7).reshape(shape) * 2.0


AVG_POOL = Problem(
    solution=avg_pool,
    title="Average pooling",
    lesson=LESSON,
    statement="""Average pooling keeps the mean of each window, for each image and each channel on its own. `padding` says
how many rows and columns are put around the image. As in TensorFlow they are not counted: where a window hangs over the
border, the mean is that of the real pixels in it. `strides=None` means the size of the window, and a last window that
would stick out of the padded image is left out.""",
    reference=_mean,
    groups=(
        Group(
            "without padding",
            1,
            (
                case(_with_zeros(1, 2, 4, 1), (2, 2)),
                case(_with_zeros(1, 3, 5, 1), (1, 2)),
                case(_with_zeros(1, 5, 4, 1), (3, 2), (2, 1)),
            ),
        ),
        Group(
            "with padding",
            1,
            (
                case(_with_zeros(1, 2, 2, 1), (2, 2), (1, 1), ((0, 0), (1, 0))),
                case(_with_zeros(1, 3, 4, 1), (2, 3), (1, 2), ((0, 1), (1, 1))),
                case(_with_zeros(1, 4, 3, 1), (3, 3), (1, 1), ((1, 1), (1, 1))),
                case(_with_zeros(1, 4, 4, 1), (3, 2), None, ((0, 1), (1, 1))),
            ),
        ),
        Group(
            "several images and channels",
            1,
            (
                case(_with_zeros(2, 3, 5, 2), (2, 1)),
                case(_with_zeros(3, 2, 3, 2), (2, 2), (1, 2), ((1, 0), (0, 1))),
            ),
        ),
        Group("other images", 1, _averages, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "padding is counted",
            _mean_of_all,
            "You count zeros in the padding as pixels, so the borders become darker. Divide by the number of real pixels in "
            "the window, which is smaller at the border.",
            POOLING,
        ),
        Misconception(
            "the border repeats the edge",
            _mean_of_edges,
            "You fill the padding with the outermost pixels, which then count more than once. Padding is not counted at all: "
            "take the mean of the real pixels.",
            POOLING,
        ),
        Misconception(
            "no zeros are counted",
            _mean_of_nonzero,
            "You divide by the number of pixels that are not 0, but the image itself may hold zeros, and they count. Count "
            "the places in the image, whatever they hold.",
            POOLING,
        ),
        Misconception(
            "windows move by one pixel by default",
            lambda x, pool_size, strides=None, padding=NONE: _mean(x, pool_size, strides or (1, 1), padding),
            "With strides=None you move by one pixel. In Keras the default stride of pooling is the size of the window.",
            MISTAKES,
        ),
        Misconception(
            "incomplete windows are kept",
            _mean_with_tail,
            "You keep a last window that sticks out of the padded image. The size is rounded down: (n - pool) // stride + 1 "
            "windows, with the padding in n.",
            POOLING,
        ),
        Misconception(
            "padding is ignored",
            lambda x, pool_size, strides=None, padding=NONE: _mean(x, pool_size, strides),
            "You compute as if nothing were padded, so windows are missing. Padding is not counted in a mean, but it makes "
            "room for windows that hang over the border.",
            POOLING,
        ),
        Misconception(
            "the sum of the window",
            lambda *a, **k: _mean(*a, **k) * _pixels(*a, **k),
            "You add up the pixels of each window. Divide the sum by the number of real pixels in the window, or use "
            "np.mean on them.",
            POOLING,
        ),
        Misconception(
            "height and width exchanged",
            lambda x, pool_size, strides=None, padding=NONE: _mean(
                x, pool_size[::-1], (strides or pool_size)[::-1], padding
            ),
            "You take the first of two numbers for the width. Rows come first: pool_size is (height, width), and strides are "
            "(down, right).",
            MISTAKES,
        ),
        Misconception(
            "the mean of all channels",
            lambda x, pool_size, strides=None, padding=NONE: np.repeat(
                _mean(x, pool_size, strides, padding).mean(axis=3, keepdims=True), x.shape[3], axis=3
            ),
            "You take the mean over all channels of a window. In pooling every channel is on its own: "
            "window.mean(axis=(1, 2)) keeps the last axis.",
            POOLING,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Write it without padding first: it is max pooling with the mean. Then let windows begin before the image.",
        ),
        Hint(
            "It works without padding, and at the borders my numbers are too small",
            "Divide by the number of pixels that lie in the image. How many rows and columns of the window are that?",
        ),
        Hint(
            "My windows at the border are empty or NaN",
            "A slice must not begin at a negative number. With top = i · stride - above, the window's rows are "
            "x[:, max(top, 0) : top + pool_h]; it may end after the image.",
        ),
    ),
    explanation="Padding lets windows hang over the border, and for a mean there is no number that changes nothing: zeros pull "
    "it down. So each window is divided by the number of its own pixels. In PyTorch zeros count unless you say "
    "count_include_pad=False; a model that is moved from one to the other differs at its borders.",
)


def receptive_field(layers: list[tuple[int, int, int]]) -> int:
    """Pixels of the input, along one axis, that one number of the last map depends on.

    layers: (kernel, stride, dilation) of each, the one nearest to the input first. A pooling layer is one like the
    others, with its window as its kernel.
    """
    # TODO: keep two numbers, the field so far and how many pixels of the input neighbours of the map are apart
    # BEGIN SOLUTION
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += dilation * (kernel - 1) * jump
        jump *= stride
    return field
    # END SOLUTION


Layers = Sequence[tuple[int, int, int]]


def _traced(layers: Layers) -> int:
    """As the course's own trace of a stack has it."""
    specs = [geometry.ConvSpec(k, strides=s, dilation=d) for k, s, d in layers]
    return geometry.receptive_field(specs, (9999, 9999, 1)).size[0]


def _seen(
    layers: Layers,
    added: Callable[[int, int], int] = lambda k, d: d * (k - 1),
    jump: Callable[[list[int]], int] = prod,
    own: bool = False,
    first: int = 1,
) -> int:
    """The field, with some decisions changed. jump: of the strides below a layer; own: its own among them."""
    strides = [stride for _, stride, _ in layers]
    return first + sum(added(k, d) * jump(strides[: i + own]) for i, (k, _, d) in enumerate(layers))


def _stacks(rng: np.random.Generator) -> Iterable[Case]:
    """Stacks of two to five layers."""
    for depth in (2, 3, 3, 4, 4, 5):
        yield case([tuple(int(v) for v in rng.integers([1, 1, 1], [6, 4, 4])) for _ in range(depth)])


RECEPTIVE_FIELD = Problem(
    solution=receptive_field,
    title="How far does it see?",
    lesson=LESSON,
    statement="""A network is a stack of layers, each with a kernel, a stride and a dilation. One number of its last map
depends on a part of the input. How many pixels long is this part along one axis, from its first pixel to its last? Those
between them count even where no weight meets them. Padding does not matter: what lies in it counts like pixels.""",
    reference=_traced,
    groups=(
        Group("stride 1", 1, (case([(5, 1, 1)]), case([(3, 1, 1), (4, 1, 1), (2, 1, 1)]))),
        Group(
            "strides and pooling",
            1,
            (
                case([(5, 2, 1), (3, 1, 1)]),
                case([(3, 1, 1), (2, 2, 1), (3, 1, 1), (2, 2, 1)]),
                case([(3, 2, 1), (3, 3, 1), (2, 1, 1), (3, 2, 1)]),
            ),
        ),
        Group("dilation", 1, (case([(3, 1, 1), (3, 1, 2), (3, 1, 4)]), case([(3, 2, 3), (2, 1, 2)]))),
        Group("other stacks", 1, _stacks, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "strides are ignored",
            lambda layers: _seen(layers, jump=lambda strides: 1),
            "You add up k' - 1 of all layers, as if neighbours of a map were always one pixel of the input apart. "
            "After a stride they lie further apart: add (k' - 1) · jump, where the jump is the product of the strides "
            "below.",
            FIELD,
        ),
        Misconception(
            "a layer's own stride counts for itself",
            lambda layers: _seen(layers, own=True),
            "You multiply the jump by a layer's stride before you use it. The stride says how far apart the layer's outputs "
            "are, which matters to the layers above only: add to the field first.",
            FIELD,
        ),
        Misconception(
            "the product of the kernels",
            lambda layers: prod(k for k, _, _ in layers),
            "You multiply the sizes of the kernels. Windows of neighbours overlap, so each layer adds to the field: "
            "(k' - 1) · jump.",
            FIELD,
        ),
        Misconception(
            "a reach of d · k",
            lambda layers: _seen(layers, added=lambda k, d: d * k - 1),
            "You take d · k for the reach of a dilated kernel. It is d · (k - 1) + 1, so add d · (k - 1) · jump.",
            DILATION,
        ),
        Misconception(
            "the dilation is ignored",
            lambda layers: _seen(layers, added=lambda k, d: k - 1),
            "You add (k - 1) · jump, whatever the dilation. A dilated kernel reaches over d · (k - 1) + 1 pixels, so "
            "add d · (k - 1) · jump.",
            DILATION,
        ),
        Misconception(
            "the stack read from its end",
            lambda layers: _seen(layers[::-1]),
            "You begin with the last layer, so strides count for the layers below them. The first layer of the list is the "
            "nearest to the input; a stride counts for all that come after it.",
            FIELD,
        ),
        Misconception(
            "only the stride directly below counts",
            lambda layers: _seen(layers, jump=lambda strides: strides[-1] if strides else 1),
            "You use the stride of the layer before only. The jump is the product of all strides below: jump *= stride, not "
            "jump = stride.",
            FIELD,
        ),
        Misconception(
            "the strides are added",
            lambda layers: _seen(layers, jump=lambda strides: 1 + sum(strides)),
            "You add the stride to the jump. Two strides of 2 put neighbours 2 · 2 pixels apart: jump *= stride.",
            FIELD,
        ),
        Misconception(
            "begun with 0",
            lambda layers: _seen(layers, first=0),
            "You begin with a field of 0. Without any layer a number is a pixel and sees itself, so begin with 1.",
            FIELD,
        ),
        Misconception(
            "k in place of k - 1",
            lambda layers: _seen(layers, added=lambda k, d: d * (k - 1) + 1),
            "You add the whole reach of each kernel, k' · jump. One of its pixels is in the field already: add (k' - "
            "1) · jump.",
            FIELD,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Draw two layers of kernel 3. The upper number sees 3 of the lower map, and these see 5 pixels: each layer adds "
            "k - 1.",
        ),
        Hint(
            "It is right for stride 1 only",
            "After a stride of 2, neighbours of the map lie 2 pixels of the input apart, and after another one 4. What the "
            "layers above add is multiplied by that.",
        ),
        Hint(
            "It is too large where a layer has a stride and others follow",
            "Start with field = 1 and jump = 1. For each layer: first field += dilation · (kernel - 1) · jump, then "
            "jump *= stride.",
        ),
    ),
    explanation="A window of a layer reaches over k' - 1 steps from its first to its last number, and each step is as long as "
    "neighbours of that map are apart in the input: the jump. A layer's stride makes its own outputs lie further apart, so it "
    "lengthens the steps of those above, and not its own.",
)

PROBLEMS = [
    STRIDED_SIZE,
    STRIDED_CORRELATION,
    DILATED_CORRELATION,
    DILATED_PADDING,
    MAX_POOL,
    AVG_POOL,
    RECEPTIVE_FIELD,
]
