"""Run the cells of a notebook as far as they go, and find the functions that they define. Inside of the sandbox.

A cell that cannot be read, fails or takes too long costs what it defines, and nothing else: after an error the rest of
its cell is looked through for definitions and imports.
"""

import __future__

import ast
import linecache
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import CodeType, FunctionType, ModuleType, TracebackType
from typing import Any, TextIO

import numpy as np

from convlab.exercises.calling import TimeUp, time_limit
from convlab.exercises.taking import is_stub
from convlab.grading.examination.magics import plain_python

STUBBED = re.compile(r"NotImplementedError|\bpass\b|\.\.\.")  # what the body of a stub may hold
DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Executed:
    """What the cells defined.

    candidates: for each marked problem, what each cell with its mark defined under its name, and all names as they were
    then. names: all in the end. stubs: functions that nobody has written yet. remarks: what went wrong in which cell;
    trouble: in which problem's.
    """

    def __init__(self) -> None:
        self.candidates: dict[str, list[tuple[Any, dict[str, Any]]]] = {}
        self.remarks: list[str] = []
        self.names = new_main()
        self.stubs: list[Any] = []
        self.trouble: dict[str, str] = {}

    def function(self, id: str) -> Any:
        """The answer to a problem: what the last marked cell defines, else what has its name in the end; or None."""
        marked = self.candidates.get(id, [])
        anywhere = self.names.get(id)
        written = [candidate for candidate in marked if not self.is_untouched(candidate[0])]
        if written:
            return self._as_it_was(*written[-1])
        if anywhere is not None and not self.is_untouched(anywhere):
            return anywhere
        return marked[-1][0] if marked else anywhere

    def _as_it_was(self, function: Any, names: dict[str, Any]) -> Any:
        """The function among the names of its own time: cells below may use its helpers' names for others.

        Names that came later stay known, so that a helper may stand below.
        """
        if all(self.names.get(name) is value for name, value in names.items()) or not self._is_own(function):
            return function
        world = {**self.names, **names}
        world.update({name: _among(world, value) for name, value in world.items() if self._is_own(value)})
        return _among(world, function)

    def _is_own(self, value: Any) -> bool:
        return isinstance(value, FunctionType) and value.__globals__ is self.names

    def is_untouched(self, function: Any) -> bool:
        """Was it defined by a cell that does nothing but say that the work is still to be done?"""
        return any(function is stub for stub in self.stubs)


def _among(names: dict[str, Any], function: FunctionType) -> FunctionType:
    """The same function with other names around it."""
    moved = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    moved.__kwdefaults__ = function.__kwdefaults__
    return moved


def new_main() -> dict[str, Any]:
    """The names of a fresh `__main__`, with what notebooks expect to be there."""
    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    main.__dict__.update(display=_nothing, get_ipython=Shell)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the state that student code may use
    return main.__dict__


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Takes anything and does nothing."""


class Shell:
    """Stands for IPython: whatever is called on it does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return _nothing


class Nowhere:
    """A file that keeps nothing."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def execute(
    cells: Sequence[tuple[str, str]], seconds: float, begins: Callable[[int], None], skipped: Sequence[int] = ()
) -> Executed:
    """Run the cells, given as (source, id), in order.

    seconds: for each. begins: told the number of each before it runs. skipped: numbers of cells that are left out.
    """
    executed, again = Executed(), []
    for number, (source, id) in enumerate(cells):
        if number in skipped:
            continue
        begins(number)
        before = executed.names.get(id)
        with _silence():
            trouble = _run(source, number, seconds, executed)
        executed.remarks += [f"Cell {number + 1}: {words}" for words in trouble]
        found = executed.names.get(id)
        if found is not None and found is not before:
            executed.candidates.setdefault(id, []).append((found, dict(executed.names)))
        elif id and trouble:
            executed.trouble[id] = trouble[0]
            again.append((number, source, id))
    for number, source, id in again:  # what they need may stand below them
        with _silence():
            _run(source, number, seconds, executed, definitions=True)
        if (found := executed.names.get(id)) is not None:
            executed.candidates.setdefault(id, []).append((found, {}))
    return executed


@contextmanager
def _silence() -> Iterator[None]:
    nowhere: TextIO = Nowhere()  # type: ignore[assignment]
    with redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def _run(source: str, number: int, seconds: float, executed: Executed, definitions: bool = False) -> list[str]:
    """Run one cell, or its definitions alone; what went wrong, in sentences."""
    plain, trouble = plain_python(source)
    file = f"<cell {number + 1}>"
    linecache.cache[file] = (len(plain), None, plain.splitlines(True), file)
    try:
        code = compile(plain, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [*trouble, f"Python cannot read it ({_words(error)})."]
    try:
        with time_limit(seconds):
            if definitions:
                _define(plain, code, 0, executed)
            elif (ended := _error_of(code, executed)) is not None:
                line = _line(ended, file)
                trouble.append(f"{_words(ended)} in line {line}.")
                _define(plain, code, line, executed)
    except TimeUp:
        trouble.append(f"it was stopped after {seconds:g} seconds.")
    _note_stubs(plain, executed)
    return trouble


def _error_of(code: CodeType, executed: Executed) -> BaseException | None:
    """Run code; the error that it ends with."""
    try:
        exec(code, executed.names)
    except TimeUp:
        raise
    except BaseException as error:
        return error
    return None


def _define(plain: str, code: CodeType, line: int, executed: Executed) -> None:
    """Run the definitions and imports of a cell that stand below a line; one that fails leaves the others."""
    flags = code.co_flags & __future__.annotations.compiler_flag
    for statement in ast.parse(plain).body:
        if isinstance(statement, DEFINING) and statement.lineno > line:
            one = ast.Module([statement], [])
            _error_of(compile(one, code.co_filename, "exec", flags, dont_inherit=True), executed)


def _note_stubs(plain: str, executed: Executed) -> None:
    if not STUBBED.search(plain):  # to read a cell once more takes long
        return
    for statement in ast.parse(plain).body:
        if isinstance(statement, ast.FunctionDef) and is_stub(statement):
            executed.stubs.append(executed.names.get(statement.name))


def _line(error: BaseException, file: str) -> int:
    """The line of the cell that was running when an error came."""
    lines = [frame.tb_lineno for frame in _frames(error) if frame.tb_frame.f_code.co_filename == file]
    return lines[0] if lines else 0


def _frames(error: BaseException) -> Iterator[TracebackType]:
    frame = error.__traceback__
    while frame is not None:
        yield frame
        frame = frame.tb_next


def _words(error: BaseException) -> str:
    try:
        text = str(error).partition("\n")[0]
    except BaseException:  # of a student's own class
        text = ""
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
