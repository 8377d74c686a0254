"""Ask other programs and files, and come back with an answer whatever they do."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Said(NamedTuple):
    """What a program said. status: its exit status, below 0 for a signal, None where it had not ended in time."""

    status: int | None
    out: str
    errors: str


def ask(command: Sequence[str], patience: float = 20, environment: dict[str, str] | None = None) -> Said | None:
    """Run a program for at most `patience` seconds; None where it cannot be started. environment: what to add to it.

    A program that waits for a dead graphics card cannot even be killed (it is in state D), and one that was killed may
    leave children that hold its pipes. So nobody waits after the time is over, as `subprocess.run` would.
    """
    given = {**os.environ, **environment} if environment else None
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    try:
        child = subprocess.Popen(command, stdin=nothing, stdout=pipe, stderr=pipe, env=given)
    except (OSError, ValueError):
        return None
    try:
        out, errors = child.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        child.kill()
        return Said(None, "", "")
    return Said(child.returncode, out.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))


def read(file: Path) -> str:
    """The text of a file; empty where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def attempt(look: Callable[[], Any], otherwise: Any) -> Any:
    """What `look` finds, or `otherwise` where it fails: a report on a broken machine must not break there itself."""
    try:
        return look()
    except Exception:
        return otherwise
