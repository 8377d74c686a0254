"""Judge the facts of a machine: what is there, what is missing, and for each thing missing the one next step."""

from collections.abc import Iterator

from convlab.hardware.facts import Facts, gather
from convlab.hardware.gpu_advice import cuda_finding, gpu_finding
from convlab.hardware.report import Finding, Report
from convlab.hardware.tensorflow_advice import keras_finding, tensorflow_finding
from convlab.hardware.words import NEWEST_PYTHON, OLDEST_PYTHON, brief, install, size

__all__ = ["Finding", "Report", "doctor", "examine"]

ENOUGH_MEMORY, ENOUGH_DISK = 4 * 2**30, 3 * 2**30  # bytes; the course's libraries take 2 GB
SANDBOX_STEPS = {
    "missing": "install bubblewrap to grade submissions (Debian, Ubuntu: sudo apt install bubblewrap)",
    "container": "grade outside of this container, or start it with --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined (Podman: unmask=ALL)",
    "limit": "sudo sysctl user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1 "
    "(this machine forbids the namespaces that bubblewrap is made of)",
    "apparmor": "let AppArmor know bubblewrap: sudo apt install apparmor-profiles && sudo cp "
    "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo systemctl reload apparmor",
    "processor": "grade on a machine with a processor of x86_64 or aarch64",
}
SETS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "Neon"}  # the best of those that are there
HALVES = ("amx_bf16", "avx512_bf16", "bf16")  # instructions for bfloat16


def doctor() -> Report:
    """Look at this machine and say what is there and what to do next.

    >>> report = doctor()
    >>> report.ready
    True
    """
    return examine(gather())


def examine(facts: Facts) -> Report:
    """Judge facts from this or any other machine."""
    checks = (_python, _processor, _memory, tensorflow_finding, keras_finding, gpu_finding, cuda_finding)
    return Report(facts, tuple(finding for check in (*checks, _lab, _data, _sandbox) for finding in check(facts)))


def _python(facts: Facts) -> Iterator[Finding]:
    numbers = tuple(facts.python or ())
    version = brief(".".join(map(str, numbers)) or "of unknown version", 20)
    where = f"{version} on {_system_name(facts)}"
    newest = ".".join(map(str, NEWEST_PYTHON))
    if numbers and not OLDEST_PYTHON <= numbers[:2] <= NEWEST_PYTHON:
        text = f"{version}, but TensorFlow's wheels are for {'.'.join(map(str, OLDEST_PYTHON))} to {newest}"
        step = f"install Python {newest} and make an environment with it: {_environment(facts, newest)}"
        yield Finding("Python", "missing", text, step)
    elif facts.managed:
        step = f"make an environment to install into: {_environment(facts, '3')}"
        yield Finding("Python", "note", f"{where}, where the distribution forbids pip", step)
    else:
        inside = "in a virtual environment" if facts.virtual_environment else "not in a virtual environment"
        yield Finding("Python", "ok", f"{where}, {inside}")


def _environment(facts: Facts, version: str) -> str:
    return f"{f'py -{version}' if facts.system == 'Windows' else f'python{version}'} -m venv .venv"


def _system_name(facts: Facts) -> str:
    name = {"Darwin": "macOS"}.get(facts.system, facts.system) or "an unknown system"
    inside = "WSL2" if facts.wsl else "Colab" if facts.colab else brief(facts.container or "", 12)
    return f"{brief(name, 12)}{f' ({inside})' if inside else ''} {brief(facts.machine or '', 12)}".rstrip()


def _processor(facts: Facts) -> Iterator[Finding]:
    threads = f"{facts.threads or 'an unknown number of'} threads"
    name = f"{threads} of {brief(facts.processor)}" if facts.processor else threads
    if facts.avx is False:
        text = f"{name}, without AVX instructions: TensorFlow's wheels end the process here"
        step = "use another machine or Google Colab: every lesson but the first imports TensorFlow"
        yield Finding("processor", "missing", text, step)
        return
    has = facts.instructions or ()
    best = next((words for name, words in SETS.items() if name in has), "")
    half = " with bfloat16" if any(half in has for half in HALVES) else ""
    # the wheels themselves need no more than AVX; oneDNN, which does their convolutions, takes the best there is
    use = f", {best}{half}" if best else ""
    if use and not facts.onednn:
        use += ", not used while TF_ENABLE_ONEDNN_OPTS is 0"
    yield Finding("processor", "ok", name + use)


def _memory(facts: Facts) -> Iterator[Finding]:
    if facts.memory is None and facts.disk is None:
        return
    told = [size(facts.memory)] if facts.memory is not None else []
    told += [f"{size(facts.disk)} free on the disk"] if facts.disk is not None else []
    text = " and ".join(told)
    if facts.disk is not None and facts.disk < ENOUGH_DISK:
        yield Finding("memory", "note", f"{text} is little", "make room before you install: pip cache purge")
    elif facts.memory is not None and facts.memory < ENOUGH_MEMORY:
        text = f"{size(facts.memory)} is little"
        yield Finding("memory", "note", text, "close other programs before you train a network")
    else:
        yield Finding("memory", "ok", text)


def _lab(facts: Facts) -> Iterator[Finding]:
    absent = [name for name, version in [("JupyterLab", facts.jupyterlab), ("anywidget", facts.widgets)] if not version]
    if absent:
        yield Finding("JupyterLab", "missing", f"not installed: {', '.join(absent)}", install(facts))
    else:
        yield Finding("JupyterLab", "ok", f"{brief(facts.jupyterlab)}, widgets by anywidget {brief(facts.widgets)}")


def _data(facts: Facts) -> Iterator[Finding]:
    if not facts.digits:
        yield Finding("data", "missing", "scikit-learn is not installed, and with it its digits", install(facts))
    elif facts.mnist:
        yield Finding("data", "ok", f"the small digits, and MNIST from {brief(facts.mnist)}")
    else:
        yield Finding(
            "data",
            "note",
            "the small digits; MNIST is not here yet, and the lessons then use the digits",
            'python -c "from convlab.data import load_mnist; load_mnist()" downloads it (11 MB)',
        )


def _sandbox(facts: Facts) -> Iterator[Finding]:
    """Only teachers who grade submissions need one."""
    if facts.sandbox == "bubblewrap":
        yield Finding("sandbox", "ok", "bubblewrap: submissions can be graded safely")
    elif facts.sandbox == "landlock":
        text = "Landlock: submissions can be graded safely, with bubblewrap even more so"
        yield Finding("sandbox", "ok", text, _sandbox_step(facts))
    elif facts.system == "Linux":
        text = "none: only graders need one, and without it a submission could do whatever you can"
        yield Finding("sandbox", "note", text, _sandbox_step(facts))
    else:
        yield Finding("sandbox", "note", "none on this system; to grade submissions, use Linux (on Windows: WSL2)")


def _sandbox_step(facts: Facts) -> str:
    """The one next step towards bubblewrap."""
    other = f"find out why bubblewrap does not start: {brief(facts.sandbox_hindrance, 80)}"
    return SANDBOX_STEPS.get(facts.sandbox_hindrance, other)
