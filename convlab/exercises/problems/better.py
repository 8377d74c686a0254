"""Exercises on better networks: where weights start, what layers cost, and which layers can be merged into one."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from convlab import geometry, layers
from convlab.errors import ConvlabError
from convlab.exercises.comparing import shown
from convlab.exercises.problem import Case, Group, Hint, Misconception, Problem, case
from convlab.ops import conv2d, global_avg_pool2d

LESSON = "09_better_cnns"
NORMALIZATION, STACKS, GLOBAL = (
    f"{LESSON}#{heading}"
    for heading in (
        "3. Batch normalization",
        "6. 3 × 3 stacks against 5 × 5 and 7 × 7",
        "7. Flatten or global pooling",
    )
)
COST, ARGUMENTS, FORMAT, AXES = (
    f"04_channels#{heading}"
    for heading in ("5. What does a layer cost?", "6. Argument by argument", "7. data_format", "8. The four axes")
)
SOFTMAX = "08_mnist_cnn#2. The model"


def _mixed(*shape: int, seed: int = 0) -> np.ndarray:
    """Different whole numbers in no order, some of them negative, none 0."""
    size = int(np.prod(shape))
    numbers = np.random.default_rng([size, seed]).permutation(size) - size // 3
    return (numbers + (numbers >= 0)).astype(float).reshape(shape)


def _drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole numbers from -9 to 9."""
    return rng.integers(-9, 10, shape).astype(float)


def glorot_limit(kernel_shape: tuple[int, int, int, int]) -> float:
    """The largest weight that "glorot_uniform" draws for the kernel of a convolution.

    kernel_shape: (kh, kw, C, F). Returns the limit: weights lie between minus the limit and the limit.
    """
    # TODO: count fan in and fan out of this kernel; the limit is the square root of 6 / (fan in + fan out)
    # BEGIN SOLUTION
    kernel_h, kernel_w, channels, filters = kernel_shape
    fan_in = kernel_h * kernel_w * channels
    fan_out = kernel_h * kernel_w * filters
    return np.sqrt(6 / (fan_in + fan_out))
    # END SOLUTION


def _glorot_limit(kernel_shape: tuple[int, int, int, int]) -> float:
    """A uniform distribution within ±a has the variance a² / 3."""
    return float(np.sqrt(3 * layers.initializers.GlorotUniform().variance(kernel_shape)))


def _limit(fans: Callable[[int, int, int, int], float], times: float = 6.0) -> Callable[..., float]:
    """The limit with another sum of the fans, from (kh, kw, C, F), or another number above it."""
    return lambda kernel_shape: float(np.sqrt(times / fans(*kernel_shape)))


def _kernel_shapes(rng: np.random.Generator) -> Iterable[Case]:
    for kernel_size in ((1, 3), (5, 5), (4, 2), (3, 3)):
        yield case((*kernel_size, int(rng.integers(2, 30)), int(rng.integers(30, 99))))


GLOROT_LIMIT = Problem(
    solution=glorot_limit,
    title="Where weights start",
    lesson=LESSON,
    statement="""`"glorot_uniform"` draws weights evenly between -a and a, where a is the square root of
6 / (fan in + fan out). **Fan in** is how many numbers one output is computed from. **Fan out** is how many products one number
of the input goes into, away from the border and with stride 1. Return a.""",
    reference=_glorot_limit,
    groups=(
        Group("one weight at each place", 1, (case((1, 1, 2, 4)), case((1, 1, 20, 4)))),
        Group("larger kernels", 1, (case((1, 3, 3, 5)), case((2, 3, 1, 8)), case((3, 3, 16, 32)))),
        Group("other kernels", 1, _kernel_shapes, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "fan in without the channels",
            _limit(lambda h, w, c, f: h * w * (1 + f)),
            "You count kh · kw numbers for one output. A filter sees all channels of its window: fan in is kh · kw · C.",
            ARGUMENTS,
        ),
        Misconception(
            "fan out without the area",
            _limit(lambda h, w, c, f: h * w * c + f),
            "You count F products for one input, as in a dense layer. While the kernel moves on, a number meets each of its "
            "places: fan out is kh · kw · F.",
            ARGUMENTS,
        ),
        Misconception(
            "both fans without the area",
            _limit(lambda h, w, c, f: c + f),
            "You count channels and filters, as for a dense layer. In a convolution both fans also count the kernel's "
            "places: kh · kw · C and kh · kw · F.",
            ARGUMENTS,
        ),
        Misconception(
            "fan in alone",
            _limit(lambda h, w, c, f: h * w * c),
            "You divide by fan in alone, as the initializer `he_uniform` does. Glorot's divides by the sum, fan in + fan out.",
            ARGUMENTS,
        ),
        Misconception(
            "the standard deviation",
            _limit(lambda h, w, c, f: h * w * (c + f), 2.0),
            "You return the square root of 2 / (fan in + fan out), which is the standard deviation of the weights. Numbers drawn "
            "evenly go as far as √3 times that: put 6 where you have 2.",
            ARGUMENTS,
        ),
        Misconception(
            "the mean of the fans",
            _limit(lambda h, w, c, f: h * w * (c + f) / 2),
            "You divide 6 by the mean of the two fans. Divide it by their sum: fan in + fan out.",
            ARGUMENTS,
        ),
        Misconception(
            "the root forgotten",
            lambda kernel_shape: _glorot_limit(kernel_shape) ** 2,
            "You return 6 / (fan in + fan out) itself. The limit is its square root: np.sqrt(6 / (fan in + fan out)).",
            ARGUMENTS,
        ),
        Misconception(
            "the kernel taken as square",
            _limit(lambda h, w, c, f: h * h * (c + f)),
            "You take the height of the kernel twice. Kernels need not be square: the area is kh · kw.",
            COST,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Look at one number of one feature map. Of how many pixels, in how many channels, is it the sum?",
        ),
        Hint(
            "I have fan in, but what is fan out?",
            "Follow one pixel while a kernel slides over it: it meets every place of the kernel once, in every filter.",
        ),
        Hint("It is right for 1 × 1 kernels only", "Both fans have the factor kh · kw: kh · kw · C and kh · kw · F."),
    ),
    explanation="A sum of fan in products grows with fan in, and the gradient that flows back is a sum of fan out products. "
    "Glorot's rule keeps both at about their size, as a compromise: variance 2 / (fan in + fan out), which a uniform "
    "distribution has within ±√(6 / (fan in + fan out)).",
)


def global_average_pooling(x: np.ndarray) -> np.ndarray:
    """The average of each whole feature map.

    x: (N, H, W, C). Returns (N, C).
    """
    # TODO: one number for each map of each image
    # BEGIN SOLUTION
    return x.mean(axis=(1, 2))
    # END SOLUTION


def _map_cases(rng: np.random.Generator) -> Iterable[Case]:
    for shape in ((2, 3, 4, 3), (3, 1, 5, 2), (2, 4, 2, 5)):
        yield case(_drawn(rng, *shape))


GLOBAL_AVERAGE_POOLING = Problem(
    solution=global_average_pooling,
    title="One number for each map",
    lesson=LESSON,
    statement="""Global average pooling turns every feature map into a single number, its average. You get a batch of images
(N, H, W, C), and return one row of C numbers for each image.""",
    reference=global_avg_pool2d,
    groups=(
        Group("one image", 1, (case(_mixed(1, 2, 2, 1)), case(_mixed(1, 2, 3, 2)))),
        Group("several images", 1, (case(_mixed(2, 3, 1, 2)), case(_mixed(3, 2, 4, 2)))),
        Group("other shapes", 1, _map_cases, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the sum",
            lambda x: x.sum(axis=(1, 2)),
            "You sum each map. The average divides that by the number of its pixels, H · W.",
            GLOBAL,
        ),
        Misconception(
            "the maximum",
            lambda x: x.max(axis=(1, 2)),
            "You take the largest number of each map, which is global max pooling. Take the mean of all its pixels.",
            GLOBAL,
        ),
        Misconception(
            "channels taken from axis 1",
            lambda x: x.mean(axis=(2, 3)),
            "You average over axes 2 and 3, which are height and width in (N, C, H, W). Here the channels come last: "
            "average over axes 1 and 2.",
            FORMAT,
        ),
        Misconception(
            "the average over the batch too",
            lambda x: x.mean(axis=(0, 1, 2)),
            "You average over all images, so that only one row is left. Each image keeps its own numbers: leave axis 0 as "
            "it is.",
            AXES,
        ),
        Misconception(
            "the average over the channels too",
            lambda x: x.mean(axis=(1, 2, 3)),
            "You average over the channels too, so an image has only one number left. Each map keeps its own: leave the "
            "last axis as it is.",
            AXES,
        ),
        Misconception(
            "the average over the channels alone",
            lambda x: x.mean(axis=3),
            "You average over the channels at each pixel, and rows and columns are left. It is the other way round: average "
            "over axes 1 and 2, and keep the channels.",
            AXES,
        ),
        Misconception(
            "the pooled axes kept",
            lambda x: x.mean(axis=(1, 2), keepdims=True),
            "Your numbers are right, but they come as (N, 1, 1, C). A dense layer wants (N, C): leave keepdims out.",
            GLOBAL,
        ),
        Misconception(
            "flattened instead",
            lambda x: x.reshape(len(x), -1),
            "You put all numbers of an image into one row, as Flatten does. Global average pooling keeps one number for each map: "
            "average over rows and columns, axes 1 and 2.",
            GLOBAL,
        ),
        Misconception(
            "divided by the height squared",
            lambda x: x.sum(axis=(1, 2)) / x.shape[1] ** 2,
            "You divide by H · H, as if maps were square. A map has H · W pixels: divide by x.shape[1] * x.shape[2].",
            GLOBAL,
        ),
    ),
    hints=(
        Hint("I do not know where to begin", "Which of the four axes are left in (N, C), and which are averaged away?"),
        Hint("My result has too many axes", "Give mean a pair of axes, so that rows and columns go at once."),
        Hint("The shape is right, but the numbers are not", "Rows are axis 1 and columns axis 2: x.mean(axis=(1, 2))."),
    ),
    explanation="A feature map answers the same question at every place. Its average answers it once for the whole image, "
    "so that C numbers are left however large the image is. Where in the image something was is lost.",
)


def pixel_softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of the classes at each pixel, from scores.

    scores: (N, H, W, classes), of any size, such as 1000 or -1000. Returns the same shape.
    """
    # TODO: exp of each score, divided by the sum over the classes of its pixel. What does exp do with 1000?
    # BEGIN SOLUTION
    largest = scores.max(axis=3, keepdims=True)  # of each pixel
    e = np.exp(scores - largest)
    return e / e.sum(axis=3, keepdims=True)
    # END SOLUTION


def _softmax_over(axes: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Softmax over other axes."""

    def wrong(scores: np.ndarray) -> np.ndarray:
        e = np.exp(scores - scores.max(axis=axes, keepdims=True))
        return e / e.sum(axis=axes, keepdims=True)

    return wrong


def _without_keepdims(scores: np.ndarray) -> np.ndarray:
    """Maxima and sums whose axis is gone, so that they meet other pixels than their own, or none."""
    e = np.exp(scores - scores.max(axis=-1))
    return e / e.sum(axis=-1)


def _plain_softmax(scores: np.ndarray, largest: float = 0.0) -> np.ndarray:
    """Softmax after the same number was taken off all scores."""
    e = np.exp(scores - largest)
    return e / e.sum(axis=3, keepdims=True)


def _pixels(rng: np.random.Generator) -> Iterable[Case]:
    for shape in ((2, 2, 3, 3), (2, 3, 1, 4)):
        yield case(rng.integers(-3, 4, shape).astype(float))
    yield case(rng.integers(-3, 4, (2, 1, 3, 3)) + 1000.0 * rng.integers(-2, 3, (2, 1, 3, 1)))


PIXEL_SOFTMAX = Problem(
    solution=pixel_softmax,
    title="Softmax at every pixel",
    lesson=LESSON,
    statement="""A network can end with a 1 × 1 convolution that gives every pixel one score for each class, and with
`activation="softmax"`. Do what that activation does: at *each pixel* turn the scores into probabilities, exp of each score
divided by the sum of these over the classes. Scores can be large: adding the same number to all scores of a pixel does not
change its probabilities, and keeps exp within bounds.""",
    reference=layers.activations.get("softmax").function,
    groups=(
        Group(
            "small scores",
            1,
            (
                case(np.array([0.0, 0, 1, 3]).reshape(1, 1, 2, 2)),
                case(np.array([[3.0, 1, 2], [1, -2, 2]]).reshape(1, 2, 1, 3)),
                case(_mixed(2, 3, 2, 3) / 4),
            ),
        ),
        Group(
            "large scores",
            1,
            (
                case(np.array([1000.0, 1001, 2, 1]).reshape(1, 1, 2, 2)),
                case(np.array([1000.0, 999, 998, -1000, -1001, -1001]).reshape(1, 2, 1, 3)),
            ),
        ),
        Group("other scores", 1, _pixels, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "over the places of each map",
            _softmax_over((1, 2)),
            "Your probabilities sum to 1 over the pixels of each map: they say where a class is. At each pixel one class is "
            "asked for, so sum over the last axis.",
            AXES,
        ),
        Misconception(
            "over the whole image",
            _softmax_over((1, 2, 3)),
            "Your probabilities sum to 1 over a whole image. Each pixel has a sum of its own: sum over the last axis alone.",
            AXES,
        ),
        Misconception(
            "over all numbers",
            _softmax_over(None),
            "You divide by one sum over the whole batch. Each pixel of each image has a sum of its own: give axis=3 and "
            "keepdims=True.",
            AXES,
        ),
        Misconception(
            "classes taken from axis 1",
            _softmax_over(1),
            "You sum over axis 1, where the channels are in (N, C, H, W). Here axis 1 counts the rows, and the classes come last: sum "
            "over axis 3.",
            FORMAT,
        ),
        Misconception(
            "exp of large scores",
            _plain_softmax,
            "You take exp of the scores as they are, and exp(1000) is infinite. Subtract the largest score of each pixel "
            "first, which changes no probability.",
            SOFTMAX,
        ),
        Misconception(
            "one maximum for all pixels",
            lambda scores: _plain_softmax(scores, scores.max()),
            "You subtract the largest score of the whole batch everywhere. At pixels whose scores are far lower every exp becomes 0, "
            "and 0 / 0 is not a number: subtract each pixel's own maximum, with axis=3 and keepdims=True.",
            SOFTMAX,
        ),
        Misconception(
            "keepdims is forgotten",
            _without_keepdims,
            "You take maximum and sum over the last axis without keepdims=True, so they have an axis less and do not meet the pixels "
            "that they belong to. Give both keepdims=True.",
            AXES,
        ),
        Misconception(
            "a sigmoid for each score",
            lambda scores: (1 + np.tanh(scores / 2)) / 2,
            "You take a sigmoid of each score by itself, and a pixel's probabilities do not sum to 1. Divide exp of each by "
            "the sum over the classes.",
            SOFTMAX,
        ),
        Misconception(
            "not divided by the sum",
            lambda scores: np.exp(scores - scores.max(axis=3, keepdims=True)),
            "You return exp of the scores. They become probabilities when you divide them by their sum over the last axis.",
            SOFTMAX,
        ),
        Misconception(
            "all to the largest",
            lambda scores: np.eye(scores.shape[3])[scores.argmax(axis=3)],
            "You give 1 to the class with the largest score and 0 to the others. Softmax is soft: the others keep their "
            "share, exp of each divided by the sum.",
            SOFTMAX,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Begin with one pixel: e = np.exp(scores of that pixel), then e / e.sum(). Then do it for the last axis of all.",
        ),
        Hint(
            "I get a shape error, or wrong numbers, when I divide",
            "keepdims=True keeps the summed axis with length 1, so that each pixel is divided by its own sum.",
        ),
        Hint(
            "I get NaN for large scores",
            "Subtract scores.max(axis=3, keepdims=True) before exp: then the largest is exp(0) = 1, and nothing overflows.",
        ),
    ),
    explanation="Keras' softmax works along the last axis, and for maps that are the channels: every pixel has its own "
    "probabilities. Taking a number m off all scores of a pixel multiplies each exp, and their sum too, by exp(-m), which "
    "cancels. With the largest score for m no exp is above 1, and one of them is 1, so the sum is never 0.",
)


def stack_parameters(channels: int, filters: int, sizes: tuple[int, ...], normalized: bool = False) -> int:
    """Numbers that a stack of convolutions keeps in its weights.

    channels: of the input. filters: of every convolution. sizes: kernel sizes k, of k × k kernels, one for each
    convolution. normalized: whether a batch normalization follows each convolution; it keeps four numbers for each
    feature map, and the convolution then has no bias. Returns how many numbers there are in all.
    """
    # TODO: how many channels does each convolution of the stack read?
    # BEGIN SOLUTION
    total = 0
    for size in sizes:
        total += size * size * channels * filters
        total += 4 * filters if normalized else filters
        channels = filters  # of the next one
    return total
    # END SOLUTION


def _stack_parameters(channels: int, filters: int, sizes: tuple[int, ...], normalized: bool = False) -> int:
    stack: list[Any] = []
    for size in sizes:
        stack.append(geometry.ConvSpec(size, filters, padding="same", use_bias=not normalized))
        stack += [geometry.BatchNormSpec()] if normalized else []
    return geometry.trace(stack, (20, 20, channels)).parameters


def _counting(
    weights: Callable[[int, int, int, int], int] = lambda k, c, f, layer: k * k * c * f,
    bias: Callable[[int], int] = lambda f: f,
    norm: Callable[[int, int], int] = lambda c, f: 4 * f,
    reads: Callable[[int, int, int], int] = lambda c, f, layer: f if layer else c,
    stack: Callable[[tuple[int, ...]], tuple[int, ...]] = lambda sizes: sizes,
) -> Callable[..., int]:
    """The count with some decisions changed."""

    def wrong(channels: int, filters: int, sizes: tuple[int, ...], normalized: bool = False) -> int:
        total = 0
        for layer, size in enumerate(stack(sizes)):
            c = reads(channels, filters, layer)
            total += weights(size, c, filters, layer) + (norm(c, filters) if normalized else bias(filters))
        return total

    return wrong


def _stacks(rng: np.random.Generator) -> Iterable[Case]:
    for sizes in ((3, 3), (5, 3, 1), (7,), (2, 4, 3)):
        for normalized in (False, True):
            channels, filters = (int(v) for v in rng.integers([2, 9], [8, 40]))
            yield case(channels, filters, sizes, normalized)


STACK_PARAMETERS = Problem(
    solution=stack_parameters,
    title="What a stack costs",
    lesson=LESSON,
    statement="""Count the numbers that a stack of convolutions keeps in its weights. Each convolution has `filters` filters
with k × k kernels and, without normalization, a bias. With `normalized=True` each is followed by batch normalization, which
keeps gamma, beta, a moving mean and a moving variance for each feature map, trained or not, and the convolutions have no bias.""",
    reference=_stack_parameters,
    groups=(
        Group("one layer", 1, (case(1, 4, (3,)), case(3, 2, (5,)), case(2, 2, (1,)))),
        Group("several layers", 1, (case(1, 4, (3, 3)), case(64, 64, (3, 3)), case(3, 8, (5, 1, 2)))),
        Group("with normalization", 1, (case(1, 4, (3,), True), case(3, 8, (3, 5), True), case(2, 3, (1, 2, 3), True))),
        Group("other stacks", 1, _stacks, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "every layer reads the image",
            _counting(reads=lambda c, f, layer: c),
            "You count every layer as if it read the channels of the input. The second layer reads the maps of the first: "
            "after each layer set channels = filters.",
            STACKS,
        ),
        Misconception(
            "every layer reads feature maps",
            _counting(reads=lambda c, f, layer: f),
            "You count the first layer like the others, as if it read feature maps. It reads the input: take the number of "
            "its channels.",
            STACKS,
        ),
        Misconception(
            "one larger kernel instead of the stack",
            _counting(stack=lambda sizes: (sum(sizes) - len(sizes) + 1,)),
            "You count one layer with a kernel as large as all of them see together. The stack sees as much, but keeps other "
            "weights: add the layers one by one.",
            STACKS,
        ),
        Misconception(
            "a side of the kernel instead of its area",
            _counting(weights=lambda k, c, f, layer: k * c * f),
            "You count k weights for each channel of a filter. A kernel is k × k: count k · k.",
            COST,
        ),
        Misconception(
            "the biases forgotten",
            _counting(bias=lambda f: 0),
            "You leave the biases out where there is no normalization. Each filter then has one: add the "
            "number of filters for each layer.",
            COST,
        ),
        Misconception(
            "a bias for each channel that is read",
            lambda channels, filters, sizes, normalized=False: _counting(
                weights=lambda k, c, f, layer: (k * k + (not normalized)) * c * f, bias=lambda f: 0
            )(channels, filters, sizes, normalized),
            "You count a bias for each channel of each filter, (k · k + 1) · C · F. A filter sums over its channels and adds "
            "one bias: k · k · C · F + F.",
            COST,
        ),
        Misconception(
            "a bias beside each normalization",
            _counting(norm=lambda c, f: 5 * f),
            "You count a bias in convolutions that a normalization follows. It would have no effect, for the mean is "
            "subtracted and the bias with it: leave it out.",
            NORMALIZATION,
        ),
        Misconception(
            "the moving averages forgotten",
            _counting(norm=lambda c, f: 2 * f),
            "You count gamma and beta of each normalization. The moving mean and the moving variance are kept too, though "
            "they are not trained: four numbers for each map.",
            NORMALIZATION,
        ),
        Misconception(
            "normalization counted by the channels read",
            _counting(norm=lambda c, f: 4 * c),
            "You count four numbers for each channel that the convolution reads. The normalization comes after it, and has "
            "four for each map that the convolution makes: 4 · filters.",
            NORMALIZATION,
        ),
        Misconception(
            "the normalization not counted",
            _counting(norm=lambda c, f: 0),
            "You count the convolutions alone. Each normalization keeps four numbers for each feature map: gamma, beta, "
            "moving mean, moving variance.",
            NORMALIZATION,
        ),
    ),
    hints=(
        Hint("I do not know where to begin", "Write the count for one layer: k · k · C · F weights, and F biases."),
        Hint(
            "One layer is right, several are not",
            "What the second layer reads is what the first one made: `filters` maps, not the channels of the input.",
        ),
        Hint(
            "It is right without normalization only",
            "Then there is no bias, and four numbers for each map instead: k · k · C · F + 4 · F for each layer.",
        ),
    ),
    explanation="Only the first convolution reads the channels of the input; all others read `filters` maps, and most weights "
    "sit there. A normalization keeps two numbers that are trained and two that are collected, for each map. It makes the "
    "bias before it useless, since whatever constant a map has is subtracted again.",
)


def batch_norm(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    training: bool = False,
    epsilon: float = 0.001,
) -> np.ndarray:
    """Batch normalization of feature maps, as Keras does it.

    x: (N, H, W, C). gamma, beta: (C,), the learned scale and shift. mean, variance: (C,), the moving averages.
    training: whether the network is learning, or in use. epsilon: added to the variance. Returns (N, H, W, C).
    """
    # TODO: choose the mean and the variance of each channel, normalize, then scale and shift
    # BEGIN SOLUTION
    if training:
        mean = x.mean(axis=(0, 1, 2))
        variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
    # END SOLUTION


def _batch_norm(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    norm = layers.BatchNormalization(epsilon=epsilon, dtype="float64")
    norm.ensure_built(x.shape)
    norm.set_weights([gamma, beta, mean, variance])
    return norm(x, training=training)


def _normalizing(
    axes: Any = (0, 1, 2),
    own: Callable[[bool], bool] = lambda training: training,
    divisor: Callable[[np.ndarray, float], np.ndarray] = lambda variance, epsilon: np.sqrt(variance + epsilon),
    ddof: int = 0,
) -> Callable[..., np.ndarray]:
    """Batch normalization with some decisions changed."""

    def wrong(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
        if own(training):
            mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, ddof=ddof, keepdims=True)
        return gamma * (x - mean) / divisor(variance, epsilon) + beta

    return wrong


def _statistics(*rows: list[float]) -> list[np.ndarray]:
    """gamma, beta, mean and variance."""
    return [np.array(row, float) for row in rows]


ONE, TWO, THREE = (
    _statistics([4], [1], [3], [3]),
    _statistics([4, -3], [1, 4], [3, -1], [3, 8]),
    _statistics([3, 2, -1], [0.5, -2, 4], [1, 2, -3], [0.75, 8, 3]),
)


def _batches(rng: np.random.Generator) -> Iterable[Case]:
    for training, shape in ((False, (2, 3, 2, 3)), (True, (3, 2, 1, 4)), (True, (2, 2, 3, 2)), (False, (1, 2, 4, 2))):
        rows = [rng.integers(1, 5, shape[3]), *_drawn(rng, 2, shape[3]), rng.integers(1, 9, shape[3]) / 8]
        yield case(_drawn(rng, *shape), *(np.array(row, float) for row in rows), training)


BATCH_NORM = Problem(
    solution=batch_norm,
    title="Batch normalization",
    lesson=LESSON,
    statement="""Normalize each channel: subtract its mean, divide by the square root of its variance plus `epsilon`, multiply
by gamma and add beta. While *training*, mean and variance are the batch's own, over all images, rows and columns; the variance
is the plain mean of squared distances, as `np.var` has it. In *use* the moving averages `mean` and `variance` take their place.
The moving averages need not be updated here.""",
    reference=_batch_norm,
    groups=(
        Group(
            "in use",
            1,
            (
                case(np.array([5.0, 1]).reshape(1, 1, 2, 1), *ONE, epsilon=1.0),
                case(_mixed(2, 1, 2, 2), *TWO, epsilon=1.0),
                case(_mixed(2, 2, 1, 3) / 2, *THREE),
            ),
        ),
        Group(
            "training",
            2,
            (
                case(np.array([1.0, 3, 5, 7]).reshape(2, 1, 2, 1), *ONE, True, 4.0),
                case(_mixed(2, 3, 1, 2), *TWO, True, 0.5),
                case(_mixed(3, 1, 2, 3) / 2, *THREE, True),
            ),
        ),
        Group("other batches", 1, _batches, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "each place by itself",
            _normalizing(axes=0),
            "You take mean and variance over the images only, separately for each place. All places of a map are normalized "
            "alike: average over axes 0, 1 and 2.",
            NORMALIZATION,
        ),
        Misconception(
            "each image by itself",
            _normalizing(axes=(1, 2)),
            "You take mean and variance over rows and columns of each image, which is instance normalization. Batch "
            "normalization averages over the images too: axes 0, 1 and 2.",
            NORMALIZATION,
        ),
        Misconception(
            "all channels together",
            _normalizing(axes=None),
            "You take one mean and one variance for all channels. Each channel has its own: average over axes 0, 1 and 2, and "
            "leave the last.",
            NORMALIZATION,
        ),
        Misconception(
            "channels taken from axis 1",
            _normalizing(axes=(0, 2, 3)),
            "You average over axes 0, 2 and 3, which is right for (N, C, H, W). Here the channels come last: average over axes "
            "0, 1 and 2.",
            FORMAT,
        ),
        Misconception(
            "the batch's own numbers in use",
            _normalizing(own=lambda training: True),
            "You normalize by the batch's own mean and variance in use too, so an image's result depends on the other images. "
            "Where `training` is false, take the moving averages `mean` and `variance`.",
            NORMALIZATION,
        ),
        Misconception(
            "the moving averages in training",
            _normalizing(own=lambda training: False),
            "You normalize by the moving averages while training too. Where `training` is true, compute mean and variance of each "
            "channel from x itself.",
            NORMALIZATION,
        ),
        Misconception(
            "epsilon outside of the root",
            _normalizing(divisor=lambda variance, epsilon: np.sqrt(variance) + epsilon),
            "You add epsilon to the standard deviation. It is added to the variance, before the root is taken: "
            "np.sqrt(variance + epsilon).",
            NORMALIZATION,
        ),
        Misconception(
            "divided by the variance",
            _normalizing(divisor=lambda variance, epsilon: variance + epsilon),
            "You divide by the variance. Divide by its square root, the standard deviation: np.sqrt(variance + epsilon).",
            NORMALIZATION,
        ),
        Misconception(
            "the variance with n - 1",
            _normalizing(ddof=1),
            "You divide the sum of squared distances by n - 1. Batch normalization divides by n, as np.var does unless it is given "
            "ddof=1.",
            NORMALIZATION,
        ),
        Misconception(
            "gamma and beta exchanged",
            lambda x, gamma, beta, *rest, **more: _batch_norm(x, beta, gamma, *rest, **more),
            "You multiply by beta and add gamma. Gamma is the scale and beta the shift: multiply by gamma, and add beta.",
            NORMALIZATION,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "In use it is one line: subtract the mean, divide, multiply, add. Arrays of shape (C,) fit the last axis of x by "
            "themselves.",
        ),
        Hint(
            "It works in use, not in training",
            "There mean and variance come from x: one number for each channel, so all axes but the last are averaged over.",
        ),
        Hint(
            "The shape is right, a few digits differ",
            "Epsilon belongs under the root, np.sqrt(variance + epsilon), and the variance is x.var(axis=(0, 1, 2)).",
        ),
    ),
    explanation="A channel has the same filter at all places, so all its numbers, of all images, share one mean and one "
    "variance. In use there may be a single image, whose result must not depend on what else is in the batch; the moving "
    "averages make it a fixed scale and shift for each channel.",
)


def fold(
    kernel: np.ndarray,
    bias: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float = 0.001,
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of the one convolution that does what a convolution and the batch normalization after it do.

    kernel: (kh, kw, C, F) and bias: (F,), of the convolution. gamma, beta, mean, variance: (F,), of the normalization in
    use. Returns (kernel, bias) of the same shapes.
    """
    # TODO: write the normalization of (what the kernel gives + bias) as something times that + something else
    # BEGIN SOLUTION
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, (bias - mean) * scale + beta
    # END SOLUTION


def _fold(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    """What the normalization makes of the bias alone, and how each weight adds to that."""
    shape, filters = kernel.shape, kernel.shape[3]

    def norm(values: np.ndarray) -> np.ndarray:
        found = _batch_norm(values.reshape(1, 1, -1, filters), gamma, beta, mean, variance, epsilon=epsilon)
        return found.reshape(values.shape)

    return (norm(kernel + bias) - norm(np.broadcast_to(bias, shape))), norm(bias)


def _folding(
    scale: Callable[[np.ndarray, np.ndarray, float], np.ndarray] = lambda gamma, variance, epsilon: (
        gamma / np.sqrt(variance + epsilon)
    ),
    shift: Callable[..., np.ndarray] = lambda bias, beta, mean, scale: (bias - mean) * scale + beta,
    weights: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda kernel, scale: kernel * scale,
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """The folded layer with some decisions changed."""

    def wrong(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
        factor = scale(gamma, variance, epsilon)
        return weights(kernel, factor), shift(bias, beta, mean, factor)

    return wrong


def _named_weights(result: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Kernel and bias by name."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise ConvlabError(
            f"two arrays were expected, kernel and bias, but {shown(result)} came back: return (kernel, bias)."
        )
    return {"the kernel": result[0], "the bias": result[1]}


def _folded_layers(rng: np.random.Generator) -> Iterable[Case]:
    for shape in ((2, 3, 2, 3), (3, 1, 3, 2), (1, 2, 4, 3)):
        filters = shape[3]
        rows = [*_drawn(rng, 2, filters), *_drawn(rng, 2, filters), rng.integers(1, 9, filters) / 8]
        rows[0] += 10.0  # no bias is 0
        yield case(_drawn(rng, *shape), *(np.array(row, float) for row in rows))


FOLD = Problem(
    solution=fold,
    title="Fold a normalization into the convolution",
    lesson=LESSON,
    statement="""In use, batch normalization turns each number y of map f into
gamma · (y - mean) / √(variance + epsilon) + beta; each map has a gamma, beta, mean and variance of its own. If it follows a convolution directly, with no
activation between, one convolution can do both. Return that convolution's kernel and bias; the first convolution may have a
bias of its own.""",
    reference=_fold,
    observe=_named_weights,
    groups=(
        Group(
            "without a bias before",
            1,
            (
                case(_mixed(1, 2, 1, 1), np.zeros(1), *ONE, 1.0),
                case(_mixed(2, 1, 3, 2), np.zeros(2), *TWO, 1.0),
                case(_mixed(1, 2, 2, 3), np.zeros(3), *THREE),
            ),
        ),
        Group(
            "with a bias",
            2,
            (
                case(_mixed(1, 2, 1, 1), np.array([5.0]), *ONE, 1.0),
                case(_mixed(2, 1, 3, 2), np.array([4.0, -2]), *TWO, 1.0),
                case(_mixed(1, 2, 2, 3), np.array([1.0, -2, 5]), *THREE),
            ),
        ),
        Group("other layers", 1, _folded_layers, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the old bias forgotten",
            _folding(shift=lambda bias, beta, mean, scale: beta - mean * scale),
            "You leave out the bias that the first convolution had. It is part of y, so it is scaled like the rest: "
            "(bias - mean) · scale + beta.",
            NORMALIZATION,
        ),
        Misconception(
            "the old bias kept as it is",
            _folding(shift=lambda bias, beta, mean, scale: bias + beta - mean * scale),
            "You add the old bias unchanged. It is added before the normalization, which scales it as well: (bias - mean) · "
            "scale + beta.",
            NORMALIZATION,
        ),
        Misconception(
            "the mean not scaled",
            _folding(shift=lambda bias, beta, mean, scale: bias * scale + beta - mean),
            "You subtract the mean after the scaling. The normalization subtracts it first, so it is scaled too: (bias - "
            "mean) · scale + beta.",
            NORMALIZATION,
        ),
        Misconception(
            "the mean added",
            _folding(shift=lambda bias, beta, mean, scale: (bias + mean) * scale + beta),
            "You add the mean. Normalization subtracts it: (bias - mean) · scale + beta.",
            NORMALIZATION,
        ),
        Misconception(
            "beta scaled too",
            _folding(shift=lambda bias, beta, mean, scale: (bias - mean + beta) * scale),
            "You multiply beta by the scale. It is added last, after everything else was scaled: (bias - mean) · scale + beta.",
            NORMALIZATION,
        ),
        Misconception(
            "gamma forgotten",
            _folding(lambda gamma, variance, epsilon: 1 / np.sqrt(variance + epsilon)),
            "You divide by the standard deviation only. The normalization then multiplies by gamma: scale = gamma / "
            "√(variance + epsilon).",
            NORMALIZATION,
        ),
        Misconception(
            "divided by the variance",
            _folding(lambda gamma, variance, epsilon: gamma / (variance + epsilon)),
            "You divide by the variance. The normalization divides by its square root: scale = gamma / √(variance + epsilon).",
            NORMALIZATION,
        ),
        Misconception(
            "epsilon outside of the root",
            _folding(lambda gamma, variance, epsilon: gamma / (np.sqrt(variance) + epsilon)),
            "You add epsilon to the standard deviation. It is added to the variance, before the root is taken: "
            "scale = gamma / √(variance + epsilon).",
            NORMALIZATION,
        ),
        Misconception(
            "epsilon forgotten",
            _folding(lambda gamma, variance, epsilon: gamma / np.sqrt(variance)),
            "You leave epsilon out. The layer divides by √(variance + epsilon), and so must you: scale = gamma / "
            "√(variance + epsilon).",
            NORMALIZATION,
        ),
        Misconception(
            "the kernel left as it is",
            _folding(weights=lambda kernel, scale: kernel),
            "You change the bias only. The normalization scales what the kernel gives too: multiply the weights of each "
            "filter by its scale.",
            NORMALIZATION,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Put y = k + bias into the formula, where k is what the kernel gives. What multiplies k, and what is left?",
        ),
        Hint(
            "The kernel is right, the bias is not",
            "Everything that is in the formula but k: the bias and the mean are scaled, beta is not.",
        ),
        Hint(
            "How do I scale each filter?",
            "scale = gamma / np.sqrt(variance + epsilon) has shape (F,), and kernel * scale fits the kernel's last axis.",
        ),
    ),
    explanation="With scale = gamma / √(variance + epsilon) the normalization is scale · (k + bias - mean) + beta. A "
    "convolution is linear, so scaling what a filter gives is the same as scaling its weights; all that does not depend on "
    "the image goes into the new bias. With an activation between the two this would not hold.",
)


def merged_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kernel of the one convolution that does what two in a row do, without an activation between them.

    first: (kh1, kw1, C, M), the kernel that sees the image. second: (kh2, kw2, M, F), the kernel that sees the M maps of
    the first. Both move by one pixel, without padding or bias. Returns the kernel that does both, with C channels and F
    filters.
    """
    # TODO: a number of the result is made of windows of windows. With which weight does it see each pixel?
    # BEGIN SOLUTION
    kernel_h, kernel_w, channels, _ = first.shape
    more_h, more_w, _, filters = second.shape
    merged = np.zeros((kernel_h + more_h - 1, kernel_w + more_w - 1, channels, filters))
    for u, v in np.ndindex(kernel_h, kernel_w):
        merged[u : u + more_h, v : v + more_w] += first[u, v] @ second  # over the M maps between
    return merged
    # END SOLUTION


def _merged_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How the two in a row answer to images with a single 1: one image for each weight."""
    rows, columns = (first.shape[a] + second.shape[a] - 1 for a in (0, 1))
    channels, filters = first.shape[2], second.shape[3]
    ones = np.eye(rows * columns * channels).reshape(-1, rows, columns, channels)
    return conv2d(conv2d(ones, first), second).reshape(rows, columns, channels, filters)


def _merging(
    first: Callable[[np.ndarray], np.ndarray] = lambda k: k,
    second: Callable[[np.ndarray], np.ndarray] = lambda k: k,
    result: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = lambda merged, first, second: merged,
) -> Callable[..., np.ndarray]:
    """The merged kernel of changed kernels, or changed itself; `result` also sees the two kernels."""
    return lambda first_, second_: result(_merged_kernel(first(first_), second(second_)), first_, second_)


def _overwritten(first: np.ndarray, second: np.ndarray, second_outside: bool = False) -> np.ndarray:
    """The last product at each place, in loops over the first kernel and inside of them over the second."""
    pairs = [(u, v) for u in np.ndindex(*first.shape[:2]) for v in np.ndindex(*second.shape[:2])]
    merged = np.zeros_like(_merged_kernel(first, second))
    for u, v in sorted(pairs, key=lambda pair: pair[::-1]) if second_outside else pairs:
        merged[u[0] + v[0], u[1] + v[1]] = first[u] @ second[v]
    return merged


def _side_by_side(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Copies of the second kernel beside each other, each times a weight of the first."""
    (rows, columns), (more_rows, more_columns) = first.shape[:2], second.shape[:2]
    blocks = np.einsum("uvcm,pqmf->upvqcf", first, second)
    return blocks.reshape(rows * more_rows, columns * more_columns, first.shape[2], second.shape[3])


def _middle(merged: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The part of the first kernel's size."""
    top, left = ((k - 1) // 2 for k in second.shape[:2])
    return merged[top : top + first.shape[0], left : left + first.shape[1]]


def _kernel_pairs(rng: np.random.Generator) -> Iterable[Case]:
    for one, two in (((2, 3, 2, 3), (3, 1, 3, 2)), ((3, 2, 1, 2), (2, 2, 2, 4)), ((1, 3, 3, 2), (2, 3, 2, 1))):
        yield case(_drawn(rng, *one), _drawn(rng, *two))


MERGED_KERNEL = Problem(
    solution=merged_kernel,
    title="Two kernels in one",
    lesson=LESSON,
    statement="""Two convolutions in a row, with nothing between them, are a single convolution with a larger kernel: two
3 × 3 see 5 × 5. Return that kernel, HWIO as the two that you get. A convolution here correlates, as `Conv2D` does: kernels lie
on the image as they are, not turned.""",
    reference=_merged_kernel,
    groups=(
        Group(
            "one channel",
            1,
            (
                case(np.array([1.0, 2]).reshape(1, 2, 1, 1), np.array([3.0, -1]).reshape(1, 2, 1, 1)),
                case(_mixed(2, 1, 1, 1), np.array([2.0, 5, -3]).reshape(1, 3, 1, 1)),
                case(_mixed(2, 3, 1, 1), _mixed(3, 2, 1, 1, seed=1)),
                case(_mixed(3, 3, 1, 1), _mixed(3, 3, 1, 1, seed=1)),
            ),
        ),
        Group(
            "several channels and filters",
            2,
            (
                case(_mixed(1, 1, 2, 2), _mixed(1, 2, 2, 1, seed=1)),
                case(_mixed(1, 2, 2, 3), _mixed(2, 2, 3, 4, seed=1)),
                case(_mixed(2, 2, 3, 2), _mixed(2, 3, 2, 1, seed=1)),
            ),
        ),
        Group("other kernels", 1, _kernel_pairs, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "cut to the size of the first kernel",
            _merging(result=_middle),
            'You keep the middle part only, as mode="same" does. The two together see more than one alone: kh1 + kh2 - 1 '
            "rows and kw1 + kw2 - 1 columns.",
            STACKS,
        ),
        Misconception(
            "one row and column too many",
            _merging(result=lambda merged, first, second: np.pad(merged, ((0, 1), (0, 1), (0, 0), (0, 0)))),
            "Your kernel has kh1 + kh2 rows and kw1 + kw2 columns, and its last ones are 0. Two kernels of 3 see 5 pixels, not 6: "
            "make kh1 + kh2 - 1 rows and kw1 + kw2 - 1 columns.",
            STACKS,
        ),
        Misconception(
            "copies side by side",
            _side_by_side,
            "You put a copy of the second kernel for each weight of the first, side by side. Both layers move by one pixel, so the "
            "copies overlap: begin copy (u, v) at row u and column v, and add up.",
            STACKS,
        ),
        Misconception(
            "the second kernel turned",
            _merging(second=lambda k: k[::-1, ::-1]),
            "You slide the second kernel over the first, which has the same effect as turning the second by 180°. Weight u of the "
            "first and weight v of the second reach pixel u + v: add their product at place u + v, and turn nothing.",
            "01_kernels#4. Correlation and convolution",
        ),
        Misconception(
            "the first kernel turned",
            _merging(first=lambda k: k[::-1, ::-1]),
            "You slide the first kernel over the second, which has the same effect as turning the first by 180°. Weight u of the "
            "first and weight v of the second reach pixel u + v: add their product at place u + v, and turn nothing.",
            "01_kernels#4. Correlation and convolution",
        ),
        Misconception(
            "the result is turned",
            _merging(result=lambda merged, first, second: merged[::-1, ::-1]),
            "Your kernel is turned by 180°: so is what the two layers make of an image with a single 1. The one layer correlates "
            "with your kernel: turn it back, with [::-1, ::-1] on rows and columns.",
            "01_kernels#4. Correlation and convolution",
        ),
        Misconception(
            "`=` instead of `+=`",
            _overwritten,
            "You overwrite a place of the result each time a pair of weights reaches it. The products of all these pairs are "
            "added up: use +=.",
            STACKS,
        ),
        Misconception(
            "`=` instead of `+=`, the second kernel in the outer loop",
            lambda first, second: _overwritten(first, second, second_outside=True),
            "You overwrite a place of the result each time a pair of weights reaches it, with the second kernel in the outer "
            "loop. The products of all these pairs are added up: use +=.",
            STACKS,
        ),
        Misconception(
            "only the first map between",
            _merging(lambda k: k[..., :1], lambda k: k[:, :, :1]),
            "You follow only the first of the M maps between the two layers. An output sums over all of them, so the merged "
            "kernel does: first[u, v] @ second[p, q].",
            "04_channels#1. One filter sees all channels",
        ),
        Misconception(
            "channels and filters exchanged",
            _merging(result=lambda merged, first, second: merged.swapaxes(2, 3)),
            "Your kernel has the shape (height, width, F, C). HWIO has the channels that are read before the filters, (C, F): exchange "
            "the last two axes.",
            "04_channels#2. Many filters: HWIO",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take a row, kernels [a, b] and [c, d], and write the second output as a sum over x0, x1 and x2. Which weights do "
            "they have?",
        ),
        Hint(
            "One channel works, several do not",
            "From channel c to filter f there is a way through each of the M maps. Sum over them: a matrix product of (C, M) "
            "and (M, F).",
        ),
        Hint(
            "The shape is right, but some numbers differ",
            "For every place (u, v) of the first kernel add first[u, v] @ second to the result, beginning at row u and column "
            "v.",
        ),
    ),
    explanation="Output i of the second layer reads map pixels i + v, and each of these reads image pixels i + v + u. So pixel "
    "i + w has the sum of all products of weights with u + v = w, through all maps between: the full, true convolution of "
    "the two kernels. Depth alone adds nothing but size; what makes a stack stronger than one larger kernel is the "
    "activation between its layers.",
)

PROBLEMS = [
    GLOROT_LIMIT,
    GLOBAL_AVERAGE_POOLING,
    PIXEL_SOFTMAX,
    STACK_PARAMETERS,
    BATCH_NORM,
    FOLD,
    MERGED_KERNEL,
]
