"""The command line of bubblewrap: namespaces of its own, and a file system of nothing but a view."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from convlab.errors import ConvlabError
from convlab.grading.sandbox.confine import DEVICES
from convlab.grading.sandbox.view import View

SCRATCH = "/sandbox"
PROGRAM = "bwrap"
# Not --die-with-parent, which follows the starting thread: the zygote ends with its socket, and its namespace with it
APART = ["--unshare-user", "--unshare-all", "--as-pid-1", "--cap-drop", "ALL"]
APART += ["--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
OF_THE_PROCESSOR = "/sys/devices/system/cpu"


def command(view: View, scratch_bytes: int) -> list[str]:
    """What to write before a command to run it in bubblewrap; raises `ConvlabError` where that is not installed."""
    program = shutil.which(PROGRAM)
    if not program:
        raise ConvlabError("bubblewrap is not installed: `convlab doctor` says how to install it.")
    return [program, *APART, *_files(view, scratch_bytes), "--chdir", SCRATCH, "--"]


def _files(view: View, scratch_bytes: int) -> Iterator[str]:
    """Mounts, in their order: a later one lies over an earlier one."""
    yield from (["--size", str(scratch_bytes)] if _knows_sizes() else [])
    yield from ["--tmpfs", SCRATCH]
    yield from ["--proc", "/proc"]
    shown = set(view.shown)
    for path in view.paths():
        if path not in shown:
            yield from ["--ro-bind", str(path), str(path)]
    for link in view.links():
        yield from ["--symlink", str(link.readlink()), str(link)]
    folders = [path for path in view.concealed() if path.is_dir()]
    for path in view.concealed():
        yield from ["--tmpfs", str(path)] if path in folders else ["--ro-bind", "/dev/null", str(path)]
    for path in view.shown:
        yield from ["--ro-bind", str(path), str(path)]
    for device in DEVICES:
        yield from ["--dev-bind", device, device]
    yield from ["--ro-bind-try", OF_THE_PROCESSOR, OF_THE_PROCESSOR]
    # Nothing can be written to what holds the mounts, either, nor, where root grades, to the settings of the kernel
    for path in [*folders, Path("/proc"), Path("/")]:
        yield from ["--remount-ro", str(path)]


@functools.cache
def _knows_sizes() -> bool:
    """Before its version 0.7 a scratch could not be given a size; what a fork has written is then watched alone."""
    try:
        told = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=20, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return False
    return "--size" in told.stdout + told.stderr
