"""What happens around the steps of a training: checkpoints, a loss that is no number, patience, and Ctrl-C."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.models import checkpoints
from convlab.models.batches import Batches, as_dataset
from convlab.models.checkpoints import Identity, State, copies
from convlab.models.repeatable import seed_generators, set_generators
from convlab.optional import need

EVERY = 20.0  # seconds between two checkpoints within an epoch
VALIDATED = 256  # examples at a time


class LossLost(ConvlabError):
    """The loss is nan or infinite. Steps are counted from 1 within the epoch; loss is what it was, rate what it is."""

    def __init__(self, epoch: int, steps: range, loss: float, before: float | None) -> None:
        super().__init__(f"the loss became {loss} in epoch {epoch + 1}")
        self.epoch, self.steps, self.loss, self.before = epoch, steps, loss, before


@dataclass(frozen=True)
class Plan:
    """How long to train, and where to keep how far it came."""

    epochs: int
    validation: tuple[Any, Any] | None
    patience: int | None
    folder: Path | None
    identity: Identity


def run(model: Any, batches: Batches, plan: Plan, state: State, callbacks: Sequence[Any]) -> None:
    """Train a compiled model from where `state` stands to the end, or until patience or a callback ends it.

    Raises `LossLost`, KeyboardInterrupt on Ctrl-C once a step is over and its checkpoint written, and whatever a batch
    or a callback raises.
    """
    with interrupts() as interrupted:
        conductor = _conductor(model, batches, plan, state, callbacks, interrupted)
        conductor.begin()
        while state.epoch < plan.epochs and not state.stopped:
            if state.step:
                model.test_on_batch(*batches.batch(state.epoch, 0))  # makes the metrics, whose sums go on
            # also after the rest of an epoch, for `fit` may end by putting averages in place of the weights
            checkpoints.restore(state, model)
            conductor.first = state.step
            model.fit(
                as_dataset(batches, lambda: (state.epoch, conductor.first)),
                validation_data=plan.validation,
                validation_batch_size=VALIDATED,
                initial_epoch=state.epoch,
                epochs=state.epoch + 1 if state.step else plan.epochs,  # the rest of an epoch first
                callbacks=conductor,
                shuffle=False,  # Keras would shuffle the batches
                verbose=0,
            )
        conductor.end()
        if interrupted.is_set():
            raise KeyboardInterrupt


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that a step is never torn; the next one interrupts as ever."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield event
        return
    usual = signal.getsignal(signal.SIGINT) or signal.default_int_handler

    def note(number: int, frame: Any) -> None:
        event.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, usual)


def _conductor(
    model: Any, batches: Batches, plan: Plan, state: State, callbacks: Sequence[Any], interrupted: threading.Event
) -> Any:
    """A list of callbacks that sees one training where Keras sees one or two, and looks after it."""
    callback_list: Any = need("keras").callbacks.CallbackList
    steps, began = batches.steps, monotonic() - state.seconds

    class Conductor(callback_list):
        first = 0  # step that this call of `fit` begins with

        def __init__(self) -> None:
            super().__init__(list(callbacks), add_history=True, model=model, epochs=plan.epochs, steps=steps, verbose=0)
            self.checked, self.written = state.step, monotonic()
            self.loss: float | None = None
            self.logs: Any = None

        def begin(self) -> None:
            super().on_train_begin()

        def end(self) -> None:
            super().on_train_end(self.logs)

        def on_train_begin(self, logs: Any = None) -> None:
            """Nothing: `fit` may be called twice."""

        on_train_end = on_train_begin

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            super().on_epoch_begin(epoch, logs)
            if state.step:
                checkpoints.assign(self.model.metrics_variables, state.values["metrics"])
            self.begins = True

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if self.begins and state.step:
                set_generators(state.values.get("generators", []))
            elif self.begins:
                seed_generators(batches.seed, state.epoch)
            self.begins = False
            super().on_train_batch_begin(self.first + batch, logs)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            state.step = min(self.first + batch + 1, steps)
            super().on_train_batch_end(state.step - 1, logs)
            self.check(float(logs["loss"]))
            if state.step == steps:
                return  # the end of the epoch is near
            if interrupted.is_set() or monotonic() - self.written > EVERY:
                self.check_weights()
                self.write()
            if interrupted.is_set():
                raise KeyboardInterrupt

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            super().on_epoch_end(epoch, logs)
            if "val_loss" in logs:
                self.check(float(logs["val_loss"]))
            self.check_weights()
            self.logs, self.checked = logs, 0
            for name, value in logs.items():
                state.history.setdefault(name, []).append(float(value))
            state.epoch, state.step, state.steps = epoch + 1, 0, state.steps + state.step
            self.judge(logs)
            self.write()
            if interrupted.is_set() and not state.stopped and state.epoch < plan.epochs:
                raise KeyboardInterrupt

        def judge(self, logs: Any) -> None:
            """Keep the best weights, and stop when there were no better ones for long."""
            if plan.patience is None:
                state.kept = state.epoch
            elif logs["val_loss"] < state.best:
                state.best, state.kept = float(logs["val_loss"]), state.epoch
                state.values["best"] = copies(self.model.weights)
            elif state.epoch - state.kept >= plan.patience:
                self.model.stop_training = True
            state.stopped = self.model.stop_training

        def check(self, loss: float) -> None:
            """The mean loss of an epoch is no number from the first step on whose loss is none."""
            if not isfinite(loss):
                raise LossLost(state.epoch, range(self.checked, state.step), loss, self.loss)
            self.checked, self.loss = state.step, loss

        def check_weights(self) -> None:
            """The last step may have spoiled them, which only the next loss would tell."""
            if not all(np.isfinite(weight).all() for weight in copies(self.model.weights)):
                raise LossLost(state.epoch, range(state.step - 1, state.step), nan, self.loss)

        def write(self) -> None:
            self.written = monotonic()
            state.seconds = self.written - began
            if plan.folder:
                checkpoints.remember(state, self.model)
                checkpoints.write(plan.folder, state, plan.identity)

    return Conductor()
