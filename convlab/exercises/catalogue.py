"""All problems by name: the course's own, and those that a teacher adds."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.exercises.problem import Problem

_loaded: list[Path] = []
MODULES = ("kernels", "padding", "stride", "channels", "separable", "learning", "gpu", "mnist", "better")


class Catalogue(dict[str, Problem]):
    """Problems by id, in the course's order."""

    def add(self, problems: Iterable[Problem]) -> None:
        """Raises `ConvlabError` where an id is taken by another problem."""
        for problem in problems:
            if self.setdefault(problem.id, problem) is not problem:
                raise ConvlabError(
                    f"two problems ask for a function {problem.id!r}: {self[problem.id].title!r} and "
                    f"{problem.title!r}. Rename one of the solutions."
                )

    @property
    def lessons(self) -> list[str]:
        """Those that have exercises, in the course's order."""
        return list(dict.fromkeys(problem.lesson for problem in self.values()))

    def of_lesson(self, lesson: str) -> list[Problem]:
        """The exercises of a lesson such as "02_padding", in their order; none where there is no such lesson."""
        return [problem for problem in self.values() if problem.lesson == lesson]

    def find(self, id: str) -> Problem:
        """Raises `ConvlabError` that proposes what may be meant."""
        if id in self:
            return self[id]
        near = get_close_matches(id, self, 1)
        raise ConvlabError(
            f"there is no exercise {id!r}"
            + (f": is {near[0]!r} meant?" if near else f". There are: {', '.join(self)}.")
        )


@cache
def catalogue() -> Catalogue:
    """The course's problems, and those that were loaded."""
    found = Catalogue()
    for name in MODULES:
        found.add(import_module(f"convlab.exercises.problems.{name}").PROBLEMS)
    return found


def load(path: str | Path) -> list[Problem]:
    """Add the problems of a Python file of your own: those in its list PROBLEMS.

    Raises `ConvlabError` where the file or its list is missing, or an id is taken.
    """
    path = Path(path).absolute()
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConvlabError(f"there is no Python file {path}.")
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    problems = getattr(module, "PROBLEMS", None)
    if not isinstance(problems, (list, tuple)) or not all(isinstance(problem, Problem) for problem in problems):
        raise ConvlabError(f"{path} needs a list PROBLEMS of convlab.exercises.Problem, but has {problems!r}.")
    catalogue().add(problems)
    _loaded.append(path)
    return list(problems)


def teachers_files() -> tuple[Path, ...]:
    """The files that were loaded."""
    return tuple(_loaded)
