"""How the learning rate goes up and down during training."""

from functools import cache
from typing import Any

from convlab.errors import ConvlabError
from convlab.optional import need

WARM_UP = 0.25  # of all steps
FIRST, LAST = 0.1, 0.001  # of the peak


def one_cycle_rate(step: int, steps: int, peak: float) -> float:
    """The rate at a step: up in a line for a quarter of the steps, then down in a line to a thousandth of the peak.

    Source: L. N. Smith, "A disciplined approach to neural network hyper-parameters" (2018), section 4.
    """
    turn = max(WARM_UP * steps, 1)
    if step < turn:
        return peak * (FIRST + (1 - FIRST) * step / turn)
    return peak * (1 - (1 - LAST) * min((step - turn) / max(steps - turn, 1), 1))


def one_cycle(steps: int, peak: float = 0.01) -> Any:
    """`one_cycle_rate` as a Keras learning-rate schedule for `steps` steps in all.

    It is saved with a compiled model; `convlab.models.load` knows it, and so does Keras once this was called.

    Raises `ConvlabError` unless there is at least one step and the peak is positive.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1 or not peak > 0:
        raise ConvlabError(f"one_cycle needs at least 1 step and a peak above 0, but got {steps!r} and {peak!r}.")
    return one_cycle_class()(steps, peak)


@cache
def one_cycle_class() -> Any:
    """The class of these schedules, made and made known to Keras on the first call."""
    keras = need("keras")
    schedule: Any = keras.optimizers.schedules.LearningRateSchedule

    @keras.saving.register_keras_serializable("convlab")
    class OneCycle(schedule):
        def __init__(self, steps: int, peak: float) -> None:
            self.steps, self.peak = steps, peak

        def __call__(self, step: Any) -> Any:
            ops = keras.ops
            step = ops.cast(step, "float32")
            turn = max(WARM_UP * self.steps, 1)
            up = FIRST + (1 - FIRST) * step / turn
            down = 1 - (1 - LAST) * ops.minimum((step - turn) / max(self.steps - turn, 1), 1.0)
            return self.peak * ops.where(step < turn, up, down)

        def get_config(self) -> dict[str, Any]:
            return {"steps": self.steps, "peak": self.peak}

    return OneCycle
