"""The due dates of a class, kept beside its gradebook: a run that forgot to name them would take no penalty off."""

from pathlib import Path

from convlab.exercises.catalogue import catalogue
from convlab.files import writing
from convlab.grading.book import lateness
from convlab.grading.book.gradebook import Gradebook

NAME = "policy.toml"


def read(out: Path, named: Path | None) -> lateness.Policy | None:
    """The policy in the file that is named, else in the one that was kept in `out`; None where there is neither."""
    path = named or out / NAME
    if named is None and not path.is_file():
        return None
    return lateness.read(path, catalogue().lessons)


def keep(out: Path, named: Path | None) -> list[str]:
    """Keep the file for later runs; returns what to tell."""
    if named is not None:
        with writing(out / NAME) as part:
            part.write(named.read_text(encoding="utf-8-sig"))
    return [f"Due dates: {out / NAME}, until --policy names another file."] if (out / NAME).is_file() else []


def nobody(book: Gradebook, policy: lateness.Policy | None) -> list[str]:
    """Sentences on extensions for students who handed in nothing, or are called otherwise here."""
    students = set(book.students())
    return [
        f"The extension for {student!r} is nobody's: no such student handed in anything. On a platform, "
        "students are called by its number."
        for student in (policy.extensions if policy else ())
        if student not in students
    ]
