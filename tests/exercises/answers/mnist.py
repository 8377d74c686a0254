"""Correct answers written differently, catalogue entries, and answers with two mistakes, for problems/mnist.py."""

# --- prepare_digits


def prepare_digits_keras(images, labels, classes=10):
    """Keras' own helpers."""
    import keras
    import numpy as np

    return np.expand_dims(images, -1).astype("float32") / 255.0, keras.utils.to_categorical(labels, classes)


def prepare_digits_loops(images, labels, classes=10):
    """Plain loops, one pixel after another."""
    import numpy as np

    count, height, width = images.shape
    x = np.zeros((count, height, width, 1), dtype=np.float32)
    y = np.zeros((count, classes), dtype=int)
    for n in range(count):
        for i in range(height):
            for j in range(width):
                x[n, i, j, 0] = int(images[n, i, j]) / 255
        y[n, int(labels[n])] = 1
    return x, y


def prepare_digits_compare(images, labels, classes=10):
    """Labels by comparison; images by reshape; a list of two."""
    import numpy as np

    rows = np.asarray(labels)[:, None] == np.arange(classes)
    return [(images / np.float32(255)).reshape((*images.shape, 1)), rows]


def prepare_digits_tensorflow(images, labels, classes=10):
    """Tensors of TensorFlow."""
    import tensorflow as tf

    return tf.cast(images, tf.float32)[..., tf.newaxis] / 255, tf.one_hot(labels, classes)


def prepare_digits_float64_first(images, labels, classes=10):
    """Divided in float64, then made smaller; labels by places."""
    import numpy as np

    x = (images.astype(float) * (1 / 255)).astype(np.float32)
    y = np.zeros((images.shape[0], classes), np.float32)
    y[np.arange(len(y)), labels] = 1.0
    return x[:, :, :, None], y


def prepare_digits_no_axis_no_rows(images, labels, classes=10):
    """Two mistakes: no channel axis, labels stay numbers."""
    return images.astype("float32") / 255, labels


def prepare_digits_floor_and_short(images, labels, classes=10):
    """Two mistakes: whole numbers only, only as many classes as occur."""
    import numpy as np

    return images[..., np.newaxis].astype("float32") // 255, np.eye(labels.max() + 1)[labels]


def prepare_digits_first_and_float64(images, labels, classes=10):
    """Two mistakes: the channel comes first, float64."""
    import numpy as np

    return images[:, np.newaxis] / 255, np.eye(classes)[labels]


# --- confusion_matrix


def confusion_matrix_add_at(labels, scores):
    """As in the lesson."""
    import numpy as np

    counts = np.zeros((scores.shape[1],) * 2, int)
    np.add.at(counts, (labels, scores.argmax(axis=-1)), 1)
    return counts


def confusion_matrix_bincount(labels, scores):
    """One number for each pair."""
    import numpy as np

    classes = scores.shape[1]
    return np.bincount(labels * classes + np.argmax(scores, 1), minlength=classes**2).reshape(classes, classes)


def confusion_matrix_histogram(labels, scores):
    """A histogram in two directions; floats come back."""
    import numpy as np

    edges = np.arange(scores.shape[1] + 1) - 0.5
    return np.histogram2d(labels, scores.argmax(axis=1), bins=(edges, edges))[0]


def confusion_matrix_sklearn(labels, scores):
    """scikit-learn's."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, scores.argmax(axis=1), labels=range(scores.shape[1]))


def confusion_matrix_tensorflow(labels, scores):
    """TensorFlow's, from scores in float32."""
    import tensorflow as tf

    read = tf.argmax(tf.cast(scores, tf.float32), axis=1)
    return tf.math.confusion_matrix(labels, read, num_classes=scores.shape[1])


def confusion_matrix_lists(labels, scores):
    """Lists of lists, and counting by comparison."""
    read = [list(row).index(max(row)) for row in scores]
    classes = range(len(scores[0]))
    pairs = list(zip([int(label) for label in labels], read, strict=False))
    return [[pairs.count((true, guess)) for guess in classes] for true in classes]


def confusion_matrix_transposed_once(labels, scores):
    """Two mistakes: rows and columns exchanged, a pair that occurs again is not counted again."""
    import numpy as np

    counts = np.zeros((scores.shape[1],) * 2, int)
    counts[scores.argmax(axis=1), labels] += 1
    return counts


def confusion_matrix_lowest_transposed(labels, scores):
    """Two mistakes: the lowest score is read, rows and columns exchanged."""
    import numpy as np

    counts = np.zeros((scores.shape[1],) * 2, int)
    np.add.at(counts, (scores.argmin(axis=1), labels), 1)
    return counts


def confusion_matrix_mistakes_shares(labels, scores):
    """Two mistakes: mistakes only, shares of them."""
    import numpy as np

    counts = np.zeros((scores.shape[1],) * 2)
    np.add.at(counts, (labels, scores.argmax(axis=1)), 1)
    np.fill_diagonal(counts, 0)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


# --- small_cnn


def small_cnn_functional(shape, classes, budget):
    """Layers called on layers, a loss object, strides in place of pooling."""
    import keras

    inputs = keras.Input(shape=shape)
    x = keras.layers.Conv2D(2, (3, 2), strides=2, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2D(2, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy())
    return model


def small_cnn_fully_convolutional(shape, classes, budget):
    """No dense layer: one map for each class, its mean, then softmax."""
    import keras

    layers = keras.layers
    model = keras.Sequential(name="all_convolutions")
    model.add(keras.Input(shape))
    model.add(layers.SeparableConv2D(6, 3, activation="relu"))
    model.add(layers.Conv2D(classes, 1))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Softmax())
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
    return model


def small_cnn_normalized(shape, classes, budget):
    """Batch normalization, dropout, a penalty on the weights, bytes divided inside."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            layers.InputLayer(shape=shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(5, 3, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.GlobalMaxPooling2D(),
            layers.Dropout(0.5),
            layers.Dense(classes, activation=keras.activations.softmax, kernel_regularizer="l2"),
        ]
    )
    model.compile("rmsprop", loss=keras.losses.sparse_categorical_crossentropy, metrics=["accuracy"])
    return model


def small_cnn_nested(shape, classes, budget):
    """The convolution inside of a model of its own."""
    import keras

    body = keras.Sequential([keras.Input(shape), keras.layers.DepthwiseConv2D(3, depth_multiplier=2)])
    inputs = keras.Input(shape)
    maps = keras.layers.AveragePooling2D(3)(body(inputs))
    model = keras.Model(inputs, keras.layers.Dense(classes, "softmax")(keras.layers.GlobalMaxPooling2D()(maps)))
    model.compile(loss="sparse_categorical_crossentropy")
    return model


def small_cnn_searches(shape, classes, budget):
    """As many filters as the budget allows."""
    import keras

    def build(filters):
        layers = keras.layers
        chain = [layers.Conv2D(filters, 3, activation="relu"), layers.GlobalAveragePooling2D()]
        chain += [layers.Dense(classes, activation="softmax")]
        return keras.Sequential([keras.Input(shape), *chain])

    most = (budget - classes) // (9 * shape[-1] + 1 + classes)
    model = build(most)
    assert model.count_params() <= budget < model.count_params() + 9 * shape[-1] + 1 + classes
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def small_cnn_sigmoid_ten(shape, classes, budget):
    """Two mistakes: sigmoid in place of softmax, and always ten classes."""
    import keras

    layers = keras.layers
    chain = [layers.Conv2D(3, 3), layers.GlobalAveragePooling2D(), layers.Dense(10, activation="sigmoid")]
    model = keras.Sequential([keras.Input(shape), *chain])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def small_cnn_dense_logits(shape, classes, budget):
    """Two mistakes: no convolution, the output is logits."""
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def small_cnn_large_with_wrong_loss(shape, classes, budget):
    """Two mistakes: the budget is ignored, the loss does not fit the labels."""
    import keras

    layers = keras.layers
    chain = [layers.Conv2D(64, 3), layers.Flatten(), layers.Dense(classes, activation="softmax")]
    model = keras.Sequential([keras.Input(shape), *chain])
    model.compile("adam", "categorical_crossentropy")
    return model


# --- feature_maps


def feature_maps_predict(model, images, layer):
    """As in the lesson."""
    import keras

    inside = keras.Model(inputs=model.inputs, outputs=[model.get_layer(layer).output])
    result = inside.predict(images, verbose=0)
    return result[0] if isinstance(result, list) else result


def feature_maps_single_input(model, images, layer):
    """The first of the inputs; a tensor comes back."""
    import keras

    target = next(one for one in model.layers if one.name == layer)
    return keras.Model(model.inputs[0], target.output)(images.astype("float32"))


def feature_maps_all(model, images, layer):
    """All maps at once, then the one that is wanted."""
    import keras

    layers = [one for one in model.layers if not isinstance(one, keras.layers.InputLayer)]
    everything = keras.Model(model.inputs, {one.name: one.output for one in layers})
    return everything([images], training=False)[layer].numpy()


def feature_maps_one_by_one(model, images, layer):
    """One image after another."""
    import keras
    import numpy as np

    inside = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return np.concatenate([np.asarray(inside(image[np.newaxis])) for image in images])


def feature_maps_keeps(model, images, layer):
    """The layer keeps what it gives while the model runs."""
    import keras

    target = model.get_layer(name=layer)
    kept, call = {}, target.call

    def keep(*args, **kwargs):
        kept["maps"] = call(*args, **kwargs)
        return kept["maps"]

    target.call = keep
    model(images)
    return keras.ops.convert_to_numpy(kept["maps"])


def feature_maps_end_of_first(model, images, layer):
    """Two mistakes: the end of the model, the first image only."""
    import numpy as np

    return np.asarray(model(images[:1]))


def feature_maps_input_in_training(model, images, layer):
    """Two mistakes: the maps that go in, statistics of this batch."""
    import keras
    import numpy as np

    return np.asarray(keras.Model(model.inputs, model.get_layer(layer).input)([images], training=True))


def feature_maps_sums_of_first(model, images, layer):
    """Two mistakes: before the activation, the first image only."""
    import keras
    import numpy as np

    if hasattr(model.get_layer(layer), "activation"):
        model.get_layer(layer).activation = keras.activations.linear
    return np.asarray(keras.Model(model.inputs, model.get_layer(layer).output)([images[:1]]))


# --- save_and_load


def save_and_load_text(model, folder):
    """Paths as texts."""
    import os

    import keras

    path = os.path.join(str(folder), "digits.keras")
    model.save(path)
    return keras.models.load_model(path)


def save_and_load_saving(model, folder):
    """The functions of keras.saving."""
    import keras

    keras.saving.save_model(model, folder / "digits.keras")
    return keras.saving.load_model(folder / "digits.keras", compile=True)


def save_and_load_twice(model, folder):
    """Written over once, which Keras allows."""
    import keras

    file = folder.joinpath("digits").with_suffix(".keras")
    model.save(file, overwrite=True)
    model.save(file, overwrite=True)
    return keras.saving.load_model(str(file))


def save_and_load_inside(model, folder):
    """In the folder as the current one."""
    import os

    import keras

    before = os.getcwd()
    os.chdir(folder)
    try:
        model.save("digits.keras")
        return keras.models.load_model("digits.keras")
    finally:
        os.chdir(before)


def save_and_load_moved(model, folder):
    """Saved elsewhere, then copied; by the functional interface of tf.keras."""
    import shutil
    import tempfile
    from pathlib import Path

    import tensorflow as tf

    with tempfile.TemporaryDirectory() as other:
        model.save(Path(other, "other.keras"))
        shutil.copy(Path(other, "other.keras"), folder / "digits.keras")
    return tf.keras.models.load_model(folder / "digits.keras")


def save_and_load_old_not_loaded(model, folder):
    """Two mistakes: the old format, saved but not loaded."""
    model.save(folder / "digits.h5")
    return model


def save_and_load_layers_elsewhere(model, folder):
    """Two mistakes: nothing is saved, the layers without their weights."""
    import keras

    return keras.models.clone_model(model)


def save_and_load_old_without_training(model, folder):
    """Two mistakes: the old format, loaded without its training."""
    import keras

    model.save(folder / "digits.h5")
    return keras.models.load_model(folder / "digits.h5", compile=False)


VARIANTS = {
    "prepare_digits": [
        prepare_digits_keras,
        prepare_digits_loops,
        prepare_digits_compare,
        prepare_digits_tensorflow,
        prepare_digits_float64_first,
    ],
    "confusion_matrix": [
        confusion_matrix_add_at,
        confusion_matrix_bincount,
        confusion_matrix_histogram,
        confusion_matrix_sklearn,
        confusion_matrix_tensorflow,
        confusion_matrix_lists,
    ],
    "small_cnn": [
        small_cnn_functional,
        small_cnn_fully_convolutional,
        small_cnn_normalized,
        small_cnn_nested,
        small_cnn_searches,
    ],
    "feature_maps": [
        feature_maps_predict,
        feature_maps_single_input,
        feature_maps_all,
        feature_maps_one_by_one,
        feature_maps_keeps,
    ],
    "save_and_load": [
        save_and_load_text,
        save_and_load_saving,
        save_and_load_twice,
        save_and_load_inside,
        save_and_load_moved,
    ],
}


DOUBLES = {
    "prepare_digits": [
        prepare_digits_no_axis_no_rows,
        prepare_digits_floor_and_short,
        prepare_digits_first_and_float64,
    ],
    "confusion_matrix": [
        confusion_matrix_transposed_once,
        confusion_matrix_lowest_transposed,
        confusion_matrix_mistakes_shares,
    ],
    "small_cnn": [small_cnn_sigmoid_ten, small_cnn_dense_logits, small_cnn_large_with_wrong_loss],
    "feature_maps": [feature_maps_end_of_first, feature_maps_input_in_training, feature_maps_sums_of_first],
    "save_and_load": [
        save_and_load_old_not_loaded,
        save_and_load_layers_elsewhere,
        save_and_load_old_without_training,
    ],
}
