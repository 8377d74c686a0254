"""Look at a Keras model that a student's code returned: in a second sandbox, where no student's code ever ran.

A model arrives as the file that Keras saves: layers by name, weights, and how it was compiled. What a file names is
looked through before, for Keras can be made to import and to call what a file says. The second sandbox builds the
model anew and looks at it with the problem's own `observe`; what comes back is plain.
"""

import io
import json
import shutil
import socket
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from convlab.exercises.calling import Call
from convlab.exercises.catalogue import catalogue, load, teachers_files
from convlab.exercises.judging import Unusable, observed
from convlab.exercises.problem import Case, Problem
from convlab.grading.examination import wire
from convlab.grading.examination.asking import Given, Model, travelling
from convlab.grading.examination.hosts import Host, Job
from convlab.grading.sandbox import Level, Limits

SECONDS = 30.0  # for the models of one answer
MOST = 64 * 2**20  # bytes of a model's file, unpacked
ENTRIES = 50
MODULES = {"activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "models"}
MODULES |= {"optimizers", "optimizers.schedules", "random", "regularizers", "src.models.functional"}
CALLING = {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "__lambda__"}  # run what a file says


class Inspector:
    """The second sandbox; started when it is first needed."""

    def __init__(self, level: Level) -> None:
        self._level = level

    @cached_property
    def _host(self) -> Host:
        return Host(self._level, (), "inspect")

    def close(self) -> None:
        """End the sandbox."""
        if "_host" in self.__dict__:
            self._host.close()

    def inspect(self, problem: Problem, answers: Sequence[Sequence[Call]]) -> list[list[Call]]:
        """The answers with what the problem's `observe` says of them in place of models."""
        job = Job(self._host, Limits(SECONDS, int(SECONDS), 2**31))
        until = time.monotonic() + SECONDS
        seen: list[list[Call]] = []
        try:
            for calls in answers:
                seen.append([])
                for answer in calls:
                    seen[-1].append(self._one(job, problem, answer, until))
        except (wire.Broken, wire.TooSlow) as error:
            seen[-1].append(replace(answer, value=None, error=Unusable(f"your model cannot be looked at ({error}).")))
        finally:
            job.close()
        return seen + [[] for _ in answers[len(seen) :]]

    def _one(self, job: Job, problem: Problem, answer: Call, until: float) -> Call:
        if answer.error is not None:
            return answer
        if isinstance(answer.value, Model) and (words := complaint(answer.value.content)):
            return replace(answer, value=None, error=Unusable(words))
        encoder = wire.Encoder(_travelling)
        question = {
            "id": problem.id,
            "load": [str(path) for path in teachers_files()],
            "case": encoder.encode((tuple(answer.case.args), dict(answer.case.kwargs))),
            "value": encoder.encode(answer.value),
            "files": [[name, encoder.append(_harmless(name, content))] for name, content in answer.files],
        }
        job.ask(encoder.frame(question), until)
        told, content = job.hear(until, wire.MOST)
        if "error" in told:
            return replace(answer, value=None, error=Unusable(str(told["error"])[:500]))
        return replace(answer, value=wire.Decoder(content).decode(told["value"]))


def _travelling(value: Any, encoder: wire.Encoder) -> Any:
    return {"given": value.place} if isinstance(value, Given) else travelling(value, encoder)


def _harmless(name: str, content: bytes) -> bytes:
    """The content of a file; nothing for one that Keras should not read."""
    return b"" if name.endswith(".keras") and complaint(content) else content


def complaint(content: bytes) -> str:
    """Why Keras should not read a file, or an empty text."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > MOST:
                return "your model's file is far too large."
            with archive.open("config.json") as file:
                config = json.loads(file.read(2**20))
            named = list(_named(config))
    except (ValueError, KeyError, OSError, RecursionError, zipfile.BadZipFile, NotImplementedError):
        return "your model cannot be read from the file that Keras writes of it."
    for module, name, registered in named:
        inner = str(module).removeprefix("keras.")
        if name in CALLING:
            return f"your model has a part that cannot be looked at, {name}: use the layers of keras.layers."
        known = inner in MODULES or (module, name) == ("builtins", "function") or module == "keras"
        if not known or ">" in str(registered or ""):
            return f"your model has a part of your own, {name}: use the layers of keras.layers."
    return ""


def _named(config: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Module, class and registered name of everything that a configuration names."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config.get("module"), config["class_name"], config.get("registered_name")
        for value in config.values():
            yield from _named(value)
    elif isinstance(config, list):
        for value in config:
            yield from _named(value)


def look(job: socket.socket, pipe: int) -> None:
    """The life of a child in the second sandbox: build each model, look at it, and say what was seen."""
    while True:
        try:
            question, content = wire.receive(job)
        except wire.Broken:
            return
        try:
            encoder = wire.Encoder()
            value = _seen(question, content)
            frame = encoder.frame({"value": encoder.encode(value)})
        except Exception as error:
            frame = wire.Encoder().frame({"error": str(error)[:500] or type(error).__name__})
        wire.send(job, frame)


def _seen(question: dict[str, Any], content: bytes) -> Any:
    problem = _problem(question)
    plain = wire.Decoder(content)
    special: dict[str, Callable[[Any], Any]] = {
        "model": lambda where: _model(plain.bytes_at(where)),
        "folder": _folder,
        "given": lambda place: [*args, *kwargs.values()][place],
    }
    decode = wire.Decoder(content, special).decode
    args, kwargs = decode(question["case"])
    folders = [value for value in (*args, *kwargs.values()) if isinstance(value, Path)]
    for name, where in question["files"] if folders else []:
        _write(folders[0], name, plain.bytes_at(where))
    answer = observed(problem, Call(decode(question["value"]), case=Case(args, kwargs)))
    if answer.error is not None:
        raise answer.error
    return answer.value


def _folder(name: str) -> Path:
    """A new empty folder of this name."""
    folder = Path(name).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _problem(question: dict[str, Any]) -> Problem:
    for path in {Path(name) for name in question["load"]} - set(teachers_files()):
        load(path)
    return catalogue().find(question["id"])


def _write(folder: Path, name: str, content: bytes) -> None:
    """A file as the student's function left it, and never outside of its folder."""
    path = (folder / name).resolve()
    if folder.resolve() in path.parents:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _model(content: bytes) -> Any:
    import keras

    file = Path("looked-at.keras").absolute()
    file.write_bytes(content)
    model = keras.saving.load_model(file)
    file.unlink()
    return model
