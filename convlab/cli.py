"""The `convlab` command. Thin: every verb is one call into another room."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from convlab import __version__
from convlab.course import notebooks
from convlab.course.lessons import Copied, checkout, copy_lessons
from convlab.errors import ConvlabError
from convlab.hardware import doctor

WORK_FOLDER = Path("convlab-lessons")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, 1 where something is missing, 2 for a wrong command."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except ConvlabError as error:
        print(f"convlab: {error}", file=sys.stderr)
        return 1


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="convlab", description="A hands-on course on 2-D convolution.")
    parser.add_argument("--version", action="version", version=f"convlab {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    lab = verbs.add_parser("lab", help="open the lessons in JupyterLab", description="Open the lessons in JupyterLab.")
    lab.add_argument(
        "--dir",
        type=Path,
        help="work on a copy of the lessons and exercises in this folder; files that are there already are never "
        f"overwritten (default: a checkout itself, else ./{WORK_FOLDER})",
    )
    lab.add_argument("--port", type=_port, default=8888, help="the port, or the next free one (default: 8888)")
    lab.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    lab.set_defaults(run=_lab)
    words = "run notebooks from top to bottom in a clean kernel, and save their outputs"
    execute = verbs.add_parser("run", help=words, description=words.capitalize() + ".")
    execute.add_argument("notebooks", type=Path, nargs="+", metavar="NOTEBOOK")
    execute.set_defaults(run=lambda options: notebooks.run(options.notebooks))
    words = "make the exercises of a checkout"
    exercises = verbs.add_parser("exercises", help=words).add_subparsers(metavar="COMMAND", required=True)
    words = "make exercises/ from solutions/, once every problem can go out"
    build = exercises.add_parser("build", help=words, description=words.capitalize() + ".")
    build.add_argument("--check", action="store_true", help="write nothing; exit 1 where something would change")
    build.set_defaults(run=_build)
    _add_grade(verbs)
    words = "say what this machine has for the course, and the next step for what is missing"
    check = verbs.add_parser("doctor", help=words, description=words.capitalize() + ".")
    check.add_argument("--json", action="store_true", help="the same as JSON, with all facts")
    check.set_defaults(run=_doctor)
    return parser


def _add_grade(verbs: Any) -> None:
    words = "grade the notebooks of a class, each in a sandbox"
    grade = verbs.add_parser("grade", help=words, description=words.capitalize() + ".")
    grade.add_argument(
        "submissions", type=Path, help="a folder (nbgrader's, or one of files named by student), a zip, or one notebook"
    )
    words = "folder for gradebook.db, grades.csv, feedback/ ... (default: grades)"
    grade.add_argument("--out", type=Path, default=Path("grades"), help=words)
    again = grade.add_argument_group("what to grade, if not just what is new")
    again.add_argument("--student", action="append", default=[], help="only this one, again; may be repeated")
    again.add_argument("--problem", action="append", default=[], help="only this one, again; may be repeated")
    again.add_argument("--changed", action="store_true", help="what was graded with another version of a problem")
    how = grade.add_argument_group("how to grade")
    how.add_argument("--seed", type=int, help="of the hidden cases (default: the gradebook's own, drawn by lot)")
    how.add_argument("--problems", type=Path, action="append", default=[], help="a Python file of your own problems")
    how.add_argument("--workers", type=int, help="processes that grade (default: one for each processor)")
    how.add_argument("--require-sandbox", action="store_true", help="refuse to run where there is no sandbox")
    how.add_argument(
        "--policy",
        type=Path,
        help="a file with due dates, penalties, extensions; kept in --out",
    )
    how.add_argument("--best", action="store_true", help="a student's best attempt counts, not the latest")
    how.add_argument("--scheduler", metavar="ADDRESS", help="grade on a Dask cluster, such as tcp://10.0.0.1:8786")
    back = grade.add_argument_group("what else to write")
    back.add_argument("--roster", type=Path, help="a CSV file with the list of the class")
    back.add_argument("--canvas", type=Path, metavar="EXPORT", help="fill an export of Canvas' gradebook")
    words = "fill this column of the export for a lesson; may be repeated"
    back.add_argument("--column", type=_column, action="append", default=[], metavar="LESSON=COLUMN", help=words)
    back.add_argument("--worksheet", type=Path, help="fill a grading worksheet of Moodle")
    back.add_argument("--moodle", action="store_true", help="write tables for Moodle's gradebook")
    back.add_argument("--nbgrader", type=Path, metavar="COURSE", help="put the scores into nbgrader's gradebook")
    back.add_argument("--similar", action="store_true", help="list answers that are alike, as a hint")
    grade.set_defaults(run=_grade)


def _column(text: str) -> tuple[str, str]:
    lesson, equals, column = text.partition("=")
    if not (lesson and equals and column):
        raise ValueError(text)
    return lesson, column


_column.__name__ = "LESSON=COLUMN"  # argparse says "invalid LESSON=COLUMN value"


def _grade(options: Namespace) -> None:
    from convlab.grading import grade, scheduler
    from convlab.grading.book import kept
    from convlab.grading.exchange import returning, roster

    counting = {
        "policy": kept.read(options.out, options.policy),
        "best": options.best,
        "roster": roster.read_roster(options.roster) if options.roster else None,
    }
    with scheduler.executor(options.scheduler) if options.scheduler else nullcontext() as executor:
        summary = grade(
            options.submissions,
            options.out,
            seed=options.seed,
            workers=options.workers,
            executor=executor,
            students=options.student,
            problems=options.problem,
            changed=options.changed,
            own_problems=options.problems,
            require_sandbox=options.require_sandbox,
            progress=True,
            **counting,
        )
    print(summary)
    print(f"Grades, feedback pages and the page for the class are in {options.out}.")
    said = kept.keep(options.out, options.policy)
    said += returning.give_back(
        options.out,
        canvas=options.canvas,
        columns=dict(options.column) or None,
        moodle=options.moodle,
        worksheet=options.worksheet,
        nbgrader=options.nbgrader,
        **counting,
    )
    said += returning.show_similar(options.submissions, options.out) if options.similar else []
    print("\n".join(said))


def _build(options: Namespace) -> int:
    from convlab.course import exercises

    root = checkout()
    if root is None:
        raise ConvlabError("exercises are made in a checkout of the course, and this convlab is installed without one.")
    changed = exercises.build(root, check=options.check)
    for path in changed:
        print(("would change " if options.check else "wrote ") + str(path.relative_to(root)))
    return 1 if options.check and changed else 0


def _doctor(options: Namespace) -> int:
    report = doctor()
    print(json.dumps(report.as_dict(), indent=2) if options.json else report)
    return 0 if report.ready else 1


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError(text)
    return int(text)


_port.__name__ = "port"  # argparse says "invalid port value"


def _lab(options: Namespace) -> None:
    _need_jupyterlab()
    root = checkout()
    if root is not None and options.dir is None:
        folder = root
    else:
        folder = (options.dir or WORK_FOLDER).expanduser().absolute()
        _tell(copy_lessons(folder), folder)
    from convlab.course.server import serve

    serve(folder, options.port, browser=not options.no_browser)


def _need_jupyterlab() -> None:
    if find_spec("jupyterlab") is None:
        wanted = '-e ".[course]"' if checkout() else '"convlab[course]"'
        raise ConvlabError(f"JupyterLab is not installed for {sys.executable}; install it with: pip install {wanted}")


def _tell(copied: Copied, folder: Path) -> None:
    if copied.added:
        print(f"Added to {folder}: {', '.join(map(str, copied.added))}")
    if copied.kept:
        print(f"Kept as you left them: {', '.join(map(str, copied.kept))}")
