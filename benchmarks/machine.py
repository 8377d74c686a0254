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
SKYLAKE_X = {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}  # what OpenBLAS' SkylakeX kernels need
LIBRARIES = ("numpy", "tensorflow-cpu", "tensorflow", "keras", "torch", "scipy", "opencv-python-headless")


def environment(threads: int, as_found: bool) -> dict[str, str]:
    """Variables that must be set before NumPy and TensorFlow are imported."""
    count = str(threads)
    chosen = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), count)
    chosen |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    if not as_found and "OPENBLAS_CORETYPE" not in os.environ and misdetected():
        chosen["OPENBLAS_CORETYPE"] = "SkylakeX"
    return chosen


def misdetected() -> bool:
    """Does OpenBLAS take a processor with AVX-512 for an older one, at about half its speed?

    OpenBLAS 0.3.31, which NumPy's wheels bring, does not know AMD's Zen 5 and uses its Haswell kernels.
    """
    return set(cpu_flags()) >= SKYLAKE_X and _blas().get("architecture") == "Haswell"


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
        "core type corrected": os.environ.get("OPENBLAS_CORETYPE", "no"),
        "matrix product, GFLOP/s": round(peak / 1e9, 1),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
