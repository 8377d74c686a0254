"""One list of dependencies in two files, a README that says what works, and a wheel that carries the lessons."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import convlab

ROOT = Path(convlab.__file__).parents[1]
if not (ROOT / "pyproject.toml").is_file():
    pytest.skip("convlab is not tested from a checkout: there is no pyproject.toml", allow_module_level=True)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(extra: str | None) -> list[Requirement]:
    """What an extra asks for, with the extras of convlab that it names unfolded."""
    listed = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    found = []
    for requirement in map(Requirement, listed):
        if requirement.name == "convlab":
            found += [r for name in requirement.extras for r in requirements(name)]
        else:
            found.append(requirement)
    return found


def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_conda_users_get_the_same_versions():
    """All but TensorFlow, whose build pip chooses by platform, ONNX, which must fit that build, and Playwright, which
    conda-forge names otherwise."""
    by_pip = ("tensorflow", "tf2onnx", "onnx", "playwright")
    wanted = {str(r) for r in requirements(None) + requirements("test") if not r.name.startswith(by_pip)}
    listed = [entry for entry in environment()["dependencies"] if isinstance(entry, str)]
    conda = {str(Requirement(entry)) for entry in listed if entry != "pip" and not entry.startswith("python>")}
    assert conda == wanted
    python = next(Requirement(entry) for entry in listed if entry.startswith("python>"))
    assert python.specifier == Requirement(f"python{PROJECT['requires-python']}").specifier


def test_conda_users_get_convlab_and_tensorflow_from_pip():
    pip = next(entry["pip"] for entry in environment()["dependencies"] if isinstance(entry, dict))
    assert pip == ["-e .[test]"]


@pytest.mark.parametrize(
    ("platform", "machine", "expected"),
    [
        ("linux", "x86_64", {"tensorflow-cpu"}),
        ("linux", "aarch64", {"tensorflow"}),
        ("darwin", "arm64", {"tensorflow"}),
        ("win32", "AMD64", {"tensorflow"}),
    ],
)
def test_each_platform_gets_one_tensorflow(platform, machine, expected):
    where = {"sys_platform": platform, "platform_machine": machine}
    chosen = {r.name for r in requirements("course") if not r.marker or r.marker.evaluate(where)}
    assert {name for name in chosen if name.startswith("tensorflow")} == expected


def test_the_gpu_extra_brings_cuda_and_no_second_tensorflow():
    where = {"sys_platform": "linux", "platform_machine": "x86_64"}
    tensorflows = [r for r in requirements("gpu") if r.name.startswith("tensorflow")]
    assert [(r.name, r.extras) for r in tensorflows if r.marker.evaluate(where)] == [("tensorflow", {"and-cuda"})]


def test_the_readme_opens_with_the_two_commands():
    screen = (ROOT / "README.md").read_text().splitlines()[:24]
    commands = [line.partition("  #")[0].strip() for line in screen if line.startswith("pip install")]
    assert commands == ['pip install -e ".[course]" && convlab lab', 'pip install -e ".[test]" && pytest']


def test_versions_agree():
    assert PROJECT["version"] == convlab.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == convlab.__version__


def test_a_wheel_carries_the_lessons_and_the_package(tmp_path):
    """Built without isolation, so that no network is needed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed, so no wheel can be built offline")
    code = f"from hatchling.build import build_wheel; build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    folders = ("notebooks", "exercises")
    lessons = {f"convlab/share/{folder}/{file.name}" for folder in folders for file in (ROOT / folder).glob("*.ipynb")}
    assert lessons
    assert lessons <= inside
    kinds = (".py", ".js", ".css")
    modules = {str(file.relative_to(ROOT)) for file in (ROOT / "convlab").rglob("*") if file.suffix in kinds}
    assert modules <= inside
    assert not {name for name in inside if name.startswith(("tests", "benchmarks")) or ".ipynb_checkpoints" in name}
