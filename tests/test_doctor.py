"""The doctor judges captured facts of many machines, and gives one next step for each thing that is missing."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from convlab import ConvlabError
from convlab.cli import main
from convlab.hardware import Facts, examine, facts, gather, grow_memory, mixed_precision, use_threads

GOOD = Facts(
    system="Linux",
    machine="x86_64",
    wsl=False,
    python=(3, 12, 4),
    virtual_environment=True,
    threads=8,
    memory=16 * 2**30,
    avx=True,
    tensorflow="2.21.0",
    tensorflow_error=None,
    built_with_cuda=False,
    cuda_wanted=None,
    cudnn_wanted=None,
    cuda_libraries=False,
    gpus=(),
    driver=None,
    cards=(),
    keras="3.15.1",
    backend="tensorflow",
    jupyterlab="4.6.6",
    widgets="0.11.0",
    digits=True,
    mnist="Keras' cache",
    sandbox="bubblewrap",
    sandbox_hindrance="",
)
CARD = dict(driver="550.54.14", cards=("NVIDIA T4",))
CUDA = dict(built_with_cuda=True, cuda_libraries=True, cuda_wanted="12.5.1", cudnn_wanted="9")
NO_TENSORFLOW = dict(tensorflow=None, built_with_cuda=None)
WSL = dict(wsl=True, **CUDA)
LANDLOCK = dict(sandbox="landlock")
BARE = dict(sandbox="none")
MAC = dict(system="Darwin", machine="arm64", avx=None, sandbox="none")
WINDOWS = dict(system="Windows", machine="AMD64", avx=None, sandbox="none")

# name: (what differs, is it ready, subject, state, words of the text or the step)
CASES = {
    "all is well": ({}, True, "TensorFlow", "ok", "built for the processor only"),
    "a GPU at work": ({**CARD, **CUDA, "gpus": ("/gpu:0",)}, True, "GPU", "ok", "TensorFlow sees 1: NVIDIA T4"),
    "no TensorFlow": (NO_TENSORFLOW, False, "TensorFlow", "missing", 'pip install -e ".[course]"'),
    "it fails to import": (
        {"tensorflow_error": "ImportError: libstdc++.so.6"},
        False,
        "TensorFlow",
        "missing",
        "pip uninstall -y",
    ),
    "it ends the process": (
        {"tensorflow_error": "the process was ended by signal 6"},
        False,
        "TensorFlow",
        "missing",
        "fresh virtual environment",
    ),
    "no AVX": (
        {"avx": False, "tensorflow_error": "the process was ended by signal 4"},
        False,
        "processor",
        "missing",
        "Colab",
    ),
    "Windows without its runtime": (
        {**WINDOWS, "tensorflow_error": "ImportError: DLL load failed while importing _pywrap"},
        False,
        "TensorFlow",
        "missing",
        "Visual C++",
    ),
    "Windows with a card": ({**WINDOWS, **CARD}, True, "GPU", "note", "wsl --install"),
    "a card, but the processor's build": (CARD, True, "GPU", "note", "pip uninstall -y tensorflow-cpu &&"),
    "a card, but no CUDA libraries": ({**CARD, **CUDA, "cuda_libraries": False}, True, "GPU", "note", '".[gpu]"'),
    "a driver too old": ({**CARD, **CUDA, "driver": "470.223.02"}, True, "GPU", "note", "525 or newer"),
    "a GPU build without a driver": (CUDA, True, "GPU", "note", "install its driver (from"),
    "WSL2 without a driver": (WSL, True, "GPU", "note", "on Windows, not inside of WSL2"),
    "all there, but not seen": ({**CARD, **CUDA}, True, "GPU", "note", "start a new Python process"),
    "no card at all": ({}, True, "GPU", "note", "every lesson runs without one"),
    "macOS on arm64": (MAC, True, "Python", "ok", "macOS arm64"),
    "macOS on Intel": (
        {**MAC, **NO_TENSORFLOW, "machine": "x86_64"},
        False,
        "TensorFlow",
        "missing",
        "Google Colab",
    ),
    "Python too new": ({"python": (3, 14, 0)}, False, "Python", "missing", "python3.13 -m venv"),
    "Keras 2": ({"keras": "2.15.0"}, False, "Keras", "missing", "written for Keras 3"),
    "no Keras": ({"keras": None}, False, "Keras", "missing", "not installed"),
    "no JupyterLab": ({"jupyterlab": None}, False, "JupyterLab", "missing", "not installed: JupyterLab"),
    "no widgets": ({"widgets": None}, False, "JupyterLab", "missing", "anywidget"),
    "no digits": ({"digits": False}, False, "data", "missing", "scikit-learn"),
    "no MNIST": ({"mnist": None}, True, "data", "note", "load_mnist()"),
    "little memory": ({"memory": 2**31}, True, "memory", "note", "2.0 GiB is little"),
    "memory not known": ({"memory": None, "threads": None}, True, "processor", "ok", "unknown number of threads"),
    "Landlock only": ({**LANDLOCK, "sandbox_hindrance": "missing"}, True, "sandbox", "ok", "apt install bubblewrap"),
    "no sandbox": ({**BARE, "sandbox_hindrance": "missing"}, True, "sandbox", "note", "apt install bubblewrap"),
    "Ubuntu's AppArmor": (
        {**LANDLOCK, "sandbox_hindrance": "apparmor"},
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


@pytest.mark.parametrize(("changes", "ready", "subject", "state", "words"), CASES.values(), ids=CASES)
def test_a_machine_is_judged(changes, ready, subject, state, words):
    report = examine(replace(GOOD, **changes))
    assert report.ready is ready
    found = next(finding for finding in report.findings if finding.subject == subject)
    assert found.state == state
    assert words in f"{found.text} {found.step}"
    assert all(finding.step for finding in report.findings if finding.state == "missing")
    assert str(report).endswith("is here." if ready else "is missing.")
    assert len(str(report).splitlines()) <= 24  # one screen
    json.dumps(report.as_dict())


def test_it_runs_here_and_says_what_scripts_need(capsys):
    report = gather()
    assert report.python == sys.version_info[:3]
    status = main(["doctor", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert status == (0 if said["ready"] else 1)
    assert said["facts"]["tensorflow"] == report.tensorflow
    assert main(["doctor"]) == status
    assert "TensorFlow" in capsys.readouterr().out


def test_tensorflow_that_dies_hangs_or_complains_is_a_fact_not_a_crash(monkeypatch):
    for probe, words in [
        ("import os; os.abort()", "ended by signal 6"),
        ("raise ImportError('libcuda')", "ImportError: libcuda"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import time; time.sleep(60)", "did not start within 1 seconds"),
    ]:
        monkeypatch.setattr(facts, "PROBE", probe)
        monkeypatch.setattr(facts, "PATIENCE", 1 if "sleep" in probe else 60)
        found, error = facts._probe_tensorflow()
        assert found == {}
        assert words in error


def test_what_nvidia_smi_says_is_read(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for text, expected in [
        (
            "echo '550.54.14, NVIDIA T4'; echo '550.54.14, NVIDIA A100, 40GB'",
            ("550.54.14", ("NVIDIA T4", "NVIDIA A100, 40GB")),
        ),
        ("echo 'NVIDIA-SMI has failed because it could not talk to the driver.'; exit 9", (None, ())),
        ("echo 'No devices were found'", (None, ())),
    ]:
        tool.write_text(f"#!/bin/sh\n{text}\n")
        tool.chmod(0o755)
        assert facts._nvidia() == expected


def test_a_broken_settings_file_of_keras_is_survived(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for text in ("{", "[]", '{"backend": "jax"}'):
        (tmp_path / "keras.json").write_text(text)
        assert facts._backend() == ("jax" if "jax" in text else "tensorflow")


def test_a_sandbox_that_cannot_be_tried_is_none(monkeypatch):
    for said in ("", "[]", "{", "null"):
        monkeypatch.setattr(facts, "_run", lambda *_, said=said: subprocess.CompletedProcess([], 0, stdout=said))
        assert facts._sandbox() == ("none", "the trial of it failed")
    monkeypatch.setattr(facts, "_run", lambda *_: None)
    assert facts._sandbox()[0] == "none"


def fresh(code):
    """Run code in a Python where TensorFlow has not started."""
    start = (
        "from convlab.hardware import *\nfrom convlab import ConvlabError\n"
        "with quiet_tensorflow():\n    import tensorflow as tf\n"
    )
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True)


def test_threads_can_be_set_before_tensorflow_computes_and_not_after():
    code = (
        "use_threads(2); use_threads(2); tf.constant(1) + 1\n"
        "print(tf.config.threading.get_intra_op_parallelism_threads())\n"
        "use_threads(2)\n"
        "try:\n    use_threads(1)\nexcept ConvlabError as error:\n    print(error)"
    )
    result = fresh(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        "2\nuse_threads(1) comes too late, for TensorFlow has started to compute: "
        "restart the kernel and call it before anything else.\n"
    )
    for wrong in (0, 1.5, True):
        with pytest.raises(ConvlabError, match="whole number of at least 1"):
            use_threads(wrong)


def test_memory_growth_is_asked_of_every_gpu_once(monkeypatch):
    import tensorflow as tf

    asked = {"a": False, "b": True}

    class Device:
        def __init__(self, name):
            self.name = name

    def grow(device, on):
        if device.name == "late":
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        asked[device.name] = on

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [Device("a"), Device("b")])
    monkeypatch.setattr(tf.config.experimental, "get_memory_growth", lambda device: asked.get(device.name, False))
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    assert grow_memory() == grow_memory() == ("a", "b")
    assert asked == {"a": True, "b": True}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [Device("late")])
    with pytest.raises(ConvlabError, match="restart the kernel"):
        grow_memory()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert grow_memory() == ()


def test_mixed_precision_can_be_switched():
    import keras

    try:
        assert mixed_precision() == "mixed_float16"
        assert keras.layers.Dense(1).compute_dtype == "float16"
    finally:
        assert mixed_precision(False) == "float32"
