"""What to do about a GPU that TensorFlow does not see. No lesson needs one, so nothing here is ever missing."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from convlab.hardware.facts import Facts
from convlab.hardware.report import Finding
from convlab.hardware.words import brief, install, major, set_variable, size

OLDEST_DRIVER = 525  # for CUDA 12: NVIDIA, "CUDA compatibility", minor version compatibility, table 1
HIDDEN = ("", "-1", "NoDevFiles")  # values of CUDA_VISIBLE_DEVICES that hide all
CAPABILITY = r"(\d{1,2})\.(\d)"
IN_CONTAINER = "start the container with --gpus all (Docker, with NVIDIA's container toolkit on the host; Podman: "
IN_CONTAINER += "--device nvidia.com/gpu=all)"
# what nvidia-smi says, and what to do about it; the first that fits
DRIVER_CURES = (
    # an update has changed the library and not yet the kernel's part: NVIDIA/nvidia-container-toolkit issue 394
    ("version mismatch", "restart this computer: its driver was updated and the old one is still loaded"),
    # microsoft/WSL issue 9938
    ("blocked by the operating system", "in PowerShell: wsl --update, then wsl --shutdown, and start again"),
    # NVIDIA/nvidia-docker issue 284
    ("Insufficient Permissions", "sudo usermod -aG video,render $USER, and log in again"),
    # systemd has taken the devices from the container: NVIDIA/nvidia-docker issue 1730
    ("Unknown Error", "restart the container, or this computer where there is none"),
    # a new kernel without the driver's part: NVIDIA/nvidia-docker issue 988
    ("NVIDIA-SMI has failed", "restart this computer; where that does not help, install the driver again"),
    # the card has fallen off the bus: NVIDIA/gpu-monitoring-tools issue 46
    ("does not answer", "restart this computer: the card or its driver hangs"),
    ("Unable to determine the device handle", "restart this computer: the card or its driver hangs"),
    ("No devices", "see that the card is plugged in and switched on in the firmware"),
)


def gpu_finding(facts: Facts) -> Iterator[Finding]:
    """One finding on GPUs."""
    if facts.gpus:
        text = f"TensorFlow sees {len(facts.gpus)}: {cards(facts) or brief(', '.join(facts.gpus))}"
        step = _unknown_card(facts)
        yield Finding("GPU", "note" if step else "ok", text, step)
        return
    text = "none that TensorFlow sees; every lesson runs without one"
    if facts.cards:
        text = f"the driver sees {cards(facts)}, but TensorFlow does not; every lesson runs without"
    elif facts.driver_error and facts.driver_error != "No devices were found":
        text = f"none that TensorFlow sees; nvidia-smi: {brief(facts.driver_error, 60)}"
    yield Finding("GPU", "note", text, gpu_step(facts))


def cards(facts: Facts) -> str:
    """Names of the cards, with memory and compute capability where the driver tells them."""
    told = []
    for name, memory, capability in zip_longest(facts.cards or (), facts.card_memory or (), facts.capabilities or ()):
        more = [size(memory)] if memory else []
        more += [f"capability {brief(capability, 6)}"] if capability else []
        told.append(brief(name or "a card", 30) + (f" ({', '.join(more)})" if more else ""))
    return brief(", ".join(told), 62)


def _unknown_card(facts: Facts) -> str:
    """What to do about a card that is newer or older than TensorFlow's code, or nothing.

    Newer ones should run code of the kind "compute_..." that the driver translates; with compute capability 12 (RTX 50)
    that fails in 2.20 and 2.21: tensorflow/tensorflow issues 99592 and 111958.
    """
    known = [int(kind[1]) for text in facts.built_for or () if (kind := re.fullmatch(r"\w+_(\d{2,3})", str(text)))]
    has = [int(kind[1] + kind[2]) for text in facts.capabilities or () if (kind := re.fullmatch(CAPABILITY, str(text)))]
    if not known or all(min(known) <= capability <= max(known) for capability in has):
        return ""
    return 'if operations fail with CUDA_ERROR_..., this TensorFlow has no code for the card yet: use_device("cpu")'


def cuda_finding(facts: Facts) -> Iterator[Finding]:
    """What TensorFlow wants of CUDA and cuDNN, and what there is; no finding for a Mac. The next step is the GPU's."""
    if facts.system == "Darwin":
        return
    wanted = (
        _pair(facts.cuda_wanted, facts.cudnn_wanted, "some") if facts.built_with_cuda else "none by this TensorFlow"
    )
    found = _pair(facts.cuda_found, facts.cudnn_found, "none by pip")
    others = f", and {brief(', '.join(facts.toolkits), 45)}" if facts.toolkits else ""
    here = not facts.built_with_cuda or (facts.cuda_libraries and fits(facts) and not mixed(facts))
    yield Finding("CUDA", "ok" if here else "note", f"wanted: {wanted}; found: {found}{others}")


def _pair(cuda: object, cudnn: object, otherwise: str) -> str:
    told = [f"{name} {brief(version, 12)}" for name, version in (("CUDA", cuda), ("cuDNN", cudnn)) if version]
    return ", ".join(told) or otherwise


def fits(facts: Facts) -> bool:
    """Has pip brought the CUDA and cuDNN that TensorFlow wants? Within a major version newer ones fit."""
    pairs = [(facts.cuda_wanted, facts.cuda_found), (facts.cudnn_wanted, facts.cudnn_found)]
    return all(not wanted or not found or major(wanted) == major(found) for wanted, found in pairs)


def mixed(facts: Facts) -> bool:
    """Does the loader find another CUDA before the one that pip has brought?"""
    return any("LD_LIBRARY_PATH" in place for place in facts.toolkits or ())


def gpu_step(facts: Facts) -> str:
    """The one next step towards a GPU, or none where there is no card to use."""
    if facts.system == "Darwin":
        return ""  # no official GPU support for macOS
    if facts.system == "Windows":
        return "TensorFlow uses GPUs on Windows only inside of WSL2: run wsl --install, and the course in there"
    if not facts.driver:
        return _driver_step(facts)
    if major(facts.driver) < OLDEST_DRIVER:
        where = " (on Windows)" if facts.wsl else ""
        newer = f"install {OLDEST_DRIVER} or newer{where}"
        return f"the driver {brief(facts.driver, 15)} is too old for CUDA 12: {newer}"
    if facts.visible_devices in HIDDEN:
        return f"{set_variable(facts, 'CUDA_VISIBLE_DEVICES', '')}: it hides every GPU"
    if facts.machine == "aarch64":  # tensorflow/tensorflow issue 121157
        return "the wheels for aarch64 have no CUDA code: use NVIDIA's container nvcr.io/nvidia/tensorflow"
    if not facts.built_with_cuda:
        # two builds beside each other break both
        return f"pip uninstall -y tensorflow-cpu && {install(facts, 'gpu')}"
    if not facts.cuda_libraries:
        return install(facts, "gpu")
    if mixed(facts):
        return f"{set_variable(facts, 'LD_LIBRARY_PATH', '')}: it puts another CUDA before the one that pip installed"
    if not fits(facts):
        return f"{install(facts, 'gpu')} --upgrade --force-reinstall: CUDA or cuDNN are of another major version"
    return "start a new Python process; if that does not help, set TF_CPP_MAX_VLOG_LEVEL=1 and read which library fails"


def _driver_step(facts: Facts) -> str:
    """Why the driver says nothing."""
    for words, step in DRIVER_CURES:
        if words in (facts.driver_error or ""):
            return step
    wants = facts.built_with_cuda and facts.cuda_libraries
    if facts.wsl and facts.wsl_library:
        return "in PowerShell: wsl --shutdown, and start again: Windows' driver is here, but does not answer"
    if facts.wsl:
        return "if this machine has an NVIDIA card, install its driver (on Windows, not inside of WSL2)" * bool(wants)
    if facts.colab:
        return "in the menu: Runtime > Change runtime type > T4 GPU"
    if facts.container and (facts.kernel_driver or facts.pci_cards or wants):
        return IN_CONTAINER
    if facts.may_use is False:
        return "sudo usermod -aG video,render $USER, and log in again: you may not open /dev/nvidia0"
    if facts.kernel_driver and not facts.container:
        return "install nvidia-smi's package of your distribution: the kernel has the driver, its tools are missing"
    if facts.pci_cards:
        return "there is an NVIDIA card: install its driver (from your distribution or nvidia.com)"
    if facts.pci_cards == 0:
        return ""
    return "if this machine has an NVIDIA card, install its driver (from your distribution or nvidia.com)" * bool(wants)
