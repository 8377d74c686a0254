"""What a sandbox shows of the machine: this Python, its libraries without those that are hidden, and what is asked."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Shared libraries, wherever distributions keep them, the loader's index of them, and the times of the world
SYSTEM = [f"{prefix}/{name}" for prefix in ("", "/usr", "/usr/local") for name in ("lib", "lib32", "lib64")]
SYSTEM += ["/nix/store", "/gnu/store", "/etc/ld.so.cache", "/etc/alternatives", "/usr/share/zoneinfo"]
OF_PREFIX = ("lib", "lib64", "pyvenv.cfg")  # what an interpreter needs of its folder, which may be a home or a course


@dataclass(frozen=True)
class View:
    """What a sandbox sees, read-only, beside its interpreter: Python's standard library and installed packages.

    hidden: names of modules that are not there, whatever is installed. shown: files, and folders with all beneath;
    shown files win over hidden packages around them.
    """

    hidden: tuple[str, ...] = ()
    shown: tuple[Path, ...] = ()

    def paths(self) -> list[Path]:
        """The files and folders that are visible with all beneath, but for `concealed`; none is within another."""
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
        wanted = [Path(prefix, name) for prefix in prefixes for name in OF_PREFIX]
        wanted += [*map(Path, SYSTEM), *package_folders(), *interpreters()]
        named = {path for path in wanted if path.exists() and not path.is_symlink()}
        return _outermost(named | {path.resolve() for path in wanted if path.exists()}) + list(self.shown)

    def links(self) -> list[Path]:
        """The symbolic links that lead to these paths from where they are looked for."""
        inside = self.paths()
        links = [path for path in [*map(Path, SYSTEM), *interpreters()] if path.is_symlink()]
        return [link for link in links if not any(_within(link, path) for path in inside)]

    def concealed(self) -> list[Path]:
        """The files and folders, within the visible ones, of the hidden modules."""
        found = [
            entry
            for folder in package_folders()
            for place in (folder, folder / "__pycache__")
            for entry in _listing(place)
            if entry.name.partition(".")[0] in self.hidden
        ]
        # where a folder has two names, a link's and its own, both
        return sorted({entry for entry in found if not entry.is_symlink()} | {entry.resolve() for entry in found})


def package_folders() -> list[Path]:
    """Where this Python finds installed packages."""
    folders = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def interpreters() -> list[Path]:
    """This interpreter's file, and before it the links that lead there, as in a virtual environment."""
    path = Path(sys.executable)
    chain = [path]
    while path.is_symlink() and len(chain) < 40:
        path = Path(os.path.normpath(path.parent / path.readlink()))
        chain.append(path)
    return chain


def without(path: Path, concealed: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """`path` taken apart into (file or folder, with all beneath?) so that nothing concealed is among it."""
    inside = [hidden for hidden in concealed if _within(hidden, path)]
    if path in inside:
        return
    yield path, not inside
    if inside:
        for entry in _listing(path):
            yield from without(entry, inside)


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _outermost(paths: Iterable[Path]) -> list[Path]:
    kept: list[Path] = []
    for path in sorted(paths):  # a folder comes before what is in it
        if not any(_within(path, folder) for folder in kept):
            kept.append(path)
    return kept


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
