"""Remember across sessions what was solved, in a small file that may be lost or damaged without harm."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from convlab.files import replacing
from convlab.optional import need

FORMAT = 1


@dataclass(frozen=True)
class Best:
    """The best try at one problem, and how many tries there were."""

    points: float
    of: float
    tries: int


def place() -> Path:
    """The file: CONVLAB_PROGRESS, or progress.json in the user's folder for data of programs."""
    named = os.environ.get("CONVLAB_PROGRESS")
    return (
        Path(named) if named else Path(need("platformdirs").user_data_dir("convlab", appauthor=False), "progress.json")
    )


def recall() -> tuple[dict[str, Best], str]:
    """What is remembered, and a sentence about what went wrong, or an empty one.

    A file that cannot be understood is put aside under another name, never deleted.
    """
    path = place()
    try:
        if not path.exists():
            return {}, ""
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        return {}, _put_aside(path, error)
    try:
        saved = json.loads(text)
        return {
            id: Best(float(b["points"]), float(b["of"]), int(b["tries"])) for id, b in saved["problems"].items()
        }, ""
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {}, _put_aside(path, error)


def _put_aside(path: Path, error: Exception) -> str:
    if not path.is_file():  # a device or a folder must stay what it is
        return f"The progress cannot be kept in {path}, which is no file: name another one in CONVLAB_PROGRESS."
    aside = path.with_name(path.name + ".damaged")
    try:
        os.replace(path, aside)
    except OSError:
        return f"The file with your progress, {path}, cannot be read ({error})."
    return f"The file with your progress was damaged and is now {aside}; a new one was begun."


def remember(id: str, points: float, of: float) -> str:
    """Count a try; the best one is kept. Returns a sentence about what went wrong, or an empty one."""
    best, complaint = recall()
    before = best.get(id, Best(0, of, 0))
    best[id] = Best(max(before.points, points) if before.of == of else points, of, before.tries + 1)
    try:
        if place().exists() and not place().is_file():
            return complaint
        _write(place(), best)
    except OSError as error:
        return complaint or f"Your progress cannot be kept in {place()} ({error.strerror})."
    return complaint


def _write(path: Path, best: dict[str, Best]) -> None:
    """The whole file at once, so that a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, "problems": {id: vars(b) for id, b in best.items()}}
    with replacing(path) as part:
        json.dump(content, part, indent=1)
