"""How well a classifier reads examples it has not learned from, how sure it may be of it, and which it gets wrong."""

from dataclasses import dataclass
from html import escape
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers import Sequential
from convlab.models.contract import check_outputs, class_numbers, ends_in_softmax, fitting
from convlab.optional import need

Array = np.ndarray
CONFIDENCE = 0.95  # of the interval of the accuracy
BINS = 15  # of equal width for the calibration, as in Guo et al. (2017)
EPSILON = 1e-7  # probabilities are kept this far from 0 in the loss, as in Keras
BATCH = 256  # examples at a time: the maps of a large network fit into memory, and the processor is busy
SHOWN = 20  # classes up to which the whole confusion matrix is printed
WORST = 5  # mistakes that are printed


@dataclass(frozen=True, eq=False)
class Calibration:
    """Whether a model is right as often as it says, in bins of equal width by how sure it is.

    confidence, accuracy (bins,): mean probability of the class that was read, and share that was right, nan where a bin
    is empty; count (bins,): examples. error: the expected calibration error, the mean of |accuracy - confidence| over
    all examples, each with the numbers of its bin.
    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017), section 2.
    """

    error: float
    confidence: Array
    accuracy: Array
    count: Array


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found, for N examples of K classes. It prints as text, and as HTML in a notebook.

    accuracy: share that was read right, and `interval`, its 95 % confidence interval (`wilson`).
    loss: mean cross-entropy, in nats. brier: mean squared distance of the probabilities from the truth, 0 to 2
    (Brier, 1950). calibration: see `Calibration`.
    confusion (K, K): examples of each true class (row) that were read as each class (column).
    precision, recall (K,): share of what was read as a class that is of it, and share of a class that was read as it;
    nan where no example was read as the class, or is of it.
    mistakes: indices of the examples read wrong, the one first of whose wrong answer the model was surest.
    labels, predicted (N,): the true classes and those that were read. probabilities (N, K): rows that sum to 1.
    """

    accuracy: float
    interval: tuple[float, float]
    loss: float
    brier: float
    calibration: Calibration
    confusion: Array
    precision: Array
    recall: Array
    mistakes: Array
    labels: Array
    predicted: Array
    probabilities: Array

    def as_dict(self) -> dict[str, Any]:
        """All but what is kept for each example, in lists and numbers that JSON can hold: nan is None."""
        bins = {name: _plain(getattr(self.calibration, name)) for name in ("confidence", "accuracy", "count")}
        return {
            "examples": len(self.labels),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "loss": self.loss,
            "brier": self.brier,
            "calibration": {"error": self.calibration.error, **bins},
            **{name: _plain(getattr(self, name)) for name in ("confusion", "precision", "recall", "mistakes")},
        }

    def lines(self) -> list[str]:
        """The numbers in words, a line each."""
        low, high = self.interval
        right, count = np.trace(self.confusion), len(self.labels)
        return [
            f"accuracy {_percent(self.accuracy)}: {right:,} of {count:,} right "
            f"(95 % interval {_percent(low)} to {_percent(high)})",
            f"loss {self.loss:.4f}, Brier score {self.brier:.4f}, "
            f"expected calibration error {_percent(self.calibration.error)} ({len(self.calibration.count)} bins)",
            self._worst(),
        ]

    def _worst(self) -> str:
        if not len(self.mistakes):
            return "no mistakes"
        each = (
            f"{i} ({self.labels[i]} read as {k}, {_percent(self.probabilities[i, k])} sure)"
            for i, k in zip(self.mistakes[:WORST], self.predicted[self.mistakes], strict=False)
        )
        many = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes):,} mistakes, the surest first"
        return f"{many}: {', '.join(each)}"

    def table(self) -> list[list[str]]:
        """The confusion matrix as text, with a header, recall at the end of each row, precision below each column."""
        classes = range(len(self.confusion))
        rows = [["true \\ read", *map(str, classes), "recall %"]]
        for k in classes:
            rows.append([str(k), *(str(n) if n else "." for n in self.confusion[k]), _margin(self.recall[k])])
        return [*rows, ["precision %", *map(_margin, self.precision), ""]]

    def __str__(self) -> str:
        if len(self.confusion) > SHOWN:
            return "\n".join(self.lines())
        table = self.table()
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        drawn = (" ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
        return "\n".join([*self.lines(), "", *(line.rstrip() for line in drawn)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        words = "".join(f'<p style="margin:2px 0">{escape(line)}</p>' for line in self.lines())
        if len(self.confusion) > SHOWN:
            return words
        header, *body, last = self.table()
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
        rows = "".join(self._html_row(k, row) for k, row in enumerate(body))
        foot = f'<th scope="row">{last[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in last[1:])
        return (
            f"{words}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody><tfoot><tr>{foot}</tr></tfoot></table>"
        )

    def _html_row(self, k: int, cells: list[str]) -> str:
        """A row of the confusion matrix: bold where it was read right, orange by the share that was read wrong."""
        shares = self.confusion[k] / max(self.confusion[k].sum(), 1)
        styles = [f"background:rgba(230,120,30,{min(4 * share, 1):.2f})" if share else "" for share in shares]
        styles[k] = "font-weight:bold"
        pairs = zip([*styles, ""], cells[1:], strict=True)
        drawn = "".join(f'<td style="{style}">{cell}</td>' for style, cell in pairs)
        return f'<tr><th scope="row">{cells[0]}</th>{drawn}</tr>'


@dataclass(frozen=True)
class Comparison:
    """Two models on the same examples: how many only the first, or only the second, read right.

    p_value: how probable it is, if both are equally good, that the examples which only one of them reads right are
    divided between them at least as unevenly as they are (McNemar's exact test).
    """

    only_first: int
    only_second: int
    both: int
    neither: int
    p_value: float

    @property
    def more_than_chance(self) -> bool:
        """Whether the difference is significant at 5 %."""
        return self.p_value < 1 - CONFIDENCE

    def __str__(self) -> str:
        counts = (
            f"{self.only_first:,} examples are read right by the first model only, "
            f"{self.only_second:,} by the second only"
        )
        if self.only_first == self.only_second:
            return f"{counts}: they are equally accurate."
        better = "first" if self.only_first > self.only_second else "second"
        how = "and by more than chance explains" if self.more_than_chance else "but chance may well explain it"
        return f"{counts}: the {better} is more accurate here, {how} (McNemar's exact test, p = {self.p_value:.2g})."

    __repr__ = __str__


def evaluate(model: Any, x: Any, y: Any) -> Evaluation:
    """Let a classifier read examples, and compare with what they are.

    model: of Keras, or `convlab.layers.Sequential`, with one output for each of K classes: probabilities where it ends
    in softmax, else logits. x: (N, H, W) or (N, H, W, C), or whatever else the model takes; an axis for a single
    channel is added where the model wants one. y: N class numbers from 0 to K - 1, or one-hot rows (N, K).

    Raises `ConvlabError` for inputs or answers that do not fit, and for outputs that are no numbers.
    """
    if not hasattr(model, "predict") or not hasattr(model, "layers"):
        raise ConvlabError(f"a model of Keras or convlab.layers.Sequential is needed, but {model!r} was given.")
    if not getattr(model, "built", getattr(model, "input_shape", None) is not None):
        raise ConvlabError("the model is not built yet: train it, or call it on a batch first.")
    x, y, softmax = np.asarray(x), np.asarray(y), ends_in_softmax(model)
    if not x.ndim or not x.size or y.shape[:1] != x.shape[:1]:
        raise ConvlabError(
            f"there must be as many answers as examples, and some, but x has shape {x.shape} and y {y.shape}."
        )
    options = {} if isinstance(model, Sequential) else {"verbose": 0}
    images = fitting(x, getattr(model, "input_shape", None))
    outputs = np.asarray(model.predict(images, batch_size=BATCH, **options), np.float64)
    check_outputs(outputs)
    return summarize(class_numbers(y, outputs.shape[1]), *_probabilities(outputs, softmax))


def _probabilities(outputs: Array, softmax: bool) -> tuple[Array, Array]:
    """(probabilities, their logarithms) from what a model that ends in softmax, or in logits, gives."""
    if softmax:
        shares = outputs / outputs.sum(axis=1, keepdims=True)  # to the last digit
        return shares, np.log(np.clip(shares, EPSILON, 1))
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.exp(logarithms), logarithms


def summarize(labels: Array, probabilities: Array, logarithms: Array) -> Evaluation:
    """The `Evaluation` of class numbers (N,) and probabilities (N, K), whose logarithms the loss is computed from."""
    count, classes = probabilities.shape
    predicted = probabilities.argmax(axis=1)
    right, sure = predicted == labels, probabilities.max(axis=1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    wrong = np.flatnonzero(~right)
    return Evaluation(
        accuracy=float(right.mean()),
        interval=wilson(int(right.sum()), count),
        loss=float(-logarithms[np.arange(count), labels].mean()),
        brier=float(np.square(probabilities - np.eye(classes)[labels]).sum(axis=1).mean()),
        calibration=calibrate(sure, right),
        confusion=confusion,
        precision=_share(confusion.diagonal(), confusion.sum(axis=0)),
        recall=_share(confusion.diagonal(), confusion.sum(axis=1)),
        mistakes=wrong[np.argsort(-sure[wrong], kind="stable")],
        labels=labels,
        predicted=predicted,
        probabilities=probabilities,
    )


def wilson(right: int, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """An interval for the share of right answers in all examples like these, from `right` of `count`.

    It holds the true share for about `confidence` of all samples, also where nearly all is right, and never leaves 0
    to 1. Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).

    >>> "{:.3f} to {:.3f}".format(*wilson(97, 100))
    '0.915 to 0.990'
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, shrink = right / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / shrink
    half = z / shrink * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return low if right else 0.0, high if right < count else 1.0  # where rounding would miss them


def calibrate(sure: Array, right: Array) -> Calibration:
    """How well the probability of the class that was read, `sure` (N,), says how often it is `right` (N,)."""
    edges = np.linspace(0, 1, BINS + 1)
    places = np.searchsorted(edges[1:-1], sure)  # a bin holds its upper edge
    count = np.bincount(places, minlength=BINS)
    total_sure, total_right = (np.bincount(places, numbers, minlength=BINS) for numbers in (sure, right))
    error = np.abs(total_right - total_sure).sum() / len(sure)
    return Calibration(float(error), _share(total_sure, count), _share(total_right, count), count)


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Whether two models differ by more than chance on the same examples in the same order: McNemar's exact test.

    What both read right, or both wrong, says nothing about which one is better. If they were equally good, each of the
    other examples would fall to either by the toss of a coin. Source: Q. McNemar (1947), with the binomial
    distribution in place of chi-squared. It knows nothing of how models differ that are trained again.

    Raises `ConvlabError` if the true classes are not the same.
    """
    if not np.array_equal(first.labels, second.labels):
        raise ConvlabError(
            f"two models are compared on the same examples in the same order, but these evaluations are of "
            f"{len(first.labels)} and {len(second.labels)} examples with different classes: evaluate both on one x, y."
        )
    one, two = (each.predicted == each.labels for each in (first, second))
    only_first, only_second = int((one & ~two).sum()), int((two & ~one).sum())
    split = only_first + only_second
    p_value = float(need("scipy.stats").binomtest(only_first, split).pvalue) if split else 1.0
    return Comparison(only_first, only_second, int((one & two).sum()), int((~one & ~two).sum()), p_value)


def _share(part: Array, whole: Array) -> Array:
    """part / whole, nan where the whole is nothing."""
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _margin(share: float) -> str:
    """A share in the margin of the table: whole per cent would hide one mistake among hundreds."""
    return "-" if np.isnan(share) else f"{100 * share:.1f}"


def _plain(values: Array) -> list[Any]:
    """An array as lists of int and float, nan as None."""
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    return plain.tolist()
