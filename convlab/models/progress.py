"""A progress bar for `fit`, in notebooks and in terminals."""

import sys
from time import monotonic
from typing import Any

from convlab.optional import need

EVERY = 0.2  # seconds between two updates; more would slow the training down


def progress_bar() -> Any:
    """A Keras callback for `fit(..., verbose=0, callbacks=[progress_bar()])`.

    In a notebook it is a widget; in a terminal, a line that is written over; where neither is (a file, a pipe), a line
    for each epoch. It shows the epoch, the part of it that is done, the time left, and loss and metrics so far.
    """
    keras = need("keras")

    callback: Any = keras.callbacks.Callback

    class ProgressBar(callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.show = _display()
            self.began, self.last = monotonic(), 0.0
            self.before: float | None = None

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            steps, epochs = self.params.get("steps") or 0, self.params.get("epochs") or 1
            done = (self.epoch + (batch + 1) / steps) / epochs if steps else 0.0
            if self.before is None:  # not 0 where training goes on from a checkpoint
                self.before = (self.epoch + batch / steps) / epochs if steps else 0.0
            if monotonic() - self.last > EVERY:
                self.last = monotonic()
                here = done - self.before
                left = (self.last - self.began) * (1 - done) / here if here > 0 else None
                self.show(done, f"epoch {self.epoch + 1} of {epochs}{_numbers(logs)}{_time_left(left)}", False)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            epochs = self.params.get("epochs") or 1
            self.show((epoch + 1) / epochs, f"epoch {epoch + 1} of {epochs}{_numbers(logs)}", True)

    return ProgressBar()


def _numbers(logs: Any) -> str:
    return "".join(f", {name} {float(value):.4f}" for name, value in (logs or {}).items())


def _time_left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f", {minutes}:{rest:02} left"


def _display() -> Any:
    """show(done from 0 to 1, words, is an epoch over) for the place where this runs."""
    if _in_notebook():
        from convlab.widgets.progress import Progress

        bar = Progress()
        need("IPython.display").display(bar)
        return bar.show
    return _on_terminal if sys.stderr.isatty() else _in_lines


def _in_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")


def _on_terminal(done: float, words: str, over: bool) -> None:
    filled = round(20 * done)
    end = "\n" if over else ""
    print(f"\r\033[K[{'#' * filled}{'.' * (20 - filled)}] {words}", end=end, file=sys.stderr, flush=True)


def _in_lines(done: float, words: str, over: bool) -> None:
    if over:
        print(words, file=sys.stderr, flush=True)
