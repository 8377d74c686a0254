"""What a separable convolution saves in parameters and products, and what in measured time."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import traitlets

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, SeparableSpec
from convlab.ops import conv2d, separable_conv2d
from convlab.plots import Drawing
from convlab.plots.tables import table
from convlab.widgets.base import Widget, bundle

LIMITS = {"kernel": (1, 9), "channels": (1, 256), "filters": (1, 256), "multiplier": (1, 4), "size": (4, 128)}
SECONDS = 0.15  # spent on each of the two


class SeparableCost(Widget):
    """What `separable_cost` makes. `times` holds the milliseconds measured last."""

    _module = "separable_cost"
    _esm = bundle(_module)
    kernel = traitlets.Int(3).tag(sync=True)
    channels = traitlets.Int(16).tag(sync=True)
    filters = traitlets.Int(32).tag(sync=True)
    multiplier = traitlets.Int(1).tag(sync=True)
    size = traitlets.Int(28).tag(sync=True)
    always = traitlets.Bool(False).tag(sync=True)
    times = traitlets.Dict().tag(sync=True)

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.on_msg(lambda _, message, buffers: self.measure() if message.get("measure") else None)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.size, self.size, self.channels

    @property
    def specs(self) -> tuple[ConvSpec, SeparableSpec]:
        """The two layers."""
        separable = SeparableSpec(self.kernel, self.filters, padding="same", depth_multiplier=self.multiplier)
        return ConvSpec(self.kernel, self.filters, padding="same"), separable

    def measure(self) -> dict[str, float]:
        """Milliseconds for one image through each, by Keras where it is there, else by convlab itself."""
        standard, separable = _by_keras(self) or _by_convlab(self)
        self.times = {"standard": _milliseconds(standard), "separable": _milliseconds(separable)}
        return dict(self.times)

    def words(self) -> str:
        standard, separable = self.specs
        p, q = standard.parameters(self.input_shape), separable.parameters(self.input_shape)
        m, n = standard.macs(self.input_shape), separable.macs(self.input_shape)
        return (
            f"Separable cost: a {self.kernel} x {self.kernel} kernel, {self.channels} channels to {self.filters} "
            f"filters, depth multiplier {self.multiplier}, {self.size} x {self.size} pixels. Conv2D: {p:,} parameters, "
            f"{m:,} multiply-accumulates; SeparableConv2D: {q:,} and {n:,}."
        )

    def still(self) -> Drawing:
        standard, separable = self.specs
        rows = [
            ["parameters", *(f"{spec.parameters(self.input_shape):,}" for spec in (standard, separable))],
            ["MACs", *(f"{spec.macs(self.input_shape):,}" for spec in (standard, separable))],
        ]
        return table(rows, ["", "Conv2D", "SeparableConv2D"], self.words())


def separable_cost(
    kernel: int = 3, channels: int = 16, filters: int = 32, *, multiplier: int = 1, size: int = 28
) -> SeparableCost:
    """Compare a convolution and a separable one: square kernel, "same" padding, on size x size pixels.

    Raises `ConvlabError` for values beyond the sliders.
    """
    given = {"kernel": kernel, "channels": channels, "filters": filters, "multiplier": multiplier, "size": size}
    for name, value in given.items():
        low, high = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConvlabError(f"{name} must be a whole number from {low} to {high}, but {value!r} was given.")
    return SeparableCost(**given)


Pair = tuple[Callable[[], Any], Callable[[], Any]]


def _by_keras(cost: SeparableCost) -> Pair | None:
    try:
        import keras
    except ImportError:
        return None
    layers = (
        keras.layers.Conv2D(cost.filters, cost.kernel, padding="same"),
        keras.layers.SeparableConv2D(cost.filters, cost.kernel, padding="same", depth_multiplier=cost.multiplier),
    )
    x = keras.random.normal((1, *cost.input_shape), seed=0)
    models = [keras.Sequential([keras.Input(cost.input_shape), layer]) for layer in layers]
    standard, separable = map(_compiled, models)
    return lambda: standard(x), lambda: separable(x)


def _compiled(model: Any) -> Callable[[Any], Any]:
    """The model as one graph where the backend is TensorFlow; calls alone would measure Python."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return model
    import tensorflow as tf

    return tf.function(model)


def _by_convlab(cost: SeparableCost) -> Pair:
    standard, separable = cost.specs
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, *cost.input_shape), np.float32)
    k = rng.standard_normal(standard.kernel_shape(cost.channels), np.float32)
    _, pointwise = separable.steps()
    d = rng.standard_normal((cost.kernel, cost.kernel, cost.channels, cost.multiplier), np.float32)
    p = rng.standard_normal(pointwise.kernel_shape(cost.channels * cost.multiplier), np.float32)
    return lambda: conv2d(x, k, padding="same"), lambda: separable_conv2d(x, d, p, padding="same")


def _milliseconds(call: Callable[[], Any]) -> float:
    """The median time of a call."""
    call()  # the first one builds what the others use
    times: list[float] = []
    end = perf_counter() + SECONDS
    while len(times) < 3 or perf_counter() < end:
        start = perf_counter()
        np.asarray(call())
        times.append(perf_counter() - start)
    return 1000 * median(times)
