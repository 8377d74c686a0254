"""What is seen inside of a network is what is there, on every backend of Keras: KERAS_BACKEND chooses it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import map_coordinates
from scipy.signal import correlate
from scipy.spatial.distance import pdist
from scipy.special import log_softmax
from scipy.stats import norm

from convlab import ConvlabError, layers
from convlab.models import build
from convlab.models.backends import gradients
from convlab.models.looking import dead_filters, embedding, feature_maps, filters, grad_cam, plane, saliency

keras = pytest.importorskip("keras", reason="Keras is not installed")
L, ops = keras.layers, keras.ops
NEAR = 1e-8 if keras.backend.backend() == "tensorflow" else 1e-5  # elsewhere Keras does not stay in float64

RNG = np.random.default_rng(0)
SIZE, CHANNELS, CLASSES = (9, 7), 2, 4
IMAGES = RNG.normal(size=(3, *SIZE, CHANNELS))
LABELS = np.array([2, 0, 3])


@pytest.fixture
def double():
    """Everything in float64, for central differences."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def network(head="flatten", activation="tanh", end="softmax"):
    """Two convolutions; smooth where differences are taken."""
    keras.utils.set_random_seed(1)
    collect = {"flatten": L.Flatten, "mean": L.GlobalAveragePooling2D}[head](name="collect")
    return keras.Sequential(
        [
            keras.Input((*SIZE, CHANNELS)),
            L.Conv2D(5, (3, 2), activation=activation, name="first"),
            L.AveragePooling2D((2, 1), name="pool"),
            L.Conv2D(3, (2, 3), activation=activation, name="second"),
            collect,
            L.Dense(CLASSES, activation=end, bias_initializer="random_normal", name="scores"),
        ]
    )


def central_differences(f, x, step=1e-5):
    """d f(x)[n] / d x[n] for all n at once."""
    found = np.empty_like(x)
    for place in np.ndindex(x.shape[1:]):
        above, below = x.copy(), x.copy()
        above[(slice(None), *place)] += step
        below[(slice(None), *place)] -= step
        found[(slice(None), *place)] = (f(above) - f(below)) / (2 * step)
    return found


def enlarged(heat, size):
    """Bilinear with pixels as areas, by SciPy."""
    rows, columns = ((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(size, heat.shape[1:], strict=True))
    places = np.meshgrid(rows, columns, indexing="ij")
    return np.stack([map_coordinates(one, places, order=1, mode="nearest") for one in heat])


@pytest.mark.usefixtures("double")
def test_a_gradient_is_what_central_differences_say():
    x = RNG.normal(size=(4, 3, 5))
    found = gradients(lambda x: ops.sum(ops.sin(x) * ops.flip(x, 1), axis=(1, 2)), x)
    assert isinstance(found, np.ndarray)
    expected = central_differences(lambda x: (np.sin(x) * x[:, ::-1]).sum(axis=(1, 2)), x)
    np.testing.assert_allclose(found, expected, rtol=NEAR, atol=NEAR)


def test_other_backends_have_no_gradients(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "openvino")
    with pytest.raises(ConvlabError, match="one of tensorflow, jax, torch, but it runs on openvino"):
        gradients(lambda x: x, np.ones(2))


@pytest.mark.parametrize("head", ["flatten", "mean"])
@pytest.mark.usefixtures("double")
def test_saliency_is_what_central_differences_say(head):
    plain = layers.from_keras(network(head, end=None))

    def score(x):
        for layer in plain.layers[1:]:
            x = layer(x)
        return x[np.arange(3), LABELS]

    slopes = central_differences(score, IMAGES)
    expected = np.abs(slopes).max(axis=3)
    np.testing.assert_allclose(saliency(network(head), IMAGES, LABELS), expected, rtol=NEAR, atol=NEAR)
    assert expected.max() > 1e-2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="GradientTape is TensorFlow's")
def test_saliency_is_what_gradient_tape_says():
    import tensorflow as tf

    model = build("small", (30, 29, 3), 6)
    x = RNG.integers(0, 256, (5, 30, 29, 3)).astype("float32")
    with tf.GradientTape() as tape:
        pixels = tf.Variable(x)
        best = tf.reduce_max(model(pixels, training=False), axis=1)
    expected = np.abs(tape.gradient(best, pixels).numpy()).max(axis=3)
    np.testing.assert_allclose(saliency(model, x), expected, rtol=1e-4, atol=1e-7)


def test_saliency_is_what_the_layers_in_numpy_say():
    model = network(activation="relu", end=None)
    x = IMAGES.astype("float32")
    twin = layers.from_keras(model)
    scores = twin(x)
    expected = np.abs(twin.backward(np.eye(CLASSES)[scores.argmax(axis=1)])).max(axis=3)
    np.testing.assert_allclose(saliency(model, x), expected, rtol=1e-4, atol=1e-6)


def ends():
    """The same network with its softmax written in all ways."""
    plain = network(end=None)
    whole = keras.Input((*SIZE, CHANNELS))
    yield network()
    for end in (L.Softmax(), L.Activation("softmax")):
        yield keras.Sequential([*network(end=None).layers, end])
    yield keras.Model(whole, ops.softmax(plain(whole)))
    yield keras.Sequential([keras.Input((*SIZE, CHANNELS)), network()])


@pytest.mark.usefixtures("double")
def test_the_score_is_that_before_softmax():
    expected = saliency(network(end=None), IMAGES, LABELS)
    for model in ends():
        np.testing.assert_allclose(ops.convert_to_numpy(model(IMAGES)).sum(axis=1), 1)
        np.testing.assert_allclose(saliency(model, IMAGES, LABELS), expected, rtol=1e-9)


def test_a_sure_network_still_answers():
    model = network()
    model.layers[-1].set_weights([1e4 * w for w in model.layers[-1].get_weights()])
    assert ops.convert_to_numpy(model(IMAGES)).max(axis=1).min() == 1  # softmax's own slope is 0 here
    assert saliency(model, IMAGES).max() > 1


def test_noise_gives_the_mean_slope_around_an_image():
    """The mean slope of ReLU under normal noise is the normal distribution's own curve."""
    relu = L.Conv2D(1, 1, activation="relu", kernel_initializer="ones")
    model = keras.Sequential(
        [keras.Input((2, 3, 1)), relu, L.GlobalAveragePooling2D(), L.Dense(1, kernel_initializer="ones")]
    )
    image = np.array([[-1, -0.4, -0.1], [0.05, 0.3, 1]])
    found = 6 * saliency(model, np.repeat(image[None], 300, axis=0), 0, noise=0.2).mean(axis=0)
    np.testing.assert_allclose(found, norm.cdf(image / (0.2 * 2)), atol=0.03)
    np.testing.assert_allclose(6 * saliency(model, image[None], 0)[0], image > 0)
    one = saliency(model, image[None], 0, noise=0.5, samples=3)
    np.testing.assert_array_equal(one, saliency(model, image[None], 0, noise=0.5, samples=3))


def test_networks_without_convolutions_have_saliency_too():
    model = keras.Sequential([keras.Input(SIZE), L.Flatten(), L.Dense(CLASSES, activation="softmax")])
    expected = np.abs(model.layers[-1].get_weights()[0][:, 1]).reshape(SIZE)
    np.testing.assert_allclose(saliency(model, IMAGES[..., 0], 1), np.stack([expected] * 3), rtol=1e-6)


@pytest.mark.usefixtures("double")
def test_grad_cam_with_a_mean_is_the_class_activation_map():
    """Zhou et al. (2016): the class's weights of the dense layer times the maps; Grad-CAM's mean divides by places."""
    model = network("mean", activation="relu")
    maps = ops.convert_to_numpy(keras.Model(model.inputs[0], model.layers[2].output)(IMAGES))
    weights = model.layers[-1].get_weights()[0]
    cam = np.einsum("nijc,cn->nij", maps, weights[:, LABELS])
    assert (cam < 0).any()
    expected = enlarged(np.maximum(cam, 0) / maps[0, :, :, 0].size, SIZE)
    np.testing.assert_allclose(grad_cam(model, IMAGES, LABELS), expected, rtol=1e-5, atol=1e-7)
    assert expected.max() > 1e-3


@pytest.mark.parametrize("layer", ["first", "pool", 2, None])
def test_grad_cam_before_flatten_is_what_the_layers_in_numpy_say(layer):
    model = network(activation="relu", end=None)
    x = IMAGES.astype("float32")
    twin = layers.from_keras(model)
    upstream = np.eye(CLASSES)[twin(x).argmax(axis=1)]
    place = {"first": 0, "pool": 1, 2: 2, None: 2}[layer]
    maps, inner = x, [one for one in twin.layers if not isinstance(one, layers.Input)]
    for one in inner[: place + 1]:
        maps = one(maps)
    for one in reversed(inner[place + 1 :]):
        upstream = one.backward(upstream)
    heat = np.maximum((upstream.mean(axis=(1, 2), keepdims=True) * maps).sum(axis=3), 0)
    assert heat.any()
    np.testing.assert_allclose(grad_cam(model, x, layer=layer), enlarged(heat, SIZE), rtol=1e-4, atol=1e-6)


def around():
    """A network with a path around its second convolution."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((*SIZE, CHANNELS))
    one = L.Conv2D(3, 3, padding="same", activation="tanh", name="one")(inputs)
    two = L.Conv2D(3, 3, padding="same", activation="tanh", name="two")(one)
    collected = L.GlobalAveragePooling2D()(L.Add(name="sum")([one, two]))
    return keras.Model(inputs, L.Dense(CLASSES, activation="softmax", name="scores")(collected))


@pytest.mark.usefixtures("double")
def test_grad_cam_follows_all_paths():
    model = around()
    one, two, dense = (model.get_layer(name) for name in ("one", "two", "scores"))
    weights = dense.get_weights()[0][:, LABELS].T
    maps, in_numpy = ops.convert_to_numpy(one(IMAGES)).astype(float), layers.from_keras(two)

    def score(maps):
        both = maps + in_numpy(maps)
        return np.einsum("nijc,nc->n", both, weights) / maps[0, :, :, 0].size

    alpha = central_differences(score, maps).mean(axis=(1, 2), keepdims=True)
    expected = np.maximum((alpha * maps).sum(axis=3), 0)
    np.testing.assert_allclose(grad_cam(model, IMAGES, LABELS, "one"), expected, atol=10 * NEAR)
    second = ops.convert_to_numpy(two(maps))
    cam = np.maximum(np.einsum("nijc,nc->nij", second, weights), 0) / maps[0, :, :, 0].size
    np.testing.assert_allclose(grad_cam(model, IMAGES, LABELS, "two"), cam, atol=10 * NEAR)
    np.testing.assert_allclose(feature_maps(model, IMAGES, "sum")["sum"], maps + second, atol=NEAR)


def test_labels_default_to_the_highest_score_and_may_be_one_for_all():
    model = network()
    best = ops.convert_to_numpy(model(IMAGES)).argmax(axis=1)
    for look in (saliency, grad_cam):
        np.testing.assert_array_equal(look(model, IMAGES), look(model, IMAGES, best))
        np.testing.assert_array_equal(look(model, IMAGES, 1), look(model, IMAGES, [1, 1, 1]))
        assert not np.array_equal(look(model, IMAGES, 1), look(model, IMAGES, 2))
        np.testing.assert_allclose(look(model, IMAGES, LABELS)[1:2], look(model, IMAGES[1:2], LABELS[1]), rtol=1e-5)


def by_hand(model, x):
    """Every layer's output, called one after the other."""
    found = {}
    for layer in model.layers:
        x = layer(x, training=False) if isinstance(layer, keras.Model) else layer(x)
        found[layer.name] = ops.convert_to_numpy(x)
    return found


def trained(model, x):
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, np.arange(len(x)) % CLASSES, verbose=0)
    return model


@pytest.mark.parametrize("make", ["before fit", "after fit", "without Input", "layers of another", "a model inside"])
def test_maps_are_those_of_the_layers(make):
    x = IMAGES.astype("float32")
    model = network()
    if make == "after fit":
        trained(model, x)
    if make == "without Input":
        model = trained(keras.Sequential([L.Conv2D(4, 3, name="new"), L.Flatten(), L.Dense(CLASSES)]), x)
    if make == "layers of another":
        new = [L.Rescaling(0.5, name="half"), *model.layers[:3], L.Flatten(), L.Dense(3)]
        model = keras.Sequential([keras.Input((*SIZE, CHANNELS)), *new])
    if make == "a model inside":
        body = keras.Sequential([keras.Input((*SIZE, CHANNELS)), *network().layers[:2]], name="body")
        model = keras.Sequential([keras.Input((*SIZE, CHANNELS)), body, L.Conv2D(2, 2, name="on top")])
    found, expected = feature_maps(model, x), by_hand(model, x)
    assert list(found) == [name for name, value in expected.items() if value.ndim == 4]
    for name, value in found.items():
        assert isinstance(value, np.ndarray)
        np.testing.assert_allclose(value, expected[name], atol=1e-6)


@pytest.mark.usefixtures("double")
def test_maps_of_a_convolution_are_correlations():
    model = network(activation="linear")
    kernels, bias = model.layers[0].get_weights()
    (maps,) = feature_maps(model, IMAGES, 0).values()
    for n, c in np.ndindex(3, 5):
        expected = correlate(IMAGES[n], kernels[..., c], "valid")[..., 0] + bias[c]
        np.testing.assert_allclose(maps[n, :, :, c], expected, rtol=NEAR / 100, atol=NEAR)


def test_layers_are_named_or_numbered_and_come_in_the_order_asked_for():
    model = network()
    assert list(feature_maps(model, IMAGES, ["second", 0])) == ["second", "first"]
    assert list(feature_maps(model, IMAGES, -3)) == ["second"]
    assert [maps.shape for maps in feature_maps(model, IMAGES).values()] == [(3, 7, 6, 5), (3, 3, 6, 5), (3, 2, 4, 3)]


def test_a_missing_channel_is_added_and_many_images_go_through_in_parts():
    model = build("classic", (14, 17, 1), 3)
    x = RNG.integers(0, 256, (130, 14, 17), np.uint8)
    (found,) = feature_maps(model, x, 0).values()
    expected = ops.convert_to_numpy(model.layers[0](x[..., None].astype("float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    assert saliency(model, x).shape == grad_cam(model, x).shape == x.shape
    np.testing.assert_allclose(grad_cam(model, x)[100:], grad_cam(model, x[100:]), rtol=1e-4, atol=1e-4)


def test_networks_in_half_precision_are_seen_in_single():
    half = L.Conv2D(3, 2, activation="relu", dtype="mixed_bfloat16", name="half")
    model = keras.Sequential([keras.Input((*SIZE, CHANNELS)), half, L.Flatten(name="flat"), L.Dense(CLASSES)])
    (maps,) = feature_maps(model, IMAGES).values()
    single = L.Conv2D(3, 2, activation="relu")
    single.build((None, *SIZE, CHANNELS))
    single.set_weights(half.get_weights())
    np.testing.assert_allclose(maps, ops.convert_to_numpy(single(IMAGES.astype("float32"))), rtol=0.05, atol=0.05)
    for found in (maps, saliency(model, IMAGES), grad_cam(model, IMAGES), embedding(model, IMAGES, "flat")):
        assert found.dtype == np.float32
        assert found.any()


def test_filters_are_one_for_each_map():
    model = keras.Sequential(
        [
            keras.Input((*SIZE, CHANNELS)),
            L.DepthwiseConv2D((3, 2), depth_multiplier=3, name="deep", use_bias=False),
            L.Conv2D(4, (2, 3), name="full", use_bias=False),
        ]
    )
    maps = feature_maps(model, IMAGES)
    deep, full = filters(model), filters(model, "full")
    assert deep.shape == (6, 3, 2, 1)
    assert full.shape == (4, 2, 3, 6)
    for f in range(6):
        expected = correlate(IMAGES[1, :, :, f // 3], deep[f, :, :, 0], "valid")
        np.testing.assert_allclose(maps["deep"][1, :, :, f], expected, atol=1e-5)
    for f in range(4):
        expected = correlate(maps["deep"][1], full[f], "valid")[..., 0]
        np.testing.assert_allclose(maps["full"][1, :, :, f], expected, atol=1e-5)


def test_dead_filters_are_silent_for_every_image():
    model = network(activation="relu")
    kernels, bias = model.layers[0].get_weights()
    bias[[1, 4]] = -1e6
    kernels[..., 2], bias[2] = 0, 0
    kernels[..., 3], bias[3] = 1, -1e3  # wakes up for bright images only
    model.layers[0].set_weights([kernels, bias])
    x = RNG.random((70, *SIZE, CHANNELS))
    np.testing.assert_array_equal(dead_filters(model, x, "first"), [1, 2, 3, 4])
    x[69] += 1000
    np.testing.assert_array_equal(dead_filters(model, x, 0), [1, 2, 4])


@pytest.mark.usefixtures("double")
def test_the_embedding_is_what_the_scores_are_made_of():
    model = network()
    points = embedding(model, np.repeat(IMAGES, 30, axis=0))
    weights, bias = model.layers[-1].get_weights()
    scores = np.log(ops.convert_to_numpy(model(IMAGES)))
    assert points.shape == (90, 24)
    np.testing.assert_allclose(log_softmax(points @ weights + bias, axis=1)[::30], scores, atol=1e-6)
    pooled = ops.convert_to_numpy(model.layers[1](model.layers[0](IMAGES)))
    np.testing.assert_allclose(embedding(model, IMAGES, "second"), pooled.reshape(3, -1), atol=NEAR)
    two = keras.Sequential([keras.Input((*SIZE, CHANNELS)), *network().layers, L.Dense(3)])
    np.testing.assert_allclose(embedding(two, IMAGES), ops.convert_to_numpy(network()(IMAGES)), atol=NEAR)
    np.testing.assert_allclose(embedding(around(), IMAGES, 0), IMAGES.reshape(3, -1), atol=NEAR)


POINTS = arrays(np.float64, st.tuples(st.integers(2, 9), st.integers(2, 6)), elements=st.integers(-50, 50))


@given(POINTS.filter(lambda points: points.std() > 0))
def test_the_plane_is_the_one_of_most_spread(points):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    found = plane(points)
    u, s, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(pdist(found), pdist(u[:, :2] * s[:2]), atol=1e-6 * (1 + s[0]))
    assert (pdist(found) <= pdist(points) + 1e-6 * (1 + s[0])).all()
    np.testing.assert_array_equal(found, plane(points))


def test_many_features_give_the_same_plane_every_time():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    points = RNG.normal(size=(520, 600)) * np.array([30, 20, *[1] * 598])
    found = plane(points)
    np.testing.assert_array_equal(found, plane(points))
    u, s, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(pdist(found), pdist(u[:, :2] * s[:2]), rtol=1e-3, atol=0.05)


def without(kind):
    return lambda: keras.Sequential([keras.Input((4, 5, 1)), kind])


TINY = np.zeros((2, 4, 5, 1), "float32")


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (lambda: feature_maps("model", IMAGES), "a Keras model is needed .* 'model' was given"),
        (lambda: feature_maps(layers.from_keras(network()), IMAGES), "by its to_keras"),
        (lambda: saliency(keras.Sequential([L.Flatten()]), IMAGES), "not built: begin a Sequential with keras.Input"),
        (lambda: feature_maps(network(), IMAGES, "third"), "no layer 'third': choose one of 'first', 'pool', 'second'"),
        (lambda: feature_maps(network(), IMAGES, 5), "no layer 5: .* or 0 to 4"),
        (lambda: feature_maps(network(), IMAGES, "scores"), "gives .N, 4., has no maps .* 'first', 'pool', 'second'"),
        (lambda: feature_maps(without(L.Flatten())(), TINY), "this model has no maps .*: it has no layers with maps"),
        (lambda: grad_cam(without(L.Flatten())(), TINY), "this model has no maps"),
        (lambda: grad_cam(network(), IMAGES, layer="collect"), "'collect', which gives .N, 24., has no maps"),
        (lambda: grad_cam(without(L.Conv2D(2, 2))(), TINY), r"\(N, K\), is needed, but this one gives \(N, 3, 4, 2\)"),
        (lambda: saliency(without(L.Conv2D(2, 2))(), TINY), "a score for each class"),
        (lambda: saliency(network(), IMAGES[0]), r"shape \(N, 9, 7, 2\), but has shape \(9, 7, 2\): x\[np.newaxis\]"),
        (lambda: saliency(network(), IMAGES[..., :1]), r"but has shape \(3, 9, 7, 1\): give them as"),
        (lambda: saliency(network(), IMAGES[:0]), r"but has shape \(0, 9, 7, 2\)"),
        (lambda: feature_maps(without(L.Conv2D(2, 2))(), TINY[0, :, :, 0]), r"x\[np.newaxis\] makes a batch"),
        (lambda: feature_maps(network(), "images"), "holds text"),
        (lambda: saliency(network(), IMAGES, 4), "from 0 to 3, but go from 4 to 4: the model has 4 classes"),
        (lambda: grad_cam(network(), IMAGES, [0, -1, 1]), "from 0 to 3, but go from -1 to 1"),
        (lambda: saliency(network(), IMAGES, [0, 1]), "one for each of the 3 images, but they have shape .2,."),
        (lambda: saliency(network(), IMAGES, np.eye(4)[:3]), r"labels.argmax\(axis=1\)"),
        (lambda: saliency(network(), IMAGES, noise=-1), "noise must be at least 0"),
        (lambda: saliency(network(), IMAGES, noise=1, samples=0), "samples at least 1"),
        (lambda: saliency(keras.Sequential([keras.Input((6,)), L.Dense(2)]), np.ones((2, 6))), "a model of images"),
        (lambda: filters(network(), "pool"), "'pool' has no filters to show: its Conv2D .* are 'first', 'second'"),
        (lambda: filters(without(L.Flatten())()), "this model has no filters to show: it has no Conv2D"),
        (lambda: embedding(without(L.Conv2D(2, 2))(), TINY), "no Dense layer: choose one of 'conv2d"),
        (lambda: plane(np.ones((3, 1))), r"N and D at least 2, but has shape \(3, 1\)"),
        (lambda: plane([[1, np.nan], [0, 1]]), "some are not finite"),
    ],
)
def test_what_cannot_be_seen_is_said(look, words):
    with pytest.raises(ConvlabError, match=words):
        look()


def test_models_of_two_inputs_or_with_channels_first_are_refused():
    one, two = keras.Input((4, 5, 1)), keras.Input((4, 5, 1))
    with pytest.raises(ConvlabError, match="one input is needed, but this one has 2"):
        feature_maps(keras.Model([one, two], L.Add()([one, two])), TINY)
    with pytest.raises(ConvlabError, match="channels first"):
        feature_maps(keras.Sequential([keras.Input((1, 4, 5)), L.Flatten("channels_first")]), TINY)
    whole = keras.Input((4, 5, 1), dtype="uint8")
    with pytest.raises(ConvlabError, match="floating point, but this one takes .* of type uint8"):
        saliency(keras.Model(whole, L.Dense(2)(L.Flatten()(L.Rescaling(0.1)(whole)))), TINY)
