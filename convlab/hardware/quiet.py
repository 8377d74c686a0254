"""Start TensorFlow without the log lines of its C++ code, and without losing a real error."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Import TensorFlow inside of this, without the log lines that its C++ code writes while it starts.

    Those lines (which CPU instructions it found, that there is no GPU) say nothing about your code, and differ from
    machine to machine. TensorFlow's log level becomes "errors" where you have not chosen one by TF_CPP_MIN_LOG_LEVEL,
    and what is written to file descriptor 2 is held back until the end: it is thrown away if all went well, and
    written if the import failed.

    >>> with quiet_tensorflow():
    ...     import tensorflow as tf
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # 0 all, 1 no info, 2 no warnings, 3 no errors
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(before, held.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)
