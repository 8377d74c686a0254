"""What to do about a TensorFlow or a Keras that is missing, doubled, hidden, or fails to start."""

import re
from collections.abc import Iterator

from convlab.hardware.facts import Facts
from convlab.hardware.packages import BACKENDS, TENSORFLOWS
from convlab.hardware.report import Finding
from convlab.hardware.words import NEWEST_PYTHON, OLDEST_PYTHON, brief, install, major, set_variable

COLAB = "use Google Colab (colab.research.google.com), which has TensorFlow"
OLDEST_LIBRARY = (2, 17)  # glibc: the wheels of 2.20 are manylinux_2_17, those of 2.21 are manylinux_2_27
# what an error says, and what to do about it; the first that fits
CURES = (
    # tensorflow/tensorflow issues 36167 and 43193; "(DLL)" stands in translations of Windows too
    (r"DLL", "install Microsoft's Visual C++ Redistributable 2015-2022 (x64), then start again"),
    (r"GLIBC(XX)?_\d", f"this system is too old for these wheels: update it, or {COLAB}"),  # issue 25593
    (r"Descriptors cannot", "pip install -U protobuf tensorflow"),  # tensorflow/tensorflow issue 56266
    (r"using NumPy 1|numpy\.core|_ARRAY_API", 'pip install -U "numpy>=2"'),
    (r"libc10|undefined symbol|cannot open shared object", "again"),
)


def tensorflow_finding(facts: Facts) -> Iterator[Finding]:
    """One finding on TensorFlow."""
    if facts.shadows:
        names = brief(", ".join(facts.shadows))
        text = f"{names} in this folder: notebooks here import that instead of the library"
        yield Finding("TensorFlow", "missing", text, f"give {names} another name")
    elif facts.tensorflow is None:
        why, step = no_wheel(facts)
        text = f"not installed, and there is no wheel of it {why}" if why else "not installed"
        yield Finding("TensorFlow", "missing", text, step or install(facts))
    elif facts.tensorflow_error:
        text = f"{brief(facts.tensorflow)} is installed, but does not start: {brief(facts.tensorflow_error, 300)}"
        yield Finding("TensorFlow", "missing", text, _cure(facts))
    elif len(facts.tensorflows or ()) > 1:  # one overwrites files of the other, and removing one breaks both
        text = f"{brief(' and '.join(facts.tensorflows), 60)} beside each other"
        yield Finding("TensorFlow", "note", text, reinstall(facts))
    else:
        build = "with CUDA code" if facts.built_with_cuda else "for the processor only"
        yield Finding("TensorFlow", "ok", f"{brief(facts.tensorflow)}, built {build}")


def reinstall(facts: Facts) -> str:
    """Take away every build of TensorFlow, and install the one that fits."""
    installed = {package.partition(" ")[0] for package in facts.tensorflows or ()} & set(TENSORFLOWS)
    names = " ".join(sorted(installed | {"tensorflow", "tensorflow-cpu"}))
    extra = "gpu" if facts.cards and facts.system == "Linux" else "course"
    return f"pip uninstall -y {names} keras && {install(facts, extra)}"


def no_wheel(facts: Facts) -> tuple[str, str]:
    """Why there is no wheel of TensorFlow for this machine, and what to do; two empty texts where there is one.

    As PyPI has them for 2.20 and 2.21: Linux with glibc on x86_64 and aarch64, macOS on arm64, Windows on x86_64.
    """
    machine = brief(facts.machine or "", 20)
    if facts.python and not OLDEST_PYTHON <= tuple(facts.python[:2]) <= NEWEST_PYTHON:
        return "for this Python", "install the Python that is named above, then the course in its environment"
    if facts.bits == 32:
        return "for a Python of 32 bits", "install a Python of 64 bits from python.org"
    if "musl" in (facts.c_library or ""):
        return "for musl (Alpine)", "use a system with glibc, such as the image python:3.13-slim of Debian"
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", facts.c_library or "")
    if found and (int(found[1][:9]), int(found[2][:9])) < OLDEST_LIBRARY:
        return f"for {brief(facts.c_library)}", f"use a newer Linux, or {COLAB}"
    if facts.system == "Darwin" and machine == "x86_64":
        if (facts.processor or "").startswith("Apple"):
            return "for Intel's code", "install a Python for Apple silicon (arm64): this one runs under Rosetta"
        return "for Macs with an Intel processor any more", COLAB
    if facts.system == "Windows" and machine.upper() == "ARM64":
        return "for Windows on Arm", "use Linux inside of Windows, where there is one: wsl --install"
    if facts.system == "Linux" and machine not in ("x86_64", "aarch64", ""):
        return f"for {machine}", COLAB
    return "", ""


def _cure(facts: Facts) -> str:
    words = facts.tensorflow_error or ""
    if facts.metal or "libmetal_plugin" in words:  # fails from 2.18 on: tensorflow/tensorflow issues 81987 and 84167
        return "pip uninstall -y tensorflow-metal"
    if facts.avx is False:
        return "see the processor above: no wheel of TensorFlow runs on it"
    for pattern, step in CURES:
        if re.search(pattern, words):
            return reinstall(facts) if step == "again" else step
    if re.search(r"AVX|signal 4\b|illegal instruction", words):
        return "use another machine or Google Colab: this processor lacks instructions that the wheels need"
    if "ended by" in words:
        return f"reinstall it into a fresh virtual environment: {install(facts)}"
    if "did not start within" in words:
        return "try once more: the first start on a slow disk takes long"
    return reinstall(facts)


def keras_finding(facts: Facts) -> Iterator[Finding]:
    """One finding on Keras and its backend."""
    backend = brief(facts.backend or "tensorflow", 20)
    back = f"{set_variable(facts, 'KERAS_BACKEND', 'tensorflow')}, and start again"
    if facts.keras is None:
        yield Finding("Keras", "missing", "not installed", install(facts))
    elif major(facts.keras) == 2:
        yield Finding(
            "Keras", "missing", f"{brief(facts.keras)}, but the course is written for Keras 3", install(facts)
        )
    elif backend not in BACKENDS:
        text = f"{brief(facts.keras)}, but there is no backend {backend!r}: choose tensorflow, jax or torch"
        yield Finding("Keras", "missing", text, back)
    elif backend != "tensorflow" and not facts.backend_version:
        chosen = brief(facts.backend_chosen or "Keras", 20)
        text = f"{brief(facts.keras)}, but its backend {backend}, chosen by {chosen}, is not installed"
        yield Finding("Keras", "missing", text, back)
    elif facts.keras_error and not facts.tensorflow_error:
        text = f"{brief(facts.keras)} does not start: {brief(facts.keras_error, 200)}"
        yield Finding("Keras", "missing", text, back if backend != "tensorflow" else reinstall(facts))
    elif backend != "tensorflow":
        devices = f" on {brief(', '.join(facts.backend_devices), 50)}" if facts.backend_devices else ""
        text = f"{brief(facts.keras, 20)}, backend {backend} {brief(facts.backend_version, 20)}{devices}"
        yield Finding("Keras", "ok", text)
    else:
        yield Finding("Keras", "ok", f"{brief(facts.keras)}, backend {backend}")
