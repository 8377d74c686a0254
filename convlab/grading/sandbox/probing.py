"""Which level this machine gives: found out by starting a zygote, and a fork that tries to get out."""

import functools
import platform
import shutil
import socket
import subprocess
import tempfile
from typing import IO

from convlab.errors import ConvlabError
from convlab.grading.sandbox import bubblewrap, filter
from convlab.grading.sandbox.levels import Level
from convlab.grading.sandbox.starting import CONFINE, start
from convlab.grading.sandbox.view import View

PATIENCE = 60  # seconds; for a Python to start
ESCAPES = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
import confine

def job():
    open("own file", "w").close()
    for escape in (os.fork, socket.socket, lambda: open(sys.argv[2]), lambda: open("/outside", "w")):
        try:
            escape()
        except OSError:
            continue
        os._exit(1)

cage = confine.settle()
if sys.argv[3] == "bubblewrap" and os.path.exists(sys.argv[2]):
    sys.exit("bubblewrap shows what it should not")
end = cage.run(job, confine.Limits())
sys.exit(f"a fork ended with status {end.status}" if end.status or end.reason else 0)
"""


def level(at_best: Level = Level.BUBBLEWRAP) -> Level:
    """The best level that works here, but none better than `at_best`.

    The first call starts a Python for each level that it tries; the answer is remembered.
    """
    levels = list(Level)
    return next(each for each in levels[levels.index(at_best) :] if not failure(each))


@functools.cache
def failure(each: Level) -> str:
    """Why a level does not work here, in the words of the machine; an empty text when it works."""
    if each is Level.NONE:
        return ""
    if not filter.build():
        return f"no system calls are known for {platform.system()} on {platform.machine()}"
    if each is Level.BUBBLEWRAP and not shutil.which(bubblewrap.PROGRAM):
        return "bubblewrap is not installed"
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as words:
        arguments = ["-c", ESCAPES, str(CONFINE.parent), __file__, each]
        try:
            zygote = start(each, arguments, View(shown=(CONFINE,)), pass_fd=theirs.fileno(), stderr=words)
            return "" if zygote.wait(PATIENCE) == 0 else _last_line(words) or f"exit status {zygote.returncode}"
        except subprocess.TimeoutExpired:
            zygote.kill()
            return f"no answer within {PATIENCE} seconds"
        except (OSError, ConvlabError) as error:
            return str(error)


def _last_line(words: IO[bytes]) -> str:
    words.seek(0)
    lines = words.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
