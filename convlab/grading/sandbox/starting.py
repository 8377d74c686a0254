"""Start a zygote: a Python of its own, in the sandbox of a level."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from convlab.errors import ConvlabError
from convlab.grading.sandbox import bubblewrap, confine, filter
from convlab.grading.sandbox.levels import Level
from convlab.grading.sandbox.view import View, package_folders, without

CONFINE = Path(confine.__file__).resolve()
ISOLATED = ("-s", "-P", "-B")  # not -I, which would ignore PYTHONHASHSEED: no folder of a user's, none of a script's
ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",  # the same order of sets for every student
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "agg",
}


class Zygote(subprocess.Popen[bytes]):
    """A started sandbox. `kill` ends all that runs in it."""

    def kill(self) -> None:
        """Bubblewrap stays outside and waits: ending it alone would leave the zygote. They are one process group."""
        if os.name == "nt":
            super().kill()
        elif self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)


def start(
    level: Level,
    arguments: Sequence[str],
    view: View,
    *,
    scratch_bytes: int = 64 * 2**20,
    pass_fd: int,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Zygote:
    """Run `python <arguments>` in the sandbox of a level, as `convlab.grading.sandbox` shows.

    The program must call `settle` of `confine.py`, which the view must show, before all else. pass_fd: the descriptor
    of the one socket that it gets, under the same number (on Windows: the handle); close yours after the start, or
    the zygote will not see the end of its line. scratch_bytes: for the files in the sandbox, where the level can say
    so. Nothing of this process' environment goes in. Raises `ConvlabError` where the view shows what is not there,
    or the level is not to be had; whether it really works, `convlab.grading.sandbox.level` finds out.
    """
    for path in view.shown:
        if not path.is_absolute() or not path.exists():
            raise ConvlabError(f'a sandbox cannot show "{path}": give the absolute path of a file or folder.')
    if level.contains and not filter.build():
        raise ConvlabError(f'there is no sandbox "{level}" on this machine: `convlab doctor` says what there is.')
    folder = None if level is Level.BUBBLEWRAP else tempfile.mkdtemp(prefix="convlab-")
    scratch = folder or bubblewrap.SCRATCH
    before = bubblewrap.command(view, scratch_bytes) if folder is None else []
    with tempfile.TemporaryFile("w+") as settings:
        json.dump(_settings(level, view, scratch), settings)
        settings.seek(0)
        zygote = Zygote(
            [*before, sys.executable, *ISOLATED, *arguments],
            stdin=settings,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=folder,
            env=_environment(scratch),
            start_new_session=True,
            **_inherit(pass_fd),
        )
    if folder is not None:
        weakref.finalize(zygote, _remove, folder)
    return zygote


def _settings(level: Level, view: View, scratch: str) -> dict[str, Any]:
    """What `settle` reads."""
    parts = [part for path in view.paths() for part in without(path, view.concealed())] if level == "landlock" else []
    return {
        "level": level,
        "scratch": scratch,
        "filter": filter.build().hex() if level.contains else "",
        "hidden": view.hidden,
        "packages": [str(folder) for folder in package_folders()],
        "visible": [str(path) for path in view.paths()] if level.contains else [],
        "readable": [str(path) for path, whole in parts if whole],
        "listed": [str(path) for path, whole in parts if not whole],
    }


def _environment(scratch: str) -> dict[str, str]:
    needed = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if os.name == "nt" else {}  # Windows starts nothing without
    return {**ENVIRONMENT, **needed, "HOME": scratch, "TMPDIR": scratch}


def _inherit(descriptor: int) -> dict[str, Any]:
    if sys.platform == "win32":
        os.set_handle_inheritable(descriptor, True)
        return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [descriptor]})}
    return {"pass_fds": [descriptor]}


def _remove(folder: str) -> None:
    """Its scratch, once a zygote is gone; what a killed fork left in it may be of any shape."""
    try:
        confine.empty(Path(folder))
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
