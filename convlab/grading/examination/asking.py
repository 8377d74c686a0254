"""What the grader sends of a problem, and what it makes of the answers: nothing of it is trusted, nothing is run."""

import builtins
import inspect
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from convlab.exercises.calling import Call, TimeUp, made_anew
from convlab.exercises.problem import Case, Fresh, Problem
from convlab.grading.examination import wire

MOST_SHARED = 500  # questions
FILES = 20  # of a folder
PLAIN = (type(None), bool, int, float, str, tuple, list, dict)


class Model:
    """A Keras model in the file that Keras saves; only a sandbox reads it."""

    def __init__(self, content: bytes) -> None:
        self.content = content


class Given:
    """The very argument that was given, at this place."""

    def __init__(self, place: int) -> None:
        self.place = place


class Question:
    """Some cases of a problem, to be called in the sandbox; a new one for each child.

    Arguments that are plain travel; a model travels as its file, a folder as an empty one; what else there is (a
    function, a stand-in for a library) stays here, and is asked by name. plain: whether all arguments are. heavy:
    whether answers may be models.
    """

    def __init__(self, problem: Problem, cases: Sequence[Case]) -> None:
        self.heavy = bool(problem.needs)
        self.plain = not any(_is_fresh(case) for case in cases)
        self._there: list[Any] = []
        shared = _shared.get((problem, tuple(cases)))
        if shared:
            self.made, self._frame = shared
            return
        self.made = [_made(case) for case in cases]
        self._frame = _frame(problem, self.made, self._special)
        if not self._there:  # what stays here keeps what was done to it
            if len(_shared) == MOST_SHARED:
                _shared.clear()
            _shared[problem, tuple(cases)] = self.made, self._frame

    def frame(self, seconds: float, patiently: bool = False) -> bytes:
        """What is sent: how long all cases together may take, whether each is answered by itself, and the cases."""
        return wire.Encoder().frame({"seconds": seconds, "patiently": patiently}) + self._frame

    def _special(self, value: Any, encoder: wire.Encoder) -> Any:
        return travelling(value, encoder) or self._stays(value)

    def _stays(self, value: Any, encoder: wire.Encoder | None = None) -> Any:
        """How something is sent that stays here; None for what travels."""
        if type(value) in PLAIN or hasattr(value, "dtype"):
            return None
        self._there.append(value)
        return {"there": [len(self._there) - 1, repr(value)[:200]]}

    def reply(self, asked: Any, content: bytes) -> bytes:
        """The answer to a child that asks about something that stayed here; raises `wire.Broken`.

        It may read what has a public name, and call what it was given: `Fresh` arguments are made for that.
        """
        decoder = wire.Decoder(content, {"there": self._known})
        try:
            of, name = self._known(asked["of"]), asked["name"]
            values = decoder.decode(asked["values"])
        except (KeyError, TypeError) as error:
            raise wire.Broken("a question about nothing") from error
        encoder = wire.Encoder(self._stays)
        try:
            if name is None:
                args, kwargs = values
                value = of(*args, **kwargs)
            elif isinstance(name, str) and name.isidentifier() and not name.startswith("_"):
                value = getattr(of, name)
            else:
                raise wire.Broken("a question about a private name")
            return encoder.frame({"value": encoder.encode(value)})
        except wire.Broken:
            raise
        except Exception as error:
            return wire.Encoder().frame({"error": [type(error).__name__, str(error)[:1_000]]})

    def _known(self, number: Any) -> Any:
        if type(number) is not int or not 0 <= number < len(self._there):
            raise wire.Broken("a question about nothing")
        return self._there[number]

    def call(self, place: int, told: Any, content: bytes) -> Call:
        """What came of a case, from what the child told; raises `wire.Broken`."""
        try:
            return self._call(place, told, content)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise wire.Broken("a call that is none") from error

    def _call(self, place: int, told: Any, content: bytes) -> Call:
        case = self.made[place]
        seconds = min(max(float(told["seconds"]), 0.0), 3_600.0)
        if "error" in told:
            return Call(error=_error(*told["error"]), seconds=seconds, line=_line(told.get("line")), case=case)
        decoder = wire.Decoder(content)
        special = {"model": lambda place: Model(decoder.bytes_at(place)), "given": _given, "there": self._known}
        decoder = wire.Decoder(content, special)
        return Call(
            decoder.decode(told["value"]),
            printed=str(told.get("printed", ""))[:2_100],
            warned=str(told.get("warned", ""))[:500],
            changed=tuple(str(name)[:50] for name in told.get("changed", [])[:20]),
            seconds=seconds,
            files=tuple((str(name)[:100], decoder.bytes_at(place)) for name, place in told.get("files", [])[:FILES]),
            case=case,
        )


_shared: dict[tuple[Problem, tuple[Case, ...]], tuple[list[Case], bytes]] = {}  # the same for every student


def _given(place: Any) -> Given:
    if type(place) is not int:
        raise wire.Broken("an argument at no place")
    return Given(place)


def _made(case: Case) -> Case:
    return Case(made_anew(case.args), made_anew(dict(case.kwargs)))


def _is_fresh(case: Case) -> bool:
    return any(isinstance(value, Fresh) for value in (*case.args, *case.kwargs.values()))


def _frame(problem: Problem, cases: Sequence[Case], special: Callable[..., Any]) -> bytes:
    encoder = wire.Encoder(special)
    signature = [
        [parameter.name, [] if parameter.default is inspect.Parameter.empty else [encoder.encode(parameter.default)]]
        for parameter in problem.signature.parameters.values()
    ]
    message = {
        "id": problem.id,
        "signature": signature,
        "cases": [encoder.encode((tuple(case.args), dict(case.kwargs))) for case in cases],
    }
    return encoder.frame(message)


def travelling(value: Any, encoder: wire.Encoder) -> Any:
    """How folders and models travel; None for anything else."""
    if isinstance(value, Path):
        return {"folder": value.name}
    if isinstance(value, Model):
        return {"model": encoder.append(value.content)}
    if type(value).__module__.partition(".")[0] == "keras":
        return {"model": encoder.append(_saved(value))}
    return None


_files_of_models: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()


def _saved(model: Any) -> bytes:
    """A model as Keras saves it."""
    if model not in _files_of_models:
        with tempfile.TemporaryDirectory(prefix="convlab-") as folder:
            file = Path(folder, "model.keras")
            model.save(file)
            _files_of_models[model] = file.read_bytes()
    return _files_of_models[model]


def _error(kind: str, arguments: list[Any]) -> BaseException:
    """An exception like the child's: of Python's own kinds as such, others as a kind of that name."""
    if kind == TimeUp.__name__:
        return TimeUp()
    plain = [value for value in arguments[:5] if isinstance(value, (str, int, float, bool, type(None)))]
    known = getattr(builtins, kind, None) if isinstance(kind, str) else None
    if isinstance(known, type) and issubclass(known, BaseException):
        try:
            return known(*plain)
        except Exception:
            return known()
    name = kind[:60] if isinstance(kind, str) and kind.isidentifier() else "Exception"
    return type(name, (Exception,), {})(*plain)


def _line(told: Any) -> tuple[int, str] | None:
    if told is None:
        return None
    number, text = told
    return int(number), str(text)[:200]
