"""What keeps a machine from giving the best level: one of a few known causes, each with a known way on."""

import os
import shutil
from pathlib import Path

from convlab.grading.sandbox import bubblewrap, filter
from convlab.grading.sandbox.levels import Level
from convlab.grading.sandbox.probing import failure

CONTAINERS = (".dockerenv", "run/.containerenv")


def hindrance(root: Path = Path("/")) -> str:
    """Why bubblewrap does not work here: "processor", "missing", "container", "limit", "apparmor", or its own words.

    root: where the system's files are.
    """
    if not filter.build():
        return "processor"
    if not shutil.which(bubblewrap.PROGRAM):
        return "missing"
    if any((root / name).exists() for name in CONTAINERS):
        return "container"
    if "0" in (_setting(root, "user/max_user_namespaces"), _setting(root, "kernel/unprivileged_userns_clone")):
        return "limit"
    if _setting(root, "kernel/apparmor_restrict_unprivileged_userns") == "1" and os.geteuid():
        return "apparmor"
    return failure(Level.BUBBLEWRAP)


def _setting(root: Path, name: str) -> str:
    try:
        return (root / "proc/sys" / name).read_text().strip()
    except OSError:
        return ""
