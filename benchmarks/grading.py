"""`python -m benchmarks.grading`: grade a class, hostile notebooks among it, beside nbgrader; a class with Keras; and,
with `--simulate`, what keeping and showing the grades of many thousand students takes.

Nothing else should run meanwhile: the last column tells how many processors others used just before and after.
"""

import argparse
import json
import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.classes import HEAVY_LESSON, HOSTILE, LESSON, SEED, Told, autograde, write_class, write_told
from benchmarks.report import write
from benchmarks.watching import Watched, watched
from convlab.grading import grade
from convlab.grading.pages import reports
from convlab.grading.sandbox import level

PEERS = 10  # submissions that nbgrader grades
HEADER = f"{'':42}{'seconds':>8}{'a second':>9}{'per worker':>11}{'MB':>6}{'growth':>7}{'worker MB':>10}{'others':>7}"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=["class", "nbgrader", "keras", "simulate"])
    parser.add_argument("--count", type=int, default=1000, help="notebooks of the class (default: 1000)")
    parser.add_argument("--keras", type=int, default=60, metavar="N", help="notebooks with Keras (default: 60)")
    parser.add_argument("--simulate", type=int, default=0, metavar="N", help="students whose grades are only told")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="(default: 1 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser


class Timed(ProcessPoolExecutor):
    """Remembers when how many submissions were graded."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers, mp_context=get_context("spawn"))
        self.done: list[tuple[float, int]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future = super().submit(function, *arguments, **named)
        future.add_done_callback(lambda done: self.done.append((time.monotonic(), len(done.result()))))
        return future

    def rate(self) -> float:
        """Submissions a second, from the first that came back to the last: sandboxes start once."""
        (start, first), (end, _) = self.done[0], self.done[-1]
        return (sum(count for _, count in self.done) - first) / max(end - start, 1e-9)


def graded(submitted: Path, out: Path, workers: int) -> dict[str, Any]:
    """Grade a class."""
    with Timed(workers) as pool:
        summary = grade(submitted, out, seed=SEED, workers=workers, executor=pool)
        return {"graded": summary.graded, "remarks": summary.odd, "rate": pool.rate(), "points": _points(out)}


def _points(out: Path) -> float:
    with sqlite3.connect(out / "gradebook.db") as book:
        return book.execute("SELECT SUM(points) FROM grades").fetchone()[0]


def told(submitted: Path, out: Path, lesson: str) -> dict[str, Any]:
    """Keep and show grades that nobody computed; then once more, when all is known."""
    seconds: dict[str, float] = {}
    for name in ("write_feedback", "write_grades", "write_grades_by_problem", "write_class_page"):
        setattr(reports, name, partial(_timed, seconds, name, getattr(reports, name)))
    executor = Told(lesson)
    start = time.monotonic()
    summary = grade(submitted, out, seed=SEED, executor=executor)
    whole = time.monotonic() - start
    first, start = dict(seconds), time.monotonic()
    again = grade(submitted, out, seed=SEED, executor=executor)
    return {
        "graded": summary.graded,
        "seconds": {"all": whole, "grade and keep": summary.seconds, **first},
        "seconds when all is known": time.monotonic() - start,
        "known": again.skipped,
        "rate": summary.graded / summary.seconds,
        **_sizes(out),
    }


def _timed(seconds: dict[str, float], name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    start = time.monotonic()
    try:
        return function(*arguments, **named)
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.monotonic() - start


def _sizes(out: Path) -> dict[str, Any]:
    """Rows of the gradebook, and MB of files."""
    with sqlite3.connect(out / "gradebook.db") as book:
        names = [name for (name,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: book.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in names}
        sound = book.execute("PRAGMA integrity_check").fetchone()[0]
    pages = [page.stat().st_size for page in (out / "feedback").iterdir()]
    files = {path.name: path.stat().st_size / 1e6 for path in sorted(out.iterdir()) if path.is_file()}
    return {"rows": rows, "integrity": sound, "MB": files | {"feedback": sum(pages) / 1e6}, "pages": len(pages)}


def line(title: str, result: dict[str, Any], used: Watched, workers: int) -> str:
    rate = result["rate"]
    return (
        f"{title:42}{used.seconds:8.1f}{rate:9.1f}{rate / workers:11.1f}{used.peak:6.0f}{used.growth:7.1f}"
        f"{used.workers:10.0f}{used.others:7.2f}"
    )


class Bench:
    """All parts, printed as they come. found: what goes into the JSON file."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.found: dict[str, Any] = {"machine": describe()}

    def class_(self) -> None:
        """The honest class, and the same with a hostile notebook of each kind."""
        print(f"\n{HEADER}", flush=True)
        count = self.options.count
        for hostile in (0, len(HOSTILE)):
            folder = write_class(self.folder / f"class{hostile}", LESSON, count, list(HOSTILE)[:hostile])
            points = {
                self._graded(f"{count} of {LESSON}, {hostile} hostile", folder, workers)
                for workers in self.options.workers
            }
            print(f"{'':42}points in all: {', '.join(map(str, points))}", flush=True)

    def keras(self) -> None:
        """Problems that need TensorFlow."""
        print(f"\n{HEADER}", flush=True)
        folder = write_class(self.folder / "keras", HEAVY_LESSON, self.options.keras)
        for workers in self.options.workers:
            self._graded(f"{self.options.keras} of {HEAVY_LESSON}", folder, workers)

    def _graded(self, title: str, folder: Path, workers: int) -> float:
        title = f"{title}, {workers} worker{'s' * (workers > 1)}"
        result, used = watched(graded, folder, self.folder / title.replace(" ", "_"), workers)
        print(line(title, result, used, workers), *result["remarks"], sep="\n", flush=True)
        self.found[title] = result | {"workers": workers, "used": asdict(used)}
        return round(result["points"], 6)

    def nbgrader(self) -> None:
        """One command for some of the same submissions, beside one of our workers on them."""
        course = self.folder / "course"
        course.mkdir()
        notebooks = sorted(write_class(self.folder / "few", LESSON, PEERS).iterdir())
        run = autograde(course, notebooks, LESSON)
        start = time.monotonic()
        run()
        theirs = (time.monotonic() - start) / PEERS
        result, used = watched(graded, self.folder / "few", self.folder / "few graded", 1)
        whole = next((f for name, f in self.found.items() if name.endswith("0 hostile, 1 worker")), None)
        ours = {"the same 10, with the start": used.seconds / PEERS}
        if whole:
            ours["the class, with the start and all reports"] = whole["used"]["seconds"] / whole["graded"]
        print(f"\nnbgrader {metadata.version('nbgrader')} autograde: {theirs:.2f} seconds a submission")
        for name, seconds in ours.items():
            print(f"convlab, {name}: {seconds:.4f} seconds a submission, {theirs / seconds:.0f} times as fast")
        self.found["nbgrader"] = {"seconds": theirs, "ours": ours, "points": result["points"]}

    def simulate(self) -> None:
        """Grades that nobody computed."""
        count = self.options.simulate
        folder = write_told(self.folder / "told", LESSON, count)
        result, used = watched(told, folder, self.folder / "told graded", LESSON)
        print(f"\n{HEADER}\n{line(f'{count} told, twice', result, used, 1)}")
        for name in ("seconds", "seconds when all is known", "rows", "integrity", "MB", "pages"):
            print(f"{name}: {_short(result[name])}")
        self.found["simulate"] = result | {"used": asdict(used)}


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(one)}" for name, one in value.items())
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def describe() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "python": platform.python_version(),
        "sandbox": level().value,
        "load before": os.getloadavg() if hasattr(os, "getloadavg") else None,
    }


def main() -> None:
    options = parser().parse_args()
    parts = options.only or ["class", "nbgrader", "keras", *(["simulate"] if options.simulate else [])]
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        bench = Bench(options, Path(folder))
        for name, fact in bench.found["machine"].items():
            print(f"{name}: {fact}")
        for part in ("class", "keras", "nbgrader", "simulate"):
            if part in parts:
                getattr(bench, "class_" if part == "class" else part)()
    if options.json:
        write(options.json, json.dumps(bench.found, indent=1) + "\n")


if __name__ == "__main__":
    main()
