"""Which system this is, and in what it runs: WSL2, a container, Colab, a virtual environment."""

import os
import platform
import shutil
import struct
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from convlab.hardware.running import read

ROOT = Path("/")
MARKS = {".dockerenv": "Docker", "run/.containerenv": "Podman"}
GROUPS = {"docker": "Docker", "kubepods": "Kubernetes", "libpod": "Podman", "lxc": "LXC"}
SHADOWING = ("tensorflow", "keras", "numpy")


def is_wsl(release: str, environment: Mapping[str, str]) -> bool:
    """Linux inside of Windows, by the kernel's release, or by a variable where the kernel is one's own."""
    return "microsoft" in release.lower() or "WSL_DISTRO_NAME" in environment


def container(root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> str | None:
    """The kind of container that this runs in, or None."""
    for mark, kind in MARKS.items():
        if (root / mark).exists():
            return kind
    if "KUBERNETES_SERVICE_HOST" in environment:
        return "Kubernetes"
    groups = read(root / "proc/1/cgroup")
    return next((kind for word, kind in GROUPS.items() if word in groups), environment.get("container"))


def is_colab(environment: Mapping[str, str] = os.environ) -> bool:
    """Google Colab names its release in a variable."""
    return "COLAB_RELEASE_TAG" in environment


def c_library() -> str | None:
    """The C library and its version, such as "glibc 2.36" or "musl"; None where there is but one."""
    if platform.system() != "Linux":
        return None
    if any("musl" in str(sysconfig.get_config_var(name)) for name in ("HOST_GNU_TYPE", "SOABI")):
        return "musl"
    return " ".join(platform.libc_ver()).strip() or None


def bits() -> int:
    """Of an address: 64, or 32 in a Python that has no libraries."""
    return 8 * struct.calcsize("P")


def in_virtual_environment() -> bool:
    """Does pip install into a folder of its own?"""
    return sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ


def is_managed() -> bool:
    """Does the distribution forbid pip here? Source: PEP 668."""
    return not in_virtual_environment() and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file()


def free_disk() -> int:
    """Bytes that are free where pip installs."""
    return shutil.disk_usage(sys.prefix).free


def shadows(folder: Path) -> tuple[str, ...]:
    """Files in the working folder that notebooks there import instead of the library of that name."""
    return tuple(f"{name}.py" for name in SHADOWING if (folder / f"{name}.py").is_file())


def is_checkout() -> bool:
    """Is this convlab a checkout of the course, with its pyproject.toml beside it?"""
    return (Path(__file__).parents[2] / "pyproject.toml").is_file()
