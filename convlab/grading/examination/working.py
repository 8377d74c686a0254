"""What a worker does: grade one notebook after another in sandboxes of its own. A worker may be on another machine."""

import atexit
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from convlab.exercises.catalogue import load, teachers_files
from convlab.grading.examination.examiner import Examiner
from convlab.grading.records import Graded
from convlab.grading.sandbox import Level


@dataclass(frozen=True)
class Settings:
    """How to grade. level: of the sandbox, on every machine."""

    seed: int
    level: Level
    problems: tuple[str, ...] = ()  # files of a teacher's own


@dataclass(frozen=True)
class Task:
    """One notebook to grade. only: ids of problems; empty for all."""

    student: str
    lesson: str
    name: str
    content: bytes | None
    submitted: datetime | None = None
    remarks: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


_local = threading.local()


def work(settings: Settings, tasks: Sequence[Task]) -> list[Graded]:
    """Grade some notebooks. The worker's sandboxes wait for the next ones."""
    examiner = _examiner(settings)
    return [
        examiner.grade(
            task.content,
            student=task.student,
            lesson=task.lesson,
            name=task.name,
            submitted=task.submitted,
            remarks=task.remarks,
            only=task.only,
        )
        for task in tasks
    ]


def _examiner(settings: Settings) -> Examiner:
    """This thread's: a sandbox does one thing at a time."""
    if getattr(_local, "settings", None) != settings:
        if previous := getattr(_local, "examiner", None):
            previous.close()
        for path in {Path(name) for name in settings.problems} - set(teachers_files()):
            load(path)
        _local.examiner = Examiner(settings.seed, settings.level)
        _local.settings = settings
        atexit.register(_local.examiner.close)
    return _local.examiner
