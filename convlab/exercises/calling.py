"""Call a learner's function on one case: on copies, for a limited time, with what it prints kept away from the page."""

import ctypes
import io
import logging
import re
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from convlab.exercises.problem import Case, Fresh

MOST_PRINTED = 2_000  # characters that are kept
NOT_TEXT = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")  # colours, and progress bars that go back
AGAIN = 0.1  # seconds until a function that caught the end of its time is told once more


class TimeUp(BaseException):
    """Not an `Exception`, so that `except Exception` in a learner's loop does not catch it."""


@dataclass(frozen=True)
class Call:
    """What came of a call.

    printed: the beginning of what went to the output and the error output. warned: Python's first warning. changed:
    positions or names of arguments that the function altered. line: the learner's own line on the way to an error, its
    number in its cell or file, and its text. files: names and contents of those left in a folder, where the call was in
    another process. case: the call with arrays as they were given, and with
    those things that were made anew for it, as it left them.
    """

    value: Any = None
    error: BaseException | None = None
    printed: str = ""
    warned: str = ""
    changed: tuple[str, ...] = ()
    seconds: float = 0.0
    line: tuple[int, str] | None = None
    files: tuple[tuple[str, bytes], ...] = ()
    case: Case = field(default_factory=Case)

    @property
    def out_of_time(self) -> bool:
        return isinstance(self.error, TimeUp)


def call(function: Callable[..., Any], case: Case, seconds: float) -> Call:
    """Call `function` as `case` says; whatever it does is told, not raised, but for Ctrl+C."""
    made = Case(made_anew(case.args), made_anew(dict(case.kwargs)))
    args, kwargs = fresh(made.args), fresh(made.kwargs)
    printed = _Bounded()
    value, error, line, warned = None, None, None, list[str]()
    start = time.perf_counter()
    try:
        with _warnings(function) as warned, redirect_stdout(printed), redirect_stderr(printed), time_limit(seconds):
            value = function(*args, **kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as caught:
        error, line = caught, own_line(caught, function)
    taken = time.perf_counter() - start
    positions = {str(place): pair for place, pair in enumerate(zip(args, made.args, strict=True))}
    names = {name: (kwargs[name], original) for name, original in made.kwargs.items()}
    changed = tuple(name for name, pair in (positions | names).items() if not _same(*pair))
    return Call(value, error, printed.text, warned[0] if warned else "", changed, taken, line, case=made)


def own_line(error: BaseException, function: Callable[..., Any]) -> tuple[int, str] | None:
    """The last line of the learner's own code on the way to the error: its number in its cell or file, and its text.

    The code of a called library is not the learner's, so lines of other files than the function's are passed over.
    """
    code = getattr(function, "__code__", None)
    own = [f for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename]
    if not own or own[-1].lineno is None:
        return None
    return own[-1].lineno, (own[-1].line or "").strip()


@contextmanager
def _warnings(function: Callable[..., Any]) -> Iterator[list[str]]:
    """Collect what Python warns of in the function's own file, each place once a call, also where it did so before.

    What libraries log, or warn their own authors of, is kept away.
    """
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    said: list[str] = []
    with _no_logs, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("default")
        try:
            yield said
        finally:
            said += [f"{w.category.__name__}: {w.message}" for w in found if w.filename == own]


class _NoLogs:
    """Nothing up to a warning is logged while any thread is inside; the last one to leave puts it back as it was."""

    def __init__(self) -> None:
        self._lock, self._inside, self._before = threading.Lock(), 0, logging.NOTSET

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = logging.root.manager.disable
                logging.disable(logging.WARNING)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                logging.disable(self._before)


_no_logs = _NoLogs()


def made_anew(arguments: Any) -> Any:
    """The arguments with each `Fresh` replaced by what it makes."""
    if isinstance(arguments, dict):
        return {name: value.make() if isinstance(value, Fresh) else value for name, value in arguments.items()}
    return tuple(value.make() if isinstance(value, Fresh) else value for value in arguments)


def fresh(value: Any) -> Any:
    """A copy of arrays and of what holds them; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(map(fresh, value))
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in value.items()}
    return value


def _same(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray):
        alike = isinstance(a, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and a.tobytes() == b.tobytes()  # which NaN equals, too, and which takes a tenth of the time
    if isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in b)
    return True  # anything else was not copied


class _Bounded(io.TextIOBase):
    """A file that keeps the beginning of what is written to it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._length < MOST_PRINTED:
            self._parts.append(text[: MOST_PRINTED - self._length])
        self._length += len(text)
        return len(text)

    @property
    def text(self) -> str:
        shown = NOT_TEXT.sub("", "".join(self._parts))
        return shown if self._length <= MOST_PRINTED else f"{shown}\n... and {self._length - MOST_PRINTED:,} characters"


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` inside of the block when it takes longer, and again should the block catch it.

    An alarm of the operating system ends waiting too. Where there is none (on Windows, or in another thread than the
    main one) the thread is told between two steps of Python. An import is let finish, for half a library is worse.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _watchdog(seconds):
            yield


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        if not _is_importing(frame):
            raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), AGAIN)
        yield
    finally:
        try:  # twice, for the alarm may ring right here
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    watched, done = threading.get_ident(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            if not _is_importing(sys._current_frames().get(watched)):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(watched), ctypes.py_object(TimeUp))
            wait = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        try:  # twice, for the time may be up right here
            done.set()
        finally:
            done.set()
            watcher.join()
            _let_it_arrive()


def _is_importing(frame: FrameType | None) -> bool:
    """Does what was called import something just now? What imports the caller does not count."""
    while frame is not None and frame.f_code is not call.__code__:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _let_it_arrive() -> None:
    """Let an end of time that is on its way come now. (Taking it back would slow Python 3.11 down for good.)"""
    try:
        for _ in range(100):
            pass
    except TimeUp:
        pass
