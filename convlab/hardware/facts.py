"""Gather facts about this machine. Nothing here judges, and nothing here fails: what cannot be known is None."""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convlab.hardware import nvidia, packages, probes, processor, system
from convlab.hardware.running import attempt


@dataclass(frozen=True)
class Facts:
    """One machine, as `gather` found it. None: could not be found out, or is not there."""

    # the system
    system: str  # "Linux", "Darwin" (macOS), "Windows"
    machine: str  # "x86_64", "arm64", ...
    wsl: bool
    container: str | None  # "Docker", "Podman", "Kubernetes", "LXC"
    colab: bool
    c_library: str | None  # "glibc 2.36", "musl"
    # Python
    python: tuple[int, int, int]
    bits: int  # of an address: 64 or 32
    virtual_environment: bool
    managed: bool  # the distribution forbids pip
    checkout: bool  # convlab is a checkout of the course
    shadows: tuple[str, ...]  # files in the working folder that hide a library, such as "keras.py"
    # the machine
    processor: str | None  # its name
    instructions: tuple[str, ...] | None  # as in `processor.KNOWN`
    avx: bool | None  # on Intel's and AMD's processors
    onednn: bool  # TensorFlow's code that uses them, unless TF_ENABLE_ONEDNN_OPTS is 0
    threads: int | None
    memory: int | None  # bytes
    disk: int | None  # free bytes where packages are installed
    # TensorFlow
    tensorflow: str | None  # version
    tensorflows: tuple[str, ...]  # packages that bring it, with versions: one, unless something is wrong
    tensorflow_error: str | None  # last words of an import that failed
    metal: str | None  # version of tensorflow-metal
    built_with_cuda: bool | None
    built_for: tuple[str, ...]  # kinds of GPU that it has code for, such as "sm_80", "compute_90"
    # CUDA: wanted by TensorFlow, found as packages, found elsewhere
    cuda_wanted: str | None
    cudnn_wanted: str | None
    cuda_found: str | None
    cudnn_found: str | None
    cuda_libraries: bool  # those that tensorflow[and-cuda] brings
    toolkits: tuple[str, ...]
    # GPUs
    gpus: tuple[str, ...]  # as TensorFlow sees them
    driver: str | None  # version of NVIDIA's
    driver_error: str | None  # what nvidia-smi says instead
    kernel_driver: str | None  # version that the kernel has loaded
    cards: tuple[str, ...]  # as the driver sees them
    card_memory: tuple[int | None, ...]  # bytes
    capabilities: tuple[str | None, ...]  # compute capabilities, such as "8.6"
    pci_cards: int | None  # NVIDIA's cards that are plugged in, driver or not
    may_use: bool | None  # may this user open the driver's files?
    wsl_library: bool | None  # has Windows put libcuda where WSL2 looks for it?
    visible_devices: str | None  # CUDA_VISIBLE_DEVICES
    # Keras and JupyterLab
    keras: str | None
    keras_error: str | None
    backend: str | None
    backend_chosen: str | None  # by whom: "KERAS_BACKEND", "keras.json", "Keras"
    backend_version: str | None
    backend_devices: tuple[str, ...]  # of another backend than TensorFlow
    jupyterlab: str | None
    widgets: str | None  # version of anywidget
    # data and grading
    digits: bool  # scikit-learn, which brings them, is there
    mnist: str | None  # "CONVLAB_MNIST" or "Keras' cache"
    sandbox: str  # "bubblewrap", "landlock" or "none"
    # what hinders a better one: "", "missing", "container", "limit", "apparmor", "processor", or other words
    sandbox_hindrance: str


def gather() -> Facts:
    """The facts of this machine; takes as long as TensorFlow takes to start."""
    found: dict[str, Any] = {}
    for look in (_system, _python, _machine, _tensorflow, _cuda, _driver, _keras, _rest):
        found |= look()
    details = [detail for detail in found.pop("details") if isinstance(detail, dict)]
    if details and not found["cards"]:  # no nvidia-smi, as in many containers: TensorFlow knows their names too
        found["cards"] = tuple(str(detail.get("device_name", "a GPU")) for detail in details)
        capabilities = [detail.get("compute_capability") for detail in details]
        found["capabilities"] = tuple(".".join(map(str, pair)) if pair else None for pair in capabilities)
    return Facts(**found)


def _system() -> dict[str, Any]:
    return dict(
        system=attempt(platform.system, ""),
        machine=attempt(platform.machine, ""),
        wsl=attempt(lambda: system.is_wsl(platform.release(), os.environ), False),
        container=attempt(system.container, None),
        colab=attempt(system.is_colab, False),
        c_library=attempt(system.c_library, None),
    )


def _python() -> dict[str, Any]:
    return dict(
        python=sys.version_info[:3],
        bits=system.bits(),
        virtual_environment=attempt(system.in_virtual_environment, False),
        managed=attempt(system.is_managed, False),
        checkout=attempt(system.is_checkout, False),
        shadows=attempt(lambda: system.shadows(Path.cwd()), ()),
    )


def _machine() -> dict[str, Any]:
    name, instructions = attempt(processor.processor, (None, None))
    intel = attempt(platform.machine, "").lower() in ("x86_64", "amd64")
    return dict(
        processor=name,
        instructions=instructions,
        avx="avx" in instructions if intel and instructions is not None else None,
        onednn=os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0",
        threads=attempt(processor.threads, None),
        memory=attempt(processor.memory, None),
        disk=attempt(system.free_disk, None),
    )


def _tensorflow() -> dict[str, Any]:
    version = packages.tensorflow()
    told, error = attempt(probes.tensorflow, ({}, "it could not be tried")) if version else ({}, None)
    return dict(
        tensorflow=str(told.get("version") or version) if version else None,
        tensorflows=packages.tensorflows(),
        tensorflow_error=error,
        metal=packages.version("tensorflow-metal"),
        built_with_cuda=told.get("built_with_cuda"),
        built_for=tuple(map(str, told.get("built_for") or ())),
        cuda_wanted=told.get("cuda_wanted"),
        cudnn_wanted=told.get("cudnn_wanted"),
        gpus=tuple(map(str, told.get("gpus") or ())),
        details=told.get("details") or (),
        keras_error=told.get("keras_error"),
    )


def _cuda() -> dict[str, Any]:
    cudnn = packages.version(packages.CUDNN_PACKAGE)
    return dict(
        cuda_found=packages.version(packages.CUDA_PACKAGE),
        cudnn_found=cudnn,
        cuda_libraries=cudnn is not None,
        toolkits=attempt(nvidia.toolkits, ()),
    )


def _driver() -> dict[str, Any]:
    found = attempt(nvidia.cards, nvidia.Cards())
    return dict(
        driver=found.driver,
        driver_error=found.error,
        kernel_driver=attempt(nvidia.kernel_driver, None),
        cards=found.names,
        card_memory=found.memory,
        capabilities=found.capabilities,
        pci_cards=attempt(nvidia.pci_cards, None),
        may_use=attempt(nvidia.may_use, None),
        wsl_library=attempt(nvidia.wsl_library, None),
        visible_devices=os.environ.get("CUDA_VISIBLE_DEVICES"),
    )


def _keras() -> dict[str, Any]:
    backend, chosen = attempt(packages.backend, ("tensorflow", "Keras"))
    devices, error = attempt(lambda: probes.backend_devices(backend), ((), None))
    facts = dict(
        keras=packages.version("keras"),
        backend=backend,
        backend_chosen=chosen,
        backend_version=packages.version(packages.BACKENDS.get(backend, backend)),
        backend_devices=devices,
    )
    return facts if backend == "tensorflow" else facts | dict(keras_error=error)


def _rest() -> dict[str, Any]:
    level, hindrance = attempt(probes.sandbox, ("none", "the trial of it failed"))
    return dict(
        jupyterlab=packages.version("jupyterlab"),
        widgets=packages.version("anywidget"),
        digits=packages.version("scikit-learn") is not None,
        mnist=attempt(packages.mnist, None),
        sandbox=level,
        sandbox_hindrance=hindrance,
    )
