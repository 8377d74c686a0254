"""The side of grading that runs in the sandbox: a zygote that forks a child for each notebook, and that child.

The zygote imports what every notebook needs, once, and never runs a student's code. The child talks with the grader on
a socket, and tells a pipe where it is, for when it never gets to say more. It runs the cells, then the cases that it is
sent, and says what came of each. It knows no expected result.
"""

import functools
import importlib
import inspect
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from convlab.exercises.calling import Call, call, time_limit
from convlab.exercises.problem import Case
from convlab.exercises.taking import misfit, start_libraries, taker
from convlab.grading.examination import wire
from convlab.grading.examination.executing import Executed, execute
from convlab.grading.examination.standins import forbid
from convlab.grading.sandbox.confine import Cage, Limits
from convlab.hardware.quiet import quiet_tensorflow

FILES, BYTES = 20, 16 * 2**20  # that a student's function may leave in its folder
HANDFUL = 0.002  # seconds of work that are told at once
ENCODING = 2.0  # seconds for turning a result into a frame


def serve(control: socket.socket, cage: Cage, work: Callable[[socket.socket, int], None]) -> None:
    """Fork a child for each job until the grader is gone; the zygote's whole life.

    A job comes as its limits, in JSON, with three descriptors: the socket for the child, the pipe that tells where it
    is, and one whose hanging up ends it. How it ended is told as JSON. Of the job itself nothing passes through here,
    where the next child could find it.
    """
    while True:
        message, descriptors, *_ = socket.recv_fds(control, 4096, 3)
        if not message:  # the grader is gone
            os._exit(0)
        line, pipe, leash = descriptors
        run = functools.partial(work, socket.socket(fileno=line), pipe)
        end = cage.run(run, Limits(**json.loads(message)), keep=(line, pipe), lifeline=control.fileno(), leash=leash)
        run.args[0].close()
        os.close(pipe)
        os.close(leash)
        control.sendall(json.dumps(asdict(end)).encode() + b"\n")


def take_exam(line: socket.socket, pipe: int) -> None:
    """The life of a child that runs a student's notebook: cells first, then what the grader asks."""
    message, _ = wire.receive(line)
    forbid(message["forbidden"])
    Student(line, pipe, message).answer()


class Student:
    """A notebook in its sandbox, which answers the grader's questions."""

    def __init__(self, job: socket.socket, pipe: int, message: dict[str, Any]) -> None:
        self._job, self._pipe, self._scratch = job, pipe, Path.cwd()
        self._content = b""
        self._executed: Executed = execute(
            message["cells"], message["seconds"], self._begins, skipped=message["skipped"]
        )

    def _begins(self, cell: int) -> None:
        os.write(self._pipe, cell.to_bytes(2, "big"))

    def answer(self) -> None:
        """Say that the cells have run, and then what each question asks for, until there are no more."""
        self._send({"remarks": self._executed.remarks})
        while True:
            try:
                manner, _ = wire.receive(self._job)
                question, self._content = wire.receive(self._job)
            except wire.Broken:
                return
            self._cases(**question, **manner)

    def _send(self, message: Any, encoder: wire.Encoder | None = None) -> None:
        wire.send(self._job, (encoder or wire.Encoder()).frame(message))

    def _cases(self, id: str, signature: list[Any], cases: list[Any], seconds: float, patiently: bool) -> None:
        """Call the function on each case, as long as there is time.

        Answers are sent by the handful; patiently: each by itself, so that none is lost should the next one end Python.
        """
        function = self._executed.function(id)
        if function is None:
            return self._send({"missing": self._executed.trouble.get(id, "")})
        wanted = self._signature(signature)
        decode = self._decoder().decode
        decoded = [Case(*decode(case)) for case in cases]
        if not callable(function):
            return self._send({"misfit": misfit(id, wanted, function, [])})
        taken = [case for case in map(taker(wanted, function), decoded) if case is not None]
        if len(taken) < len(decoded):
            return self._send({"misfit": misfit(id, wanted, function, decoded)})
        if self._executed.is_untouched(function):
            return self._send({"untouched": True})
        start_libraries(function)
        answers = Answers(self._send, 0.0 if patiently else HANDFUL)
        for case in taken:
            answer = call(function, case, seconds)
            seconds = 0 if answer.out_of_time else seconds - answer.seconds
            self._tell(answer, answers)
            if seconds <= 0 or isinstance(answer.error, NotImplementedError):
                break
        answers.send(over=True)

    def _signature(self, parameters: list[Any]) -> inspect.Signature:
        """From the names and the defaults, which are lists of one or none."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        decode = wire.Decoder(self._content).decode
        return inspect.Signature(
            [
                inspect.Parameter(name, kind, default=decode(default[0]) if default else inspect.Parameter.empty)
                for name, default in parameters
            ]
        )

    def _decoder(self) -> wire.Decoder:
        return wire.Decoder(self._content, {"there": self._there, "model": self._model, "folder": self._folder})

    def _there(self, inside: Any) -> "There":
        return There(self._ask, *inside)

    def _ask(self, question: dict[str, Any], values: Any = None) -> Any:
        """Ask the grader about something that stayed there."""
        encoder = wire.Encoder(_there_or_none)
        self._send({"ask": {**question, "values": encoder.encode(values)}}, encoder)
        answer, content = wire.receive(self._job)
        decoder = wire.Decoder(content, {"there": self._there})
        if "error" in answer:
            kind, words = answer["error"]
            raise getattr(importlib.import_module("builtins"), kind, Exception)(words)
        return decoder.decode(answer["value"])

    def _model(self, place: Any) -> Any:
        """A Keras model that the grader made."""
        import keras

        file = self._scratch / "given.keras"
        file.write_bytes(wire.Decoder(self._content).bytes_at(place))
        model = keras.saving.load_model(file)
        file.unlink()
        return model

    def _folder(self, name: str) -> Path:
        """An empty folder."""
        folder = self._scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _tell(self, answer: Call, answers: "Answers") -> None:
        """Say what came of a call; what cannot be said is an error, too."""
        message: dict[str, Any] = {"seconds": answer.seconds}
        if answer.printed or answer.warned or answer.changed:
            message.update(printed=answer.printed, warned=answer.warned[:500], changed=list(answer.changed))
        given = [*answer.case.args, *answer.case.kwargs.values()]
        try:
            if answer.error is not None:
                message["error"] = [type(answer.error).__name__, _arguments(answer.error)]
                message["line"] = answer.line and [answer.line[0], answer.line[1][:200]]
            elif isinstance(answer.value, (int, float, np.ndarray)):
                message["value"] = answers.encode(answer.value)
            else:
                with time_limit(ENCODING):  # for there may be a student's code behind any other value
                    special = functools.partial(self._special, given=given)
                    message["value"] = answers.encode(answer.value, special)
            folders = [value for value in given if isinstance(value, Path)]
            if folders:
                message["files"] = [[name, answers.append(content)] for name, content in _files(folders[0])]
        except BaseException as error:
            message = {
                "seconds": answer.seconds,
                "error": ["TypeError", [f"your result cannot be read: {error}"[:500]]],
            }
        answers.add(message)

    def _special(self, value: Any, encoder: wire.Encoder, given: Sequence[Any]) -> Any:
        """How models travel: as the file that Keras saves, or as the one that was given."""
        model: Any = getattr(sys.modules.get("keras"), "Model", None)
        if type(model) is not type or not isinstance(value, model):  # Keras is not there, or only a stand-in
            return _there_or_none(value, encoder)
        for place, one in enumerate(given):
            if one is value:
                return {"given": place}
        file = self._scratch / "result.keras"
        cast(Any, value).save(file)
        content = file.read_bytes()
        file.unlink()
        return {"model": encoder.append(content)}


class Answers:
    """Collects what came of calls, and sends it by the handful, once so many seconds have gone since the last one."""

    def __init__(self, send: Callable[[Any, wire.Encoder], None], seconds: float) -> None:
        self._send, self._seconds = send, seconds
        self._begin()

    def _begin(self) -> None:
        self._encoder, self._calls, self._since = wire.Encoder(), list[Any](), time.perf_counter()
        self.append = self._encoder.append

    def encode(self, value: Any, special: Callable[..., Any] | None = None) -> Any:
        """The JSON of a value."""
        self._encoder.special = special
        return self._encoder.encode(value)

    def add(self, call: dict[str, Any]) -> None:
        """Collect a call, whose values were encoded before."""
        self._calls.append(call)
        if time.perf_counter() - self._since >= self._seconds:
            self.send()

    def send(self, over: bool = False) -> None:
        """Send what there is. over: there are no more."""
        self._send({"calls": self._calls, "over": over}, self._encoder)
        self._begin()


class There:
    """Something that stays with the grader: what is done to it here is done there."""

    def __init__(self, ask: Callable[..., Any], number: int, shown: str) -> None:
        self.__dict__.update(_ask=ask, _number=number, _shown=shown)

    def __repr__(self) -> str:
        return self._shown

    def __eq__(self, other: object) -> bool:
        return isinstance(other, There) and other._number == self._number

    def __hash__(self) -> int:
        return hash(self._number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._ask({"of": self._number, "name": name})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask({"of": self._number, "name": None}, [args, kwargs])


def _there_or_none(value: Any, encoder: wire.Encoder) -> Any:
    return {"there": value._number} if isinstance(value, There) else None


def _arguments(error: BaseException) -> list[Any]:
    """An error's arguments where they are plain, else its text."""
    if all(type(argument) in (str, int, float, bool, type(None)) for argument in error.args):
        return [argument[:1_000] if isinstance(argument, str) else argument for argument in error.args[:5]]
    try:
        return [str(error)[:1_000]]
    except BaseException:  # of a student's own class
        return []


def _files(folder: Path) -> list[tuple[str, bytes]]:
    """The files that were left in a folder, as far as they are few and small."""
    found, size = [], 0
    for path in sorted(folder.rglob("*"))[:FILES]:
        if path.is_file() and not path.is_symlink() and size + path.stat().st_size <= BYTES:
            found.append((path.relative_to(folder).as_posix(), path.read_bytes()))
            size += len(found[-1][1])
    return found


def start_tensorflow(warm: bool) -> None:
    """Import TensorFlow and Keras; warm: use them once, too, which saves each child a third of a second.

    A fork has none of its parent's threads. TensorFlow computes without threads when it is told to use one and to run
    its functions step by step; but a child may ask for what needs them, and hang: then a cold one has to be tried.
    """
    os.environ.update(TF_NUM_INTEROP_THREADS="1", TF_NUM_INTRAOP_THREADS="1")
    with quiet_tensorflow():
        tf = importlib.import_module("tensorflow")
        keras = importlib.import_module("keras")
    if not warm:
        return
    tf.config.run_functions_eagerly(True)
    layers = keras.layers
    chain = [layers.Conv2D(1, 2, activation="relu"), layers.MaxPooling2D(1), layers.BatchNormalization()]
    chain += [layers.Flatten(), layers.Dense(2, activation="softmax")]
    model = keras.Sequential([keras.Input((3, 3, 1)), *chain])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model(np.zeros((1, 3, 3, 1), "float32"))
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model.keras"))
        keras.saving.load_model(Path(folder, "model.keras"))


REHEARSAL = (
    ("import numpy as np\n\nfrom math import pi", ""),
    ("%time 1\ndef f(x: np.ndarray, n: int = 1, *more: str) -> np.ndarray:\n    # why?\n    return n * x", "f"),
    ("def g(x, n):\n    raise NotImplementedError()\nassert 'f(' != 1", "g"),
)


def rehearse() -> None:
    """Do what every child does, with a notebook of our own: what is warm in the zygote is warm in its forks."""
    line, ours = socket.socketpair()
    reading, pipe = os.pipe()
    student = Student(line, pipe, {"cells": REHEARSAL, "seconds": 1.0, "skipped": []})
    signature = [["x", []], ["n", [1]]]
    for _ in range(10):  # until Python has adapted its code to what it is used for
        encoder = wire.Encoder()
        cases = [encoder.encode(((np.ones((2, 2)), 2), {})), encoder.encode(((1.5,), {"n": 3}))]
        wire.send(ours, encoder.frame({"id": "f", "signature": signature, "cases": cases}))
        question, student._content = wire.receive(line)
        student._cases(**question, seconds=1.0, patiently=True)
        for _ in range(3):
            wire.receive(ours)
    for end in (line, ours):
        end.close()
    for pipe_end in (reading, pipe):
        os.close(pipe_end)


def main(cage: Cage) -> None:
    """The zygote: told its socket, and what it is for: "numpy", "tensorflow", "cold" or "inspect"."""
    descriptor, purpose = int(sys.argv[1]), sys.argv[2]
    if purpose != "numpy":
        start_tensorflow(warm=purpose != "cold")
    rehearse()
    work = take_exam
    if purpose == "inspect":
        work = importlib.import_module("convlab.grading.examination.inspecting").look
    control = socket.socket(fileno=descriptor)
    control.sendall(b"r")
    serve(control, cage, work)
