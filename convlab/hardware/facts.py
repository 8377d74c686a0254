"""Gather facts about this machine. Nothing here judges, and nothing here fails: what cannot be known is None."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

PATIENCE = 120  # seconds for TensorFlow to start; without bytecode and on a slow disk it takes long

# In a process of its own: an import may end the process, or hang, or speak.
PROBE = """
import json
import tensorflow as tf
build = tf.sysconfig.get_build_info()
print("FACTS", json.dumps({
    "built_with_cuda": bool(tf.test.is_built_with_cuda()),
    "cuda_wanted": build.get("cuda_version"),
    "cudnn_wanted": build.get("cudnn_version"),
    "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
}))
"""


@dataclass(frozen=True)
class Facts:
    """One machine, as `gather` found it. None: could not be found out."""

    system: str  # "Linux", "Darwin" (macOS), "Windows"
    machine: str  # "x86_64", "arm64", ...
    wsl: bool
    python: tuple[int, int, int]
    virtual_environment: bool
    threads: int | None
    memory: int | None  # bytes
    avx: bool | None
    tensorflow: str | None  # version
    tensorflow_error: str | None  # last words of an import that failed
    built_with_cuda: bool | None
    cuda_wanted: str | None
    cudnn_wanted: str | None
    cuda_libraries: bool  # those that tensorflow[and-cuda] brings
    gpus: tuple[str, ...]  # as TensorFlow sees them
    driver: str | None  # version of NVIDIA's
    cards: tuple[str, ...]  # as the driver sees them
    keras: str | None
    backend: str | None
    jupyterlab: str | None
    widgets: str | None  # version of anywidget
    digits: bool  # scikit-learn, which brings them, is there
    mnist: str | None  # "CONVLAB_MNIST" or "Keras' cache"
    sandbox: str  # "bubblewrap", "landlock" or "none"
    # what hinders a better one: "", "missing", "container", "limit", "apparmor", "processor", or other words
    sandbox_hindrance: str


def gather() -> Facts:
    """The facts of this machine; takes as long as TensorFlow takes to start."""
    version = _version("tensorflow") or _version("tensorflow-cpu")
    probed, error = _probe_tensorflow() if version else ({}, None)
    driver, cards = _nvidia()
    sandbox, hindrance = _sandbox()
    return Facts(
        system=platform.system(),
        machine=platform.machine(),
        wsl="microsoft" in platform.release().lower(),
        python=sys.version_info[:3],
        virtual_environment=sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ,
        threads=_threads(),
        memory=_memory(),
        avx=_avx(),
        tensorflow=version,
        tensorflow_error=error,
        built_with_cuda=probed.get("built_with_cuda"),
        cuda_wanted=probed.get("cuda_wanted"),
        cudnn_wanted=probed.get("cudnn_wanted"),
        cuda_libraries=_version("nvidia-cudnn-cu12") is not None,
        gpus=tuple(probed.get("gpus", ())),
        driver=driver,
        cards=cards,
        keras=_version("keras"),
        backend=_backend(),
        jupyterlab=_version("jupyterlab"),
        widgets=_version("anywidget"),
        digits=_version("scikit-learn") is not None,
        mnist=_mnist(),
        sandbox=sandbox,
        sandbox_hindrance=hindrance,
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _run(command: Sequence[str], patience: float = 20) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=patience, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return None


def _probe_tensorflow() -> tuple[dict[str, Any], str | None]:
    """What TensorFlow says of itself, or the last words of its import."""
    result = _run([sys.executable, "-c", PROBE], PATIENCE)
    if result is None:
        return {}, f"it did not start within {PATIENCE} seconds"
    found = re.search(r"^FACTS (\{.*\})$", result.stdout, re.MULTILINE)
    if found:
        return json.loads(found[1]), None
    if result.returncode < 0:
        return {}, f"the process was ended by signal {-result.returncode}"
    words = result.stderr.strip().splitlines()
    return {}, words[-1] if words else f"exit status {result.returncode}"


def _nvidia() -> tuple[str | None, tuple[str, ...]]:
    """The driver's version and its cards, by NVIDIA's own tool."""
    tool = shutil.which("nvidia-smi")
    query = "--query-gpu=driver_version,name"
    result = _run([tool, query, "--format=csv,noheader"]) if tool else None
    lines = [line.split(", ", 1) for line in result.stdout.splitlines()] if result and result.returncode == 0 else []
    lines = [line for line in lines if len(line) == 2]
    return (lines[0][0], tuple(name for _, name in lines)) if lines else (None, ())


def _threads() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _avx() -> bool | None:
    """Has an Intel or AMD processor the AVX instructions that TensorFlow's wheels are made with?"""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    try:
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return "avx" in flags[1].split() if flags else None


def _backend() -> str | None:
    """The backend that Keras would take, without starting it."""
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        return chosen
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"  # Keras' own default


def _mnist() -> str | None:
    named = os.environ.get("CONVLAB_MNIST")
    if named:
        return "CONVLAB_MNIST" if Path(named).is_file() else None
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return "Keras' cache" if (home / "datasets" / "mnist.npz").is_file() else None


def _sandbox() -> tuple[str, str]:
    """What keeps a student's code apart from this machine, and what hinders a better sandbox, each found by trying."""
    result = _run([sys.executable, "-m", "convlab.grading.sandbox"], PATIENCE)
    try:
        found = json.loads(result.stdout) if result else {}
        return found["level"], found["hindrance"]
    except (ValueError, KeyError, TypeError):
        return "none", "the trial of it failed"
