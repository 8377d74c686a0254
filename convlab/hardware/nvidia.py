"""What NVIDIA's driver says, whether it may be used, and which CUDA libraries lie about."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from convlab.hardware.running import ask, read

ROOT = Path("/")
NVIDIA, DISPLAY = "0x10de", "0x03"  # of PCI: the vendor's number, and how the numbers of display controllers begin
WSL_FOLDER = "usr/lib/wsl/lib"  # where Windows puts its driver's libraries for Linux
FIELDS = ("driver_version", "memory.total", "compute_cap", "name")  # the name last, for it may have commas


class Cards(NamedTuple):
    """What nvidia-smi tells: the driver's version; of each card its name, bytes and compute capability; or why not."""

    driver: str | None = None
    names: tuple[str, ...] = ()
    memory: tuple[int | None, ...] = ()
    capabilities: tuple[str | None, ...] = ()
    error: str | None = None


def cards(root: Path = ROOT) -> Cards:
    """Ask NVIDIA's own tool."""
    tool = shutil.which("nvidia-smi") or shutil.which("nvidia-smi", path=str(root / WSL_FOLDER))
    if tool is None:
        return Cards()
    found = _query(tool, FIELDS)
    if found.error and "not a valid field" in found.error:  # drivers before 510 know no compute_cap
        found = _query(tool, tuple(field for field in FIELDS if field != "compute_cap"))
    return found


def _query(tool: str, fields: tuple[str, ...]) -> Cards:
    said = ask([tool, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"])
    if said is None:
        return Cards(error="nvidia-smi cannot be started")
    if said.status is None:
        return Cards(error="nvidia-smi does not answer")
    return read_cards(said.out + said.errors, fields)


def read_cards(text: str, fields: tuple[str, ...] = FIELDS) -> Cards:
    """The lines of nvidia-smi, one a card; where there is none, its first line is the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = [dict(zip(fields, line.split(", ", len(fields) - 1), strict=False)) for line in lines]
    rows = [row for row in rows if len(row) == len(fields) and re.match(r"\d+\.\d+", row["driver_version"])]
    if not rows:
        return Cards(error=lines[0][:200] if lines else "nvidia-smi says nothing")
    return Cards(
        rows[0]["driver_version"],
        tuple(row["name"] for row in rows),
        tuple(2**20 * int(row["memory.total"]) if row["memory.total"].isdecimal() else None for row in rows),
        tuple(row["compute_cap"] if re.match(r"\d+\.\d", row.get("compute_cap", "")) else None for row in rows),
    )


def kernel_driver(root: Path = ROOT) -> str | None:
    """The version of the driver that the kernel has loaded; a container sees its host's."""
    found = re.search(r"Kernel Module\D*(?:x86_64|aarch64)?\s+(\d+\.[\d.]+)", read(root / "proc/driver/nvidia/version"))
    return found[1] if found else None


def pci_cards(root: Path = ROOT) -> int | None:
    """How many of NVIDIA's cards are plugged in, driver or not; None where Linux' list of PCI devices is not there."""
    folder = root / "sys/bus/pci/devices"
    if not folder.is_dir():
        return None
    devices = list(folder.iterdir())
    shown = [device for device in devices if read(device / "class").startswith(DISPLAY)]
    return sum(read(device / "vendor").strip() == NVIDIA for device in shown)


def may_use(root: Path = ROOT) -> bool | None:
    """May this user open the files that the driver is reached by? None where there are none."""
    files = sorted((root / "dev").glob("nvidia[0-9c]*"))  # nvidia0, nvidia1, ..., nvidiactl
    return all(os.access(file, os.R_OK | os.W_OK) for file in files) if files else None


def wsl_library(root: Path = ROOT) -> bool:
    """Has Windows put its driver's library where WSL2 looks for it?"""
    return any((root / WSL_FOLDER).glob("libcuda.so*"))


def toolkits(root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Installations of CUDA that pip did not make, each with its version where it says one."""
    places = {folder.resolve() for folder in (root / "usr/local").glob("cuda*") if folder.is_dir()}
    return tuple(sorted(f"{place}{_toolkit_version(place)}" for place in places)) + tuple(
        f"{folder} in LD_LIBRARY_PATH" for folder in library_path(environment)
    )


def _toolkit_version(place: Path) -> str:
    try:
        return f" ({json.loads(read(place / 'version.json'))['cuda']['version']})"
    except (ValueError, KeyError, TypeError):
        found = re.search(r"CUDA Version (\S+)", read(place / "version.txt"))  # before CUDA 11.1
        return f" ({found[1]})" if found else ""


def library_path(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Folders of LD_LIBRARY_PATH with CUDA or cuDNN, which the loader takes before those that pip installed."""
    folders = [Path(name) for name in environment.get("LD_LIBRARY_PATH", "").split(os.pathsep) if name]
    return tuple(str(folder) for folder in folders if any(folder.glob("libcud[an]*.so*")))
