"""Find the lessons and exercises, and copy them to a learner's folder without ever touching a learner's work."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from convlab.errors import ConvlabError
from convlab.files import umask

_PACKAGE = Path(__file__).resolve().parents[1]
_SHIPPED = _PACKAGE / "share"  # a wheel carries the folders here
FOLDERS = ("notebooks", "exercises")  # side by side, for they link to each other
START = Path("notebooks", "00_start_here.ipynb")
_NOT_LESSONS = {".ipynb_checkpoints", "__pycache__"}


@dataclass(frozen=True)
class Copied:
    """What `copy_lessons` did, as paths relative to the target: files added, and changed files it left alone."""

    added: tuple[Path, ...]
    kept: tuple[Path, ...]


def checkout() -> Path | None:
    """The source tree that this package runs from, or None where it was installed as a wheel."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def course_folder() -> Path:
    """The folder that holds the course's own FOLDERS: a checkout, else the copy inside the package.

    Raises ConvlabError where neither is there.
    """
    root = checkout()
    if root is not None:
        return root
    if _SHIPPED.is_dir():
        return _SHIPPED
    raise ConvlabError(f"no lessons in {_SHIPPED}: this installation is incomplete, so install convlab again")


def copy_lessons(target: Path) -> Copied:
    """Add to `target` every lesson and exercise that it lacks; a file that is there already stays exactly as it is.

    Each file appears whole or not at all, so an interrupted copy is completed by the next one. Raises ConvlabError
    where `target` cannot be written.
    """
    source = course_folder()
    added, kept = [], []
    try:
        for name in _files(source):
            content, to = (source / name).read_bytes(), target / name
            if _add(content, to):
                added.append(name)
            elif not to.is_file() or to.read_bytes() != content:
                kept.append(name)
    except OSError as error:
        raise ConvlabError(
            f"cannot copy the lessons to {target}: {error}; choose a folder that you can write to with --dir"
        ) from error
    return Copied(tuple(added), tuple(kept))


def _files(source: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((source / folder).rglob("*")):
            name = path.relative_to(source)
            if path.is_file() and _NOT_LESSONS.isdisjoint(name.parts):
                yield name


def _add(content: bytes, to: Path) -> bool:
    """Write a file that is not there yet; False where something is, even a link that leads nowhere."""
    if os.path.lexists(to):
        return False
    to.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=to.parent, prefix=f".{to.name}.", delete=False) as part:
        whole = Path(part.name)
        try:
            part.write(content)
            part.close()
            whole.chmod(0o666 & ~umask())  # a temporary file is private, a lesson is not
            whole.rename(to)
        except BaseException:
            part.close()
            whole.unlink(missing_ok=True)
            raise
    return True
