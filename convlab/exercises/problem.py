"""What an exercise is: one declaration of plain data and small functions.

A solution is an ordinary function with a docstring, a comment that begins with TODO, and the marks BEGIN SOLUTION and
END SOLUTION. The name, the signature and the text that a learner starts from are taken from it.

Problems, groups and cases are compared by identity, so that what was computed for one is remembered for it.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from convlab.errors import ConvlabError

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
VISIBLE_SEED, HIDDEN_SEED = 20, 21
# libraries that do what the exercises ask for
READY_MADE = ("convlab", "cv2", "jax", "keras", "scipy", "skimage", "sklearn", "tensorflow", "torch")


@dataclass(frozen=True, eq=False)
class Case:
    """One call of the learner's function."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many numbers are given: what a reader has to look through."""
        return sum(int(np.size(value)) for value in (*self.args, *self.kwargs.values()) if _is_numbers(value))


def case(*args: Any, **kwargs: Any) -> Case:
    """A call with these arguments."""
    return Case(args, kwargs)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (int, float, list, tuple, np.ndarray, np.generic))


@dataclass(frozen=True)
class Fresh:
    """An argument that is made anew for every call, because a call changes it: a folder, or a stand-in for a library.

    label: how it is shown to a learner.
    """

    make: Callable[[], Any]
    label: str


@dataclass(frozen=True)
class Known:
    """What `observe` says of every right result, which a reference may give in place of one that takes long to make."""

    facts: Any


@dataclass(frozen=True, eq=False)
class Group:
    """Cases that earn their points together.

    cases: a fixed list, or a function of a random generator that gives one. Hidden cases are never shown to a learner;
    their seed is chosen by whoever grades.
    """

    title: str
    points: float
    cases: Iterable[Case] | Callable[[np.random.Generator], Iterable[Case]]
    hidden: bool = False

    def make(self, seed: int | None = None) -> tuple[Case, ...]:
        """The cases, smallest first; those of one seed are always the same."""
        if not self.hidden:
            seed = VISIBLE_SEED
        return _made(self, HIDDEN_SEED if seed is None else seed)


@lru_cache(maxsize=1024)
def _made(group: Group, seed: int) -> tuple[Case, ...]:
    cases = group.cases(np.random.default_rng(seed)) if callable(group.cases) else group.cases
    return tuple(sorted(cases, key=lambda c: c.size))


@dataclass(frozen=True, eq=False)
class Misconception:
    """A well-known mistake.

    wrong: a function that makes it, called as the learner's is. explanation: what was done and what to do instead,
    in two sentences. where: "02_padding#2. Same", the lesson and the heading that teach it.
    """

    title: str
    wrong: Callable[..., Any]
    explanation: str
    where: str


@dataclass(frozen=True)
class Hint:
    """Help for one symptom, as a learner would describe it."""

    symptom: str
    text: str


@dataclass(frozen=True, eq=False)
class Problem:
    """One exercise.

    solution: the function that solves it, in the form that this module's docstring describes. lesson: the lesson that
    it follows, such as "02_padding". statement: what to do, in Markdown. reference: an independent function whose
    results are right, or `Known`. hints: three, from a nudge to nearly the answer. explanation: why the solution is as
    it is. observe(result, *args, **kwargs): turns a result into the plain numbers, texts and arrays that are compared;
    by default the result itself. It raises `ConvlabError` with a sentence for a result that it can do nothing with, and
    sees each `Fresh` argument as the call left it. tolerance: largest difference, relative to the largest expected
    number. seconds: time for all cases together. needs: libraries that must be installed. forbids: libraries that do
    the work, and are not there when a class is graded; what is needed is never forbidden.
    """

    solution: Callable[..., Any]
    title: str
    lesson: str
    statement: str
    reference: Callable[..., Any]
    groups: tuple[Group, ...]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[Hint, ...]
    explanation: str
    observe: Callable[..., Any] | None = None
    tolerance: float = 1e-5
    seconds: float = 2.0
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = READY_MADE

    @property
    def id(self) -> str:
        """The name of the function that is asked for."""
        return self.solution.__name__

    @property
    def points(self) -> float:
        """Of all groups."""
        return sum(group.points for group in self.groups)

    @cached_property
    def version(self) -> str:
        """Of the file that declares it: changes whenever the file does."""
        return sha256(Path(inspect.getsourcefile(self.solution) or "").read_bytes()).hexdigest()[:12]

    @cached_property
    def source(self) -> str:
        """The solution's code, with its marks."""
        return inspect.getsource(self.solution).strip()

    @property
    def stub(self) -> str:
        """What a learner starts from: the solution's code without what is between the marks."""
        return without_solution(self.source)

    @property
    def signature(self) -> inspect.Signature:
        """Of the function that is asked for."""
        return inspect.signature(self.solution)

    def arguments(self, case: Case) -> dict[str, Any]:
        """A case's arguments by name."""
        return dict(self.signature.bind(*case.args, **case.kwargs).arguments)


def without_solution(source: str) -> str:
    """The code with each marked solution replaced by a line that says where to write, and an error until then.

    Raises `ConvlabError` where a mark stands alone, or none is there.

    >>> print(without_solution("def f():\\n    # BEGIN SOLUTION\\n    return 1\\n    # END SOLUTION"))
    def f():
        # YOUR CODE HERE
        raise NotImplementedError()
    """
    pattern = rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}$"
    found = re.sub(pattern, lambda match: "\n".join(match[1] + line for line in STUB), source, flags=re.M | re.S)
    if found == source or BEGIN in found or END in found:
        raise ConvlabError(f"a solution stands between the lines {BEGIN!r} and {END!r}, but here is:\n{source}")
    return found


def without_marks(source: str) -> str:
    """The code without the lines that mark the solution."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))
