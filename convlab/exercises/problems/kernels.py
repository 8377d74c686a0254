"""Exercises on kernels: slide one over an image, turn it, design some, and survive bytes."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises.comparing import as_array, kind_of
from convlab.exercises.problem import Case, Group, Hint, Misconception, Problem, case
from convlab.exercises.problems.arrays import counted, weights
from convlab.exercises.problems.decisions import mistaken, on_image
from convlab.ops import convolve2d, correlate2d

LESSON = "01_kernels"
WINDOW, WEIGHTS, TURN, MISTAKES = (
    f"{LESSON}#{heading}"
    for heading in (
        "1. One window, one number",
        "2. What the weights do to a photograph",
        "4. Correlation and convolution",
        "6. Mistakes people make here",
    )
)


def _numbers(*rows: Iterable[float]) -> np.ndarray:
    """An array of floats, row by row."""
    return np.array(rows, dtype=float)


LESSON_IMAGE = _numbers([3, 2, 1, 0, 1], [0, 1, 2, 3, 2], [1, 1, 0, 0, 3], [1, 1, 1, 0, 1], [3, 1, 0, 0, 0])
LESSON_KERNEL = _numbers([-1, -1, -1], [0, 0, 0], [1, 1, 1])


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Slide a kernel over an image, without padding; multiply and sum at each place.

    image: (H, W). kernel: (kh, kw), not larger than the image. Returns (H - kh + 1, W - kw + 1).
    """
    # TODO: for every place where the kernel fits, sum the window times the kernel. Without a library's function for it.
    # BEGIN SOLUTION
    kernel_h, kernel_w = kernel.shape
    out = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1] - kernel_w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            window = image[i : i + kernel_h, j : j + kernel_w]
            out[i, j] = np.sum(window * kernel)
    return out
    # END SOLUTION


def _wide_images(rng: np.random.Generator) -> Iterable[Case]:
    """Kernels that are never wider than tall, outputs that are never taller than wide.

    Then an output with a wrong width is too narrow, which no program notices by itself.
    """
    for _ in range(5):
        kernel_w = int(rng.integers(1, 4))
        kernel_h = int(rng.integers(kernel_w, 5))
        out_h = int(rng.integers(1, 4))
        out_w = int(rng.integers(out_h, 6))
        image = rng.integers(1, 10, (kernel_h + out_h - 1, max(kernel_w + out_w - 1, kernel_h)))
        yield case(image.astype(float), rng.integers(-3, 4, (kernel_h, kernel_w)).astype(float))


def _matrix_products(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlation with a matrix product in place of the products."""
    kernel_h, kernel_w = kernel.shape
    out = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1] - kernel_w + 1))
    for i, j in np.ndindex(*out.shape):
        out[i, j] = np.sum(image[i : i + kernel_h, j : j + kernel_w] @ kernel)
    return out


def _cut(image: np.ndarray, kernel: np.ndarray, width: int) -> np.ndarray:
    """Correlation with an output that is too narrow."""
    return correlate2d(image, kernel)[:, :width]


CORRELATE = Problem(
    solution=correlate,
    title="One window, then all of them",
    lesson=LESSON,
    statement="""Write the definition down: lay the kernel on a window of the image, multiply each pixel by the weight
that lies on it, and add up the products. Do so at every place where the kernel fits, and return all sums as an array.
Images and kernels need not be square.""",
    reference=correlate2d,
    groups=(
        Group(
            "one window",
            1,
            (
                case(_numbers([1, 2], [3, 4]), _numbers([0, 1], [2, -1])),
                case(LESSON_IMAGE[:3, :3].copy(), LESSON_KERNEL),
            ),
        ),
        Group(
            "many windows",
            1,
            (
                case(counted(2, 3), weights(2, 1)),
                case(counted(3, 5), weights(2, 2)),
                case(LESSON_IMAGE, LESSON_KERNEL),
                case(counted(4, 6), weights(3, 2)),
            ),
        ),
        Group("other images", 1, _wide_images, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the kernel is turned",
            on_image(mistaken(kernel=lambda k: k[::-1, ::-1])),
            "You turn the kernel by 180° first, which is true convolution. Lay it on the window as it is: its first weight "
            "belongs to the upper left pixel.",
            TURN,
        ),
        Misconception(
            "the kernel's rows and columns exchanged",
            on_image(mistaken(kernel=lambda k: k.swapaxes(0, 1))),
            "You use the kernel as if its rows were its columns. The first index is the row, and rows go down: the weight "
            "kernel[u, v] belongs to image[i + u, j + v].",
            MISTAKES,
        ),
        Misconception(
            "the last row and column are forgotten",
            on_image(mistaken(outputs=lambda n, reach, stride: n - reach)),
            "Your output lacks its last row and column, for you take n - k places. A kernel of k fits into n pixels at "
            "n - k + 1 places: the first one counts too.",
            WINDOW,
        ),
        Misconception(
            "the output is as wide as it is tall",
            lambda image, kernel: _cut(image, kernel, image.shape[0] - kernel.shape[0] + 1),
            "You use the number of rows for the columns, too, which is right only for a square output. Compute the width "
            "from the image's and the kernel's widths, shape[1].",
            WINDOW,
        ),
        Misconception(
            "the kernel's height is used for the width",
            lambda image, kernel: _cut(image, kernel, image.shape[1] - kernel.shape[0] + 1),
            "You subtract the kernel's height from the image's width. Heights go with heights, shape[0], and widths with "
            "widths, shape[1].",
            WINDOW,
        ),
        Misconception(
            "the output's rows and columns exchanged",
            lambda image, kernel: correlate2d(image, kernel).T,
            "Your sums are right, but their rows lie where the columns belong. The place (i, j) of the window's upper left "
            "pixel is the place of the sum: out[i, j], row first.",
            MISTAKES,
        ),
        Misconception(
            "the mean of the window",
            on_image(mistaken(window=lambda products: products.mean())),
            "You take the mean of the products where their sum is asked for. Use np.sum in place of np.mean: in a box "
            "blur the weights themselves, 1/9 each, make it an average.",
            WINDOW,
        ),
        Misconception(
            "a matrix product",
            _matrix_products,
            "You multiply window and kernel as matrices, with `@`, which adds up rows times columns. Multiply each pixel by "
            "the weight that lies on it: `window * kernel`, then the sum.",
            WINDOW,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Begin with one number: cut out the window with image[0:kh, 0:kw], multiply it by the kernel, and sum.",
        ),
        Hint(
            "One number works, but I do not know how many there are",
            "A kernel of k fits into n pixels at n - k + 1 places. Count them for rows and for columns.",
        ),
        Hint(
            "The shape is right, but numbers differ",
            "The window of out[i, j] is image[i : i + kh, j : j + kw]. Multiply it by the kernel as it is with `*`, "
            "without any turn, and take np.sum of all products.",
        ),
    ),
    explanation="Every output number is a sum over one window. The upper left pixel of the window can be in any row but the "
    "last kh - 1, and in any column but the last kw - 1, so the output is that much smaller than the image.",
)


def convolve(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution as mathematics has it, without padding: the kernel is turned by 180° before it slides.

    image: (H, W). kernel: (kh, kw), not larger than the image. Returns (H - kh + 1, W - kw + 1).
    """
    # TODO: turn the kernel, then go on as in a correlation. Without a library's function for it.
    # BEGIN SOLUTION
    turned = kernel[::-1, ::-1]  # the last row first, and in each row the last weight first
    kernel_h, kernel_w = kernel.shape
    out = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1] - kernel_w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + kernel_h, j : j + kernel_w] * turned)
    return out
    # END SOLUTION


def _dot(height: int, width: int) -> np.ndarray:
    """Black, with a white pixel in the middle."""
    image = np.zeros((height, width))
    image[height // 2, width // 2] = 1
    return image


def _pairs(rng: np.random.Generator) -> Iterable[Case]:
    """Images that a kernel fits into either way around."""
    for _ in range(5):
        kernel = rng.integers(-3, 4, rng.integers(1, 4, 2)).astype(float)
        yield case(rng.integers(1, 10, max(kernel.shape) + rng.integers(0, 3, 2)).astype(float), kernel)


def _all_places(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolution at every place where kernel and image meet."""
    around = tuple((k - 1, k - 1) for k in kernel.shape)
    return convolve2d(image, kernel, padding=around)


CONVOLVE = Problem(
    solution=convolve,
    title="The true convolution",
    lesson=LESSON,
    statement="""In mathematics a convolution turns the kernel by 180° before it slides: the last weight comes first, in
both directions. Write it for one image and one kernel, at the places where the whole kernel fits. It answers a single
bright pixel with the kernel as it is written, and that is a good test.""",
    reference=convolve2d,
    groups=(
        Group(
            "a single bright pixel",
            1,
            (case(_dot(3, 3), _numbers([1, 2], [3, 4])), case(_dot(3, 5), _numbers([1, 2, 3], [4, 5, 6]))),
        ),
        Group(
            "images",
            1,
            (
                case(counted(2, 3), weights(1, 2)),
                case(counted(3, 4), weights(2, 3)),
                case(counted(5, 3), weights(3, 2)),
                case(LESSON_IMAGE, LESSON_KERNEL),
            ),
        ),
        Group("other images", 1, _pairs, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the kernel is not turned",
            correlate2d,
            "You use the kernel as it is, which is a correlation. A true convolution turns it by 180° first: "
            "kernel[::-1, ::-1].",
            TURN,
        ),
        Misconception(
            "the kernel is turned upside down only",
            on_image(mistaken(kernel=lambda k: k[::-1])),
            "You reverse the order of the kernel's rows, but not the order within each row. Half a turn does both: "
            "kernel[::-1, ::-1].",
            TURN,
        ),
        Misconception(
            "the kernel is mirrored left and right only",
            on_image(mistaken(kernel=lambda k: k[:, ::-1])),
            "You reverse each row of the kernel, but leave the order of the rows. Half a turn does both: "
            "kernel[::-1, ::-1].",
            TURN,
        ),
        Misconception(
            "a quarter of a turn",
            on_image(mistaken(kernel=lambda k: np.rot90(k))),
            "You turn the kernel by 90° only, so rows become columns. Turn it twice, np.rot90(kernel, 2), or reverse both "
            "axes.",
            TURN,
        ),
        Misconception(
            "the kernel's rows and columns exchanged",
            on_image(mistaken(kernel=lambda k: k.swapaxes(0, 1))),
            "You transpose the kernel, which exchanges its rows and columns and leaves its first weight in place. Turn it "
            "instead: kernel[::-1, ::-1] puts the last weight first.",
            TURN,
        ),
        Misconception(
            "the image is turned in place of the kernel",
            lambda image, kernel: correlate2d(image[::-1, ::-1], kernel),
            "You turn the image and leave the kernel, so the whole output comes out turned by 180°. Leave the image, and "
            "turn the kernel.",
            TURN,
        ),
        Misconception(
            "places where the kernel sticks out",
            _all_places,
            "You also sum at places where the kernel sticks out of the image, as SciPy's convolve2d does unless told "
            'mode="valid". Keep the n - k + 1 places where the whole kernel fits.',
            "01_kernels#5. The same from SciPy, TensorFlow and Keras",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Turn the kernel into a new array. After that it is the correlation that you wrote before.",
        ),
        Hint(
            "A bright pixel gives the kernel turned around",
            "Then you have not turned the kernel, or you have turned it twice. Look at which weight lies on the upper left "
            "pixel of the window: it has to be the last one.",
        ),
        Hint(
            "I have turned the kernel, but the numbers still differ",
            "Reverse both axes: kernel[::-1, ::-1]. kernel[::-1] reverses the order of the rows only, and kernel.T exchanges "
            "rows and columns, which is no turn.",
        ),
    ),
    explanation="Half a turn reverses the rows and the columns. In the first window that contains a single bright pixel this "
    "pixel lies under the last place of the kernel, so the first weight must be there if the answer is to be the kernel in "
    "its own order. Where a kernel looks the same after half a turn, as a blur does, convolution and correlation agree.",
)


def edge_kernel(down: int, right: int, size: int = 3) -> np.ndarray:
    """A kernel that finds edges of one direction, to be correlated with an image.

    down, right: the direction in which the image becomes brighter at the edge; each is -1, 0 or 1, and one of them is
    not 0. (0, 1): brighter on the right. (-1, 0): brighter above. (1, 1): brighter at the lower right. size: an odd
    number, 3 or more. Returns (size, size).
    """
    # TODO: where do the positive weights belong, where the negative ones, and what do all of them sum to?
    # BEGIN SOLUTION
    kernel = np.zeros((size, size))
    middle = size // 2
    for u in range(size):
        for v in range(size):
            kernel[u, v] = down * (u - middle) + right * (v - middle)
    return kernel
    # END SOLUTION


def _plane(down: float, right: float, size: int = 3) -> np.ndarray:
    """A kernel whose weights grow evenly in a direction."""
    steps = np.arange(size) - size // 2
    return np.add.outer(down * steps, right * steps).astype(float)


def _middle(size: int) -> np.ndarray:
    """The kernel that changes nothing."""
    return _dot(size, size)


def _step(down: int, right: int, size: int) -> np.ndarray:
    """An image with an edge through its middle: 0, and 1 on the side that lies in the direction."""
    return (_plane(down, right, 2 * size + 1) > 0).astype(float)


def _signs(answers: np.ndarray, largest: float) -> str:
    """Which signs occur among the answers; what is tiny beside the largest weight counts as zero."""
    found = [name for name, sign in (("positive", 1), ("negative", -1)) if (sign * answers > 1e-6 * largest).any()]
    return " and ".join(found) or "zero"


def _answers(kernel: Any, down: int, right: int, size: int = 3) -> dict[str, str]:
    """What an edge kernel gives for a flat image, its own edge, and this edge turned by 90°."""
    weights = as_array(kernel)
    if weights is None:
        raise ConvlabError(
            f"a kernel, an array of {size} x {size} weights, was expected, but {kind_of(kernel)} came back."
        )
    if weights.shape != (size, size):
        raise ConvlabError(f"the kernel should have the shape ({size}, {size}), but has {weights.shape}.")
    if not np.isfinite(weights).all():
        raise ConvlabError("the kernel holds weights that are infinite or not a number.")
    step, largest = _step(down, right, size), float(np.abs(weights).max())
    images = {
        "the answer to a flat image": np.ones((size, size)),
        "the answers to its edge": step,
        "the answers to its edge turned by 90°": np.rot90(step),
    }
    return {name: _signs(correlate2d(image, weights.astype(float)), largest) for name, image in images.items()}


SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))
CORNERS = ((1, 1), (-1, 1), (1, -1), (-1, -1))


def _directions(rng: np.random.Generator) -> Iterable[Case]:
    """All eight directions, in any order, with kernels of several sizes."""
    for k in rng.permutation(len(SIDES + CORNERS)):
        yield case(*(SIDES + CORNERS)[k], int(rng.choice([3, 5, 7])))


EDGE_KERNEL = Problem(
    solution=edge_kernel,
    title="A kernel that finds edges",
    lesson=LESSON,
    statement="""Design a kernel for *correlation* that finds edges of one direction. An edge is a step: 0 on one side, 1
on the other, and `down` and `right` say in which direction the image becomes brighter. The kernel is
correlated, without padding, with three images. A flat image must give 0. An image with such an edge must give positive
numbers near the edge, and negative numbers nowhere. The same image turned by 90° must give 0 everywhere. Any weights that
do so are right.""",
    reference=lambda down, right, size=3: np.sign(_plane(down, right, size)),
    observe=_answers,
    groups=(
        Group("brighter on one side", 1, (*(case(*d) for d in SIDES), case(0, -1, 5), case(1, 0, 5))),
        Group("brighter in one corner", 1, (*(case(*d) for d in CORNERS), case(-1, 1, 5))),
        Group("other sizes", 1, _directions, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "dark and bright exchanged",
            lambda down, right, size=3: _plane(-down, -right, size),
            "Your kernel answers with negative numbers, as if the image became darker in this direction. Put the positive "
            "weights on the side that is brighter: a correlation does not turn the kernel.",
            WEIGHTS,
        ),
        Misconception(
            "rows and columns exchanged",
            lambda down, right, size=3: _plane(right, down, size),
            "You use `right` for the rows and `down` for the columns, so your kernel finds other edges. `down` says "
            "how weights change with the row, the first index, and `right` how they change with the column.",
            MISTAKES,
        ),
        Misconception(
            "rows counted upwards",
            lambda down, right, size=3: _plane(-down, right, size),
            "You take the first row for the lowest one, as the axis of a graph goes up. Rows of an image go down: for an "
            "edge that is brighter below, the positive weights belong in the last rows.",
            MISTAKES,
        ),
        Misconception(
            "the weights do not sum to 0",
            lambda down, right, size=3: _plane(down, right, size) + _middle(size),
            "Your kernel answers a flat image, where there is no edge, because its weights do not sum to 0. Balance each "
            "positive weight by a negative one on the opposite side.",
            WEIGHTS,
        ),
        Misconception(
            "the same kernel for all directions",
            lambda down, right, size=3: size**2 * _middle(size) - 1,
            "Your kernel answers edges of every direction, with both signs, as the outline kernel does. Use `down` "
            "and `right`: the side that they point to gets positive weights, the opposite side negative ones.",
            WEIGHTS,
        ),
        Misconception(
            "always vertical edges",
            lambda down, right, size=3: _plane(0, 1, size),
            "Your kernel compares right with left whatever is asked for. For edges that are brighter below or above, the "
            "weights have to change from row to row; for corners, along both axes.",
            WEIGHTS,
        ),
        Misconception(
            "the signs of down and right are ignored",
            lambda down, right, size=3: _plane(abs(down), abs(right), size),
            "You build the same kernel for -1 as for 1. With -1 the brighter side is on the left or above, and the positive "
            "weights belong there.",
            WEIGHTS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Look at “vertical edges” in the lesson: −1 0 1 in each row. It finds edges that are brighter on the right, (0, 1). "
            "Where would the 1 have to be for edges that are brighter below?",
        ),
        Hint(
            "It works for the sides, but not for the corners",
            "A weight has to grow with its column, with its row, or with both. For the lower right, add the two: then "
            "the places from the lower left to the upper right corner hold 0.",
        ),
        Hint(
            "Signs are wrong, or a flat image gives something",
            "Count rows u and columns v from the middle of the kernel: -1, 0, 1. The weight down · u + right · v is negative "
            "on the dark side, positive on the bright side, and all of them sum to 0.",
        ),
    ),
    explanation="A flat image is multiplied by the sum of the weights, so they have to sum to 0. At the edge the bright pixels "
    "lie under the positive weights: the answer is positive. On the edge turned by 90°, the weights of each line along "
    "the direction cancel. Weights that grow evenly from dark to bright do all of this; −1, 0 and 1 only do so, too.",
)


def gaussian_kernel(size: int, sigma: float) -> np.ndarray:
    """A Gaussian blur: weights that sum to 1 and fall with the distance from the middle.

    size: rows and columns, odd or even. sigma: σ in pixels, how wide the bell is. The middle lies halfway between the
    first and the last place: on a weight for an odd size, between weights for an even one. Returns (size, size).
    """
    # TODO: compute exp(-distance² / (2 sigma²)) at each place, then make the sum right
    # BEGIN SOLUTION
    middle = (size - 1) / 2
    kernel = np.zeros((size, size))
    for u in range(size):
        for v in range(size):
            squared = (u - middle) ** 2 + (v - middle) ** 2
            kernel[u, v] = np.exp(-squared / (2 * sigma**2))
    return kernel / kernel.sum()
    # END SOLUTION


def _bell(size: int, spread: float, middle: float | None = None, power: float = 1) -> np.ndarray:
    """exp(-(squared distance)^power / spread), as it is."""
    steps = np.arange(size) - ((size - 1) / 2 if middle is None else middle)
    return np.exp(-(np.add.outer(steps**2, steps**2) ** power) / spread)


def _gauss(size: int, sigma: float) -> np.ndarray:
    """One bell along each axis, and their products."""
    bell = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return np.outer(bell, bell) / bell.sum() ** 2


def _bells(rng: np.random.Generator) -> Iterable[Case]:
    """Every size from 2 to 7, wide and narrow bells."""
    for size in rng.permutation(range(2, 8)):
        yield case(int(size), float(rng.choice([0.5, 0.7, 0.8, 1.2, 1.5, 2.5])))


def _scaled(kernel: np.ndarray) -> np.ndarray:
    """The kernel with weights that sum to 1."""
    return kernel / kernel.sum()


GAUSSIAN_KERNEL = Problem(
    solution=gaussian_kernel,
    title="A Gaussian that keeps the brightness",
    lesson=LESSON,
    statement="""The weights of a Gaussian blur form a bell: they are proportional to exp(−r² / (2σ²)), where r is the
distance of a weight from the middle of the kernel, r² = (rows from the middle)² + (columns from the middle)². Build such
a kernel of any size with weights that sum to 1, so that a flat image stays as it is. For an even size the middle lies
between the weights, and all four weights around it are equal.""",
    reference=_gauss,
    groups=(
        Group("odd sizes", 1, (case(1, 2.0), case(3, 1.0), case(3, 2.0), case(5, 0.8))),
        Group("even sizes", 1, (case(2, 0.5), case(4, 1.5))),
        Group("other sizes", 1, _bells, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the weights do not sum to 1",
            lambda size, sigma: _bell(size, 2 * sigma**2),
            "You return the values of the bell as they are, so the blur brightens images. Divide all of them by their "
            "sum: kernel / kernel.sum().",
            WEIGHTS,
        ),
        Misconception(
            "the factor of the continuous bell",
            lambda size, sigma: _bell(size, 2 * sigma**2) / (2 * np.pi * sigma**2),
            "You divide by 2πσ², the factor in textbooks, which is right for a bell that goes on without end. A "
            "kernel holds only a part of it, so divide by the sum of its own weights: kernel / kernel.sum().",
            WEIGHTS,
        ),
        Misconception(
            "divided by the number of weights",
            lambda size, sigma: _bell(size, 2 * sigma**2) / size**2,
            "You divide by the number of weights, which is right only where each of them is 1 before, as in a box "
            "blur. Divide by their sum: kernel / kernel.sum().",
            WEIGHTS,
        ),
        Misconception(
            "each row sums to 1",
            lambda size, sigma: _gauss(size, sigma) / _gauss(size, sigma).sum(axis=1, keepdims=True),
            "You make each row sum to 1, so the whole kernel sums to the number of rows. Divide by the sum of all weights: "
            "kernel.sum() without an axis.",
            WEIGHTS,
        ),
        Misconception(
            "sigma is not squared",
            lambda size, sigma: _scaled(_bell(size, 2 * sigma)),
            "You divide the squared distance by 2σ, which is the same only where σ is 1. The formula has 2σ²: "
            "2 * sigma * sigma.",
            WEIGHTS,
        ),
        Misconception(
            "the 2 in the exponent is missing",
            lambda size, sigma: _scaled(_bell(size, sigma**2)),
            "You divide the squared distance by σ², so the bell is too narrow. The formula has 2σ²: 2 * sigma * sigma.",
            WEIGHTS,
        ),
        Misconception(
            "the distance is not squared",
            lambda size, sigma: _scaled(_bell(size, 2 * sigma**2, power=0.5)),
            "You put the distance r into the exponent, where the formula has r². Leave the square root out: r² is the "
            "sum of the two squares, rows and columns from the middle.",
            WEIGHTS,
        ),
        Misconception(
            "the middle beside the middle",
            lambda size, sigma: _scaled(_bell(size, 2 * sigma**2, middle=size // 2)),
            "For an even size you put the middle on the weight size // 2, so the blur moves the image by half a pixel. The "
            "middle is (size - 1) / 2, between two weights.",
            WEIGHTS,
        ),
        Misconception(
            "all weights are equal",
            lambda size, sigma: np.full((size, size), 1 / size**2),
            "You return a box blur, which listens to the far as much as to the near. Let the weights fall with the "
            "distance from the middle: exp(-r² / (2σ²)) at each place.",
            WEIGHTS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "How far is each row from the middle, (size - 1) / 2? And each column? Add the squares of the two.",
        ),
        Hint(
            "My weights have the right form, but are all too large or too small",
            "They have to sum to 1. What do you have to divide each of them by, and does that depend on σ?",
        ),
        Hint(
            "Odd sizes work, even ones do not",
            "For size 4 the middle is 1.5, and the rows are -1.5, -0.5, 0.5 and 1.5 away from it: use / and not //.",
        ),
    ),
    explanation="What happens to a flat image is decided by the sum of the weights, so every blur has to sum to 1. The factor "
    "1 / (2πσ²) of the bell in textbooks does this for an integral over the whole plane. A kernel has few weights and cuts the "
    "bell off at its border, so only the sum of its own weights will do.",
)


def apply_kernel(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate an image of bytes with a kernel, without padding, and return an image of bytes.

    image: (H, W), of type uint8. kernel: (kh, kw), of any type of number, uint8 included. Each sum is rounded to the
    nearest whole number; below 0 it becomes 0, and above 255 it becomes 255. Returns (H - kh + 1, W - kw + 1), of type
    uint8.
    """
    # TODO: compute with a type that can hold the sums, and make bytes of them at the end only
    # BEGIN SOLUTION
    pixels, weights = image.astype(float), kernel.astype(float)
    kernel_h, kernel_w = kernel.shape
    sums = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1] - kernel_w + 1))
    for i in range(sums.shape[0]):
        for j in range(sums.shape[1]):
            sums[i, j] = np.sum(pixels[i : i + kernel_h, j : j + kernel_w] * weights)
    return np.clip(np.rint(sums), 0, 255).astype(np.uint8)
    # END SOLUTION


def _bytes(*rows: Iterable[int]) -> np.ndarray:
    """An array of bytes, row by row."""
    return np.array(rows, np.uint8)


def _sums(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The exact sums."""
    return correlate2d(image.astype(float), kernel.astype(float))


def _to_bytes(sums: np.ndarray) -> np.ndarray:
    """Rounded and clipped."""
    return np.rint(np.minimum(np.maximum(sums, 0), 255)).astype(np.uint8)


def _byte_images(rng: np.random.Generator) -> Iterable[Case]:
    """Kernels of bytes, of negative numbers, and of eighths; no sum lies between two whole numbers."""
    kinds: tuple[Callable[[tuple[int, int]], np.ndarray], ...] = (
        lambda shape: rng.integers(0, 4, shape).astype(np.uint8),
        lambda shape: rng.integers(-2, 3, shape).astype(np.int8),
        lambda shape: rng.integers(-1, 8, shape) / 8,
    )
    for kind in (*kinds, *kinds):
        while True:
            kernel = kind((int(rng.integers(1, 3)), int(rng.integers(1, 3))))
            image = rng.integers(0, 256, np.array(kernel.shape) + rng.integers(1, 3, 2)).astype(np.uint8)
            if not (_sums(image, kernel) % 1 == 0.5).any():
                break
        yield case(image, kernel)


def _in_bytes(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Each product is added to a byte, which keeps whole numbers from 0 to 255 and begins again after that."""
    kernel_h, kernel_w = kernel.shape
    out = np.zeros((image.shape[0] - kernel_h + 1, image.shape[1] - kernel_w + 1))
    for u, v in np.ndindex(*kernel.shape):
        met = image[u : u + out.shape[0], v : v + out.shape[1]]
        out = np.trunc(out + met.astype(float) * float(kernel[u, v])) % 256
    return out.astype(np.uint8)


def _products_in_bytes(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Products have the type that NumPy gives them: bytes, where both factors are bytes."""
    sums = np.zeros((image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1))
    for i, j in np.ndindex(*sums.shape):
        sums[i, j] = np.sum(image[i : i + kernel.shape[0], j : j + kernel.shape[1]] * kernel)
    return _to_bytes(sums)


def _seen(result: Any, image: np.ndarray, kernel: np.ndarray) -> dict[str, Any]:
    """The numbers of an image, and their type, which is compared apart from them."""
    numbers = as_array(result)
    if numbers is None:
        raise ConvlabError(f"an image of bytes was expected, but {kind_of(result)} came back.")
    return {"the image": numbers.astype(float), "the type of its numbers": str(numbers.dtype)}


APPLY_KERNEL = Problem(
    solution=apply_kernel,
    title="From bytes to bytes",
    lesson=LESSON,
    statement="""Images come as bytes, `uint8`, from 0 to 255, and an image of bytes has to come out again. Correlate one
with a kernel, without padding; the weights may be bytes, too, or negative, or fractions. Round each sum to the nearest
whole number; what is below 0 then becomes 0, and what is above 255 becomes 255. (In the cases here no sum lies exactly
between two whole numbers.)""",
    reference=lambda image, kernel: _to_bytes(_sums(image, kernel)),
    observe=_seen,
    groups=(
        Group(
            "weights in bytes",
            1,
            (
                case(_bytes([10, 20, 30]), _bytes([1, 2])),
                case(_bytes([10, 20, 100]), _bytes([1, 3])),
                case(np.full((3, 3), 200, np.uint8), np.ones((2, 2), np.uint8)),
            ),
        ),
        Group(
            "fractions and negative weights",
            1,
            (
                case(_bytes([10, 21, 40, 82]), _numbers([0.25, 0.5, 0.25])),
                case(_bytes([7, 90], [250, 8], [3, 5]), np.array([[-1], [1]], np.int8)),
                case(_bytes([9, 2, 1]), _numbers([0.25, -0.75])),
                case(
                    _bytes([10, 20, 30, 40], [50, 200, 20, 30], [60, 70, 80, 255]),
                    _numbers([0, -1, 0], [-1, 5, -1], [0, -1, 0]),
                ),
            ),
        ),
        Group("other images", 1, _byte_images, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "added up in bytes",
            _in_bytes,
            "Your sums are kept in bytes, which hold whole numbers and count from 255 on to 0. Turn image and kernel into "
            "floats, add up in an array of floats, and make bytes of it at the end.",
            MISTAKES,
        ),
        Misconception(
            "multiplied in bytes",
            _products_in_bytes,
            "You multiply bytes by bytes, so each product is a byte and counts from 255 on to 0 before you add it. Begin "
            "with image.astype(float) and kernel.astype(float).",
            MISTAKES,
        ),
        Misconception(
            "neither rounded nor limited",
            lambda image, kernel: _sums(image, kernel).astype(np.int64).astype(np.uint8),
            "You put the sums into bytes as they are, so fractions are cut off, 256 becomes 0, and -1 becomes 255. Keep them "
            "as floats, and then round and limit: np.clip(np.rint(sums), 0, 255).astype(np.uint8).",
            MISTAKES,
        ),
        Misconception(
            "not limited to 0 and 255",
            lambda image, kernel: np.rint(_sums(image, kernel)).astype(np.int64).astype(np.uint8),
            "You turn the sums into bytes without limits, so 256 becomes 0 and -1 becomes 255. Use np.clip(sums, 0, 255) "
            "before astype(np.uint8).",
            MISTAKES,
        ),
        Misconception(
            "cut off, not rounded",
            lambda image, kernel: _to_bytes(np.floor(_sums(image, kernel))),
            "You cut fractions off, as astype and int do, so 2.75 becomes 2 and the image a little darker. Round the sums "
            "first, with np.rint.",
            MISTAKES,
        ),
        Misconception(
            "negative sums lose their sign",
            lambda image, kernel: _to_bytes(np.abs(_sums(image, kernel))),
            "You take the absolute value, so an edge from bright to dark looks like one from dark to bright. Let everything "
            "below 0 become 0: np.clip(sums, 0, 255).",
            MISTAKES,
        ),
        Misconception(
            "weights cut to whole numbers",
            lambda image, kernel: _to_bytes(_sums(image, np.trunc(kernel.astype(float)))),
            "You turn the weights into whole numbers, so 0.25 becomes 0 and a blur turns everything black. Keep the kernel "
            "as floats, and turn the image into floats, too.",
            WEIGHTS,
        ),
        Misconception(
            "never scaled back to bytes",
            lambda image, kernel: _to_bytes(np.minimum(_sums(image, kernel) / 255, 1)),
            "You divide the image by 255 and make bytes of the result, which leaves only 0 and 1. Multiply the sums by 255 "
            "again, or do not divide at all.",
            WEIGHTS,
        ),
    ),
    hints=(
        Hint(
            "My results are far too small, or look like noise",
            "Bytes count from 255 on to 0. Print image.dtype, kernel.dtype and the type of what you add up in.",
        ),
        Hint(
            "The numbers are right where they are small",
            "Sums can leave the range from 0 to 255. np.clip limits them, and it has to come before astype(np.uint8).",
        ),
        Hint(
            "A few numbers are too small by one",
            "astype cuts fractions off. In order: floats, sums, np.rint, np.clip(…, 0, 255), astype(np.uint8).",
        ),
    ),
    explanation="A sum of products needs more room than a byte, and NumPy gives none by itself: bytes times bytes are bytes. So "
    "convert first, compute in floats, and come back at the end: round, for astype cuts off, and limit, for bytes begin "
    "again at 0.",
)

PROBLEMS = [CORRELATE, CONVOLVE, EDGE_KERNEL, GAUSSIAN_KERNEL, APPLY_KERNEL]
