"""Judge the facts of a machine: what is there, what is missing, and for each thing missing the one next step."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from convlab.hardware.facts import Facts, gather

OLDEST, NEWEST = (3, 11), (3, 13)  # Pythons that the course runs on
OLDEST_DRIVER = 525  # for CUDA 12: NVIDIA, "CUDA compatibility", minor version compatibility, table 1
ENOUGH_MEMORY = 4 * 2**30  # bytes
INSTALL = 'pip install -e ".[course]"'
INSTALL_GPU = 'pip install -e ".[gpu]"'
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
MARKS = {"ok": "ok", "note": "--", "missing": "!!"}


@dataclass(frozen=True)
class Finding:
    """One line of the report. state: "ok", "note" (nothing the lessons need) or "missing"; step: what to do next."""

    subject: str
    state: str
    text: str
    step: str = ""


@dataclass(frozen=True)
class Report:
    """All findings, as one screen of text; `ready` says whether the lessons will run."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        return all(finding.state != "missing" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for scripts."""
        findings = [asdict(finding) for finding in self.findings]
        return {"ready": self.ready, "findings": findings, "facts": asdict(self.facts)}

    def __str__(self) -> str:
        width = max(len(finding.subject) for finding in self.findings)
        lines = []
        for finding in self.findings:
            lines.append(f"{MARKS[finding.state]}  {finding.subject:{width}}  {finding.text}")
            if finding.step:
                lines.append(f"    {'':{width}}  next: {finding.step}")
        lines.append("")
        lines.append(
            "Everything that the lessons need is here." if self.ready else "Something that the lessons need is missing."
        )
        return "\n".join(lines)

    __repr__ = __str__


def doctor() -> Report:
    """Look at this machine and say what is there and what to do next.

    >>> report = doctor()
    >>> report.ready
    True
    """
    return examine(gather())


def examine(facts: Facts) -> Report:
    """Judge facts from this or any other machine."""
    checks = (_python, _processor, _memory, _tensorflow, _keras, _gpu, _lab, _data, _sandbox)
    return Report(facts, tuple(finding for check in checks for finding in check(facts)))


def _python(facts: Facts) -> Iterator[Finding]:
    version = ".".join(map(str, facts.python))
    if OLDEST <= facts.python[:2] <= NEWEST:
        where = "in a virtual environment" if facts.virtual_environment else "not in a virtual environment"
        yield Finding("Python", "ok", f"{version} on {_system_name(facts)}, {where}")
    else:
        newest = ".".join(map(str, NEWEST))
        yield Finding(
            "Python",
            "missing",
            f"{version}, but TensorFlow's wheels are for {'.'.join(map(str, OLDEST))} to {newest}",
            f"install Python {newest} and make an environment with it: python{newest} -m venv .venv",
        )


def _system_name(facts: Facts) -> str:
    name = {"Darwin": "macOS"}.get(facts.system, facts.system)
    return f"{name}{' (WSL2)' if facts.wsl else ''} {facts.machine}"


def _processor(facts: Facts) -> Iterator[Finding]:
    threads = f"{facts.threads or 'an unknown number of'} threads"
    if facts.avx is False:
        yield Finding(
            "processor",
            "missing",
            f"{threads}, without AVX instructions: TensorFlow's wheels end the process here",
            "use another machine or Google Colab: every lesson but the first imports TensorFlow",
        )
    else:
        yield Finding("processor", "ok", threads)


def _memory(facts: Facts) -> Iterator[Finding]:
    if facts.memory is None:
        return
    size = f"{facts.memory / 2**30:.1f} GiB"
    if facts.memory >= ENOUGH_MEMORY:
        yield Finding("memory", "ok", size)
    else:
        yield Finding("memory", "note", f"{size} is little", "close other programs before you train a network")


def _tensorflow(facts: Facts) -> Iterator[Finding]:
    if facts.system == "Darwin" and facts.machine == "x86_64":
        cure = "there are no wheels of TensorFlow for Macs with an Intel processor any more: use Google Colab"
    else:
        cure = INSTALL
    if facts.tensorflow is None:
        yield Finding("TensorFlow", "missing", "not installed", cure)
    elif facts.tensorflow_error:
        words = f"{facts.tensorflow} is installed, but does not start: {facts.tensorflow_error}"
        yield Finding("TensorFlow", "missing", words, _cure_import(facts))
    else:
        build = "with CUDA code" if facts.built_with_cuda else "for the processor only"
        yield Finding("TensorFlow", "ok", f"{facts.tensorflow}, built {build}")


def _cure_import(facts: Facts) -> str:
    words = facts.tensorflow_error or ""
    if facts.avx is False:
        return "see the processor above: no wheel of TensorFlow runs on it"
    if "DLL load failed" in words:
        return "install Microsoft's Visual C++ Redistributable 2015-2022 (x64), then start again"
    if "signal" in words:
        return f"reinstall it into a fresh virtual environment: {INSTALL}"
    return f"pip uninstall -y tensorflow tensorflow-cpu keras && {INSTALL}"


def _keras(facts: Facts) -> Iterator[Finding]:
    if facts.keras is None:
        yield Finding("Keras", "missing", "not installed", INSTALL)
    elif facts.keras.startswith("2."):
        yield Finding("Keras", "missing", f"{facts.keras}, but the course is written for Keras 3", INSTALL)
    else:
        yield Finding("Keras", "ok", f"{facts.keras}, backend {facts.backend}")


def _gpu(facts: Facts) -> Iterator[Finding]:
    """Every lesson runs without a GPU, so nothing here is ever missing."""
    if facts.gpus:
        names = ", ".join(facts.cards) or ", ".join(facts.gpus)
        yield Finding("GPU", "ok", f"TensorFlow sees {len(facts.gpus)}: {names}")
        return
    step = _gpu_step(facts)
    text = "none that TensorFlow sees; every lesson runs without one"
    if facts.cards:
        text = f"the driver sees {', '.join(facts.cards)}, but TensorFlow does not; every lesson runs without"
    yield Finding("GPU", "note", text, step)


def _gpu_step(facts: Facts) -> str:
    """The one next step towards a GPU, or none where there is no card to use."""
    if facts.system == "Darwin":
        return ""  # no official GPU support for macOS
    if facts.system == "Windows":
        return "TensorFlow uses GPUs on Windows only inside of WSL2: run wsl --install, and the course in there"
    if not facts.driver:
        if facts.built_with_cuda and facts.cuda_libraries:
            where = "on Windows, not inside of WSL2" if facts.wsl else "from your distribution or nvidia.com"
            return f"if this machine has an NVIDIA card, install its driver ({where})"
        return ""
    if _major(facts.driver) < OLDEST_DRIVER:
        return f"the driver {facts.driver} is too old for CUDA 12: install {OLDEST_DRIVER} or newer"
    if not facts.built_with_cuda:
        return f"pip uninstall -y tensorflow-cpu && {INSTALL_GPU}"  # two builds beside each other break both
    if not facts.cuda_libraries:
        return INSTALL_GPU
    return "start a new Python process; if that does not help, set TF_CPP_MAX_VLOG_LEVEL=1 and read which library fails"


def _major(version: str) -> int:
    head = version.split(".")[0]
    return int(head) if head.isdecimal() else 0


def _lab(facts: Facts) -> Iterator[Finding]:
    absent = [name for name, version in [("JupyterLab", facts.jupyterlab), ("anywidget", facts.widgets)] if not version]
    if absent:
        yield Finding("JupyterLab", "missing", f"not installed: {', '.join(absent)}", INSTALL)
    else:
        yield Finding("JupyterLab", "ok", f"{facts.jupyterlab}, widgets by anywidget {facts.widgets}")


def _data(facts: Facts) -> Iterator[Finding]:
    if not facts.digits:
        yield Finding("data", "missing", "scikit-learn is not installed, and with it its digits", INSTALL)
    elif facts.mnist:
        yield Finding("data", "ok", f"the small digits, and MNIST from {facts.mnist}")
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
    other = f"find out why bubblewrap does not start: {facts.sandbox_hindrance}"
    return SANDBOX_STEPS.get(facts.sandbox_hindrance, other)
