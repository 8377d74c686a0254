"""Look into a trained network: what its layers make of an image, and which pixels its answer hangs on.

Everything here takes a Keras model that is built, and images as that model takes them, and gives NumPy arrays that
`convlab.plots` draws. Nothing is trained, and layers behave as in use: no dropout, no augmentation.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers.keras_graph import calls
from convlab.models.backends import gradients
from convlab.ops.check import as_numbers
from convlab.optional import need

BATCH = 64  # images at once, so that a whole test set fits into memory too

Name = str | int


def feature_maps(model: Any, x: Any, layers: Sequence[Name] | Name | None = None) -> dict[str, np.ndarray]:
    """What layers make of images x: {layer's name: maps (N, H, W, C)}, in the order asked for.

    x: (N, H, W, C), or (N, H, W) where the model takes one channel. layers: a name, an index into `model.layers`, or a
    list of them; None for every layer whose output has four axes.

    Raises `ConvlabError` for a layer that is not there or has no maps, for x of another shape than the model takes,
    and for a model that is not built.

    >>> maps = feature_maps(model, x_test[:3], "conv2d")  # doctest: +SKIP
    >>> plots.feature_maps(maps["conv2d"][0])  # doctest: +SKIP
    """
    x = _batch(model, x)
    if layers is None:
        layers = _layers_with_maps(model) or [_name_with_maps(model, None)]
    listed = [layers] if isinstance(layers, str | int) else layers
    symbols = {name: _output(model, name) for name in (_name_with_maps(model, layer) for layer in listed)}
    inside = need("keras").Model(model.inputs[0], symbols)
    found = [inside(part, training=False) for part in _parts(x)]
    return {name: np.concatenate([_numpy(maps[name]) for maps in found]) for name in symbols}


def saliency(model: Any, x: Any, labels: Any = None, *, noise: float = 0.0, samples: int = 16) -> np.ndarray:
    """How strongly a class's score answers to each pixel: |d score / d pixel|, the largest over channels, (N, H, W).

    labels: the class of each image, (N,), or one for all; None for the class with the highest score. The score is that
    before softmax, since probabilities stop answering where the network is sure. noise: with more than 0, the mean
    gradient of `samples` copies of each image with normal noise, whose standard deviation is that share of the image's
    range; the maps are then less grainy.

    It tells to which pixels the score is sensitive, not whether they speak for the class or against it.

    Sources: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks" (2013), section 3; Smilkov et al.,
    "SmoothGrad" (2017).

    Raises `ConvlabError` for x or labels that do not fit, and for a model without a score for each class.
    """
    x = _batch(model, x)
    if x.ndim not in (3, 4) or x.dtype.kind != "f":
        given = f"{_shape(model.inputs[0])} of type {x.dtype}"
        raise ConvlabError(f"saliency needs a model of images in floating point, but this one takes {given}.")
    if not noise >= 0 or samples < 1:
        raise ConvlabError(f"noise must be at least 0 and samples at least 1, but {noise} and {samples} were given.")
    scores = need("keras").Model(model.inputs[0], _scores(model))
    classes = _classes(scores, x, labels)
    copies = _noisy(x, noise, samples) if noise else [x]
    total = sum(
        np.concatenate([_slopes(scores, *both) for both in zip(_parts(copy), _parts(classes), strict=True)])
        for copy in copies
    )
    strength = np.abs(total) / (samples if noise else 1)
    return strength.max(axis=-1) if x.ndim == 4 else strength


def _noisy(x: np.ndarray, noise: float, samples: int) -> Iterator[np.ndarray]:
    axes, generator = tuple(range(1, x.ndim)), np.random.default_rng(0)
    deviation = noise * (x.max(axes, keepdims=True) - x.min(axes, keepdims=True))
    for _ in range(samples):
        yield (x + deviation * generator.standard_normal(x.shape)).astype(x.dtype)


def _slopes(scores: Any, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return gradients(lambda x: _chosen(scores(x, training=False), classes), x)


def grad_cam(model: Any, x: Any, labels: Any = None, layer: Name | None = None) -> np.ndarray:
    """Where a layer's maps speak for a class: (N, H, W), 0 where they do not, enlarged to the size of the images.

        weight_c = mean over i, j of  d score / d map_c[i, j]
        heat[i, j] = max(0, sum over c of  weight_c map_c[i, j])

    labels: as in `saliency`. layer: the name or index of a layer with maps; None for the last one. The heat is in units
    of the score and not scaled, so that images can be compared.

    It tells which *places* the network's answer rests on, as coarsely as the layer's maps are; they are stretched over
    the whole image bilinearly, which adds no detail. A weight is one number for a whole map: where `Flatten` follows,
    and each place of a map has a weight of its own in the next layer, their mean is a summary that can miss what
    counts. What speaks against the class is cut off by max, and nothing here says that the network would be right, or
    right for that reason.

    Source: Selvaraju et al., "Grad-CAM" (2017), equations 1 and 2; for maps, global average pooling and one dense
    layer it is, up to scale, the class activation map of Zhou et al. (2016).

    Raises `ConvlabError` for x, labels or a layer that do not fit, and for a model without maps or without a score
    for each class.
    """
    keras, x = need("keras"), _batch(model, x)
    maps = _output(model, _name_with_maps(model, layer))
    scores = _scores(model)
    before = keras.Model(model.inputs[0], maps)
    after = keras.Model([model.inputs[0], maps], scores)  # the images too, for paths that go around the maps
    classes = _classes(keras.Model(model.inputs[0], scores), x, labels)
    heat = [_heat(before, after, part, chosen) for part, chosen in zip(_parts(x), _parts(classes), strict=True)]
    large = keras.ops.image.resize(np.concatenate(heat)[..., None], x.shape[1:3], data_format="channels_last")
    return _numpy(large)[..., 0]


def _heat(before: Any, after: Any, x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    images = need("keras").ops.convert_to_tensor(x)
    maps = before(images, training=False)
    slopes = _numpy(gradients(lambda maps: _chosen(after([images, maps], training=False), classes), maps))
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    return np.maximum((weights * _numpy(maps)).sum(axis=-1), 0)


def filters(model: Any, layer: Name | None = None) -> np.ndarray:
    """The filters of a convolution, (F, kh, kw, C), one for each of its maps; C is 1 where it is depthwise.

    layer: its name or index; None for the first convolution.

    Raises `ConvlabError` where the model has no such convolution.

    >>> plots.kernels(list(filters(model)[:8, :, :, 0]))  # doctest: +SKIP
    """
    _check(model)
    kinds = need("keras").layers.Conv2D, need("keras").layers.DepthwiseConv2D
    convolutions = [one.name for one in model.layers if isinstance(one, kinds)]
    name = _name(model, layer) if layer is not None else next(iter(convolutions), None)
    if name not in convolutions:
        chosen = "this model" if name is None else f"layer {name!r}"
        raise ConvlabError(f"{chosen} has no filters to show: {_listed('Conv2D or DepthwiseConv2D', convolutions)}.")
    kernel = _numpy(model.get_layer(name).kernel)
    if isinstance(model.get_layer(name), kinds[0]):
        return kernel.transpose(3, 0, 1, 2)
    return kernel.reshape(*kernel.shape[:2], -1, 1).transpose(2, 0, 1, 3)


def dead_filters(model: Any, x: Any, layer: Name) -> np.ndarray:
    """The numbers of the maps that are zero everywhere for all of x: their filters cost and give nothing.

    layer: name or index; one after its activation, since before ReLU no map is just zero. Give many images: a filter
    that is silent for a few may speak for another.

    Raises `ConvlabError` as `feature_maps` does.
    """
    keras, x = need("keras"), _batch(model, x)
    inside = keras.Model(model.inputs[0], _output(model, _name_with_maps(model, layer)))
    alive = [(_numpy(inside(part, training=False)) != 0).any(axis=(0, 1, 2)) for part in _parts(x)]
    return np.flatnonzero(~np.any(alive, axis=0))


def embedding(model: Any, x: Any, layer: Name | None = None) -> np.ndarray:
    """What goes into a layer, flattened: (N, D), by default the features from which the last Dense makes its scores.

    x: as in `feature_maps`. layer: name or index; None for the last Dense layer.

    Raises `ConvlabError` for x or a layer that do not fit, and for a model without a Dense layer where none is chosen.
    """
    keras, x = need("keras"), _batch(model, x)
    dense = [one.name for one in model.layers if isinstance(one, keras.layers.Dense)]
    if layer is None and not dense:
        raise ConvlabError(f"this model has no Dense layer: choose one of {_quoted(_names(model))} by layer=.")
    node = _node(model, dense[-1] if layer is None else _name(model, layer))
    inside = keras.Model(model.inputs[0], (node.input_tensors or node.output_tensors)[0])  # InputLayer has no input
    found = np.concatenate([_numpy(inside(part, training=False)) for part in _parts(x)])
    return found.reshape(len(found), -1)


def plane(points: Any) -> np.ndarray:
    """Points (N, D) as (N, 2): their first two principal components, the plane in which they are spread most.

    Distances in the plane are never larger than between the points themselves, but may be much smaller. Equal points
    give equal results.

    Raises `ConvlabError` unless there are at least two points with at least two finite numbers each.
    """
    array = as_numbers(points, "points")
    if array.ndim != 2 or min(array.shape) < 2 or not np.isfinite(array).all():
        raise ConvlabError(
            "points must be finite numbers of shape (N, D), with N and D at least 2, "
            f"but {'some are not finite' if array.ndim == 2 and min(array.shape) > 1 else f'has shape {array.shape}'}."
        )
    return need("sklearn.decomposition").PCA(2, random_state=0).fit_transform(array)


def _check(model: Any) -> None:
    keras = need("keras")
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        what = "it is not built" if isinstance(model, keras.Model) else f"{model!r} was given"
        raise ConvlabError(
            f"a Keras model is needed whose layers are known, but {what}: begin a Sequential with keras.Input(shape) "
            "or call it once; turn one of convlab.layers into Keras' by its to_keras()."
        )
    if len(model.inputs) != 1:
        raise ConvlabError(f"a model with one input is needed, but this one has {len(model.inputs)}.")
    if any(getattr(layer, "data_format", None) == "channels_first" for layer in model.layers):
        raise ConvlabError("this model has its channels first, but maps are read here with channels last.")


def _batch(model: Any, x: Any) -> np.ndarray:
    """`x` as a batch that fits the model's input, in the type of that input."""
    _check(model)
    wanted, array = model.inputs[0].shape, as_numbers(x, "x")
    if wanted[-1] == 1 and array.ndim == len(wanted) - 1 and _fits(array.shape, wanted[:-1]):
        array = array[..., np.newaxis]
    if not _fits(array.shape, wanted) or not array.size:
        one = _fits((1, *array.shape), wanted) or (wanted[-1] == 1 and _fits((1, *array.shape, 1), wanted))
        hint = "x[np.newaxis] makes a batch of one image" if one else "give them as the model was trained on them"
        raise ConvlabError(f"x must have shape {_shape(model.inputs[0])}, but has shape {array.shape}: {hint}.")
    return array.astype(model.inputs[0].dtype)


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, n) for n, w in zip(shape, wanted, strict=True))


def _shape(tensor: Any) -> str:
    return "(N, " + ", ".join("any" if n is None else str(n) for n in tensor.shape[1:]) + ")"


def _node(model: Any, name: str) -> Any:
    """Where the model calls its layer of that name: what goes in and what comes out, as symbols."""
    found = calls(model)
    if name not in found:
        raise ConvlabError(f"layer {name!r} takes no part in what this model gives.")
    return found[name]


def _output(model: Any, name: str) -> Any:
    return _node(model, name).output_tensors[0]


def _names(model: Any) -> list[str]:
    return [layer.name for layer in model.layers]


def _name(model: Any, layer: Name) -> str:
    """The name of a layer that was given by name or index."""
    names = _names(model)
    if layer in names:
        return str(layer)
    if isinstance(layer, int) and not isinstance(layer, bool) and -len(names) <= layer < len(names):
        return names[layer]
    raise ConvlabError(f"there is no layer {layer!r}: choose one of {_quoted(names)}, or 0 to {len(names) - 1}.")


def _layers_with_maps(model: Any) -> list[str]:
    kind = need("keras").layers.InputLayer
    inner = [layer.name for layer in model.layers if not isinstance(layer, kind)]
    return [name for name in inner if len(_output(model, name).shape) == 4]


def _name_with_maps(model: Any, layer: Name | None) -> str:
    """The name of a layer whose output has four axes; the last one where none is chosen."""
    names = _layers_with_maps(model)
    if layer is None and names:
        return names[-1]
    name = None if layer is None else _name(model, layer)
    if name is None or len(_output(model, name).shape) != 4:
        chosen = "this model" if name is None else f"layer {name!r}, which gives {_shape(_output(model, name))},"
        raise ConvlabError(f"{chosen} has no maps (N, H, W, C): {_listed('layers with maps', names)}.")
    return name


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _listed(kind: str, names: Sequence[str]) -> str:
    return f"its {kind} are {_quoted(names)}" if names else f"it has no {kind}"


def _scores(model: Any) -> Any:
    """The symbol of the scores (N, K) before softmax, wherever the model takes it last."""
    keras = need("keras")
    output = model.outputs[0]
    if len(model.outputs) != 1 or len(output.shape) != 2:
        given = " and ".join(_shape(one) for one in model.outputs)
        raise ConvlabError(f"a model that gives a score for each class, (N, K), is needed, but this one gives {given}.")
    last, index, _ = output._keras_history
    before = last._inbound_nodes[index].input_tensors[0]
    if isinstance(last, keras.Model):  # a model at the end of another
        return keras.Model(last.inputs, _scores(last))(before)
    if type(last).__name__ == "Softmax":  # the layer and keras.ops.softmax
        return before
    if getattr(last, "activation", None) is not keras.activations.softmax:
        return output
    linear = type(last).from_config({**last.get_config(), "activation": "linear"})
    scores = linear(before)
    linear.set_weights(last.get_weights())
    return scores


def _classes(scores: Any, x: np.ndarray, labels: Any) -> np.ndarray:
    """The class of each image, (N,): as given, or that of the highest score."""
    if labels is None:
        return np.concatenate([_numpy(scores(part, training=False)).argmax(axis=1) for part in _parts(x)])
    classes, count = as_numbers(labels, "labels"), scores.output_shape[-1]
    if classes.dtype.kind not in "iu" or classes.shape not in ((), (len(x),)):
        raise ConvlabError(
            f"labels must be one whole number, or one for each of the {len(x)} images, but they have shape "
            f"{classes.shape} and type {classes.dtype}: rows with a single 1 become numbers by labels.argmax(axis=1)."
        )
    if classes.size and not 0 <= classes.min() <= classes.max() < count:
        raise ConvlabError(
            f"labels must be from 0 to {count - 1}, but go from {classes.min()} to {classes.max()}: "
            f"the model has {count} classes."
        )
    return np.broadcast_to(classes.astype("int32"), (len(x),))


def _chosen(scores: Any, classes: np.ndarray) -> Any:
    """The score of each image's own class, (N,)."""
    ops = need("keras").ops
    return ops.sum(scores * ops.one_hot(classes, scores.shape[1], dtype=scores.dtype), axis=1)


def _parts(array: np.ndarray) -> list[np.ndarray]:
    return [array[start : start + BATCH] for start in range(0, len(array), BATCH)]


def _numpy(tensor: Any) -> np.ndarray:
    array = np.asarray(need("keras").ops.convert_to_numpy(tensor))
    return array.astype("float32") if array.dtype.itemsize == 2 else array  # NumPy does not know bfloat16
