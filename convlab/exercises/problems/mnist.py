"""Exercises on a network that reads digits: data, model, feature maps, mistakes, file."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises.problem import Case, Fresh, Group, Hint, Known, Misconception, Problem, case
from convlab.hardware import quiet_tensorflow

if TYPE_CHECKING:
    import keras

LESSON = "08_mnist_cnn"
DATA, MODEL, LABELS, JUDGED, INSIDE, FILE, MISTAKES = (
    f"{LESSON}#{heading}"
    for heading in (
        "1. The data",
        "2. The model",
        "3. Loss and labels",
        "5. How good is it?",
        "7. Look inside",
        "8. Save and load",
        "Mistakes people make here",
    )
)
NEEDS = ("keras", "tensorflow")
FORBIDS = ("convlab", "sklearn")


@cache
def _keras() -> Any:
    """Keras, started without TensorFlow's log lines."""
    with quiet_tensorflow():
        import keras
    return keras


def _model_or_complain(result: Any) -> Any:
    """The result, if it is a Keras model."""
    if not isinstance(result, _keras().Model):
        raise ConvlabError(
            f"a Keras model was expected, but {type(result).__name__} came back: return the model itself."
        )
    return result


# --- the data


def prepare_digits(images: np.ndarray, labels: np.ndarray, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels as a network takes them.

    images: (N, H, W), bytes from 0 to 255. labels: (N,), whole numbers from 0 to classes - 1. Returns images
    (N, H, W, 1), float32 from 0 to 1, and labels (N, classes), each a row of zeros with a single 1.
    """
    # TODO: give the images their channel and their range, and each label its row
    # BEGIN SOLUTION
    x = images[..., np.newaxis].astype("float32") / 255
    y = np.zeros((len(labels), classes))
    for n, label in enumerate(labels):
        y[n, label] = 1
    return x, y
    # END SOLUTION


def _prepared_facts(result: Any, images: np.ndarray, labels: np.ndarray, classes: int = 10) -> dict[str, Any]:
    """Both arrays, and the type of the images."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise ConvlabError("two arrays were expected, the images and the labels: end with `return x, y`.")
    x, y = (np.asarray(part) for part in result)
    return {"images": x, "type of the images": str(x.dtype), "labels": y}


def _prepared(
    scaled: Callable[[np.ndarray], np.ndarray] = lambda images: images.astype("float32") / 255,
    shaped: Callable[[np.ndarray], np.ndarray] = lambda x: np.expand_dims(x, -1),
    rows: Callable[[np.ndarray, int], np.ndarray] = lambda labels, classes: np.eye(classes)[labels],
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Prepares images and labels, with every decision replaceable."""
    return lambda images, labels, classes=10: (shaped(scaled(images)), rows(labels, classes))


def _bytes(rng: np.random.Generator) -> Iterable[Case]:
    for _ in range(5):
        count, height, width, classes = (int(v) for v in rng.integers([2, 2, 2, 4], [5, 6, 6, 11]))
        images = rng.integers(0, 250, (count, height, width)).astype(np.uint8)
        yield case(images, rng.integers(0, classes - 1, count), classes)


PREPARE_DIGITS = Problem(
    solution=prepare_digits,
    title="Ready for the network",
    lesson=LESSON,
    statement="""Prepare images and labels. The images become **float32** from 0 to 1, divided by 255 whatever their largest
byte is, and get a **channel axis** at the end: (N, H, W, 1). Each label becomes a row of `classes` numbers with a single 1,
as the loss `categorical_crossentropy` wants it (the sister without "sparse"). Not every class need occur among the labels.
Return both, images first.""",
    reference=_prepared(),
    groups=(
        Group(
            "one image",
            1,
            (
                case(np.array([[[0, 51]]], np.uint8), np.array([1]), 3),
                case(np.array([[[0, 255], [102, 204]]], np.uint8), np.array([0]), 2),
            ),
        ),
        Group(
            "several images",
            1,
            (
                case(np.arange(0, 180, 15).astype(np.uint8).reshape(2, 2, 3), np.array([3, 0]), 5),
                case(np.arange(10, 190, 10).astype(np.uint8).reshape(3, 3, 2), np.array([4, 1, 4])),
            ),
        ),
        Group("other images", 1, _bytes, hidden=True),
    ),
    observe=_prepared_facts,
    misconceptions=(
        Misconception(
            "no channel axis",
            _prepared(shaped=lambda x: x),
            "Your images still have the shape (N, H, W). A `Conv2D` layer wants (batch, height, width, channels): add the one "
            "grey channel at the end, `images[..., np.newaxis]`.",
            DATA,
        ),
        Misconception(
            "the channel comes first",
            _prepared(shaped=lambda x: np.expand_dims(x, 1)),
            "You put the channel axis before the height: (N, 1, H, W), as PyTorch has it. In Keras channels come last: "
            "`images[..., np.newaxis]`.",
            "04_channels#7. data_format",
        ),
        Misconception(
            "never divided",
            _prepared(lambda images: images.astype("float32")),
            "Your images still go from 0 to 255. Divide them by 255, which is the largest byte.",
            DATA,
        ),
        Misconception(
            "whole numbers only",
            _prepared(lambda images: images.astype("float32") // 255),
            "You divide with //, and that rounds down: everything but 255 becomes 0. Divide with / instead.",
            DATA,
        ),
        Misconception(
            "divided twice",
            _prepared(lambda images: images.astype("float32") / 255 / 255),
            "You divide by 255 twice, so no number is above 1/255. Divide once: a byte of 255 must become 1.",
            MISTAKES,
        ),
        Misconception(
            "divided by the largest pixel",
            _prepared(lambda images: images.astype("float32") / max(images.max(), 1)),
            "You divide by the largest byte that occurs, so the same grey means something else in another set of images. "
            "Divide by 255, always.",
            MISTAKES,
        ),
        Misconception(
            "float64",
            _prepared(lambda images: images / 255),
            "Your numbers are right, but NumPy makes float64 of bytes / 255, which takes twice the memory. Turn the bytes into "
            'float32 first: images.astype("float32") / 255.',
            DATA,
        ),
        Misconception(
            "labels stay numbers",
            _prepared(rows=lambda labels, classes: labels),
            "You return the labels as numbers, which fits the loss with `sparse_` in its name. Here each label becomes a row: begin "
            "with zeros of the shape (N, classes), and write a 1 to place [n, labels[n]].",
            LABELS,
        ),
        Misconception(
            "only as many classes as occur",
            _prepared(rows=lambda labels, classes: np.eye(labels.max() + 1)[labels]),
            "You make the rows as long as the largest label needs, as `to_categorical(labels)` does by itself. Say how many "
            "there are: rows of `classes` numbers.",
            LABELS,
        ),
        Misconception(
            "labels counted from 1",
            _prepared(rows=lambda labels, classes: np.eye(classes)[labels - 1]),
            "You put the 1 one place too far left, as if labels began with 1. They begin with 0, as the places of an array do: use "
            "the label itself as the place.",
            LABELS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Do one thing after another, and print shape, dtype and largest number after each: axis, type, range, labels.",
        ),
        Hint(
            "My images are all 0, or nearly 0",
            "Divide with /, not with //, and only once. Turn bytes into floats before you divide.",
        ),
        Hint(
            "My labels have the wrong shape",
            "y = np.zeros((len(labels), classes)), and then y[n, labels[n]] = 1 for each n.",
        ),
    ),
    explanation="A network in Keras wants four axes, and initial weights suit numbers near 1. Images for training and for use "
    "must be prepared in the same way, so the divisor is fixed and does not depend on the images at hand. A row with a "
    "single 1 is the output that a perfect network would give.",
    seconds=20,  # a learner may import Keras inside
    forbids=FORBIDS,
)


# --- the model


def small_cnn(shape: tuple[int, int, int], classes: int, budget: int) -> "keras.Model":
    """A small convolutional network that is ready to be trained.

    shape: of one image, (height, width, channels). classes: how many there are. budget: parameters that it may have at
    most. Returns a compiled Keras model: images (N, height, width, channels) to probabilities (N, classes).
    """
    import keras

    # TODO: convolution, something that makes the maps small, probabilities at the end; then compile
    # BEGIN SOLUTION
    model = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
    # END SOLUTION


def _layers(model: Any) -> Iterable[Any]:
    """All layers, those of models inside of it too."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _model_facts(result: Any, shape: tuple[int, int, int], classes: int, budget: int) -> dict[str, Any]:
    """What a model does, whatever it is made of."""
    keras, model = _keras(), _model_or_complain(result)
    try:
        wanted, got = tuple(model.input_shape), tuple(model.output_shape)
    except Exception as error:
        raise ConvlabError("your model does not know the shape of its input: begin with keras.Input(shape).") from error
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConvlabError("your model has several inputs or outputs: images go in, and one row of scores comes out.")
    rng = np.random.default_rng(0)
    images = rng.random((4, *(size or known for size, known in zip(wanted[1:], shape, strict=False)))).astype("float32")
    rows, strong = np.asarray(model(images)), np.asarray(model(1e6 * (images - 0.5)))
    probabilities = np.allclose(rows.sum(axis=-1), 1, atol=3e-3)
    kinds = ("Conv2D", "SeparableConv2D", "DepthwiseConv2D")
    convolutions = tuple(getattr(keras.layers, kind) for kind in kinds)
    return {
        "shape of the input": str(wanted),
        "axes of the output": len(got),
        "scores in a row": int(got[-1]),
        "has a convolution": any(isinstance(layer, convolutions) for layer in _layers(model)),
        "parameters within the budget": model.count_params() <= budget,
        "each row of scores sums to 1": probabilities,
        "all scores lie between 0 and 1": not (strong < -1e-3).any() and not (strong > 1 + 1e-3).any(),
        "an image alone gets the same scores": np.allclose(np.asarray(model(images[:1])), rows[:1], atol=1e-4),
        "is compiled": bool(model.compiled),
        "the loss fits labels such as 5, 0, 4": model.compiled and _loss_fits(model, got[-1], probabilities),
    }


def _right_model(shape: tuple[int, int, int], classes: int, budget: int) -> Known:
    """What every right model does."""
    return Known(
        {
            "shape of the input": str((None, *shape)),
            "axes of the output": 2,
            "scores in a row": classes,
            "has a convolution": True,
            "parameters within the budget": True,
            "each row of scores sums to 1": True,
            "all scores lie between 0 and 1": True,
            "an image alone gets the same scores": True,
            "is compiled": True,
            "the loss fits labels such as 5, 0, 4": True,
        }
    )


def _loss_fits(model: Any, classes: int, probabilities: bool) -> bool:
    """Is the loss the mean of -log(probability of the right class)? Scores that are no probabilities count as logits.

    Asked with scores made here, so that the answer does not hang on how the model's weights happen to begin.
    """
    keras, rng = _keras(), np.random.default_rng(0)
    logits = rng.normal(size=(4, classes)).astype("float32")
    labels = np.arange(4) % classes
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right = -np.log(shares[np.arange(4), labels]).mean()
    scores = keras.ops.convert_to_tensor(logits)
    try:
        loss = model.compute_loss(
            x=None, y=labels, y_pred=keras.activations.softmax(scores) if probabilities else scores
        )
        return bool(np.isclose(float(loss) - sum(map(float, model.losses)), right, rtol=1e-3, atol=1e-4))
    except Exception:
        return False


def _network(
    convolution: Callable[[Any], list] = lambda layers: [layers.Conv2D(3, 3, activation="relu")],
    flat: Callable[[Any], list] = lambda layers: [layers.GlobalMaxPooling2D()],
    last: Callable[[Any, int], list] = lambda layers, classes: [layers.Dense(classes), layers.Softmax()],
    image: Callable[[tuple], tuple] = lambda shape: shape,
    loss: Any = "sparse_categorical_crossentropy",
) -> Callable[..., Any]:
    """A network within every budget, with each part replaceable. loss: None leaves it uncompiled."""

    def build(shape: tuple[int, int, int], classes: int, budget: int) -> Any:
        keras = _keras()
        layers, x = keras.layers, keras.Input(image(shape))
        inputs = x
        for layer in (*convolution(layers), *flat(layers), *last(layers, classes)):
            x = layer(x)
        model = keras.Model(inputs, x)
        if loss is not None:
            model.compile("sgd", loss(keras) if callable(loss) else loss)
        return model

    return build


def _logits(keras: Any) -> Any:
    """The loss for scores before softmax."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _sizes(*sizes: tuple[tuple[int, int, int], int, int]) -> Callable[[np.random.Generator], Iterable[Case]]:
    """These cases, after Keras has started: its start is not the learner's time."""

    def cases(rng: np.random.Generator) -> Iterable[Case]:
        _keras()
        return [case(*size) for size in sizes]

    return cases


def _other_sizes(rng: np.random.Generator) -> Iterable[Case]:
    _keras()
    for _ in range(2):
        height, width, channels, classes = (int(v) for v in rng.integers([10, 8, 2, 5], [16, 10, 4, 9]))
        # as much as one dense layer without a convolution takes, and a little more
        yield case((height, width, channels), classes, (height * width * channels + 1) * classes + 50)


SMALL_CNN = Problem(
    solution=small_cnn,
    title="A network within a budget",
    lesson=LESSON,
    statement="""Build a Keras model for images of `shape` with at least one convolution and at most `budget` parameters. Its
output has one row of `classes` **probabilities** for each image: numbers from 0 to 1 that sum to 1. Compile it with a loss
that fits labels such as 5, 0, 4 (not rows); the optimizer is your choice, and so is everything else. You need not train it.
Budgets are small, but leave room for a few filters; images have at least 7 × 7 pixels.""",
    reference=_right_model,
    groups=(
        Group("digits", 1, _sizes(((28, 28, 1), 10, 10_000))),
        Group("coloured pictures", 2, _sizes(((9, 7, 2), 6, 1_000), ((8, 12, 3), 7, 2_100))),
        Group("other pictures", 1, _other_sizes, hidden=True),
    ),
    observe=_model_facts,
    misconceptions=(
        Misconception(
            "the budget is ignored",
            _network(
                lambda layers: [layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2)],
                lambda layers: [layers.Flatten(), layers.Dense(128, activation="relu")],
            ),
            "Your network has more parameters than the budget allows; model.count_params() tells how many. Most are in the dense "
            "layer after `Flatten`: take fewer filters, pool more, or use GlobalAveragePooling2D in place of Flatten.",
            MODEL,
        ),
        Misconception(
            "no convolution",
            _network(lambda layers: [], lambda layers: [layers.Flatten()]),
            "Your network has dense layers only, and they do not know which pixels are neighbours. Put a `Conv2D` right after the "
            "input, before anything is flattened.",
            MODEL,
        ),
        Misconception(
            "the output is logits",
            _network(last=lambda layers, classes: [layers.Dense(classes)], loss=_logits),
            "Your network gives logits, scores before softmax, and your loss knows it; but probabilities were asked for. Give the "
            'last layer `activation="softmax"`, and leave `from_logits` out.',
            "08_mnist_cnn#6. An eighth of the parameters",
        ),
        Misconception(
            "neither softmax nor from_logits",
            _network(last=lambda layers, classes: [layers.Dense(classes)]),
            "Your last layer gives scores, but your loss expects probabilities; nothing warns, and learning is poor. Give the last "
            'layer `activation="softmax"`.',
            MISTAKES,
        ),
        Misconception(
            "sigmoid in place of softmax",
            _network(last=lambda layers, classes: [layers.Dense(classes, activation="sigmoid")]),
            "You use a sigmoid, which looks at each score by itself, so a row need not sum to 1. Give the last layer "
            '`activation="softmax"`, which divides by the sum of the row.',
            MODEL,
        ),
        Misconception(
            "softmax over the batch",
            _network(last=lambda layers, classes: [layers.Dense(classes), layers.Softmax(axis=0)]),
            "Your softmax runs along axis 0, so that each class sums to 1 over the images of the batch. Leave the axis out: by "
            "itself softmax takes the last one, where the scores of one image are.",
            MODEL,
        ),
        Misconception(
            "a row for each pixel",
            _network(flat=lambda layers: []),
            "Your maps still have height and width when they reach the last layer, so every pixel gets scores and a softmax of "
            "its own. Put `Flatten` or `GlobalAveragePooling2D` before it.",
            MODEL,
        ),
        Misconception(
            "always one channel",
            _network(image=lambda shape: (*shape[:2], 1)),
            "Your input has a single channel, whatever the images have. Pass the whole shape on: keras.Input(shape).",
            DATA,
        ),
        Misconception(
            "always ten classes",
            _network(last=lambda layers, classes: [layers.Dense(10, activation="softmax")]),
            "Your last layer has ten outputs, as for digits. It needs one for each class: Dense(classes).",
            MODEL,
        ),
        Misconception(
            "never compiled",
            _network(loss=None),
            "You return the model before it knows how to learn. Call model.compile first, with an optimizer and the loss "
            '"sparse_categorical_crossentropy".',
            MODEL,
        ),
        Misconception(
            "the loss does not fit the labels",
            _network(loss="categorical_crossentropy"),
            "Your labels are numbers such as 5, 0, 4, and your loss wants something else, such as rows with a single 1. Use "
            '"sparse_categorical_crossentropy".',
            LABELS,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "Take the first network of lesson 08, put `shape` and `classes` where it has numbers, and count its parameters.",
        ),
        Hint(
            "I have too many parameters",
            "A dense layer after Flatten has (numbers in all maps) · (outputs) weights. Few filters and "
            "GlobalAveragePooling2D, one number a map, make it tiny.",
        ),
        Hint(
            "It is within the budget, but something about the output or the loss is wrong",
            'The last layer is Dense(classes, activation="softmax"), on a flat input, and the loss is '
            '"sparse_categorical_crossentropy".',
        ),
    ),
    explanation="A convolution's parameters do not depend on the image's size, but those of a dense layer after Flatten do. "
    "Global pooling leaves one number a map, so the last layer needs only filters · classes weights and a bias for each class. "
    "Softmax makes probabilities of the scores, and the sparse loss takes the probability of the right one.",
    tolerance=1e-4,
    seconds=20,
    needs=NEEDS,
    forbids=FORBIDS,
)


# --- feature maps


def feature_maps(model: "keras.Model", images: np.ndarray, layer: str) -> np.ndarray:
    """What a layer inside of a model gives for some images.

    model: a Keras model, a chain of layers or one with branches. images: (N, H, W, C). layer: the name of one of its
    layers. Returns that layer's output for all images, (N, height, width, filters).
    """
    import keras

    # TODO: make a second model that ends where you want to look
    # BEGIN SOLUTION
    inside = keras.Model(inputs=model.inputs, outputs=model.get_layer(layer).output)
    return np.asarray(inside([images]))  # a list, for model.inputs is one
    # END SOLUTION


def _recorded(model: Any, images: np.ndarray, layer: str) -> np.ndarray:
    """What the layer gives while the model runs, written down by the layer itself."""
    target, seen = model.get_layer(layer), []
    before = target.call

    def call(*args: Any, **kwargs: Any) -> Any:
        seen.append(before(*args, **kwargs))
        return seen[-1]

    target.call = call
    model(images)
    return np.asarray(seen[-1])


def _before_activation(model: Any, images: np.ndarray, layer: str) -> np.ndarray:
    """The sums of the layer, negative ones too."""
    target = model.get_layer(layer)
    if hasattr(target, "activation"):
        target.activation = _keras().activations.linear
    return _recorded(model, images, layer)


def _one_after_another(model: Any, images: np.ndarray, layer: str) -> np.ndarray:
    """Each layer on the result of the one before in the list, as if there were no branches."""
    x: Any = images
    for one in model.layers:
        if not isinstance(one, _keras().layers.InputLayer):
            x = one(x)
        if one.name == layer:
            break
    return np.asarray(x)


def _what_goes_in(model: Any, images: np.ndarray, layer: str) -> np.ndarray:
    """The maps that the layer gets."""
    return np.asarray(_keras().Model(model.inputs, model.get_layer(layer).input)([images]))


def _batch_statistics(model: Any, images: np.ndarray, layer: str) -> np.ndarray:
    """The layer's output as in training."""
    return np.asarray(_keras().Model(model.inputs, model.get_layer(layer).output)([images], training=True))


def _set_weights(model: Any, seed: int) -> Any:
    """Gives the model weights that are whole numbers, none of them zero, and all biases different."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        shapes = [weight.shape for weight in layer.weights]
        if hasattr(layer, "moving_variance"):
            gamma, beta, mean, variance = (rng.integers(1, 5, shape) for shape in shapes)
            layer.set_weights([gamma, beta, 2 * mean, 4 * variance])
        elif shapes:
            kernel = rng.choice([-2, -1, 1, 2], shapes[0])
            layer.set_weights([kernel, rng.permutation(np.arange(shapes[1][0]) - 1)])
    return model


def _edges() -> Any:
    """One filter that subtracts the right neighbour, and a pooling."""
    keras = _keras()
    layers = keras.layers
    chain = [layers.Conv2D(1, (1, 2), activation="relu", name="edges"), layers.MaxPooling2D((2, 1), name="pool")]
    model = keras.Sequential([keras.Input((2, 3, 1)), *chain])
    model.set_weights([np.reshape([1, -1], (1, 2, 1, 1)), np.zeros(1)])
    return model


def _chain(shape: tuple[int, ...], filters: int, seed: int) -> Any:
    """Two convolutions with relu, and a pooling between them."""
    keras = _keras()
    layers = keras.layers
    chain = [
        layers.Conv2D(filters, 2, activation="relu", name="first"),
        layers.MaxPooling2D((1, 2), name="pool"),
        layers.Conv2D(filters + 1, (2, 1), activation="relu", name="second"),
    ]
    return _set_weights(keras.Sequential([keras.Input(shape), *chain]), seed)


def _normalized(shape: tuple[int, ...], filters: int, seed: int) -> Any:
    """A convolution, batch normalization, relu, a convolution."""
    keras = _keras()
    layers = keras.layers
    chain = [
        layers.Conv2D(filters, (1, 2), name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
        layers.Conv2D(1, (2, 1), name="last"),
    ]
    return _set_weights(keras.Sequential([keras.Input(shape), *chain]), seed)


def _branched(shape: tuple[int, ...], filters: int, seed: int) -> Any:
    """Two convolutions of the same images, added up, and a convolution of the sum."""
    keras = _keras()
    layers, image = keras.layers, keras.Input(shape)
    left = layers.Conv2D(shape[-1], (2, 1), padding="same", activation="relu", name="left")(image)
    right = layers.Conv2D(shape[-1], (1, 2), padding="same", activation="relu", name="right")(image)
    last = layers.Conv2D(filters, 2, activation="relu", name="last")(layers.Add(name="sum")([left, right]))
    return _set_weights(keras.Model(image, last), seed)


WORDS = {
    _chain: "first: Conv2D, relu → pool: MaxPooling2D → second: Conv2D, relu",
    _normalized: "conv: Conv2D → norm: BatchNormalization → relu: ReLU → last: Conv2D",
    _branched: "left: Conv2D, relu, and beside it right: Conv2D, relu → sum: Add → last: Conv2D, relu",
}


def _look(build: Callable[..., Any], shape: tuple[int, ...], filters: int, seed: int, layer: str) -> Case:
    """Images for a model of this kind, and the layer to look at."""
    images = np.random.default_rng(seed).integers(1, 10, shape).astype(np.float32)
    return case(Fresh(lambda: build(shape[1:], filters, seed), f"<{WORDS[build]}>"), images, layer)


def _chains(rng: np.random.Generator) -> Iterable[Case]:
    _keras()
    tiny = Fresh(_edges, "<edges: Conv2D with the kernel [[1, -1]], relu → pool: MaxPooling2D((2, 1))>")
    for layer in ("edges", "pool"):
        yield case(tiny, np.array([[9, 5, 6], [4, 4, 1]], np.float32).reshape(1, 2, 3, 1), layer)
    yield _look(_chain, (2, 4, 5, 1), 2, 5, "first")
    yield _look(_chain, (3, 4, 5, 2), 3, 27, "second")


def _normalizations(rng: np.random.Generator) -> Iterable[Case]:
    _keras()
    yield _look(_normalized, (2, 2, 3, 1), 2, 3, "norm")
    yield _look(_normalized, (3, 3, 4, 2), 3, 16, "last")


def _branches(rng: np.random.Generator) -> Iterable[Case]:
    _keras()
    yield _look(_branched, (2, 2, 3, 1), 2, 11, "right")
    yield _look(_branched, (3, 3, 4, 2), 3, 7, "last")


def _any_models(rng: np.random.Generator) -> Iterable[Case]:
    _keras()
    for build, layer in ((_chain, "second"), (_normalized, "relu"), (_branched, "right")):
        shape = tuple(int(v) for v in rng.integers([2, 3, 4, 1], [4, 6, 6, 3]))
        yield _look(build, shape, int(rng.integers(2, 4)), int(rng.integers(1_000)), layer)


FEATURE_MAPS = Problem(
    solution=feature_maps,
    title="Look inside",
    lesson=LESSON,
    statement="""Return the feature maps that a layer of a model gives for **all** `images`: the layer's output, after its
activation if it has one, as when the model is used and not trained. The layer is named. The model may be a chain
(`Sequential`), or have branches that come together again.""",
    reference=_recorded,
    groups=(
        Group("a chain of layers", 1, _chains),
        Group("with batch normalization", 1, _normalizations),
        Group("with branches", 1, _branches),
        Group("other models", 1, _any_models, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "before the activation",
            _before_activation,
            "You return the sums before the layer's relu, so negative numbers are left. The output of a layer comes after its "
            "activation: leave the activation as it is, and end the second model at `model.get_layer(layer).output`.",
            INSIDE,
        ),
        Misconception(
            "the maps that go in",
            _what_goes_in,
            "You return what goes into the layer, its `input`. Its own maps come out of it: `model.get_layer(layer).output`.",
            INSIDE,
        ),
        Misconception(
            "the end of the model",
            lambda model, images, layer: np.asarray(model(images)),
            "You run the whole model and return its last output. Make a second model that ends at the named layer: "
            "keras.Model(model.inputs, model.get_layer(layer).output).",
            INSIDE,
        ),
        Misconception(
            "the layer sees the images themselves",
            lambda model, images, layer: np.asarray(model.get_layer(layer)(images)),
            "You call the layer on the images, so the layers before it are left out. Make a model that begins at `model.inputs` "
            "and ends at the layer's output.",
            INSIDE,
        ),
        Misconception(
            "as if all models were chains",
            _one_after_another,
            "You call each layer on the result of the one before it in `model.layers`, but in a model with branches a layer may "
            "get something else. keras.Model(model.inputs, model.get_layer(layer).output) finds the right way.",
            MODEL,
        ),
        Misconception(
            "the first image only",
            lambda model, images, layer: _recorded(model, images[:1], layer),
            "You return the maps of the first image only. Pass on all `images`: the first axis of the result counts them.",
            INSIDE,
        ),
        Misconception(
            "weights, not maps",
            lambda model, images, layer: np.asarray(model.get_layer(layer).get_weights()[0]),
            "You return the layer's kernel, which is the same for every image. Feature maps come out when images go in: make a model "
            "that ends at the layer's output, and give it the images.",
            INSIDE,
        ),
        Misconception(
            "statistics of this batch",
            _batch_statistics,
            "You run the model as in training, so batch normalization uses the mean and variance of these few images. Leave "
            "`training=True` out: in use it takes its moving averages.",
            "09_better_cnns#3. Batch normalization",
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "A second model with the same layers can end earlier. Lesson 08 makes one for the first and third layer.",
        ),
        Hint(
            "It fails for a chain, or says that the model was never called",
            "Take `model.inputs`, in the plural: `model.input` fails for a Sequential model.",
        ),
        Hint(
            "The maps are those of another layer",
            "`model.get_layer(layer)` finds a layer by its name, and its `.output` is where the second model ends: "
            "keras.Model(inputs=model.inputs, outputs=...). Then give it the images.",
        ),
    ),
    explanation="Layers are shared, not copied: the second model has the same weights, and computes only what its end needs. "
    "Keras finds the way from the inputs to that end through all branches. `predict(images, verbose=0)` does the same for many "
    "images, batch by batch.",
    tolerance=1e-4,
    seconds=20,
    needs=NEEDS,
    forbids=FORBIDS,
)


# --- its mistakes


def confusion_matrix(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """How often each class was taken for each other.

    labels: (N,), the true classes as whole numbers from 0. scores: (N, classes); a network reads the class with the
    highest score. Returns counts (classes, classes): a row for each true class, a column for each class that was read.
    """
    # TODO: find what was read, and count the pairs (true, read)
    # BEGIN SOLUTION
    read = scores.argmax(axis=1)
    confusion = np.zeros((scores.shape[1], scores.shape[1]), int)
    for true, guess in zip(labels, read, strict=True):
        confusion[true, guess] += 1
    return confusion
    # END SOLUTION


def _read(scores: np.ndarray) -> np.ndarray:
    """The class with the highest score, in each row."""
    return np.array([max(range(len(row)), key=row.__getitem__) for row in scores], int)


def _counts(labels: np.ndarray, scores: np.ndarray, read: Callable[[np.ndarray], np.ndarray] = _read) -> np.ndarray:
    """The pairs, counted by a product of two arrays with a single 1 in each row."""
    each = np.eye(scores.shape[1], dtype=int)
    return each[labels].T @ each[read(scores)]


def _shares(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Each row divided by its sum."""
    counts = _counts(labels, scores)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _scored(*rows: tuple[int, Iterable[float]]) -> Case:
    """A case of labels with their scores."""
    return case(np.array([label for label, _ in rows]), np.array([list(scores) for _, scores in rows], float))


def _guesses(rng: np.random.Generator) -> Iterable[Case]:
    """Labels, and scores of which most are highest at the label, none equal to another of its row."""
    for count, classes in ((6, 3), (12, 4), (5, 5), (9, 6)):
        labels = rng.integers(0, classes, count)
        scores = rng.permuted(np.tile(np.arange(1, classes + 1), (count, 1)), axis=1).astype(float)
        scores[np.arange(count), labels] += classes * (rng.random(count) < 0.5) + 0.5
        yield case(labels, (scores / scores.sum(axis=1, keepdims=True)).round(3))


CONFUSION_MATRIX = Problem(
    solution=confusion_matrix,
    title="What is taken for what?",
    lesson=LESSON,
    statement="""Count what a network takes for what: entry (i, j) is the number of images that show class i, and for which
class j has the **highest score**. So rows are true classes, as in the lesson, and what was read right stands on the
diagonal. There are as many rows and columns as scores in a row, even if a class never occurs; no two scores of an image are
equal.""",
    reference=_counts,
    groups=(
        Group(
            "each pair once",
            1,
            (
                _scored((0, (1, 2)), (1, (1, 3))),
                _scored((2, (0.1, 0.7, 0.2)), (0, (0.5, 0.1, 0.4))),
                _scored((1, (2, 1, 0)), (2, (1, 0, 4)), (0, (3, 6, 5))),
            ),
        ),
        Group(
            "pairs that occur again, and a class that never does",
            1,
            (
                _scored((1, (3, 1)), (1, (4, 2)), (0, (5, 2))),
                _scored(*[(1, (0.1, 0.2, 0.7))] * 3, (0, (0.6, 0.3, 0.1)), (1, (0.3, 0.5, 0.2))),
                _scored((0, (1, 5, 2, 3)), (1, (4, 0, 2, 1)), (0, (0, 2, 1, -1)), (2, (2, 3, 7, 1)), (2, (0, 1, 3, 2))),
            ),
        ),
        Group("other scores", 1, _guesses, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "rows and columns exchanged",
            lambda labels, scores: _counts(labels, scores).T,
            "Your rows are the classes that were read, and your columns the true ones. Put the true class first: "
            "confusion[true, read].",
            JUDGED,
        ),
        Misconception(
            "a pair that occurs again is not counted again",
            lambda labels, scores: np.minimum(_counts(labels, scores), 1),
            "`confusion[labels, read] += 1` adds 1 to each place once, however often it is named. Use "
            "np.add.at(confusion, (labels, read), 1), or a loop.",
            JUDGED,
        ),
        Misconception(
            "mistakes only",
            lambda labels, scores: _counts(labels, scores) * (1 - np.eye(scores.shape[1], dtype=int)),
            "You leave the diagonal empty, as a table of mistakes has it. Here what was read right is counted too, at [true, true].",
            JUDGED,
        ),
        Misconception(
            "shares, not counts",
            _shares,
            "You divide each row by its sum, which gives shares. Return the counts themselves.",
            "08_mnist_cnn#Your turn",
        ),
        Misconception(
            "the highest score of a column",
            lambda labels, scores: _pairs_at_once(labels, scores.argmax(axis=0), scores.shape[1]),
            "You look for the highest score along axis 0, that is, for the image that looks most like each class. The scores of "
            "one image are a row: argmax(axis=1).",
            JUDGED,
        ),
        Misconception(
            "the lowest score is read",
            lambda labels, scores: _counts(labels, scores, lambda scores: scores.argmin(axis=1)),
            "You take the class with the lowest score, as if scores were losses. The network reads the class with the highest: "
            "argmax.",
            JUDGED,
        ),
        Misconception(
            "classes that never occur are missing",
            lambda labels, scores: _pairs_at_once(labels, _read(scores), max(labels.max(), _read(scores).max()) + 1),
            "You make the matrix only as large as the largest class that occurs here. There is a row and a column for each "
            "score: scores.shape[1].",
            JUDGED,
        ),
        Misconception(
            "classes counted from 1",
            lambda labels, scores: np.roll(_counts(labels, scores), (-1, -1), axis=(0, 1)),
            "You subtract 1 from the classes, so class 0 lands in the last row and column. Classes begin with 0 here, and so do "
            "the places of an array.",
            LABELS,
        ),
        Misconception(
            "scores added up",
            lambda labels, scores: np.eye(scores.shape[1])[labels].T @ scores,
            "You add the scores of all classes to the row of the true one. Only the class with the highest score counts, and it "
            "counts 1.",
            JUDGED,
        ),
    ),
    hints=(
        Hint(
            "I do not know where to begin",
            "What does the network read in each image? One class for each row of `scores`: argmax along the right axis.",
        ),
        Hint(
            "My counts are too small",
            "confusion[labels, read] += 1 counts a pair once. A loop over all images, or np.add.at, counts it as often as it "
            "occurs.",
        ),
        Hint(
            "My matrix looks mirrored, or has another size",
            "It is (classes, classes) with classes = scores.shape[1], and the place is [true, read].",
        ),
    ),
    explanation="A row holds all images of one true class, so its sum says how many there are, and the diagonal divided by it "
    "is the accuracy for that class. np.add.at adds once for each image, while `+=` with arrays of places writes each place "
    "once.",
    seconds=20,  # a learner may import TensorFlow inside
    forbids=FORBIDS,
)


def _pairs_at_once(labels: np.ndarray, read: np.ndarray, classes: int) -> np.ndarray:
    """Pairs counted in a matrix of this size."""
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, read), 1)
    return counts


# --- its file


def save_and_load(model: "keras.Model", folder: "Path") -> "keras.Model":
    """Save a model, and load it again.

    model: a compiled Keras model that has been trained. folder: an empty folder, a pathlib.Path. Returns the model that
    was loaded.
    """
    import keras

    # TODO: write the one file, in this folder, and return what Keras reads from it
    # BEGIN SOLUTION
    file = folder / "digits.keras"
    model.save(file)
    return keras.models.load_model(file)
    # END SOLUTION


@cache
def _scratch() -> tempfile.TemporaryDirectory:
    """A place for the files of all cases; it goes when Python ends."""
    return tempfile.TemporaryDirectory(prefix="convlab-")


def _empty_folder(name: str = "models") -> Path:
    """The folder of a case, always under the same name, emptied of what the last one wrote."""
    folder = Path(_scratch().name, name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _trained(shape: tuple[int, ...], steps: int) -> Any:
    """A small compiled model whose optimizer has counted some steps."""
    keras = _keras()
    layers = keras.layers
    chain = [layers.Conv2D(2, 2, activation="relu"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input(shape), *chain])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(steps)
    return model


def _file_facts(result: Any, model: Any, folder: Path) -> dict[str, Any]:
    """What is in the folder, and how far the result is the model that was given."""
    loaded, file = _model_or_complain(result), folder / "digits.keras"
    endings = sorted("".join(path.suffixes) for path in folder.rglob("*") if path.is_file())
    return {
        "endings of the files in the folder": ", ".join(endings) or "none",
        "digits.keras is in the folder": file.is_file(),
        "Keras can read the model from digits.keras": _readable(file, model),
        "the result is another object than the model": loaded is not model,
        "the result predicts the same": _same_predictions(loaded, model),
        "the result is compiled": bool(loaded.compiled),
        "steps that the result's optimizer remembers": _steps(loaded),
    }


def _right_file(model: Any, folder: Path) -> Known:
    """What is so after every right answer."""
    return Known(
        {
            "endings of the files in the folder": ".keras",
            "digits.keras is in the folder": True,
            "Keras can read the model from digits.keras": True,
            "the result is another object than the model": True,
            "the result predicts the same": True,
            "the result is compiled": True,
            "steps that the result's optimizer remembers": _steps(model),
        }
    )


def _steps(model: Any) -> int:
    """How many steps the optimizer has counted; 0 without one."""
    return int(model.optimizer.iterations) if getattr(model, "optimizer", None) is not None else 0


def _same_predictions(a: Any, b: Any) -> bool:
    """Do two models give the same for some images?"""
    images = np.random.default_rng(0).random((3, *b.input_shape[1:])).astype("float32")
    return a.output_shape == b.output_shape and np.allclose(np.asarray(a(images)), np.asarray(b(images)), atol=1e-5)


def _readable(file: Path, model: Any) -> bool:
    """Does Keras find the same model in this file?"""
    try:
        again = _keras().models.load_model(file)
        return _same_predictions(again, model) and _steps(again) == _steps(model)
    except Exception:
        return False


def _through_file(model: Any, folder: Path) -> Any:
    """Saves and loads with `keras.saving`."""
    file = str(folder / "digits.keras")
    _keras().saving.save_model(model, file)
    return _keras().saving.load_model(file)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keeps away what Keras says about its old format."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _old_format(model: Any, folder: Path) -> Any:
    """The file that Keras wrote before 2023."""
    with _without_warnings():
        model.save(folder / "digits.h5")
        return _keras().models.load_model(folder / "digits.h5")


def _weights_only(model: Any, folder: Path) -> Any:
    """The weights in a file, and a copy of the layers that gets them back."""
    model.save_weights(folder / "digits.weights.h5")
    copy = _keras().models.clone_model(model)
    copy.load_weights(folder / "digits.weights.h5")
    return copy


def _layers_only(model: Any, folder: Path) -> Any:
    """The file is right, but what is returned is made from a description of the layers."""
    model.save(folder / "digits.keras")
    return _keras().models.model_from_json(model.to_json())


def _saved_only(model: Any, folder: Path) -> Any:
    """The file is right, but never read."""
    model.save(folder / "digits.keras")
    return model


def _without_compiling(model: Any, folder: Path) -> Any:
    """The file is right, but read without what `compile` set."""
    model.save(folder / "digits.keras")
    return _keras().models.load_model(folder / "digits.keras", compile=False)


def _without_ending(model: Any, folder: Path) -> Any:
    """Keras refuses."""
    model.save(folder / "digits")
    return _keras().models.load_model(folder / "digits")


def _files(*models: tuple[tuple[int, ...], int]) -> Callable[[np.random.Generator], Iterable[Case]]:
    """Cases with these models: shapes of images, and steps of the optimizer."""

    def cases(rng: np.random.Generator) -> Iterable[Case]:
        _keras()
        for shape, steps in models or [(tuple(rng.integers(3, 6, 3).tolist()), int(rng.integers(10, 1_000)))]:
            words = f"<a model for images {shape}, trained for {steps} step{'s' * (steps > 1)}>"
            yield case(
                Fresh(partial(_trained, shape, steps), words),
                Fresh(_empty_folder, "<an empty folder>"),
            )

    return cases


SAVE_AND_LOAD = Problem(
    solution=save_and_load,
    title="One file for all",
    lesson=LESSON,
    statement="""Save a model in `folder` as the file `digits.keras`, and nothing else, and return the model that Keras loads
from this file. It must predict what the given model predicts, and be ready to go on with its training: compiled, with the
state of its optimizer. Leave the file where it is.""",
    reference=_right_file,
    groups=(
        Group("digits", 1, _files(((4, 4, 1), 7))),
        Group("coloured pictures", 1, _files(((5, 3, 3), 1))),
        Group("another model", 1, _files(), hidden=True),
    ),
    observe=_file_facts,
    misconceptions=(
        Misconception(
            "the old format",
            _old_format,
            "You save in the old format, .h5. Call the file `digits.keras`: Keras chooses the format by the ending.",
            FILE,
        ),
        Misconception(
            "only the weights",
            _weights_only,
            "Your file has the weights alone: no layers, and no state of the optimizer. Write all of it with model.save(file).",
            FILE,
        ),
        Misconception(
            "saved, but not loaded",
            _saved_only,
            "You return the model that you were given, so nobody knows whether the file is any good. Return what "
            "keras.models.load_model reads from it.",
            FILE,
        ),
        Misconception(
            "in another folder",
            lambda model, folder: _through_file(model, _empty_folder("elsewhere")),
            "Your model is saved and loaded, but in another place than the folder that was given. Write to "
            'folder / "digits.keras".',
            FILE,
        ),
        Misconception(
            "the layers without their weights",
            _layers_only,
            "You make the layers anew from a description of them, so their weights are random again. Return what "
            "keras.models.load_model reads from the file.",
            FILE,
        ),
        Misconception(
            "loaded without its training",
            _without_compiling,
            "You load with compile=False, so the loss and the optimizer stay in the file. Leave that out: the model is to go on with "
            "its training.",
            FILE,
        ),
        Misconception(
            "the ending is missing",
            _without_ending,
            "Your file's name has no ending, by which Keras chooses the format. Call it `digits.keras`.",
            FILE,
        ),
    ),
    hints=(
        Hint("I do not know where to begin", "Lesson 08, section 8, has the two calls. Here the folder is given."),
        Hint(
            "It predicts the same, but something about the file is wrong",
            'The file is folder / "digits.keras", alone in its folder. It must still be there when you return.',
        ),
        Hint(
            "It forgets its training",
            "model.save(file) and keras.models.load_model(file), both without further arguments, keep layers, weights and the "
            "optimizer's state.",
        ),
    ),
    explanation="A .keras file holds a description of the layers, the weights and the state of the optimizer, so training can "
    "go on as if nothing had happened. A description alone has no weights, and weights alone do not say what layers they belong "
    "to.",
    seconds=20,
    needs=NEEDS,
    forbids=FORBIDS,
)

PROBLEMS = [PREPARE_DIGITS, CONFUSION_MATRIX, SMALL_CNN, FEATURE_MAPS, SAVE_AND_LOAD]
