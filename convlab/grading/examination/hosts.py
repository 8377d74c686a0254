"""Sandboxes that wait for work: a zygote in each, and a child of it for each notebook."""

import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.exercises.catalogue import teachers_files
from convlab.grading.examination import wire
from convlab.grading.sandbox import Level, Limits, View, start
from convlab.grading.sandbox.confine import End

# what the child needs of this package, and nothing that gives answers away
LIBRARY = (
    "errors.py",
    "exercises/calling.py",
    "exercises/comparing.py",
    "exercises/problem.py",
    "exercises/taking.py",
    "grading/examination/child.py",
    "grading/examination/executing.py",
    "grading/examination/magics.py",
    "grading/sandbox/confine.py",
    "grading/examination/standins.py",
    "grading/examination/wire.py",
    "hardware/quiet.py",
)
PACKAGE = Path(__file__).parents[2]
START = """import sys
from pathlib import Path

sys.path[:0] = [*sys.argv[3:], str(Path(__file__).parent)]
from convlab.grading.examination.child import main  # before the sandbox hides what has its name
from convlab.grading.sandbox.confine import settle

main(settle())
"""
PATIENCE = 120.0  # seconds for a zygote to start; TensorFlow takes long on a slow disk
SCRATCH = 64 * 2**20  # bytes that a notebook may write in all
LAST = 2**16  # bytes of the pipe that are read in the end


def write_library(folder: Path) -> Path:
    """Copy what the child needs into a folder; returns the file that starts it."""
    for name in LIBRARY:
        target = folder / "convlab" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, target)
    for inner in {(folder / "convlab" / name).parent for name in LIBRARY}:
        (inner / "__init__.py").touch()
    start = folder / "start.py"
    start.write_text(START, encoding="utf-8")
    return start


class Job:
    """One child, from its first word to its end. limits: what it may use."""

    def __init__(self, host: "Host", limits: Limits) -> None:
        self._host, self._place = host, -1
        self.socket, line = socket.socketpair()
        self._told, tell = os.pipe()
        end, self._leash = os.pipe()  # hangs up when this side closes it
        for pipe in (self._told, tell):
            os.set_blocking(pipe, False)  # neither does a flood hold its child up, nor silence the grader
        try:
            host.begin(limits, [line.fileno(), tell, end])
        finally:
            line.close()
            os.close(tell)
            os.close(end)

    def ask(self, frame: bytes, until: float) -> None:
        """Send a frame; raises `wire.Broken` or `wire.TooSlow`."""
        self.socket.settimeout(max(until - time.monotonic(), 0.01))
        wire.send(self.socket, frame)

    def hear(self, until: float, most: int) -> tuple[Any, bytes]:
        """The next frame; raises `wire.Broken` or `wire.TooSlow`."""
        return wire.receive(self.socket, until, most)

    def place(self) -> int:
        """The cell that the child was in last; -1 for none."""
        try:
            told = os.read(self._told, LAST)
        except OSError:  # nothing new
            told = b""
        if len(told) > 1:
            self._place = int.from_bytes(told[-2:], "big")
        return self._place

    def close(self) -> None:
        """End the child, if it still lives, without waiting for that."""
        self.socket.close()
        os.close(self._told)
        os.close(self._leash)
        self._host.busy = True

    def end(self) -> End:
        """End the child, if it still lives, and say how it ended."""
        self.close()
        return self._host.finish()


class Host:
    """A zygote in its sandbox. One job at a time."""

    def __init__(self, level: Level, forbidden: Sequence[str], purpose: str) -> None:
        """purpose: "numpy" or "tensorflow", started before the first job, or "inspect"."""
        self.forbidden = tuple(forbidden)
        self._level, self._purpose = level, purpose
        self._folder = tempfile.TemporaryDirectory(prefix="convlab-")
        self._start_file = write_library(Path(self._folder.name))
        self._process: Any = None
        self.busy = False  # with ending a child

    def begin(self, limits: Limits, descriptors: list[int]) -> None:
        """Fork a child that has these descriptors; starts the zygote, or another one where it died."""
        if self.busy:
            self.finish()
        message = json.dumps(asdict(limits)).encode()
        for last in (False, True):
            if self._process is None:
                self._start()
            try:
                socket.send_fds(self._control, [message], descriptors)
                return
            except OSError:
                self.close()
                if last:
                    raise

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        shown, found = [Path(self._folder.name)], []
        if self._purpose == "inspect":
            shown, found = [*shown, PACKAGE, *teachers_files()], [str(PACKAGE.parent)]
        view = View(hidden=self.forbidden, shown=tuple(shown))
        arguments = [str(self._start_file), str(theirs.fileno()), self._purpose, *found]
        self._process = start(self._level, arguments, view, scratch_bytes=SCRATCH, pass_fd=theirs.fileno())
        theirs.close()
        self._control.settimeout(PATIENCE)
        try:
            ready = self._control.recv(1)
        except OSError:
            ready = b""
        if ready != b"r":
            self.close()
            raise ConvlabError(
                f"the sandbox ({self._level.value}) does not start {self._purpose}: see what `convlab doctor` says."
            )

    def finish(self) -> End:
        """How the child ended; where the zygote died, too, as if it was killed."""
        self.busy = False
        words = b""
        try:
            while not words.endswith(b"\n"):
                part = self._control.recv(4096)
                if not part:
                    raise OSError
                words += part
        except OSError:
            self.close()
            return End("", -signal.SIGKILL, 0.0, 0.0)
        return End(**json.loads(words))

    def close(self) -> None:
        """End the zygote, and with it everything in its sandbox."""
        if self._process is not None:
            self._control.close()
            self._process.kill()
            self._process.wait()
            self._process = None
