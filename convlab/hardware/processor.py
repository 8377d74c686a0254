"""What the processor can do, and how much of the machine this process may use."""

import ctypes
import os
import platform
import re
import sys
from pathlib import Path

from convlab.hardware.running import ask, read

ROOT = Path("/")
# of all that a processor has, what TensorFlow and oneDNN choose their code by
KNOWN = ("avx", "avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")
# numbers in winnt.h: PF_AVX_INSTRUCTIONS_AVAILABLE, PF_AVX2_..., PF_AVX512F_...
WINDOWS_FEATURES = {39: "avx", 40: "avx2", 41: "avx512f"}
UNLIMITED = 2**60  # a control group without a limit says "max", or a number beyond any machine


def processor(root: Path = ROOT) -> tuple[str | None, tuple[str, ...] | None]:
    """The processor's name and which of `KNOWN` it has; None for what cannot be found out."""
    if platform.system() == "Darwin":
        said = ask(["sysctl", "-n", "machdep.cpu.brand_string"])
        return (said.out.strip() or None if said else None), None
    if platform.system() == "Windows":
        return platform.processor() or None, windows_features()
    return read_cpuinfo(read(root / "proc/cpuinfo"))


def read_cpuinfo(text: str) -> tuple[str | None, tuple[str, ...] | None]:
    """The same from the text of Linux' /proc/cpuinfo, whose words differ between x86 and Arm."""
    name = re.search(r"^(?:model name|Model|Hardware)\s*:[ \t]*(\S.*)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    has = flags[1].split() if flags else []
    return (name[1].strip() if name else None), (tuple(word for word in KNOWN if word in has) if flags else None)


def windows_features() -> tuple[str, ...] | None:
    """Windows is asked for each by its number."""
    library = getattr(ctypes, "WinDLL", None)
    if library is None or platform.machine() != "AMD64":
        return None
    present = library("kernel32").IsProcessorFeaturePresent
    return tuple(name for number, name in WINDOWS_FEATURES.items() if present(number))


def threads() -> int | None:
    """How many threads can run at once in this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def memory(root: Path = ROOT) -> int | None:
    """Bytes of memory for this process: the machine's, or less where a container may have less."""
    machine = _machine_memory()
    limits = [read(root / "sys/fs/cgroup" / name).strip() for name in ("memory.max", "memory/memory.limit_in_bytes")]
    allowed = [int(limit) for limit in limits if limit.isdecimal() and int(limit) < UNLIMITED]
    return min([*allowed, *([machine] if machine else [])], default=None)


def _machine_memory() -> int | None:
    if sys.platform != "win32":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil  # comes with JupyterLab

    return psutil.virtual_memory().total
