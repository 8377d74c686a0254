"""Look into zips that nobody should trust. Nothing in them is ever written to disk.

What a zip says of itself is checked while it is read: how much comes out, that it is what was packed, and that no two
entries share their bytes, of which the small zips that unpack to petabytes are made (D. Fifield, "A better zip bomb",
2019). Only the two kinds of packing are read that learning platforms and operating systems use.
"""

import os
import re
import stat
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from convlab.errors import ConvlabError
from convlab.grading.intake.folders import KINDS, open_file
from convlab.grading.intake.items import AT_MOST, Item, is_hidden, printable
from convlab.grading.intake.reading import LIMIT

ENTRIES = 250_000
DIRECTORY = 24_000_000  # bytes of a zip's list of entries, about 100 for each
# An entry may unpack to so many bytes, or so many times its size; those that unpack to more share an allowance, so that
# a few with long outputs are read, many of them are not, and nobody else's are refused for them.
SMALL, RATIO, ALLOWANCE = 100_000, 100, 10**9
PIECE = 2**16
OPEN = 4  # zips that are kept open, because opening a large one takes a second
PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
HEADER = 30  # bytes before each entry, at least
OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:$|[/\\])")  # paths of another place
ENCRYPTED, UTF_8 = 0x1, 0x800  # flags of an entry


class Archive:
    """An open zip. Raises `ConvlabError` for what is none, or has too long a list of entries."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = printable(name)
        self._file = file
        try:
            self._size, self._allowance = file.seek(0, 2), ALLOWANCE
            self._zip = zipfile.ZipFile(_Bounded(file))  # type: ignore[arg-type]
        except Exception as error:  # damaged zips make zipfile raise errors of any kind
            file.close()
            raise ConvlabError(f'"{self.name}" is a damaged zip ({_words(error)}).') from error
        if len(self._zip.infolist()) > ENTRIES:
            self.close()
            raise ConvlabError(f'"{self.name}" has more than {ENTRIES:,} entries: hand over smaller zips.')

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def __del__(self) -> None:
        self._file.close()

    def items(self, parts: tuple[str, ...], read: Callable[[int], bytes]) -> Iterator[tuple[int, Item]]:
        """What is in the zip, under `parts`, each with its number. read: reads by number."""
        paths = [_path(info) for info in self._zip.infolist()]
        full = {path[:depth] for path, is_file in paths if is_file for depth in range(len(path))}
        shared = _sharing(self._zip.infolist())
        for number, (info, (path, is_file)) in enumerate(zip(self._zip.infolist(), paths, strict=True)):
            if is_file:
                fault = _fault(info) or ("shares its bytes with another entry" if number in shared else "")
                yield number, Item((*parts, *path), fault, _seconds(info), None if fault else partial(read, number))
            elif path not in full and (parts or path):
                yield number, Item((*parts, *path), folder=True)

    def read(self, number: int) -> bytes:
        """The beginning of an entry, at most `AT_MOST` bytes. Raises `ConvlabError` where it cannot be read."""
        info = self._zip.infolist()[number]
        usual = max(SMALL, RATIO * min(info.compress_size, self._size))
        content = bytearray()
        try:
            with self._zip.open(info) as packed:
                while len(content) < AT_MOST and (piece := packed.read(min(PIECE, AT_MOST - len(content)))):
                    content += piece
                    if len(content) > usual:
                        self._draw(len(piece))
        except Exception as error:  # as above
            where = f'"{printable(_name(info))}" in "{self.name}"'
            raise ConvlabError(f"{where} is damaged ({_words(error)}): hand it in again.") from error
        return bytes(content)

    def _draw(self, size: int) -> None:
        """Take from the allowance for what unpacks to very much."""
        self._allowance -= size
        if self._allowance < 0:
            raise zipfile.BadZipFile("it unpacks to far more than it should, as others in its zip do")


class _Bounded:
    """A file of which not more is read at once than a list of entries may have: zipfile reads that in one go."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(min(size, DIRECTORY + 1) if size >= 0 else DIRECTORY + 1)
        if len(content) > DIRECTORY:
            raise zipfile.BadZipFile("its list of entries is too long")
        return content


def _sharing(infos: list[zipfile.ZipInfo]) -> set[int]:
    """The numbers of entries whose packed bytes another entry has, too."""
    order = sorted(range(len(infos)), key=lambda number: infos[number].header_offset)
    shared, end, last = set[int](), -1, -1
    for number in order:
        begins = infos[number].header_offset
        if begins < end:
            shared |= {number, last}
        if (ends := begins + HEADER + infos[number].compress_size) > end:
            end, last = ends, number
    return shared


def _name(info: zipfile.ZipInfo) -> str:
    """An entry's path. Many programs write UTF-8 without saying so, which zipfile reads as letters of DOS."""
    if info.flag_bits & UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _path(info: zipfile.ZipInfo) -> tuple[tuple[str, ...], bool]:
    """An entry's path, up to where it is hidden, and whether it is a file that counts."""
    name = _name(info)
    parts = tuple(part for part in re.split(r"[/\\]|^[A-Za-z]:", name) if part not in ("", ".", ".."))
    hidden = next((place for place, part in enumerate(parts) if is_hidden(part)), len(parts))
    return parts[:hidden], 0 < len(parts) == hidden and not name.endswith(("/", "\\"))


def _fault(info: zipfile.ZipInfo) -> str:
    """Why an entry is not read, or an empty text."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if OUTSIDE.search(_name(info)):
        return "has a path that leads out of its zip, and is not read"
    if kind in KINDS:
        return KINDS[kind]
    if info.flag_bits & ENCRYPTED:
        return "is encrypted, and is not read: hand it in without a password"
    if info.compress_type not in PACKED:
        return "is packed in a way that is not read: use the zip program of the operating system"
    return ""


def _seconds(info: zipfile.ZipInfo) -> float:
    """A time for putting an entry's versions in order; zips do not say in which zone it is."""
    year, month, day, hour, minute, second = info.date_time
    return ((((year - 1970) * 372 + month * 31 + day) * 24 + hour) * 60 + minute) * 60 + second


def _words(error: Exception) -> str:
    text = printable(str(error).partition("\n")[0]) or type(error).__name__
    return text[:100]


class Shelf:
    """Zips that are opened again whenever something in them is read; the last few stay open.

    For one thread. A zip that has changed since it was first opened is not read any more.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Path, int | None], Archive] = OrderedDict()
        self._seen: dict[Path, tuple[int, int]] = {}

    def items(self, path: Path, parts: tuple[str, ...] = ()) -> Iterator[Item]:
        """What is in a zip, and in the zips in it, under `parts`. Raises `ConvlabError` for what is no zip."""
        for number, item in self._archive(path, None).items(parts, partial(self._read, path, None)):
            if item.read is not None and item.suffix == ".zip":
                yield from self._inner(path, number, item)
            else:
                yield item

    def _inner(self, path: Path, number: int, zipped: Item) -> Iterator[Item]:
        """What is in a zip within a zip; a zip in that one is a file like any other."""
        try:
            archive = self._archive(path, number)
        except ConvlabError as error:
            yield Item(zipped.parts, f"cannot be opened: {error}")
            return
        for _, item in archive.items(zipped.parts, partial(self._read, path, number)):
            yield item

    def _read(self, path: Path, within: int | None, number: int) -> bytes:
        return self._archive(path, within).read(number)

    def _archive(self, path: Path, within: int | None) -> Archive:
        """The zip at `path`, or the zip that is its entry with the number `within`."""
        key = (path, within)
        if key not in self._open:
            self._open[key] = self._from_disk(path) if within is None else self._from_zip(path, within)
            while len(self._open) > OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(key)
        return self._open[key]

    def _from_disk(self, path: Path) -> Archive:
        file = open_file(path)
        found = os.fstat(file.fileno())
        if self._seen.setdefault(path, (found.st_size, found.st_mtime_ns)) != (found.st_size, found.st_mtime_ns):
            file.close()
            raise ConvlabError(f'"{printable(path.name)}" has changed while it was read: begin again.')
        return Archive(file, path.name)

    def _from_zip(self, path: Path, number: int) -> Archive:
        outer = self._archive(path, None)
        content = outer.read(number)
        if len(content) == AT_MOST:
            raise ConvlabError(
                f'a zip in "{outer.name}" is larger than {LIMIT // 10**6} MB: hand in the notebook alone.'
            )
        return Archive(BytesIO(content), f"a zip in {outer.name}")
