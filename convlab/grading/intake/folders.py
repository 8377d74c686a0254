"""Walk through a folder that may hold anything, and read nothing but ordinary files in it."""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from convlab.errors import ConvlabError
from convlab.grading.intake.items import AT_MOST, Item, is_hidden, printable

DEEPEST = 12  # folders within folders
# A link is not followed, and a pipe without a writer does not keep anybody waiting; Windows has neither.
CAREFULLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
KINDS = {
    stat.S_IFLNK: "is a link, which is not followed",
    stat.S_IFIFO: "is a pipe, which is not read",
    stat.S_IFSOCK: "is a socket, which is not read",
    stat.S_IFCHR: "is a device, which is not read",
    stat.S_IFBLK: "is a device, which is not read",
}


def walk(folder: Path, parts: tuple[str, ...] = ()) -> Iterator[Item]:
    """All files below a folder in the order of their names; of links and the like only what they are.

    A folder with nothing in it is an item of its own. Hidden files are passed over.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not is_hidden(entry.name))
    except OSError as error:
        yield Item(parts, f"cannot be opened: {error.strerror or error}")
        return
    if not names and parts:
        yield Item(parts, folder=True)
    for name in names:
        yield from _entry(folder / name, (*parts, name))


def _entry(path: Path, parts: tuple[str, ...]) -> Iterator[Item]:
    try:
        found = path.lstat()
    except (OSError, ValueError) as error:
        yield Item(parts, f"cannot be looked at: {getattr(error, 'strerror', None) or error}")
        return
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        yield Item(parts, changed=found.st_mtime, read=partial(read_file, path))
    elif kind != stat.S_IFDIR or _is_junction(path):
        yield Item(parts, KINDS.get(kind, "is a link, which is not followed"))
    elif len(parts) > DEEPEST:
        yield Item(parts, f"lies more than {DEEPEST} folders deep, and is not looked into")
    else:
        yield from walk(path, parts)


def _is_junction(path: Path) -> bool:
    """Whether a folder of Windows is a link; only Python 3.12 and later can say."""
    return getattr(os.path, "isjunction", lambda path: False)(path)


def open_file(path: Path) -> BinaryIO:
    """An ordinary file, open for reading. Raises `ConvlabError` for anything else, also where it was exchanged."""
    try:
        file = os.fdopen(os.open(path, CAREFULLY), "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConvlabError(f'"{printable(path.name)}" cannot be read: {reason}.') from error
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise ConvlabError(f'"{printable(path.name)}" is no ordinary file any more, and is not read.')


def read_file(path: Path) -> bytes:
    """The beginning of an ordinary file, at most `AT_MOST` bytes. Raises `ConvlabError` where it cannot be read."""
    with open_file(path) as file:
        try:
            return file.read(AT_MOST)
        except OSError as error:
            raise ConvlabError(f'"{printable(path.name)}" cannot be read: {error.strerror or error}.') from error
