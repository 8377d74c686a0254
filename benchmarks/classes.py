"""Classes to grade: written by the tests' generator, with some hostile notebooks among them; and a class that is only
told, whose grades are copies of a few real ones."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from convlab.exercises import catalogue
from convlab.grading.examination.examiner import Examiner
from convlab.grading.examination.working import Settings, Task
from convlab.grading.records import Graded, digest
from tests.grading.attacks import BOMBS, FORGERIES
from tests.grading.make import ROOT, classroom, notebook, right, write_flat

HOSTILE = {
    name: (BOMBS | FORGERIES)[name]
    for name in (
        *("a loop", "the end of Python", "memory", "output", "processes", "sleep", "a crash"),
        *("a cell that cannot be read", "frames of its own", "a full disk"),
    )
}
VICTIM, LESSON, HEAVY_LESSON = "padded_size", "02_padding", "08_mnist_cnn"
TEMPLATES = 40  # real grades that a told class is made of
SEED = 7


def write_class(folder: Path, lesson: str, count: int, hostile: Iterable[str] = ()) -> Path:
    """So many students' notebooks, the hostile ones evenly among them."""
    write_flat(folder, classroom(count, lesson))
    names = list(hostile)
    others = {p.id: right(p.id) for p in catalogue().values() if p.lesson == lesson and p.id != VICTIM}
    for place, name in enumerate(names):
        student = f"s{(place * count) // len(names):05}"
        made = notebook(lesson, {VICTIM: HOSTILE[name], **others})
        (folder / f"{student}_{lesson}.ipynb").write_bytes(made)
    return folder


def autograde(folder: Path, notebooks: Sequence[Path], lesson: str) -> Callable[[], None]:
    """Prepare a course of nbgrader with these submissions; what is returned grades them all in one command."""
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'convlab'\n")
    (folder / "source" / lesson).mkdir(parents=True)
    shutil.copyfile(ROOT / "solutions" / f"{lesson}.ipynb", folder / "source" / lesson / f"{lesson}.ipynb")
    _nbgrader(folder, "generate_assignment", lesson)
    for path in notebooks:
        submitted = folder / "submitted" / path.name.partition("_")[0] / lesson
        submitted.mkdir(parents=True)
        shutil.copyfile(path, submitted / f"{lesson}.ipynb")
    return lambda: _nbgrader(folder, "autograde", lesson)


def _nbgrader(folder: Path, *command: str) -> None:
    run = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=folder, capture_output=True, text=True)
    if run.returncode:
        raise ValueError(f"nbgrader {' '.join(command)} failed:\n{run.stderr[-2000:]}")


class Told(Executor):
    """An executor that runs nothing: each submission gets the grades of a real one, under its own name.

    What is said of a right answer is the same for all; of another it differs, as it shows what the student's code gave.
    """

    def __init__(self, lesson: str) -> None:
        with Examiner(SEED) as examiner:
            class_ = islice(classroom(TEMPLATES, lesson), TEMPLATES)
            self._real = [examiner.grade(one.content, student=one.student, lesson=lesson) for one in class_]

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """As if `function`, the grader's `work`, had been called."""
        settings, tasks = arguments
        future = Future[Any]()
        future.set_result([self._graded(settings, task) for task in tasks])
        return future

    def _graded(self, settings: Settings, task: Task) -> Graded:
        found = digest(task.content or b"")
        real = self._real[int(found[:8], 16) % TEMPLATES]
        grades = tuple(
            grade if grade.points == grade.of else replace(grade, feedback=f"{grade.feedback}<p>{found}</p>")
            for grade in real.grades
        )
        return Graded(task.student, task.lesson, task.name, found, grades, task.submitted, task.remarks)


def write_told(folder: Path, lesson: str, count: int) -> Path:
    """So many notebooks, of usual size, no two the same."""
    folder.mkdir()
    contents = [one.content for one in classroom(TEMPLATES, lesson)]
    for place in range(count):
        content = b'{"number": %d, ' % place + contents[place % TEMPLATES].lstrip()[1:]
        (folder / f"s{place:06}_{lesson}.ipynb").write_bytes(content)
    return folder
