"""Exercises on padding: sizes first, then the rule of "same", then arrays."""

from collections.abc import Iterable

import numpy as np

from convlab import geometry
from convlab.exercises.problem import Case, Group, Hint, Misconception, Problem, case
from convlab.exercises.problems.arrays import counted, weights
from convlab.exercises.problems.decisions import mistaken, on_image
from convlab.ops import correlate2d

LESSON = "02_padding"
BORDER, SAME, STRIDED, OWN = (
    f"{LESSON}#{heading}"
    for heading in ("1. The border is lost", "2. Same", "3. Same with a stride", "4. Your own padding")
)


def padded_size(n: int, kernel: int, before: int = 0, after: int = 0) -> int:
    """Outputs along one axis of a convolution that moves by one pixel.

    n: pixels of the image along this axis. kernel: weights along it. before, after: zeros that are added at the two
    ends. Returns how many windows fit.
    """
    # TODO: in how many places can the kernel lie on the padded row?
    # BEGIN SOLUTION
    return n + before + after - kernel + 1
    # END SOLUTION


def _rows(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(8):
        kernel, before, after = (int(v) for v in rng.integers([1, 0, 0], [7, 4, 5]))
        yield case(int(rng.integers(kernel, 30)), kernel, before, after)


PADDED_SIZE = Problem(
    solution=padded_size,
    title="How many outputs?",
    lesson=LESSON,
    statement="""A kernel moves over a row of pixels, one pixel at a time. Before it starts, some zeros are added at both
ends, not always the same number. Count the places where the kernel fits.""",
    reference=lambda n, kernel, before=0, after=0: geometry.output_size(n, kernel, padding=(before, after)),
    groups=(
        Group("without padding", 1, (case(5, 3), case(6, 6), case(7, 2))),
        Group("with padding", 1, (case(4, 2, 0, 1), case(5, 3, 1, 1), case(6, 4, 1, 2), case(9, 2, 3, 0))),
        Group("other sizes", 1, _rows, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the last place is forgotten",
            lambda n, kernel, before=0, after=0: n + before + after - kernel,
            "You count the steps between places, n - k, but the place before the first step is one too. A kernel as "
            "large as the row fits once: add 1.",
            BORDER,
        ),
        Misconception(
            "only the zeros before are counted",
            lambda n, kernel, before=0, after=0: n + before - kernel + 1,
            "You lengthen the row by the zeros before it, and leave out those after it. Both ends make room for the "
            "kernel: add `before` and `after`.",
            OWN,
        ),
        Misconception(
            "both ends taken as equal",
            lambda n, kernel, before=0, after=0: n + 2 * before - kernel + 1,
            "You add `before` twice. That is right only where both ends get the same number of zeros, and with an even "
            "kernel they often do not: add `before` and `after`.",
            OWN,
        ),
        Misconception(
            "half a kernel lost at each end",
            lambda n, kernel, before=0, after=0: n + before + after - 2 * (kernel // 2),
            "You take off half of the kernel, rounded down, at both ends. That is k - 1 for an odd kernel, but k for an "
            "even one: take off k - 1.",
            BORDER,
        ),
        Misconception(
            "same size whatever the kernel",
            lambda n, kernel, before=0, after=0: n,
            "You return the size of the image, which is right only where exactly k - 1 zeros are added. Make the row "
            "longer by `before` and `after`, and take off k - 1.",
            BORDER,
        ),
    ),
    hints=(
        Hint("I do not know where to begin", "Draw six boxes and slide a kernel of three over them. Count its places."),
        Hint(
            "My result is too small by one",
            "The first place is no step. With k = n there is one place, though the kernel cannot move.",
        ),
        Hint(
            "My result is right without padding, but not with it",
            "Padding makes the row longer before anything slides: n + before + after pixels, of which the kernel takes k.",
        ),
    ),
    explanation="The padded row has n + before + after pixels. The kernel's first pixel can lie on any of them but the "
    "last k - 1, because behind those the kernel would stick out. So there are n + before + after - (k - 1) places.",
)


def same_padding(n: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    """Zeros (before, after) that padding="same" adds along one axis.

    n: pixels of the image along this axis. kernel: weights along it. stride: pixels from window to window. The output
    has n / stride pixels, rounded up.
    """
    # TODO: how many pixels do all windows together reach over, and how many of these are missing?
    # BEGIN SOLUTION
    outputs = -(-n // stride)  # rounded up
    total = max((outputs - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2
    # END SOLUTION


def _same(n: int, kernel: int, stride: int = 1) -> tuple[int, int]:
    return geometry.padding_amounts(n, kernel, stride, padding="same")


def _strided_rows(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(12):
        kernel, stride = (int(v) for v in rng.integers([1, 1], [8, 5]))
        yield case(int(rng.integers(kernel, 30)), kernel, stride)


SAME_PADDING = Problem(
    solution=same_padding,
    title="Same, before and after",
    lesson=LESSON,
    statement="""`padding="same"` makes the output n / stride pixels long, rounded up, and adds just as many zeros as
that takes. If their number is odd, the one more goes **after** the image. Return how many go before and how many after.""",
    reference=_same,
    groups=(
        Group("stride 1", 1, (case(5, 3), case(5, 2), case(6, 4), case(4, 1))),
        Group("larger strides", 1, (case(6, 3, 2), case(5, 3, 2), case(7, 4, 3), case(12, 2, 3), case(6, 5, 2))),
        Group("other sizes", 1, _strided_rows, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the odd pixel goes before",
            lambda *a, **k: _same(*a, **k)[::-1],
            "You put the larger half of the zeros before the image. TensorFlow and Keras put it after: the smaller half, "
            "total // 2, goes before.",
            SAME,
        ),
        Misconception(
            "half the kernel on both sides",
            lambda n, kernel, stride=1: (kernel // 2, kernel // 2),
            "You add k // 2 on both sides, PyTorch's `padding=k // 2`, which need not be right for an even kernel or "
            "with a stride. Compute the total first, max((outputs - 1) · stride + k - n, 0), and put total // 2 "
            "before and the rest after.",
            STRIDED,
        ),
        Misconception(
            "the smaller half on both sides",
            lambda *a, **k: (_same(*a, **k)[0],) * 2,
            "You add total // 2 on both sides, so an odd total loses a pixel, and the output comes out too short. Give the "
            "rest, total - total // 2, to the side after.",
            SAME,
        ),
        Misconception(
            "the stride is ignored",
            lambda n, kernel, stride=1: ((kernel - 1) // 2, kernel - 1 - (kernel - 1) // 2),
            "You add k - 1 zeros for every stride, which is right for stride 1 only. The last window begins at "
            "(outputs - 1) · stride: count how many of its k pixels lie behind the image.",
            STRIDED,
        ),
        Misconception(
            "negative padding",
            lambda n, kernel, stride=1: _unclamped(n, kernel, stride),
            "Your total falls below zero where the stride is larger than the kernel and the windows leave pixels out. "
            "Padding never takes pixels away: use max(total, 0).",
            STRIDED,
        ),
        Misconception(
            "all zeros after",
            lambda *a, **k: (0, sum(_same(*a, **k))),
            "Your total is right, but all of it goes after the image. Put half of it, total // 2, before, and the "
            "rest after.",
            SAME,
        ),
        Misconception(
            "same size whatever the stride",
            lambda n, kernel, stride=1: _halves(max((n - 1) * stride + kernel - n, 0)),
            "You add zeros for n windows, whatever the stride. With a larger stride there are fewer windows, n / stride "
            "rounded up: -(-n // stride).",
            STRIDED,
        ),
        Misconception(
            "the output's size rounded down",
            lambda n, kernel, stride=1: _halves(max((n // stride - 1) * stride + kernel - n, 0)),
            'You round n / stride down. With "same" it is rounded up, so that no pixel at the end is left out: '
            "-(-n // stride), or math.ceil(n / stride).",
            STRIDED,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Begin from the end: how many outputs are there, where does the last window begin, and where does it end?",
        ),
        Hint(
            "It works for stride 1 only",
            "The last of m windows begins at (m - 1) · stride and ends k pixels later. Compare that with n.",
        ),
        Hint(
            "My two numbers are sometimes exchanged or negative",
            "total = max((m - 1) · stride + k - n, 0); total // 2 goes before, the rest after.",
        ),
    ),
    explanation="All windows together reach from 0 to (outputs - 1) · stride + kernel. What of that lies outside of the n "
    "pixels has to be added; where the stride is larger than the kernel nothing may be missing, hence max(…, 0). The two "
    "halves differ by one where the total is odd, and TensorFlow gives the larger one to the end.",
)


def _halves(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2


def _unclamped(n: int, kernel: int, stride: int) -> tuple[int, int]:
    return _halves((-(-n // stride) - 1) * stride + kernel - n)


def pad(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """The image with zeros around it.

    image: (H, W). rows: (above, below). columns: (left, right). Returns (above + H + below, left + W + right).
    """
    # TODO: make zeros of the new size, and write the image to its place. Without np.pad.
    # BEGIN SOLUTION
    (above, below), (left, right) = rows, columns
    height, width = image.shape
    padded = np.zeros((above + height + below, left + width + right), image.dtype)
    padded[above : above + height, left : left + width] = image
    return padded
    # END SOLUTION


def _images(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(6):
        image = rng.integers(1, 10, rng.integers(1, 6, 2)).astype(float)
        yield case(image, *(tuple(int(v) for v in rng.integers(0, 4, 2)) for _ in range(2)))


def _until_minus(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """The place for the image counted from the end of the new array, which fails for 0."""
    padded = np.pad(np.zeros_like(image), (rows, columns))
    padded[rows[0] : -rows[1], columns[0] : -columns[1]] = image
    return padded


PAD = Problem(
    solution=pad,
    title="Add a border of zeros",
    lesson=LESSON,
    statement="""Put zeros around an image: a number of rows above and below it, and a number of columns left and right
of it, four numbers that are given. They may all differ, and some may be 0. `np.pad` can do this; write it without.""",
    reference=lambda image, rows, columns: np.pad(image, (rows, columns)),
    groups=(
        Group("the same on all sides", 1, (case(counted(1, 2), (1, 1), (1, 1)), case(counted(3, 2), (2, 2), (2, 2)))),
        Group(
            "four different borders",
            1,
            (
                case(counted(1, 2), (0, 1), (0, 0)),
                case(counted(2, 1), (0, 0), (1, 0)),
                case(counted(2, 3), (0, 1), (2, 1)),
                case(counted(3, 2), (2, 0), (0, 3)),
            ),
        ),
        Group("other images", 1, _images, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "rows and columns exchanged",
            lambda image, rows, columns: np.pad(image, (columns, rows)),
            "You add `rows` to the width and `columns` to the height. The first axis of an image counts its rows: "
            "(above, below) makes the array higher, and (left, right) makes it wider.",
            OWN,
        ),
        Misconception(
            "all zeros below and to the right",
            lambda image, rows, columns: np.pad(image, ((0, sum(rows)), (0, sum(columns)))),
            "The size is right, but the image stands in the upper left corner. Write it from row `above` and column `left` "
            "on.",
            OWN,
        ),
        Misconception(
            "before and after exchanged",
            lambda image, rows, columns: np.pad(image, (rows[::-1], columns[::-1])),
            "You take the second number of each pair for the zeros before the image. The first number is for them: "
            "the image begins at row `above` and column `left`.",
            OWN,
        ),
        Misconception(
            "the border repeats the edge",
            lambda image, rows, columns: np.pad(image, (rows, columns), mode="edge"),
            "You fill the border with copies of the outermost pixels. Begin with np.zeros, and write only the image "
            "into it.",
            "02_padding#5. What invented zeros do",
        ),
        Misconception(
            "the slice ends at minus the border",
            _until_minus,
            "You write the image to padded[above:-below, left:-right], but -0 is 0, the beginning, so this slice is empty where "
            "no zeros follow the image. Count its end from the start: above + height and left + width.",
            "02_padding#7. Mistakes people make here",
        ),
        Misconception(
            "one side only",
            lambda image, rows, columns: np.pad(image, ((rows[0], 0), (columns[0], 0))),
            "You add zeros above and to the left only. The second number of each pair is for below and for the right.",
            OWN,
        ),
    ),
    hints=(
        Hint("I do not know where to begin", "np.zeros makes the large array. Which slice of it does the image fill?"),
        Hint("The shape is right, but the image is in the wrong place", "It begins at row `above` and column `left`."),
        Hint(
            'I get "could not broadcast"',
            "The slice has to be as large as the image: padded[above : above + height, left : left + width]. One that ends at "
            "-below is empty where `below` is 0.",
        ),
    ),
    explanation="The new array is larger by all four borders, and starts as zeros. The image fills the slice that begins "
    "behind the rows above and the columns to the left.",
)


def padded_correlation(image: np.ndarray, kernel: np.ndarray, padding: str = "valid") -> np.ndarray:
    """Correlate an image with a kernel, which moves by one pixel.

    image: (H, W). kernel: (kh, kw). padding: "valid", which adds nothing, or "same", which adds zeros so that the
    output is as large as the image; an odd one goes below and to the right. Returns the output, (height, width).
    """
    # TODO: pad for "same", count the outputs, and sum each window times the kernel
    # BEGIN SOLUTION
    kernel_h, kernel_w = kernel.shape
    if padding == "same":
        above, left = (kernel_h - 1) // 2, (kernel_w - 1) // 2
        image = np.pad(image, ((above, kernel_h - 1 - above), (left, kernel_w - 1 - left)))
    out = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1] - kernel_w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + kernel_h, j : j + kernel_w] * kernel)
    return out
    # END SOLUTION


def _pairs(rng: np.random.Generator) -> Iterable[Case]:
    for padding in ("valid", "same", "same", "same"):
        kernel = rng.integers(-3, 4, rng.integers(1, 5, 2)).astype(float)
        image = rng.integers(1, 10, np.array(kernel.shape) + rng.integers(0, 4, 2)).astype(float)
        yield case(image, kernel, padding)


def _wrong(**changes):
    """The right correlation but for one decision, called as `padded_correlation` is."""
    wrong = on_image(mistaken(**changes))
    return lambda image, kernel, padding="valid": wrong(image, kernel, padding=padding)


PADDED_CORRELATION = Problem(
    solution=padded_correlation,
    title="Correlate, with padding",
    lesson=LESSON,
    statement="""Now put it together: correlate an image with a kernel, `padding="valid"` or `padding="same"`, as a
`Conv2D` layer with stride 1 does. Images and kernels need not be square, and kernels may have an even size.""",
    reference=lambda image, kernel, padding="valid": correlate2d(image, kernel, padding=padding),
    groups=(
        Group("valid", 1, (case(counted(2, 3), weights(2, 1)), case(counted(3, 4), weights(2, 3)))),
        Group(
            "same",
            2,
            (
                case(counted(2, 3), weights(1, 2), "same"),
                case(counted(3, 4), weights(3, 3), "same"),
                case(counted(4, 3), weights(2, 3), "same"),
                case(counted(4, 5), weights(4, 3), "same"),
            ),
        ),
        Group("other images", 1, _pairs, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the kernel is turned",
            _wrong(kernel=lambda k: k[::-1, ::-1]),
            "You turn the kernel by 180°, which is true convolution. Deep learning libraries correlate: lay the kernel on the "
            "window as it is.",
            "01_kernels#4. Correlation and convolution",
        ),
        Misconception(
            "the odd pixel goes before",
            _wrong(same=lambda n, k, reach, stride: (k - 1 - (k - 1) // 2, (k - 1) // 2)),
            "For an even kernel you put the odd row of zeros above and the odd column to the left. TensorFlow puts them below "
            "and to the right: (k - 1) // 2 goes before.",
            SAME,
        ),
        Misconception(
            "half the kernel on both sides",
            _wrong(same=lambda n, k, reach, stride: (k // 2, k // 2)),
            "You add k // 2 zeros on both sides, which is one too many for an even kernel, so the output grows. Add k - 1 in "
            "all: (k - 1) // 2 before, the rest after.",
            SAME,
        ),
        Misconception(
            "all padding below and to the right",
            _wrong(same=lambda n, k, reach, stride: (0, k - 1)),
            "You add all zeros after the image, so every output looks too far down and to the right. Half of them, "
            "(k - 1) // 2, go before.",
            SAME,
        ),
        Misconception(
            "the border repeats the edge",
            _wrong(fill="edge"),
            'You fill the border with copies of the outermost pixels. "same" adds zeros, as np.pad does without a '
            "mode.",
            "02_padding#5. What invented zeros do",
        ),
        Misconception(
            "the kernel's sides exchanged in the padding",
            lambda image, kernel, padding="valid": correlate2d(
                image,
                kernel,
                padding=tuple(_halves(k - 1) for k in kernel.shape[::-1]) if padding == "same" else "valid",
            ),
            "You pad the rows by the kernel's width and the columns by its height. `kernel.shape` is (height, width), and "
            "heights go with rows.",
            "02_padding#7. Mistakes people make here",
        ),
        Misconception(
            "the last row and column are forgotten",
            _wrong(outputs=lambda n, reach, stride: n - reach),
            "Your output lacks its last row and column. The kernel fits at size - k + 1 places, with the zeros "
            "counted in the size: the first place counts too.",
            BORDER,
        ),
        Misconception(
            "the mean of the window",
            _wrong(window=lambda products: products.mean()),
            "You take the mean of the products where their sum is asked for. Use np.sum in place of np.mean.",
            "01_kernels#1. One window, one number",
        ),
        Misconception(
            "padding is ignored",
            lambda image, kernel, padding="valid": correlate2d(image, kernel),
            'You treat "same" like "valid". For "same" first put zeros around the image, k - 1 in all along each '
            "axis: (k - 1) // 2 before, the rest after.",
            SAME,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            'Write "valid" first: two loops over the output, a window, a product, a sum.',
        ),
        Hint(
            '"valid" works, "same" has the wrong shape',
            'A kernel of k loses k - 1 pixels. "same" adds exactly that many: np.pad with k - 1 in all, for each axis.',
        ),
        Hint(
            "The shape is right, a few numbers differ",
            "Look at even kernels: (k - 1) // 2 goes before and the rest after. And lay the kernel on the window as "
            "it is, not turned.",
        ),
    ),
    explanation='With stride 1 "same" adds k - 1 zeros along each axis, so that the output has n pixels again. After that '
    "nothing is special: the padded image is correlated as if it were a larger image.",
)

PROBLEMS = [PADDED_SIZE, SAME_PADDING, PAD, PADDED_CORRELATION]
