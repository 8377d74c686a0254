"""Write files so that they are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from convlab.errors import ConvlabError


@contextmanager
def replacing(path: Path, mode: str = "w", **how: Any) -> Iterator[IO[Any]]:
    """A file to write to, which takes the place of `path` at the end of the block.

    Whatever happens meanwhile, the old file stays or the new one is whole. mode, how: as of `open`; texts are UTF-8
    where nothing else is said.
    """
    if "b" not in mode:
        how.setdefault("encoding", "utf-8")
    with NamedTemporaryFile(mode, dir=path.parent, prefix=f".{path.name}.", delete=False, **how) as part:
        try:
            yield part
            part.close()
            os.chmod(part.name, path.stat().st_mode if path.exists() else 0o666 & ~umask())
            os.replace(part.name, path)
        except BaseException:
            part.close()
            os.unlink(part.name)
            raise


def replace_whole(path: Path, text: str) -> None:
    """Write `text` to `path`, as `replacing` does."""
    with replacing(path) as part:
        part.write(text)


@contextmanager
def writing(path: Path, mode: str = "w", **how: Any) -> Iterator[IO[Any]]:
    """As `replacing`; the folder is made, and where that or the file cannot be written, a `ConvlabError` says so."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, mode, **how) as part:
            yield part
    except OSError as error:
        said = error.strerror or error
        raise ConvlabError(f"{path} cannot be written: {said}. Mend that, then run this again.") from error


def umask() -> int:
    """The permissions that new files lack: a temporary file lacks more of them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
