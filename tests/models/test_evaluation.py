"""Everything that is said of a classifier, against scikit-learn, SciPy and Keras."""

import json
from html.parser import HTMLParser
from math import comb

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn import calibration, metrics

from convlab import ConvlabError, layers
from convlab.models.contract import ends_in_softmax
from convlab.models.evaluation import BINS, calibrate, compare, evaluate, wilson

keras = pytest.importorskip("keras", reason="Keras is not installed")
L = keras.layers


def passage(classes, activation="linear"):
    """A model that gives back the scores it gets."""
    return layers.Sequential([layers.Input((classes,)), layers.Activation(activation)])


@st.composite
def scores(draw):
    """(scores (N, K), labels (N,)): some models are right often, some are very sure."""
    count, classes = draw(st.integers(1, 60)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    labels = rng.integers(0, classes, count)
    z = rng.normal(size=(count, classes)) * draw(st.sampled_from([0.1, 1, 8]))
    return (z + draw(st.sampled_from([0, 2])) * np.eye(classes)[labels]).astype(np.float32), labels


@settings(max_examples=80)
@given(given=scores(), softmax=st.booleans())
@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of classes that are not met
def test_the_numbers_are_those_of_scikit_learn(given, softmax):
    z, labels = given
    found = evaluate(passage(z.shape[1], "softmax" if softmax else "linear"), z, labels)
    classes, truth, read = range(z.shape[1]), labels, z.argmax(axis=1)
    p = np.exp(z.astype(float)) / np.exp(z.astype(float)).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, p, atol=1e-6)
    np.testing.assert_array_equal(found.predicted, read)
    assert found.accuracy == metrics.accuracy_score(truth, read)
    np.testing.assert_array_equal(found.confusion, metrics.confusion_matrix(truth, read, labels=classes))
    precision, recall, *_ = metrics.precision_recall_fscore_support(truth, read, labels=classes, zero_division=np.nan)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    if not softmax or p.min() > 1e-6:  # else the loss is limited, as in Keras
        assert found.loss == pytest.approx(metrics.log_loss(truth, p, labels=classes), rel=1e-4, abs=1e-6)
    brier = metrics.brier_score_loss(truth, p, labels=classes, scale_by_half=False)
    assert found.brier == pytest.approx(brier, abs=1e-5)
    wrong = found.mistakes
    assert sorted(wrong) == np.flatnonzero(truth != read).tolist()
    assert (np.diff(found.probabilities[wrong, read[wrong]]) <= 0).all()


@given(
    sure=st.lists(st.integers(0, 30).map(lambda n: n / 30) | st.floats(0, 1), min_size=2, max_size=60), data=st.data()
)
def test_calibration_is_that_of_scikit_learn(sure, data):
    right = data.draw(st.lists(st.booleans(), min_size=len(sure), max_size=len(sure)))
    sure, right = np.array(sure), np.array(right)
    found = calibrate(sure, right)
    accuracy, confidence = calibration.calibration_curve(right, sure, n_bins=BINS, pos_label=True)
    met = found.count > 0
    np.testing.assert_allclose(found.accuracy[met], accuracy)
    np.testing.assert_allclose(found.confidence[met], confidence, atol=1e-12)
    assert np.isnan(found.accuracy[~met]).all()
    assert found.count.sum() == len(sure)
    expected = (found.count[met] / len(sure) * np.abs(accuracy - confidence)).sum()
    assert found.error == pytest.approx(expected, abs=1e-12)


def test_a_model_that_is_always_as_sure_as_right_is_calibrated():
    right = np.repeat([True, False], [70, 30])
    assert calibrate(np.full(100, 0.7), right).error == pytest.approx(0)
    assert calibrate(np.full(100, 0.9), right).error == pytest.approx(0.2)


@given(count=st.integers(1, 20_000), data=st.data())
@example(count=1, data=None)
def test_the_interval_is_that_of_scipy(count, data):
    for right in (0, count, count if data is None else data.draw(st.integers(0, count))):
        expected = stats.binomtest(right, count).proportion_ci(0.95, method="wilson")
        np.testing.assert_allclose(wilson(right, count), expected, atol=1e-12)


def model(*last, shape=(6, 5, 1), seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input(shape), L.Conv2D(3, (3, 2), activation="relu"), L.Flatten(), *last])


def images(count=50, seed=0, classes=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 6, 5)).astype(np.float32) * 2, rng.integers(0, classes, count)


@pytest.mark.parametrize("logits", [True, False])
def test_loss_and_accuracy_are_those_of_keras(logits):
    theirs, (x, y) = model(L.Dense(4, activation=None if logits else "softmax")), images()
    theirs.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=logits), metrics=["accuracy"])
    found = evaluate(theirs, x, y)
    loss, accuracy = theirs.evaluate(x[..., None], y, verbose=0)
    assert found.loss == pytest.approx(loss, rel=1e-5)
    assert found.accuracy == pytest.approx(accuracy)
    twin = evaluate(layers.from_keras(theirs), x, y)
    np.testing.assert_allclose(twin.probabilities, found.probabilities, atol=1e-5)
    np.testing.assert_array_equal(twin.confusion, found.confusion)


def test_images_and_labels_may_be_written_in_all_their_ways():
    theirs, (x, y) = model(L.Dense(4)), images()
    expected = evaluate(theirs, x[..., None], y)
    ways = [(x, y[:, None]), (x.tolist(), y.tolist()), (x, np.eye(4)[y]), (x, y.astype(float)), (x[..., None], y > 9)]
    for one, labels in ways[:-1]:
        np.testing.assert_array_equal(evaluate(theirs, one, labels).confusion, expected.confusion)
    assert evaluate(theirs, *ways[-1]).confusion[1:].sum() == 0  # False is class 0
    first = keras.Sequential([keras.Input((1, 6, 5)), L.Flatten("channels_first"), L.Dense(3)])
    flat = keras.Sequential([keras.Input((6, 5)), L.Flatten(), L.Dense(3)])
    flat.set_weights(first.get_weights())
    np.testing.assert_array_equal(evaluate(first, x, y % 3).probabilities, evaluate(flat, x, y % 3).probabilities)


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten, self.dense = L.Flatten(), L.Dense(4, activation="softmax")

    def call(self, x):
        return self.dense(self.flatten(x))


def test_models_that_are_no_chain():
    x, y = images()
    inputs = keras.Input((6, 5, 1))
    flat = L.Flatten()(inputs)
    branched = keras.Model(inputs, L.Add()([L.Dense(4)(flat), L.Dense(4)(flat)]))
    expected = special.softmax(branched.predict(x[..., None], verbose=0), axis=1)
    np.testing.assert_allclose(evaluate(branched, x, y).probabilities, expected, atol=1e-6)
    own = Own()
    with pytest.raises(ConvlabError, match="not built yet"):
        evaluate(own, x, y)
    expected = own.predict(x, verbose=0)
    np.testing.assert_allclose(evaluate(own, x, y).probabilities, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("last", "softmax"),
    [
        ([L.Dense(4)], False),
        ([L.Dense(4, activation="softmax")], True),
        ([L.Dense(4), L.Softmax()], True),
        ([L.Dense(4), L.Activation("softmax"), L.Dropout(0.1)], True),
        ([L.Dense(4, activation="softmax"), L.Activation("linear", dtype="float32")], True),
        ([L.Dense(5, activation="softmax"), L.Dense(4)], False),
        ([L.Dense(4), L.Activation("log_softmax")], False),
        ([L.Dense(4, activation="relu"), L.BatchNormalization()], False),
        ([keras.Sequential([keras.Input((48,)), L.Dense(4, activation="softmax")])], True),
    ],
)
def test_logits_are_told_from_probabilities(last, softmax):
    assert ends_in_softmax(model(*last)) is softmax


def test_sure_logits_keep_their_loss():
    found = evaluate(passage(2), [[0.0, 500.0], [0, 1]], [0, 1])
    assert found.loss == pytest.approx((500 + np.log1p(np.exp(-1))) / 2)
    assert found.mistakes.tolist() == [0]


@given(only_first=st.integers(0, 60), only_second=st.integers(0, 60), both=st.integers(1, 9), neither=st.integers(0, 9))
def test_mcnemars_test_is_the_toss_of_a_coin(only_first, only_second, both, neither):
    outcomes = np.repeat([[1, 0], [0, 1], [1, 1], [0, 0]], [only_first, only_second, both, neither], axis=0)
    labels = np.arange(len(outcomes)) % 3
    first, second = (
        evaluate(passage(3), np.eye(3)[np.where(right, labels, (labels + 1) % 3)], labels) for right in outcomes.T
    )
    found, n = compare(first, second), only_first + only_second
    tail = sum(comb(n, k) for k in range(min(only_first, only_second) + 1)) / 2**n
    assert found.p_value == pytest.approx(min(2 * tail, 1))
    counts = (found.only_first, found.only_second, found.both, found.neither)
    assert counts == (only_first, only_second, both, neither)
    assert compare(second, first).p_value == pytest.approx(found.p_value)
    assert found.more_than_chance == (min(2 * tail, 1) < 0.05)
    assert str(found).startswith(f"{only_first} examples are read right by the first model only, {only_second} by")
    better = {True: "the first is more", False: "the second is more"}[only_first > only_second]
    assert (better if only_first != only_second else "they are equally accurate") in str(found)
    assert ("by more than chance" in str(found)) == found.more_than_chance


def test_comparisons_need_the_same_examples():
    x, y = images()
    with pytest.raises(ConvlabError, match="of 50 and 49 examples"):
        compare(evaluate(model(L.Dense(4)), x, y), evaluate(model(L.Dense(4)), x[1:], y[1:]))


class Cells(HTMLParser):
    """The rows of the tables of a page, as text, and that every tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.open = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open[-1] in ("td", "th"):
            self.rows[-1].append(text)


def test_it_prints_the_same_in_a_terminal_and_in_a_notebook():
    found = evaluate(model(L.Dense(4)), *images())
    lines = str(found).splitlines()
    right = found.confusion.trace()
    low, high = (f"{100 * value:.2f} %" for value in found.interval)
    assert lines[0] == f"accuracy {2 * right:.2f} %: {right} of 50 right (95 % interval {low} to {high})"
    assert f"Brier score {found.brier:.4f}" in lines[1]
    assert f"{50 - right} mistakes, the surest first: {found.mistakes[0]} (" in lines[2]
    table = [line.split() for line in lines[4:]]
    numbers = [[0 if cell == "." else int(cell) for cell in row[1:-1]] for row in table[1:-1]]
    np.testing.assert_array_equal(numbers, found.confusion)
    np.testing.assert_allclose([float(row[-1]) for row in table[1:-1]], 100 * found.recall, atol=0.05)
    page = found._repr_html_()
    assert [" ".join(row).split() for row in Cells(page).rows] == table
    assert all(line in page for line in lines[:3])
    assert repr(found) == str(found)


def test_what_was_never_met_has_no_share():
    found = evaluate(passage(3), np.eye(3)[[0, 0, 1]], [0, 0, 0])
    np.testing.assert_array_equal(found.precision, [1, 0, np.nan])
    np.testing.assert_array_equal(found.recall, [2 / 3, np.nan, np.nan])
    assert "1 mistake: 2 (0 read as 1" in str(found)
    assert str(found).splitlines()[-1].split()[2:] == ["100.0", "0.0", "-"]
    assert "no mistakes" in str(evaluate(passage(3), np.eye(3), [0, 1, 2]))
    assert len(str(evaluate(passage(50), np.eye(50), np.arange(50))).splitlines()) == 3


def test_plain_data_survives_json():
    found = evaluate(passage(3), np.eye(3)[[0, 0, 1]], [0, 0, 0])
    plain = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert plain == found.as_dict()
    assert plain["confusion"] == found.confusion.tolist()
    assert plain["recall"] == [2 / 3, None, None]
    assert plain["mistakes"] == [2]
    assert plain["examples"] == 3
    assert sum(plain["calibration"]["count"]) == 3


def broken():
    theirs = model(L.Dense(4))
    theirs.set_weights([np.full_like(w, np.nan) for w in theirs.get_weights()])
    return theirs


X, Y = images()


@pytest.mark.parametrize(
    ("make", "x", "y", "words"),
    [
        (lambda: model(L.Dense(4)), X, Y + 1, "classes 0 to 3, but y goes from 1 to 4"),
        (lambda: model(L.Dense(4)), X, Y - 1, "but y goes from -1 to 2"),
        (lambda: model(L.Dense(4)), X, Y[:-1], r"as many answers as examples.* \(50, 6, 5\) and y \(49,\)"),
        (lambda: model(L.Dense(4)), X[:0], Y[:0], "as many answers as examples, and some"),
        (lambda: model(L.Dense(4)), 3, 3, "as many answers as examples"),
        (lambda: model(L.Dense(4)), X, Y + 0.5, "whole class numbers"),
        (lambda: model(L.Dense(4)), X, np.where(Y, Y, np.nan), "whole class numbers"),
        (lambda: model(L.Dense(4)), X, Y.astype(str), "whole class numbers"),
        (lambda: model(L.Dense(4)), X, np.eye(5)[Y], r"y of shape \(50, 5\) should hold one-hot rows"),
        (lambda: model(L.Dense(4)), X, np.full((50, 4), 0.25), "a single 1 among 4 numbers"),
        (lambda: model(L.Dense(4)), X[:, :5], Y, r"takes x of shape \(N, 6, 5, 1\), but x has \(50, 5, 5\)"),
        (lambda: model(L.Dense(4), shape=(6, 5, 3)), X, Y, r"shape \(N, 6, 5, 3\), but x has \(50, 6, 5\)"),
        (lambda: model(L.Dense(4)), X.astype(str), Y, "x must hold numbers"),
        (broken, X, Y, "outputs for 50 of 50 examples are not finite, first those of example 0"),
        (
            lambda: model(L.Dense(4)),
            np.where(np.arange(50)[:, None, None] == 7, np.nan, X),
            Y,
            "nan or infinity, first in example 7",
        ),
        (lambda: model(L.Dense(4, activation="sigmoid", name="end")), X, Y, r"'sigmoid' \(layer 'end'\)"),
        (lambda: model(L.Dense(4), L.ReLU()), X, Y, "the last activation is 'relu'"),
        (lambda: model(L.Dense(1)), X, Y, r"two or more classes, shape \(N, K\), but this model gives \(N, 1\)"),
        (lambda: keras.Sequential([keras.Input((6, 5, 1)), L.Conv2D(4, 3)]), X, Y, r"gives \(N, 4, 3, 4\)"),
        (lambda: keras.Sequential([L.Flatten(), L.Dense(4)]), X, Y, "not built yet"),
        (lambda: layers.Sequential([layers.Flatten(), layers.Dense(4)]), X, Y, "not built yet"),
        (lambda: "model.keras", X, Y, "'model.keras' was given"),
    ],
)
def test_mistakes_are_named(make, x, y, words):
    with pytest.raises(ConvlabError, match=words):
        evaluate(make(), x, y)
