"""Initializers, regularizers, constraints, activations, losses and optimizers against Keras and SciPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from scipy import stats

from convlab import ConvlabError, gradient_check, layers
from convlab.layers import activations, constraints, initializers, losses, optimizers, regularizers
from convlab.layers.initializers import CUT_OFF_STDDEV, fans

SHAPE = (5, 4, 60, 80)  # enough numbers that moments are sharp

# How each initializer's numbers are distributed, by the formulas of Keras' documentation
fan_in, fan_out = 5 * 4 * 60, 5 * 4 * 80
UNIFORM = {
    "random_uniform": 0.05,
    "glorot_uniform": (6 / (fan_in + fan_out)) ** 0.5,
    "he_uniform": (6 / fan_in) ** 0.5,
    "lecun_uniform": (3 / fan_in) ** 0.5,
}
TRUNCATED = {
    "truncated_normal": 0.05,
    "glorot_normal": (2 / (fan_in + fan_out)) ** 0.5 / CUT_OFF_STDDEV,
    "he_normal": (2 / fan_in) ** 0.5 / CUT_OFF_STDDEV,
    "lecun_normal": (1 / fan_in) ** 0.5 / CUT_OFF_STDDEV,
}


def distributed(name):
    if name in UNIFORM:
        return stats.uniform(-UNIFORM[name], 2 * UNIFORM[name])
    if name in TRUNCATED:
        return stats.truncnorm(-2, 2, scale=TRUNCATED[name])
    return stats.norm(0, 0.05)


@pytest.mark.parametrize("name", [*UNIFORM, *TRUNCATED, "random_normal"])
def test_initializers_have_the_distribution_of_keras(name):
    """Ours, and Keras' own, pass the same Kolmogorov-Smirnov test against the formula."""
    expected = distributed(name)
    kind = type(initializers.get(name))
    for values in (kind(seed=3)(SHAPE), keras.initializers.get(name)(SHAPE).numpy()):
        assert values.shape == SHAPE
        assert values.dtype == np.float32
        assert stats.kstest(values.ravel(), expected.cdf).pvalue > 1e-4
        assert abs(values.std() / expected.std() - 1) < 0.01


def test_the_cut_off_deviation_is_scipys():
    assert pytest.approx(stats.truncnorm(-2, 2).std(), rel=1e-12) == CUT_OFF_STDDEV


@given(shape=array_shapes(min_dims=1, max_dims=5, max_side=9))
def test_fans_are_those_of_keras(shape):
    from keras.src.initializers.random_initializers import compute_fans

    assert fans(shape) == tuple(map(int, compute_fans(shape)))


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (3, 2, 2, 9), (3, 3, 8, 4)])
def test_orthogonal_filters_are_orthogonal(shape):
    matrix = initializers.Orthogonal(gain=2, seed=1)(shape, "float64").reshape(-1, shape[-1])
    small = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_matrices_favour_no_direction():
    """Entries of a random rotation of the plane are cosines of a uniform angle: mean 0, and half of them negative."""
    corner = [initializers.Orthogonal(seed=seed)((2, 2))[0, 0] for seed in range(400)]
    assert stats.binomtest(int(np.sum(np.array(corner) > 0)), 400).pvalue > 1e-3
    assert stats.kstest(corner, stats.arcsine(-1, 2).cdf).pvalue > 1e-3


def test_seeds_repeat_and_differ():
    for name in [*UNIFORM, *TRUNCATED, "orthogonal"]:
        kind = type(initializers.get(name))
        np.testing.assert_array_equal(kind(seed=1)((4, 3)), kind(seed=1)((4, 3)))
        assert not np.array_equal(kind(seed=1)((4, 3)), kind(seed=2)((4, 3)))
        assert not np.array_equal(kind()((4, 3)), kind()((4, 3)))
        layers.set_random_seed(5)
        first = kind()((4, 3))
        layers.set_random_seed(5)
        np.testing.assert_array_equal(kind()((4, 3)), first)


def test_constants():
    np.testing.assert_array_equal(initializers.get("zeros")((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.get("ones")((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(initializers.Constant(2.5)((2, 3)), np.full((2, 3), 2.5))


REGULARIZERS = [
    ("L1", {"l1": 0.3}),
    ("L2", {"l2": 0.2}),
    ("L1L2", {"l1": 0.1, "l2": 0.4}),
    ("OrthogonalRegularizer", {"factor": 0.7}),
    ("OrthogonalRegularizer", {"factor": 0.7, "mode": "columns"}),
]


@pytest.mark.parametrize(("name", "config"), REGULARIZERS)
@given(rows=st.integers(2, 5), columns=st.integers(2, 5), seed=st.integers(0, 1000))
def test_regularizers(name, config, rows, columns, seed):
    w = np.random.default_rng(seed).normal(size=(rows, columns))
    theirs = getattr(keras.regularizers, name)(**config)
    ours = regularizers.get(keras.regularizers.serialize(theirs))
    with tf.GradientTape() as tape:
        tape.watch(variable := tf.constant(w, tf.float32))
        price = theirs(variable)
    assert ours(w) == pytest.approx(float(price), rel=1e-5)
    np.testing.assert_allclose(ours.gradient(w), tape.gradient(price, variable), atol=1e-5)


def test_l2_has_no_one_half():
    assert regularizers.L2(0.01)(np.ones(18)) == pytest.approx(0.18)


CONSTRAINTS = [
    ("NonNeg", {}),
    *[("MaxNorm", {"max_value": 0.8, "axis": axis}) for axis in (0, 1, [0, 1, 2])],
    *[("UnitNorm", {"axis": axis}) for axis in (0, [0, 1, 2])],
    *[("MinMaxNorm", {"min_value": 0.9, "max_value": 1.1, "rate": rate, "axis": [0, 1, 2]}) for rate in (1, 0.3)],
]


@pytest.mark.parametrize(("name", "config"), CONSTRAINTS)
@given(shape=array_shapes(min_dims=4, max_dims=4, max_side=4), seed=st.integers(0, 1000))
def test_constraints(name, config, shape, seed):
    w = np.random.default_rng(seed).normal(size=shape).astype("float32")
    theirs = getattr(keras.constraints, name)(**config)
    ours = constraints.get(keras.constraints.serialize(theirs))
    np.testing.assert_allclose(ours(w), theirs(w), atol=1e-6)
    assert ours(w).dtype == np.float32


def test_the_norm_of_a_filter_needs_three_axes():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 8))
    norms = np.sqrt(np.square(constraints.UnitNorm(axis=[0, 1, 2])(kernel)).sum(axis=(0, 1, 2)))
    np.testing.assert_allclose(norms, 1, rtol=1e-6)
    norms = np.sqrt(np.square(constraints.UnitNorm()(kernel)).sum(axis=(0, 1, 2)))
    np.testing.assert_allclose(norms, np.sqrt(3 * 4), rtol=1e-6)  # each of 12 columns has norm 1


@pytest.mark.parametrize("name", activations.FUNCTIONS)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.1, 1, 30]))
def test_activations(name, seed, scale):
    z = np.random.default_rng(seed).normal(size=(3, 4)) * scale
    upstream = np.random.default_rng(seed + 1).normal(size=z.shape)
    with tf.GradientTape() as tape:
        tape.watch(variable := tf.constant(z))
        expected = keras.activations.get(name)(variable)
    ours = activations.get(name)
    y = ours(z)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-9)
    slope = tape.gradient(expected, variable, output_gradients=tf.constant(upstream))
    np.testing.assert_allclose(ours.backward(z, y, upstream), slope, rtol=1e-5, atol=1e-7)
    single = ours(z.astype("float32"))
    assert single.dtype == ours.backward(z.astype("float32"), single, upstream.astype("float32")).dtype == np.float32


def test_no_activation_overflows():
    far = np.array([[-1e4, 1e4, -700, 700]], "float32")
    with np.errstate(over="raise", invalid="raise"):
        for name in set(activations.FUNCTIONS) - {"exponential"}:
            z = activations.get(name)(far)
            assert np.isfinite(z).all()


LOSSES = [
    ("MeanSquaredError", {}, "same"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels"),
]


@pytest.mark.parametrize(("name", "config", "target"), LOSSES)
@given(rows=st.integers(1, 6), classes=st.integers(2, 5), seed=st.integers(0, 1000), sure=st.booleans())
def test_losses(name, config, target, rows, classes, seed, sure):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, classes)) * (40 if sure else 1)
    y_pred = z if config.get("from_logits") or target == "same" else activations.get("softmax")(z)
    labels = rng.integers(0, classes, rows)
    y_true = {"same": rng.normal(size=z.shape), "one_hot": np.eye(classes)[labels], "labels": labels}[target]
    with tf.GradientTape() as tape:
        tape.watch(variable := tf.constant(y_pred))
        expected = getattr(keras.losses, name)(**config, dtype="float64")(tf.constant(y_true), variable)
    ours = getattr(losses, name)(**config)
    assert ours(y_true, y_pred) == pytest.approx(float(expected), rel=1e-6, abs=1e-9)
    slope = tape.gradient(expected, variable)
    np.testing.assert_allclose(ours.gradient(y_true, y_pred), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "config", "target"), LOSSES)
def test_gradients_of_losses_by_differences(name, config, target):
    rng = np.random.default_rng(1)
    y_pred = rng.uniform(0.1, 0.9, (3, 4))
    labels = np.array([2, 0, 3])
    y_true = {"same": rng.normal(size=(3, 4)), "one_hot": np.eye(4)[labels], "labels": labels}[target]
    loss = getattr(losses, name)(**config)
    check = gradient_check(lambda p: np.array(loss(y_true, p)), y_pred, loss.gradient(y_true, y_pred))
    assert check.error < 1e-6


OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}),
]


@pytest.mark.parametrize(("name", "config"), OPTIMIZERS)
def test_optimizers_walk_the_same_path(name, config):
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(3, 2)), rng.normal(size=4)]
    theirs, variables = getattr(keras.optimizers, name)(**config), [keras.Variable(s, dtype="float64") for s in start]
    ours = getattr(optimizers, name)(**config)
    weights = [
        layers.Weight(str(i), s.copy(), constraint=constraints.get("non_neg") if i else None)
        for i, s in enumerate(start)
    ]
    variables[1].constraint = keras.constraints.NonNeg()
    for _ in range(12):
        gradients = [rng.normal(size=s.shape) for s in start]
        theirs.apply_gradients(zip(map(tf.constant, gradients), variables, strict=True))
        for w, gradient in zip(weights, gradients, strict=True):
            w.gradient = gradient
        ours.apply(weights)
        for w, variable in zip(weights, variables, strict=True):
            np.testing.assert_allclose(w.value, variable.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (lambda: initializers.get("glorot"), "'glorot' is no initializer: choose one of constant, glorot_normal"),
        (lambda: regularizers.get("l1_l2"), "'l1_l2' is no regularizer: choose one of l1"),
        (lambda: constraints.get(3), "3 is no constraint"),
        (lambda: activations.get("Relu"), "'Relu' is no activation: choose one of elu"),
        (lambda: activations.get(np.tanh), "brings its own derivative"),
        (lambda: losses.get("huber"), "'huber' is no loss"),
        (lambda: optimizers.get("rmsprop"), "choose 'sgd' or 'adam'"),
        (lambda: optimizers.SGD(learning_rate=-1), "learning_rate must be"),
        (lambda: optimizers.SGD(momentum=2), "momentum must lie"),
        (lambda: regularizers.L2(-1), "l2 must be a number from 0 on"),
        (lambda: regularizers.OrthogonalRegularizer(mode="row"), "mode must be"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones((3, 3, 1, 2))), "needs a matrix"),
        (lambda: initializers.Orthogonal()((3,)), "at least two axes"),
        (lambda: constraints.UnitNorm(axis=4)(np.ones((3, 3))), "axes from 0 to 1"),
        (lambda: initializers.get({"class_name": "HeNormal", "config": {"fan": 3}}), "no arguments"),
        (lambda: losses.MeanSquaredError()(np.ones(3), np.ones((3, 1))), r"shape \(3,\), but the predictions"),
        (lambda: losses.CategoricalCrossentropy()([1, 2], np.ones((2, 3))), "use SparseCategoricalCrossentropy"),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.ones((2, 3)), np.ones((2, 3))),
            "use CategoricalCrossentropy",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()([0, 3], np.ones((2, 3))),
            "from 0 to 2, but they go from 0 to 3",
        ),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_known(what, words):
    with pytest.raises(ConvlabError, match=words):
        what()
