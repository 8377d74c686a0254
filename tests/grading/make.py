"""Make submissions as students and learning platforms make them: right, wrong, untouched and odd.

    notebook("02_padding", {"pad": right("pad"), "padded_size": wrong("padded_size")[0]})     # bytes of one notebook
    write_canvas(tmp_path / "submissions.zip", classroom(30, "02_padding"))                   # a class

The notebooks are those in exercises/, so that all metadata is as learners have it.
"""

import ast
import inspect
import json
import random
import textwrap
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from convlab.exercises import catalogue
from convlab.exercises.problem import without_marks

ROOT = Path(__file__).parents[2]
DUE = datetime(2026, 11, 1, 12, tzinfo=UTC)
FIRST = "Ada Bela Chen Dima Élise Femi Göran Hana Ivo José Kofi Łukasz Mei Noor Olu Priya Quim Rosa Sven Thảo"
LAST = "Abe Brown Çelik Diaz Evans Faure Gómez Haddad Ito Jones Kaya Lee Müller Novák O'Hara Patel Rossi Singh"
TURNED = """


def _not_turned(right):
    return lambda image, kernel, *more, **named: right(image, kernel[::-1, ::-1], *more, **named)


{id} = _not_turned({id})"""


def right(id: str) -> str:
    """The course's own answer to a problem."""
    return without_marks(catalogue()[id].source)


def wrong(id: str) -> tuple[str, ...]:
    """Wrong answers, as code that needs nothing but NumPy as np: known mistakes first, then two at once."""
    found = tuple(source for _, source in mistakes(id)) + _written(id, "DOUBLES")
    return found or ((right(id) + TURNED.format(id=id),) if "kernel" in catalogue()[id].signature.parameters else ())


def also_right(id: str) -> tuple[str, ...]:
    """Right answers written in other ways, as code that needs nothing but NumPy as np."""
    return _written(id, "VARIANTS")


@cache
def mistakes(id: str) -> tuple[tuple[str, str], ...]:
    """(title of the misconception, code that has it), for those that can be written with NumPy alone."""
    found = []
    for mistake in catalogue()[id].misconceptions:
        wrong = mistake.wrong
        if isinstance(wrong, FunctionType) and not wrong.__closure__:
            code = _code_of(Path(wrong.__code__.co_filename))
            found.append((mistake.title, code.function(wrong.__code__.co_firstlineno, id)))
    return tuple((title, source) for title, source in found if source)


@cache
def _written(id: str, table: str) -> tuple[str, ...]:
    """Those answers in tests/exercises/answers/ that need NumPy alone."""
    file = inspect.getsourcefile(catalogue()[id].solution) or ""
    code = _code_of(ROOT / "tests" / "exercises" / "answers" / Path(file).name)
    tables = {key.value: values for key, values in code.tables(table)}
    names = [name.id for name in getattr(tables[id], "elts", ()) if isinstance(name, ast.Name)]
    lines = {node.name: node.lineno for node in code.tree.body if isinstance(node, ast.FunctionDef)}
    found = [code.function(lines[name], id) for name in names if name in lines]
    return tuple(source for source in found if source)


class Code:
    """The text of a module, from which functions are taken together with what they call."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self._defined = {name: node for node in self.tree.body for name in _names_defined(node)}

    def tables(self, name: str) -> list[tuple[Any, Any]]:
        """Keys and values of a dictionary that is written out."""
        table: Any = self._defined[name]
        return list(zip(table.value.keys, table.value.values, strict=True))

    def function(self, line: int, name: str) -> str:
        """The function or lambda in this line under a new name; empty where it needs more than NumPy and math."""
        kinds = (ast.Lambda, ast.FunctionDef)
        found = [node for node in ast.walk(self.tree) if isinstance(node, kinds) and node.lineno == line]
        if len(found) != 1:
            return ""
        needed: list[ast.stmt] = []
        own_name = getattr(found[0], "name", "")
        calls_itself = own_name in {node.id for node in ast.walk(found[0]) if isinstance(node, ast.Name)}
        if calls_itself or not self._collect(found[0], needed):
            return ""
        needed = [node for node in self.tree.body if node in needed and node is not found[0]]
        return "\n\n\n".join([*map(ast.unparse, needed), _as_def(found[0], name)])

    def _collect(self, node: ast.AST, needed: list[ast.stmt]) -> bool:
        for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & set(self._defined):
            other = self._defined[name]
            if isinstance(other, (ast.Import, ast.ImportFrom)):
                module = other.module if isinstance(other, ast.ImportFrom) else other.names[0].name
                if str(module).partition(".")[0] not in ("numpy", "math"):
                    return False
                needed += [] if name == "np" else [other]
            elif other not in needed and other is not node:
                needed.append(other)
                if not self._collect(other, needed):
                    return False
        return True


_code_of = cache(Code)


def _names_defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.AnnAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    if isinstance(node, ast.Assign):
        return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return [node.name] if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else []


def _as_def(node: ast.Lambda | ast.FunctionDef, name: str) -> str:
    """The function as a `def` of this name, without annotations."""
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    body = ast.unparse([ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body)  # type: ignore[arg-type]
    return f"def {name}({ast.unparse(node.args)}):\n{textwrap.indent(body, '    ')}"


def notebook(
    lesson: str,
    answers: Mapping[str, str | None] | None = None,
    *,
    version: tuple[int, int] = (4, 5),
    encoding: str = "utf-8",
    newline: str = "\n",
    lines: bool = True,
    ids: bool = True,
    copied: Sequence[str] = (),
    without: Sequence[str] = (),
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    output: str = "",
) -> bytes:
    """The exercises of a lesson, with answers.

    answers: code by problem id; None, or nothing, leaves a cell untouched. version: nbformat's, (3, 0) to (4, 5).
    encoding: such as "utf-8-sig" or "utf-16". newline: of the sources and of the file. lines: sources as lists of
    lines, else as one text. ids: False takes nbgrader's metadata away, as Colab's copies do. copied: cells that are
    there twice; without: cells that are gone, both by grade_id. before, after: sources of further cells at the
    beginning and the end. output: printed by each code cell.
    """
    made = json.loads((ROOT / "exercises" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in made["cells"] if grade_id(cell) not in without]
    for cell in cells:
        answer = (answers or {}).get(grade_id(cell))
        if cell["cell_type"] == "code" and answer is not None:
            cell["source"] = answer
    cells += [json.loads(json.dumps(cell)) for cell in cells if grade_id(cell) in copied]
    cells = [_code(source) for source in before] + cells + [_code(source) for source in after]
    for place, cell in enumerate(cells):
        text = "".join(cell["source"]).replace("\n", newline)
        cell["source"] = text.splitlines(keepends=True) if lines else text
        if not ids:
            cell["metadata"].pop("nbgrader", None)
        if output and cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [output]}]
        cell.pop("id", None)
        if version >= (4, 5):
            cell["id"] = f"cell-{place}"
    made.update(cells=cells, nbformat=version[0], nbformat_minor=version[1])
    made = made if version >= (4, 0) else _as_version_3(made)
    text = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    return text.replace("\n", newline).encode(encoding)


def grade_id(cell: Mapping[str, Any]) -> str:
    """nbgrader's id of a cell, or an empty text."""
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def _as_version_3(made: dict[str, Any]) -> dict[str, Any]:
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            cell.update(input=cell.pop("source"), language="python", prompt_number=cell.pop("execution_count"))
    sheet = {"cells": made.pop("cells"), "metadata": {}}
    return made | {"worksheets": [sheet]}


@dataclass(frozen=True)
class Submission:
    """One student's notebook.

    student: an id, such as "s0007". name: of the student. number: in the learning platform. kinds: "right", "wrong"
    or "untouched" by problem id. submitted: when.
    """

    student: str
    name: str
    number: int
    lesson: str
    content: bytes = field(repr=False)
    kinds: Mapping[str, str] = field(default_factory=dict)
    submitted: datetime = DUE

    @property
    def late(self) -> bool:
        return self.submitted > DUE


def classroom(count: int, lesson: str, seed: int = 0, **oddities: Any) -> Iterator[Submission]:
    """So many students, one after the other: six of ten answers are right, three have a known mistake, one is missing.

    The same arguments give the same class. One student of ten is late. oddities: of `notebook`.
    """
    random_choice, firsts, lasts = random.Random(f"{lesson} {seed}"), FIRST.split(), LAST.split()
    problems = [problem.id for problem in catalogue().values() if problem.lesson == lesson]
    for place in range(count):
        kinds = {id: random_choice.choices(("right", "wrong", "untouched"), (6, 3, 1))[0] for id in problems}
        kinds = {id: "right" if kind == "wrong" and not wrong(id) else kind for id, kind in kinds.items()}
        answers = {
            id: {"right": right(id), "wrong": wrong(id) and random_choice.choice(wrong(id)), "untouched": None}[kind]
            for id, kind in kinds.items()
        }
        first, last = firsts[place % len(firsts)], lasts[place // len(firsts) % len(lasts)]
        yield Submission(
            student=f"s{place:05}",
            name=f"{first} {last}",
            number=40_000 + 7 * place,
            lesson=lesson,
            content=notebook(lesson, answers, **oddities),
            kinds=kinds,
            submitted=DUE + (timedelta(hours=5) if place % 10 == 9 else -timedelta(minutes=place)),
        )


def write_flat(folder: Path, submissions: Iterable[Submission]) -> Path:
    """One folder of files `<student>_<lesson>.ipynb`."""
    for one in submissions:
        _write(folder / f"{one.student}_{one.lesson}.ipynb", one.content)
    return folder


def write_nbgrader(course: Path, submissions: Iterable[Submission]) -> Path:
    """A course folder of nbgrader with `submitted/<student>/<lesson>/<lesson>.ipynb` and its time."""
    for one in submissions:
        folder = course / "submitted" / one.student / one.lesson
        _write(folder / f"{one.lesson}.ipynb", one.content)
        _write(folder / "timestamp.txt", f"{one.submitted:%Y-%m-%d %H:%M:%S.%f %Z}".encode())
    return course


def write_canvas(path: Path, submissions: Iterable[Submission]) -> Path:
    """A zip as Canvas gives it: `lastfirst_LATE_<user>_<attachment>_<file name>`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in submissions:
            label = "".join(c for c in "".join(reversed(one.name.split())).lower() if c.isalnum())
            late = "LATE_" if one.late else ""
            archive.writestr(f"{label}_{late}{one.number}_{900_000 + one.number}_{one.lesson}.ipynb", one.content)
    return path


def write_moodle(path: Path, submissions: Iterable[Submission], folders: bool = True) -> Path:
    """A zip as Moodle gives it: `<name>_<participant>_assignsubmission_file`, a folder each or before file names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in submissions:
            prefix = f"{one.name}_{one.number}_assignsubmission_file" + ("/" if folders else "_")
            archive.writestr(f"{prefix}{one.lesson}.ipynb", one.content)
    return path


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
