"""Start TensorFlow without the log lines of its C++ code, and without losing a real error."""

import faulthandler
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import IO


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Import TensorFlow inside of this, without the log lines that its C++ code writes while it starts.

    Those lines (which CPU instructions it found, that there is no GPU) say nothing about your code, and differ from
    machine to machine. TensorFlow's log level becomes "errors" where you have not chosen one by TF_CPP_MIN_LOG_LEVEL,
    and what is written to file descriptor 2 is held back until the end: it is thrown away if all went well, and
    written if the import failed. What Python itself says, such as a warning, is not held back; and where the C++ code
    ends the process, Python says in which line that happened, and `convlab doctor` says why.

    >>> with quiet_tensorflow():
    ...     import tensorflow as tf
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # 0 all, 1 no info, 2 no warnings, 3 no errors
    if sys.stderr is None:  # a program without a window has none
        yield
        return
    sys.stderr.flush()
    before = os.dup(2)
    watched = faulthandler.is_enabled()
    ours = os.fdopen(os.dup(before), "w", encoding="utf-8", errors="replace") if sys.stderr is sys.__stderr__ else None
    with _place_to_hold() as held, redirect_stderr(ours or sys.stderr):
        os.dup2(held.fileno(), 2)
        faulthandler.enable(before)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(before, held.read())
            raise
        finally:
            os.dup2(before, 2)
            faulthandler.disable()
            if watched:
                faulthandler.enable(2)
            os.close(before)
            if ours:
                ours.close()


def _place_to_hold() -> IO[bytes]:
    """A file for what is held back; nothing can be held where nothing can be written."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")
