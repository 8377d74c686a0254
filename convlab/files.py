"""Write files so that they are whole or not there."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def replace_whole(path: Path, text: str) -> None:
    """Write `text` to `path`; whatever happens meanwhile, the old file stays or the new one is whole."""
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        try:
            part.write(text)
            part.close()
            os.chmod(part.name, path.stat().st_mode if path.exists() else 0o666 & ~umask())
            os.replace(part.name, path)
        except BaseException:
            part.close()
            os.unlink(part.name)
            raise


def umask() -> int:
    """The permissions that new files lack: a temporary file lacks more of them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
