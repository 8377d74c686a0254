"""The doctor judges captured facts of many machines, and gives one next step for each thing that is missing.

The outputs of tools and the errors are those that people have shown in the threads named beside them.
"""

import importlib
import json
import os
import subprocess
import sys
import typing
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import convlab
from convlab.cli import main
from convlab.hardware import Facts, examine, nvidia, packages, probes, processor, report, running, system

ROOT = Path(convlab.__file__).parents[1]
LINUX = sys.platform == "linux"
STANDARD = [folder for folder in sys.path if "site-packages" not in folder and Path(folder).resolve() != ROOT]
posix = pytest.mark.skipif(os.name != "posix", reason="the stand-ins for tools are shell scripts")

GOOD = Facts(
    system="Linux",
    machine="x86_64",
    wsl=False,
    container=None,
    colab=False,
    c_library="glibc 2.36",
    python=(3, 12, 4),
    bits=64,
    virtual_environment=True,
    managed=False,
    checkout=True,
    shadows=(),
    processor="Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz",
    instructions=("avx", "avx2"),
    avx=True,
    onednn=True,
    threads=8,
    memory=16 * 2**30,
    disk=100 * 2**30,
    tensorflow="2.21.0",
    tensorflows=("tensorflow-cpu 2.21.0",),
    tensorflow_error=None,
    metal=None,
    built_with_cuda=False,
    built_for=(),
    cuda_wanted=None,
    cudnn_wanted=None,
    cuda_found=None,
    cudnn_found=None,
    cuda_libraries=False,
    toolkits=(),
    gpus=(),
    driver=None,
    driver_error=None,
    kernel_driver=None,
    cards=(),
    card_memory=(),
    capabilities=(),
    pci_cards=None,
    may_use=None,
    wsl_library=False,
    visible_devices=None,
    keras="3.15.1",
    keras_error=None,
    backend="tensorflow",
    backend_chosen="Keras",
    backend_version="2.21.0",
    backend_devices=(),
    jupyterlab="4.6.6",
    widgets="0.11.0",
    digits=True,
    mnist="Keras' cache",
    sandbox="bubblewrap",
    sandbox_hindrance="",
)
CARD = dict(driver="550.54.14", cards=("NVIDIA T4",), card_memory=(15360 * 2**20,), capabilities=("7.5",))
CUDA = dict(
    tensorflows=("tensorflow 2.21.0",),
    built_with_cuda=True,
    built_for=("sm_60", "sm_70", "sm_80", "sm_89", "compute_90"),
    cuda_wanted="12.5.1",
    cudnn_wanted="9",
    cuda_found="12.9.79",
    cudnn_found="9.23.1.3",
    cuda_libraries=True,
)
SEEN = dict(**CARD, **CUDA, gpus=("/physical_device:GPU:0",))
NO_TENSORFLOW = dict(tensorflow=None, tensorflows=(), built_with_cuda=None)
BARE = dict(sandbox="none")
MAC = dict(system="Darwin", machine="arm64", avx=None, c_library=None, sandbox="none", processor="Apple M2")
WINDOWS = dict(system="Windows", machine="AMD64", c_library=None, sandbox="none")
TOOLKIT = "/usr/local/cuda-11.8/lib64 in LD_LIBRARY_PATH"


def broken(error):
    return dict(tensorflow_error=error, built_with_cuda=None)


# name: (what differs, is it ready, subject, state, words of the text or the step)
CASES = {
    "all is well": ({}, True, "TensorFlow", "ok", "built for the processor only"),
    # Python and the system
    "Python too new": ({"python": (3, 14, 0)}, False, "Python", "missing", "python3.13 -m venv"),
    "Python too old": ({"python": (3, 10, 12)}, False, "Python", "missing", "3.10.12, but TensorFlow's wheels are for"),
    "no wheel for this Python": (
        {**NO_TENSORFLOW, "python": (3, 14, 0)},
        False,
        "TensorFlow",
        "missing",
        "named above",
    ),
    "on Windows": ({**WINDOWS, "python": (3, 14, 0)}, False, "Python", "missing", "py -3.13 -m venv"),
    "Debian's own Python": ({"managed": True, "virtual_environment": False}, True, "Python", "note", "python3 -m venv"),
    "macOS on arm64": (MAC, True, "Python", "ok", "macOS arm64"),
    "32 bits": ({**WINDOWS, **NO_TENSORFLOW, "bits": 32}, False, "TensorFlow", "missing", "Python of 64 bits"),
    "Alpine": ({**NO_TENSORFLOW, "c_library": "musl"}, False, "TensorFlow", "missing", "python:3.13-slim"),
    "CentOS 6": ({**NO_TENSORFLOW, "c_library": "glibc 2.12"}, False, "TensorFlow", "missing", "use a newer Linux"),
    "Raspberry Pi, 32 bits": (
        {**NO_TENSORFLOW, "machine": "armv7l"},
        False,
        "TensorFlow",
        "missing",
        "no wheel of it for",
    ),
    "Linux on aarch64": (
        {**NO_TENSORFLOW, "machine": "aarch64", "avx": None},
        False,
        "TensorFlow",
        "missing",
        'pip install -e ".[course]"',
    ),
    "Windows on Arm": (
        {**WINDOWS, **NO_TENSORFLOW, "machine": "ARM64"},
        False,
        "TensorFlow",
        "missing",
        "wsl --install",
    ),
    "macOS on Intel": (
        {**MAC, **NO_TENSORFLOW, "machine": "x86_64", "processor": "Intel(R) Core(TM) i7"},
        False,
        "TensorFlow",
        "missing",
        "Google Colab",
    ),
    "Rosetta": ({**MAC, **NO_TENSORFLOW, "machine": "x86_64"}, False, "TensorFlow", "missing", "under Rosetta"),
    # the machine
    "no AVX": ({"avx": False, **broken("ended by signal 4")}, False, "processor", "missing", "Colab"),
    "AVX-512": (
        {"instructions": ("avx", "avx2", "avx512f", "amx_bf16")},
        True,
        "processor",
        "ok",
        "AVX-512 with bfloat16",
    ),
    "oneDNN off": ({"onednn": False}, True, "processor", "ok", "AVX2, not used while TF_ENABLE_ONEDNN_OPTS is 0"),
    "nothing known of it": (
        {"memory": None, "disk": None, "threads": None, "processor": None},
        True,
        "processor",
        "ok",
        "unknown number of threads",
    ),
    "little memory": ({"memory": 2**31}, True, "memory", "note", "2.0 GiB is little"),
    "little room": ({"disk": 2**30}, True, "memory", "note", "pip cache purge"),
    # TensorFlow
    "no TensorFlow": (NO_TENSORFLOW, False, "TensorFlow", "missing", 'pip install -e ".[course]"'),
    "no checkout": (
        {**NO_TENSORFLOW, "checkout": False},
        False,
        "TensorFlow",
        "missing",
        'pip install "convlab[course]"',
    ),
    "two TensorFlows": (
        {"tensorflows": ("tensorflow 2.21.0", "tensorflow-cpu 2.20.0")},
        True,
        "TensorFlow",
        "note",
        "pip uninstall -y tensorflow tensorflow-cpu keras && pip install",
    ),
    "a file called tensorflow.py": ({"shadows": ("tensorflow.py",)}, False, "TensorFlow", "missing", "another name"),
    "it fails to import": (
        broken("ImportError: libtensorflow_framework.so.2"),
        False,
        "TensorFlow",
        "missing",
        "uninstall",
    ),
    "it ends the process": (broken("ended by signal 11"), False, "TensorFlow", "missing", "fresh virtual environment"),
    "it hangs": (broken("it did not start within 120 seconds"), False, "TensorFlow", "missing", "try once more"),
    "tensorflow-metal": ({**MAC, "metal": "1.2.0", **broken("x")}, False, "TensorFlow", "missing", "tensorflow-metal"),
    # Keras
    "Keras 2": ({"keras": "2.15.0"}, False, "Keras", "missing", "written for Keras 3"),
    "no Keras": ({"keras": None}, False, "Keras", "missing", "not installed"),
    "backend without its library": (  # keras-team/keras-core issue 455 has "pytorch", the next case
        {"backend": "torch", "backend_chosen": "KERAS_BACKEND", "backend_version": None},
        False,
        "Keras",
        "missing",
        "chosen by KERAS_BACKEND, is not installed next: export KERAS_BACKEND=tensorflow",
    ),
    "backend of another name": ({"backend": "pytorch"}, False, "Keras", "missing", "choose tensorflow, jax or torch"),
    "backend on Windows": (
        {**WINDOWS, "backend": "pytorch"},
        False,
        "Keras",
        "missing",
        "set KERAS_BACKEND=tensorflow (in PowerShell: $env:KERAS_BACKEND = 'tensorflow')",
    ),
    "another backend": (
        {"backend": "jax", "backend_version": "0.7.2", "backend_devices": ("gpu:0", "gpu:1")},
        True,
        "Keras",
        "ok",
        "3.15.1, backend jax 0.7.2 on gpu:0, gpu:1",
    ),
    "Keras fails": (
        {"keras_error": "AttributeError: no x"},
        False,
        "Keras",
        "missing",
        "does not start: AttributeError",
    ),
    # the GPU
    "no card at all": ({}, True, "GPU", "note", "every lesson runs without one"),
    "a GPU at work": (SEEN, True, "GPU", "ok", "TensorFlow sees 1: NVIDIA T4 (15.0 GiB, capability 7.5)"),
    "a GPU newer than the wheels": ({**SEEN, "capabilities": ("12.0",)}, True, "GPU", "note", 'use_device("cpu")'),
    "Windows with a card": ({**WINDOWS, **CARD}, True, "GPU", "note", "wsl --install"),
    "macOS": (MAC, True, "GPU", "note", "none that TensorFlow sees"),
    "Colab": ({"colab": True, **CUDA}, True, "GPU", "note", "Runtime > Change runtime type"),
    "a card, but the processor's build": (CARD, True, "GPU", "note", "pip uninstall -y tensorflow-cpu &&"),
    "a card, but no CUDA libraries": ({**CARD, **CUDA, "cuda_libraries": False}, True, "GPU", "note", '".[gpu]"'),
    "a card on aarch64": ({**CARD, "machine": "aarch64"}, True, "GPU", "note", "nvcr.io/nvidia/tensorflow"),
    "a driver too old": ({**CARD, **CUDA, "driver": "470.223.02"}, True, "GPU", "note", "525 or newer"),
    "the same in WSL2": ({**CARD, **CUDA, "driver": "470.1", "wsl": True}, True, "GPU", "note", "newer (on Windows)"),
    "hidden": ({**CARD, **CUDA, "visible_devices": "-1"}, True, "GPU", "note", "unset CUDA_VISIBLE_DEVICES"),
    "another CUDA first": ({**CARD, **CUDA, "toolkits": (TOOLKIT,)}, True, "GPU", "note", "unset LD_LIBRARY_PATH"),
    "cuDNN 8": ({**CARD, **CUDA, "cudnn_found": "8.9.7.29"}, True, "GPU", "note", "another major version"),
    "all there, but not seen": ({**CARD, **CUDA}, True, "GPU", "note", "start a new Python process"),
    "a GPU build without a driver": (CUDA, True, "GPU", "note", "install its driver (from"),
    "a card without a driver": ({"pci_cards": 1}, True, "GPU", "note", "there is an NVIDIA card: install its driver"),
    "a GPU build without a card": ({**CUDA, "pci_cards": 0}, True, "GPU", "note", "every lesson runs without one"),
    "WSL2 without a driver": ({"wsl": True, **CUDA}, True, "GPU", "note", "on Windows, not inside of WSL2"),
    "WSL2 with a driver that sleeps": ({"wsl": True, "wsl_library": True}, True, "GPU", "note", "wsl --shutdown"),
    "a container without its GPU": ({**CUDA, "container": "Docker"}, True, "GPU", "note", "--gpus all"),
    "a host's driver": (
        {"container": "Podman", "kernel_driver": "550.90.07"},
        True,
        "GPU",
        "note",
        "nvidia.com/gpu=all",
    ),
    "no tools": ({"kernel_driver": "550.90.07"}, True, "GPU", "note", "its tools are missing"),
    "not allowed": ({"may_use": False}, True, "GPU", "note", "usermod -aG video,render"),
    # CUDA
    "CUDA wanted and found": (
        CUDA,
        True,
        "CUDA",
        "ok",
        "wanted: CUDA 12.5.1, cuDNN 9; found: CUDA 12.9.79, cuDNN 9.23",
    ),
    "CUDA wanted, not found": (
        {**CUDA, "cuda_found": None, "cudnn_found": None, "cuda_libraries": False},
        True,
        "CUDA",
        "note",
        "found: none by pip",
    ),
    "CUDA of two kinds": ({**CUDA, "toolkits": (TOOLKIT,)}, True, "CUDA", "note", "cuda-11.8/lib64 in LD_LIBRARY_PATH"),
    "CUDA not wanted": ({"toolkits": ("/usr/local/cuda",)}, True, "CUDA", "ok", "wanted: none by this TensorFlow"),
    # JupyterLab, data, sandbox
    "no JupyterLab": ({"jupyterlab": None}, False, "JupyterLab", "missing", "not installed: JupyterLab"),
    "no widgets": ({"widgets": None}, False, "JupyterLab", "missing", "anywidget"),
    "no digits": ({"digits": False}, False, "data", "missing", "scikit-learn"),
    "no MNIST": ({"mnist": None}, True, "data", "note", "load_mnist()"),
    "Landlock only": (
        {"sandbox": "landlock", "sandbox_hindrance": "missing"},
        True,
        "sandbox",
        "ok",
        "apt install bubblewrap",
    ),
    "no sandbox": ({**BARE, "sandbox_hindrance": "missing"}, True, "sandbox", "note", "apt install bubblewrap"),
    "Ubuntu's AppArmor": (
        {"sandbox": "landlock", "sandbox_hindrance": "apparmor"},
        True,
        "sandbox",
        "ok",
        "bwrap-userns-restrict",
    ),
    "in a container": (
        {**BARE, "sandbox_hindrance": "container"},
        True,
        "sandbox",
        "note",
        "outside of this container",
    ),
    "no namespaces": (
        {**BARE, "sandbox_hindrance": "limit"},
        True,
        "sandbox",
        "note",
        "user.max_user_namespaces=10000",
    ),
    "a strange processor": ({**BARE, "sandbox_hindrance": "processor"}, True, "sandbox", "note", "x86_64 or aarch64"),
    "bubblewrap fails": (
        {**BARE, "sandbox_hindrance": "bwrap: No space"},
        True,
        "sandbox",
        "note",
        "does not start: bwrap: No space",
    ),
    "no sandbox on a Mac": (MAC, True, "sandbox", "note", "use Linux"),
}


def one_screen(found):
    """A report keeps its promises, whatever it says."""
    lines = str(found).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 110
    assert all(bool(finding.step) for finding in found.findings if finding.state == "missing")
    subjects = [finding.subject for finding in found.findings]
    assert len(set(subjects)) == len(subjects), "a subject has one finding, and so one next step"
    assert json.loads(json.dumps(found.as_dict()))["version"] == 1


@pytest.mark.parametrize(("changes", "ready", "subject", "state", "words"), CASES.values(), ids=CASES)
def test_a_machine_is_judged(changes, ready, subject, state, words):
    found = examine(replace(GOOD, **changes))
    assert found.ready is ready
    finding = next(finding for finding in found.findings if finding.subject == subject)
    assert finding.state == state
    assert words in f"{finding.text} next: {finding.step}".replace("next: next", "next")
    assert str(found).endswith("is here." if ready else "is missing.")
    one_screen(found)


def test_where_there_is_no_use_for_a_step_there_is_none():
    for changes in ({}, MAC, {**CUDA, "pci_cards": 0}, SEEN):
        assert not next(f.step for f in examine(replace(GOOD, **changes)).findings if f.subject == "GPU")


# what nvidia-smi says instead of its table, and what helps
REASONS = {
    # https://github.com/oddmario/NVIDIA-Ubuntu-Driver-Guide/issues/4
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.107": "restart this",
    # https://github.com/microsoft/WSL/issues/9166
    "Failed to initialize NVML: GPU access blocked by the operating system\n"
    "Failed to properly shut down NVML: GPU access blocked by the operating system\n": "wsl --shutdown",
    # https://github.com/NVIDIA/nvidia-container-toolkit/issues/210
    "Failed to initialize NVML: Insufficient Permissions": "usermod",
    # https://github.com/NVIDIA/nvidia-docker/issues/1730
    "Failed to initialize NVML: Unknown Error": "restart the container",
    # https://github.com/NVIDIA/nvidia-docker/issues/988
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA "
    "driver is installed and running.\n": "install the driver again",
    # https://github.com/NVIDIA/nvidia-docker/issues/1553
    "Unable to determine the device handle for GPU 0000:09:00.0: Unknown Error": "restart",
    "No devices were found\n": "plugged in",
}


@pytest.mark.parametrize(("said", "helps"), REASONS.items())
def test_what_a_broken_driver_says_is_understood(said, helps):
    found = nvidia.read_cards(said)
    assert (found.driver, found.names) == (None, ())
    judged = examine(replace(GOOD, **CUDA, driver_error=found.error, kernel_driver="550.90.07"))
    step = next(finding.step for finding in judged.findings if finding.subject == "GPU")
    assert helps in step
    one_screen(judged)


# the last part of what `import tensorflow` has written, and what helps
IMPORTS = {
    # https://github.com/tensorflow/tensorflow/issues/77150
    """ImportError: Traceback (most recent call last):
  File "c:\\Users\\OWNER\\tf_env\\lib\\site-packages\\tensorflow\\python\\pywrap_tensorflow.py", line 62, in <module>
    from tensorflow.python._pywrap_tensorflow_internal import *
ImportError: DLL load failed while importing _pywrap_tensorflow_internal: A dynamic link library (DLL) initialization \
routine failed.


Failed to load the native TensorFlow runtime.
See https://www.tensorflow.org/install/errors for some common causes and solutions.
If you need help, create an issue at https://github.com/tensorflow/tensorflow/issues and include the entire stack \
trace above this error message.
""": ("ImportError: DLL load failed while", "Visual C++", WINDOWS),
    # https://github.com/Dimsmary/Ossas_ChatBot/issues/22
    "ImportError: DLL load failed: 动态链接库(DLL)初始化例程失败。\n": ("DLL load failed", "Visual C++", WINDOWS),
    # https://github.com/tensorflow/tensorflow/issues/25593
    """ImportError: /lib64/libm.so.6: version `GLIBC_2.23' not found (required by /python3.7/site-packages/tensorflow/\
python/_pywrap_tensorflow_internal.so)
""": ("ImportError: /lib64/libm.so.6", "too old for these wheels", {}),
    # https://github.com/tensorflow/models/issues/10617, as in tensorflow/tensorflow issue 84167
    """tensorflow.python.framework.errors_impl.NotFoundError: dlopen(/Users/user/env/miniforge3/lib/python3.9/site-\
packages/tensorflow-plugins/libmetal_plugin.dylib, 0x0006): symbol not found in flat namespace '_TF_AllocateOutput'
""": ("NotFoundError: dlopen", "pip uninstall -y tensorflow-metal", MAC),
    # https://github.com/tensorflow/tensorflow/issues/56266
    """TypeError: Descriptors cannot not be created directly.
If this call came from a _pb2.py file, your generated code is out of date and must be regenerated with protoc >= 3.19.0.
If you cannot immediately regenerate your protos, some other possible workarounds are:
 1. Downgrade the protobuf package to 3.20.x or lower.
 2. Set PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python (but this will use pure-Python parsing and will be much slower).

More information: https://developers.google.com/protocol-buffers/docs/news/2022-05-06#python-updates
""": ("TypeError: Descriptors cannot not", "protobuf", {}),
    # https://github.com/tensorflow/tensorflow/issues/7322
    "AttributeError: module 'tensorflow' has no attribute 'sysconfig'\n": ("AttributeError: module", "uninstall", {}),
}


@pytest.mark.parametrize(("said", "expected"), IMPORTS.items(), ids=[helps for _, helps, _ in IMPORTS.values()])
def test_the_line_that_says_why_an_import_failed_is_found(said, expected):
    words, helps, machine = expected
    facts, error = probes.understand(running.Said(1, "", f"2026-05-01 I0000 a line of the log\n{said}"))
    assert facts == {}
    assert words in error
    judged = examine(replace(GOOD, **machine, **broken(error)))
    finding = next(finding for finding in judged.findings if finding.subject == "TensorFlow")
    assert (finding.state, helps in finding.step) == ("missing", True)
    one_screen(judged)


def test_a_process_that_was_ended_says_by_what():
    # the text of tensorflow/core/platform/cpu_feature_guard.cc
    fatal = (
        "2026-05-01 12:00:00.000000: F external/local_tsl/tsl/platform/cpu_feature_guard.cc:37] The TensorFlow library "
        "was compiled to use AVX instructions, but these aren't available on your machine.\n"
    )
    _, error = probes.understand(running.Said(-6, "", fatal + "Aborted\n"))
    assert error.startswith("the process was ended by signal 6 (abort()): 2026")
    judged = examine(replace(GOOD, avx=None, **broken(error)))
    assert "lacks instructions" in next(f.step for f in judged.findings if f.subject == "TensorFlow")
    assert probes.understand(running.Said(-4, "", ""))[1].endswith("signal 4 (an illegal instruction)")
    assert probes.understand(running.Said(0xC000001D, "", ""))[1].endswith("an illegal instruction")  # on Windows
    assert probes.understand(running.Said(3, "", "\n"))[1] == "exit status 3"
    assert probes.understand(running.Said(0, "FACTS {broken}\nFACTS {\n", ""))[1] == "exit status 0"
    assert probes.understand(None)[1] == "Python cannot be started"


QUERY = "driver_version,memory.total,compute_cap,name"
TABLES = [
    (
        "550.54.14, 15360, 7.5, Tesla T4\n",
        ("550.54.14", ("Tesla T4",), (15360 * 2**20,), ("7.5",), None),
    ),
    (  # cards that share one driver, one with commas in its name, one that will not say how much memory it has
        "570.86.15, 40960, 8.0, NVIDIA A100, 40GB\r\n570.86.15, [N/A], [N/A], NVIDIA GB10\r\n",
        ("570.86.15", ("NVIDIA A100, 40GB", "NVIDIA GB10"), (40960 * 2**20, None), ("8.0", None), None),
    ),
    ("", (None, (), (), (), "nvidia-smi says nothing")),
    ("\x00\ufffd\n, , , \n", (None, (), (), (), "\x00\ufffd")),
]


@pytest.mark.parametrize(("text", "expected"), TABLES)
def test_the_table_of_nvidia_smi_is_read(text, expected):
    assert nvidia.read_cards(text) == expected


@given(st.text(max_size=80))
def test_any_text_of_nvidia_smi_is_survived(text):
    found = nvidia.read_cards(text)
    assert bool(found.names) != bool(found.error)
    assert len(found.names) == len(found.memory) == len(found.capabilities)


def stand_in(folder, name, script):
    """A program of this name that does what the script says, before all others of its name."""
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


@posix
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f'case "$1" in --query-gpu={QUERY}) echo "550.54.14, 15360, 7.5, Tesla T4";; esac', ("550.54.14", None)),
        # driver 470 knows no such field: https://github.com/huggingface/candle/issues/733
        (
            'case "$1" in *compute_cap*) echo \'Field "compute_cap" is not a valid field to query.\'; exit 2;; esac\n'
            'echo "470.182.03, 11178, NVIDIA GeForce GTX 1080 Ti"',
            ("470.182.03", None),
        ),
        (
            "echo 'Failed to initialize NVML: Unknown Error'; exit 255",
            (None, "Failed to initialize NVML: Unknown Error"),
        ),
        ("printf '\\377\\376\\000garbage'; exit 1", (None, "\ufffd\ufffd\x00garbage")),
        ("sleep 30", (None, "nvidia-smi does not answer")),
        ("sleep 30 & sleep 30", (None, "nvidia-smi does not answer")),  # a child of it keeps the pipe
        ("kill -9 $$", (None, "nvidia-smi says nothing")),
    ],
)
def test_whatever_nvidia_smi_does_is_survived(tmp_path, monkeypatch, script, expected):
    stand_in(tmp_path, "nvidia-smi", script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(nvidia, "ask", lambda command: running.ask(command, patience=0.5 if "sleep" in script else 10))
    found = nvidia.cards()
    assert (found.driver, found.error) == expected


def test_nobody_waits_for_what_cannot_be_killed(monkeypatch):
    class Stuck:
        """A process in state D: it takes the signal, and does not end."""

        def communicate(self, timeout=None):
            assert timeout is not None, "this would wait for ever"
            raise subprocess.TimeoutExpired("nvidia-smi", timeout)

        def kill(self):
            pass

    monkeypatch.setattr(running.subprocess, "Popen", lambda *_, **__: Stuck())
    assert running.ask(["nvidia-smi"]) == running.Said(None, "", "")


def test_a_tool_that_is_no_program_is_survived(tmp_path):
    (tmp_path / "empty").touch(mode=0o755)
    assert running.ask([str(tmp_path / "missing")]) is None
    assert running.ask([str(tmp_path / "empty")]) is None
    assert running.ask(["a\0b"]) is None


def tree(root, files):
    """Files of a machine below a folder that stands for its root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


CPUINFO = {
    # https://github.com/tensorflow/tensorflow/issues/46496: a Core 2 Quad without AVX
    "model name\t: Intel(R) Core(TM)2 Quad CPU    Q9650  @ 3.00GHz\nflags\t\t: fpu vme de pse tsc msr pae mce cx8 apic "
    "sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr sse sse2 ht tm pbe syscall nx lm constant_tsc "
    "arch_perfmon pebs bts rep_good nopl cpuid aperfmperf pni dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cx16 xtpr "
    "pdcm sse4_1 lahf_lm pti tpr_shadow vnmi flexpriority dtherm\n": (
        "Intel(R) Core(TM)2 Quad CPU    Q9650  @ 3.00GHz",
        (),
    ),
    # https://github.com/tensorflow/tensorflow/issues/45744: AVX, but not AVX2
    "model name      : Intel(R) Core(TM) i5-3230M CPU @ 2.60GHz\nflags           : fpu vme de pse ssse3 cx16 xtpr pdcm "
    "pcid sse4_1 sse4_2 x2apic popcnt tsc_deadline_timer aes xsave avx f16c rdrand lahf_lm\n": (
        "Intel(R) Core(TM) i5-3230M CPU @ 2.60GHz",
        ("avx",),
    ),
    # Arm calls them features, and gives no name
    "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp "
    "cpuid asimdrdm bf16\nCPU implementer\t: 0x41\n": (None, ("asimd", "bf16")),
    "": (None, None),
    "model name\t:\nflags\n": (None, None),
}


@pytest.mark.parametrize(("text", "expected"), CPUINFO.items(), ids=["Q9650", "i5-3230M", "Arm", "empty", "torn"])
def test_the_processor_is_read(text, expected):
    assert processor.read_cpuinfo(text) == expected


def test_windows_is_asked_for_instructions_by_number(monkeypatch):
    asked = type("kernel32", (), {"IsProcessorFeaturePresent": staticmethod(lambda number: number == 39)})
    monkeypatch.setattr(processor.platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(processor.ctypes, "WinDLL", lambda name: asked, raising=False)
    assert processor.windows_features() == ("avx",)


def test_memory_is_what_a_container_may_have(tmp_path):
    here = processor.memory(tmp_path)
    assert here == processor.memory(tree(tmp_path / "a", {"sys/fs/cgroup/memory.max": "max\n"}))
    assert processor.memory(tree(tmp_path / "b", {"sys/fs/cgroup/memory.max": "536870912\n"})) == 2**29
    old = {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}  # version 1's "no limit"
    assert processor.memory(tree(tmp_path / "c", old)) == here


def test_systems_inside_of_others_are_known(tmp_path):
    assert system.is_wsl("5.15.90.1-microsoft-standard-WSL2", {})
    assert system.is_wsl("6.1.38", {"WSL_DISTRO_NAME": "Ubuntu"})
    assert not system.is_wsl("6.8.0-45-generic", {})
    assert system.container(tree(tmp_path / "a", {".dockerenv": ""}), {}) == "Docker"
    assert system.container(tree(tmp_path / "b", {"run/.containerenv": ""}), {}) == "Podman"
    assert system.container(tree(tmp_path / "c", {"proc/1/cgroup": "0::/kubepods.slice/x\n"}), {}) == "Kubernetes"
    assert system.container(tmp_path / "d", {}) is None
    assert system.is_colab({"COLAB_RELEASE_TAG": "release-colab-20260901"})
    assert system.shadows(tree(tmp_path / "e", {"keras.py": "", "x.py": ""})) == ("keras.py",)


# https://github.com/oddmario/NVIDIA-Ubuntu-Driver-Guide/issues/4, and the open driver of NVIDIA/NVSentinel issue 155
MODULES = {
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.90.07  Fri May 31 09:35:42 UTC 2024\n"
    "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14) \n": "550.90.07",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.158.01  Release Build\n": "570.158.01",
    "": None,
}


@pytest.mark.parametrize(("text", "version"), MODULES.items())
def test_the_kernel_says_which_driver_it_has(tmp_path, text, version):
    assert nvidia.kernel_driver(tree(tmp_path, {"proc/driver/nvidia/version": text})) == version


def test_cards_without_a_driver_are_seen(tmp_path):
    assert nvidia.pci_cards(tmp_path) is None
    bus = "sys/bus/pci/devices/0000:0"
    card = {f"{bus}1:00.0/vendor": "0x10de\n", f"{bus}1:00.0/class": "0x030000\n"}
    sound = {f"{bus}1:00.1/vendor": "0x10de\n", f"{bus}1:00.1/class": "0x040300\n"}  # the card's own loudspeaker
    other = {f"{bus}0:02.0/vendor": "0x8086\n", f"{bus}0:02.0/class": "0x030000\n"}
    assert nvidia.pci_cards(tree(tmp_path, sound | other)) == 0
    assert nvidia.pci_cards(tree(tmp_path, card)) == 1


@posix
def test_files_of_the_driver_may_be_closed(tmp_path):
    assert nvidia.may_use(tmp_path) is None
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / "dev" / name).touch()
    assert nvidia.may_use(tmp_path) is True
    if os.geteuid() != 0:  # root may open everything
        (tmp_path / "dev/nvidia0").chmod(0)
        assert nvidia.may_use(tmp_path) is False


def test_wsl_keeps_its_driver_in_a_folder_of_its_own(tmp_path):
    assert not nvidia.wsl_library(tmp_path)
    assert nvidia.wsl_library(tree(tmp_path, {"usr/lib/wsl/lib/libcuda.so.1": ""}))


def test_other_installations_of_cuda_are_found(tmp_path):
    files = {
        "usr/local/cuda-12.2/version.json": '{"cuda": {"name": "CUDA SDK", "version": "12.2.20230823"}}',
        "usr/local/cuda-10.0/version.txt": "CUDA Version 10.0.130\n",
        "usr/local/cuda-11.8/version.json": "[]",
        "opt/cuda/lib64/libcudart.so.11.0": "",
        "opt/cudnn/libcudnn.so.8": "",
        "opt/other/libblas.so.3": "",
    }
    root = tree(tmp_path, files)
    variable = os.pathsep.join(["", *(str(root / "opt" / name) for name in ("cuda/lib64", "other", "cudnn", "gone"))])
    found = nvidia.toolkits(root, {"LD_LIBRARY_PATH": variable})
    assert found == (
        f"{root}/usr/local/cuda-10.0 (10.0.130)",
        f"{root}/usr/local/cuda-11.8",
        f"{root}/usr/local/cuda-12.2 (12.2.20230823)",
        f"{root}/opt/cuda/lib64 in LD_LIBRARY_PATH",
        f"{root}/opt/cudnn in LD_LIBRARY_PATH",
    )
    assert nvidia.toolkits(tmp_path / "none", {}) == ()


def installed(folder, *packages):
    """A folder of installed packages: name, version or None for one whose metadata are gone."""
    for name, version in packages:
        info = folder / f"{name.replace('-', '_')}-{version or 1}.dist-info"
        info.mkdir()
        if version is not None:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_packages_are_found_doubled_broken_or_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *STANDARD])
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)  # another test may have imported it
    assert packages.tensorflows() == ()
    assert packages.tensorflow() is None
    installed(tmp_path, ("tensorflow", "2.21.0"), ("tensorflow-cpu", "2.20.0"), ("keras", None))
    (tmp_path / "nvidia_cudnn_cu12-9.3.0.75.dist-info").mkdir()
    (tmp_path / "nvidia_cudnn_cu12-9.3.0.75.dist-info/METADATA").write_bytes(b"\xff\xfe\x00")
    importlib.invalidate_caches()
    assert packages.tensorflows() == ("tensorflow 2.21.0", "tensorflow-cpu 2.20.0")
    assert packages.tensorflow() == "2.21.0"
    assert packages.version("keras") is None
    assert packages.version("nvidia-cudnn-cu12") is None


def test_a_tensorflow_without_a_package_counts_and_an_empty_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *STANDARD])
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    (tmp_path / "tensorflow").mkdir()  # what an uninstallation may leave
    assert packages.tensorflow() is None
    (tmp_path / "tensorflow/__init__.py").touch()
    importlib.invalidate_caches()
    assert packages.tensorflow() == "of unknown version"


def test_the_backend_is_known_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for text in ("{", "[]", '{"backend": 3}', '{"backend": ""}', "null"):
        (tmp_path / "keras.json").write_text(text)
        assert packages.backend() == ("tensorflow", "Keras")
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert packages.backend() == ("jax", "keras.json")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert packages.backend() == ("torch", "KERAS_BACKEND")


@posix
def test_other_backends_tell_their_devices(tmp_path, monkeypatch):
    jax = (
        "class D:\n    def __init__(self, id): self.platform, self.id = 'gpu', id\ndef devices(): return [D(0), D(1)]\n"
    )
    (tmp_path / "jax.py").write_text(jax)
    (tmp_path / "torch.py").write_text("raise OSError('libcudnn.so.9: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert probes.backend_devices("jax") == (("gpu:0", "gpu:1"), None)
    devices, error = probes.backend_devices("torch")
    assert (devices, error) == ((), "OSError: libcudnn.so.9: cannot open shared object file")
    assert probes.backend_devices("openvino") == ((), None)


def test_a_sandbox_that_cannot_be_tried_is_none(monkeypatch):
    for said in ("", "[]", "{", "null"):
        monkeypatch.setattr(probes, "ask", lambda *_, said=said: running.Said(0, said, ""))
        assert probes.sandbox() == ("none", "the trial of it failed")
    monkeypatch.setattr(probes, "ask", lambda *_: None)
    assert probes.sandbox()[0] == "none"


# anything that a field may hold, and things that nobody would expect there
TEXTS = st.text(max_size=200) | st.sampled_from(["", "\x1b[31m\n", "é动\ud800", "12.5", ".", "-1", "x" * 300, "musl"])
HINTS = typing.get_type_hints(Facts)
MACHINE = {"system": ["Linux", "Darwin", "Windows", "Java", ""], "machine": ["x86_64", "aarch64", "ARM64", "arm64"]}
MACHINE |= {"sandbox": ["none", "landlock"], "sandbox_hindrance": ["container", "apparmor", "limit"]}


def values(hint):
    of = {str: TEXTS, int: st.integers(-5, 2**70), bool: st.booleans(), type(None): st.none()}
    if hint in of:
        return of[hint]
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return st.lists(values(inner[0]), max_size=4).map(tuple)
    return st.one_of(*map(values, inner))


ANY = {
    name: st.none() | values(hint) | st.sampled_from(MACHINE.get(name, [getattr(GOOD, name)]))
    for name, hint in HINTS.items()
}


@given(st.builds(Facts, **ANY))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_whatever_the_facts_are_there_is_one_screen(facts):
    one_screen(examine(facts))


def test_where_all_is_wrong_it_is_still_one_screen():
    worst = {**CUDA, **BARE, **broken("x y " * 200), "keras_error": "x y " * 200, "backend": "jax", "disk": 0}
    worst |= dict(python=(3, 14, 0), avx=False, jupyterlab=None, digits=False, toolkits=("y" * 90,) * 3)
    worst |= dict(driver_error="z" * 300, container="Docker", processor="p" * 99, tensorflow_error="x y " * 200)
    for hindrance in ("container", "limit", "apparmor", "w " * 200):
        found = examine(replace(GOOD, **worst, sandbox_hindrance=hindrance))
        assert sum(finding.state == "missing" for finding in found.findings) >= 5
        one_screen(found)


def test_a_terminal_that_lacks_signs_gets_others(monkeypatch):
    found = examine(replace(GOOD, **{**SEEN, "cards": ("卡\x1b[31m",)}))
    assert "卡?[31m" in str(found)
    monkeypatch.setattr(sys, "stdout", type("Terminal", (), {"encoding": "ascii"})())
    assert "??[31m" in str(found)
    monkeypatch.setattr(sys, "stdout", None)  # a program without a window
    assert str(found).isascii()


def test_the_form_for_scripts_is_documented():
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    told = examine(GOOD).as_dict()
    assert list(told) == ["version", "ready", "findings", "facts"]
    assert set(told["findings"][0]) == {"subject", "state", "text", "step"}
    for name in (*told, *told["facts"], *told["findings"][0]):
        assert f"`{name}`" in page, f"docs/gpu.md does not mention {name}"
    assert report.VERSION == told["version"] == 1


def test_it_runs_here_and_says_what_scripts_need(capsys):
    status = main(["doctor", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert status == (0 if said["ready"] else 1)
    facts = said["facts"]
    assert facts["python"] == list(sys.version_info[:3])
    assert facts["tensorflow"] == (packages.version("tensorflow-cpu") or packages.version("tensorflow"))
    if facts["tensorflow"]:
        assert (facts["tensorflow_error"], facts["keras_error"]) == (None, None)
    if LINUX:
        assert facts["memory"] > 2**28
        assert facts["c_library"]
    one_screen(examine(Facts(**facts)))


BAD = r"""
import os, sys, time
how = os.environ["HOW"]
if how == "raises":
    raise ImportError("DLL load failed while importing _pywrap_tensorflow_internal: A dynamic link library (DLL) "
                      "initialization routine failed.\n\n\nFailed to load the native TensorFlow runtime.\nSee "
                      "https://www.tensorflow.org/install/errors for some common causes and solutions.")
if how == "aborts":
    os.abort()
if how == "babbles":
    os.write(1, b"\xff\xfe FACTS {\n" * 1000)
    os.write(2, b"\x00\xc3" * 1000)
    sys.exit(0)
if how == "sleeps":
    time.sleep(600)
"""
RUN = "import sys\nfrom convlab.hardware import probes\nprobes.PATIENCE = 2 if sys.argv.pop(1) == 'sleeps' else 60\n"
RUN += "probes.sandbox = lambda: ('none', 'missing')\nfrom convlab.cli import main\nsys.exit(main(['doctor']))\n"


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A fresh environment that has NumPy and convlab's other two necessities, and neither TensorFlow nor Keras."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    for name in ("numpy", "threadpoolctl", "platformdirs"):
        for found in {Path(file).parts[0] for file in metadata.files(name) or ()} - {"..", "__pycache__"}:
            (site / found).symlink_to(metadata.distribution(name).locate_file(found))
    return python


def run_doctor(python, folder, how="", **environment):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    kept |= {"HOW": how, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python), "-c", RUN, how]
    return subprocess.run(command, capture_output=True, cwd=folder, env=kept | environment, timeout=120)


@posix
def test_a_fresh_environment_without_tensorflow_is_told_what_to_install(bare, tmp_path):
    result = run_doctor(bare, tmp_path, LC_ALL="C", PYTHONIOENCODING="ascii", HOME="/nonexistent")
    lines = result.stdout.decode("ascii").splitlines()
    assert (result.returncode, result.stderr) == (1, b"")
    assert len(lines) <= 24
    for subject in ("TensorFlow", "Keras", "JupyterLab"):
        where = next(k for k, line in enumerate(lines) if line.startswith(f"!!  {subject}"))
        assert "not installed" in lines[where]
        assert lines[where + 1].strip() == 'next: pip install -e ".[course]"'


@posix
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raises", "ImportError: DLL load failed while"),
        ("aborts", "ended by signal 6"),
        ("babbles", "does not start"),
        ("sleeps", "did not start within 2 seconds"),
    ],
)
def test_a_sabotaged_tensorflow_is_a_finding_and_not_a_crash(bare, tmp_path, how, words):
    tree(tmp_path, {"tensorflow/__init__.py": BAD})
    result = run_doctor(bare, tmp_path, how)
    text = " ".join(result.stdout.decode().split())
    assert (result.returncode, result.stderr) == (1, b"")
    assert words in text
    assert "next:" in text[text.index("!! TensorFlow") :]
    assert len(result.stdout.splitlines()) <= 24


@posix
def test_a_user_without_a_home_and_a_folder_that_is_gone(bare, tmp_path):
    code = "import os, pathlib\nos.rmdir(os.getcwd())\n"
    code += "def home(): raise RuntimeError('Could not determine home directory.')\n"
    code += "pathlib.Path.home = home\nfrom convlab.hardware import probes\nprobes.sandbox = lambda: 1 / 0\n"
    code += "from convlab.hardware import doctor\nprint(doctor())"
    (tmp_path / "gone").mkdir()
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(bare), "-P", "-c", code]  # NumPy itself fails where the folder is gone and on sys.path
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path / "gone", env=environment)
    assert result.stderr == ""
    assert "!!  TensorFlow" in result.stdout
