"""The networks of the course, and those of well-known tutorials on Conv2D, as they run on Keras 3."""

from collections.abc import Callable
from typing import Any

from convlab.errors import ConvlabError
from convlab.optional import need

Shape = tuple[int, int, int]
DIGITS: Shape = (28, 28, 1)


def build(name: str, input_shape: Shape = DIGITS, classes: int = 10) -> Any:
    """A new Keras model: one of `NETWORKS`, for images of `input_shape`, with one score for each of `classes`.

    The scores of "tiny", "small" and "deep" are logits; all others end in softmax, as in their tutorials.

    Raises `ConvlabError` for an unknown name, or an image that is too small for the layers.
    """
    if name not in NETWORKS:
        raise ConvlabError(f"there is no network {name!r}: choose one of {', '.join(map(repr, NETWORKS))}.")
    keras = need("keras")
    try:
        return NETWORKS[name](keras, input_shape, classes)
    except ValueError as error:
        raise ConvlabError(f"{name!r} cannot be built for images of {input_shape}: {error}") from error


def _small(keras: Any, shape: Shape, classes: int) -> Any:
    """Accurate for its time on a processor: pooled early, few channels while maps are large, a thin head.

    Maps are pooled before they are normalized, which is then a quarter of the work, and most of what normalization
    costs. It changes little: the largest of four stays the largest when all four are scaled and moved alike.

    It takes bytes from 0 to 255, rescales them itself, and gives logits. The moving statistics forget quickly (momentum
    0.9), so that they are right after a few hundred steps too.
    """
    layers = keras.layers
    body = [*_block(layers, 16, pooled=True), *_block(layers, 32, pooled=True), *_block(layers, 64)]
    return _of_blocks(keras, shape, body, classes, "small")


def _tiny(keras: Any, shape: Shape, classes: int) -> Any:
    """The blocks of "small" with half of the filters where maps are large: for the first 99 % in the least time."""
    layers = keras.layers
    body = [*_block(layers, 8, pooled=True), *_block(layers, 24, pooled=True), *_block(layers, 64)]
    return _of_blocks(keras, shape, body, classes, "tiny")


def _deep(keras: Any, shape: Shape, classes: int) -> Any:
    """The blocks of "small", five of them: more accurate after a longer training, still below 100,000 parameters."""
    layers = keras.layers
    body = [
        *_block(layers, 24, pooled=True),
        *_block(layers, 48),
        *_block(layers, 48, pooled=True),
        *_block(layers, 64, padding="same"),
        *_block(layers, 64),
    ]
    return _of_blocks(keras, shape, body, classes, "deep")


def _block(layers: Any, filters: int, *, pooled: bool = False, padding: str = "valid") -> list[Any]:
    """Convolution, pooling if any, normalization, ReLU."""
    return [
        layers.Conv2D(filters, 3, padding=padding, use_bias=False),
        *([layers.MaxPooling2D(2)] if pooled else []),
        layers.BatchNormalization(momentum=0.9),
        layers.ReLU(),
    ]


def _of_blocks(keras: Any, shape: Shape, body: list[Any], classes: int, name: str) -> Any:
    layers = keras.layers
    ends = [layers.Flatten(), layers.Dense(classes)]
    return keras.Sequential([keras.Input(shape), layers.Rescaling(1 / 255), *body, *ends], name=name)


def _single(keras: Any, shape: Shape, classes: int) -> Any:
    """A single convolution: 32 filters of 3 x 3."""
    return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(32, 3, activation="relu")], name="single")


def _classic(keras: Any, shape: Shape, classes: int) -> Any:
    """Two convolutions, each pooled, and a dense layer of 128: 225,034 parameters for digits."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *_head(layers, 128, classes),
        ],
        name="classic",
    )


def _wide(keras: Any, shape: Shape, classes: int) -> Any:
    """Kernels of 5 x 5, and a dense layer of 1,000."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 5, strides=1, activation="relu"),
            layers.MaxPooling2D(2, strides=2),
            layers.Conv2D(64, 5, activation="relu"),
            layers.MaxPooling2D(2),
            *_head(layers, 1000, classes),
        ],
        name="wide",
    )


def _functional(keras: Any, shape: Shape, classes: int) -> Any:
    """The layers of "wide" with a dense layer of 100, in the functional way: each layer is called on the one before."""
    layers = keras.layers
    inputs = keras.Input(shape)
    x = layers.Conv2D(32, 5, strides=1, activation="relu")(inputs)
    x = layers.MaxPooling2D(2, strides=2)(x)
    x = layers.Conv2D(64, 5, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(100, activation="relu")(x)
    return keras.Model(inputs=inputs, outputs=layers.Dense(classes, activation="softmax")(x), name="functional")


def _late_pool(keras: Any, shape: Shape, classes: int) -> Any:
    """Two convolutions before the only pooling: 1,199,882 parameters for digits, 98 % of them in one dense layer."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *_head(layers, 128, classes),
        ],
        name="late_pool",
    )


def _normalized(keras: Any, shape: Shape, classes: int, *, use_bias: bool = True) -> Any:
    """The layers of "late_pool" with "same" padding and batch normalization before each activation."""
    layers = keras.layers
    body = []
    for filters in (32, 64):
        body += [
            layers.Conv2D(filters, 3, padding="same", use_bias=use_bias),
            layers.BatchNormalization(),
            layers.Activation("relu"),
        ]
    head = [layers.MaxPooling2D(2), *_head(layers, 128, classes)]
    return keras.Sequential([keras.Input(shape), *body, *head], name="normalized")


def _separable(keras: Any, shape: Shape, classes: int) -> Any:
    """The layers of "classic", the second convolution separable."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.SeparableConv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            *_head(layers, 128, classes),
        ],
        name="separable",
    )


def _head(layers: Any, units: int, classes: int) -> list[Any]:
    return [layers.Flatten(), layers.Dense(units, activation="relu"), layers.Dense(classes, activation="softmax")]


NETWORKS: dict[str, Callable[..., Any]] = {
    "tiny": _tiny,
    "small": _small,
    "deep": _deep,
    "single": _single,
    "classic": _classic,
    "wide": _wide,
    "functional": _functional,
    "late_pool": _late_pool,
    "normalized": _normalized,
    "normalized_no_bias": lambda *given: _normalized(*given, use_bias=False),
    "separable": _separable,
}
