"""What the numbers were measured on, and the settings that make them fair."""

import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

FLAGS = ("avx2", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "amx_tile", "asimd", "sve")
CHOICES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA")
LIBRARIES = ("numpy", "tensorflow-cpu", "tensorflow", "keras", "torch", "scipy", "opencv-python-headless")


def environment(threads: int, as_found: bool) -> dict[str, str]:
    """The environment to measure in: set before NumPy and TensorFlow are imported, which read it once.

    Variables that tell a library which processor to take this one for are left out, so that each finds out by itself,
    unless `as_found`.
    """
    count = str(threads)
    variables = dict(os.environ)
    if not as_found:
        for name in CHOICES:
            variables.pop(name, None)
    variables |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), count)
    return variables | {"CUDA_VISIBLE_DEVICES": "-1"}


def _blas() -> dict[str, Any]:
    """What NumPy computes matrix products with, asked in a process of its own."""
    code = "import json, numpy, threadpoolctl; print(json.dumps(threadpoolctl.threadpool_info()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = next((one for one in json.loads(run.stdout) if one["user_api"] == "blas"), {})
    return {name: found.get(name) for name in ("internal_api", "version", "architecture", "num_threads")}


def cpu_flags() -> list[str]:
    """The instruction sets that matter here, where the system tells them."""
    cpuinfo = Path("/proc/cpuinfo")
    words = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return [flag for flag in FLAGS if flag in words]


def describe(threads: int, peak: float) -> dict[str, Any]:
    """The report's header."""
    return {
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "instructions": cpu_flags(),
        "threads": threads,
        "python": platform.python_version(),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "blas": _blas(),
        "processor chosen for libraries": {name: os.environ[name] for name in CHOICES if name in os.environ} or "no",
        "matrix product, GFLOP/s": round(peak / 1e9, 1),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
