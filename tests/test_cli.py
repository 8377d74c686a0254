"""The `convlab` command: what it opens, what it copies, and what it never touches."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab import __version__, cli
from convlab.course import lessons, server

NAMES = ["exercises/01_one.ipynb", "notebooks/01_one.ipynb", "notebooks/images/02_two.ipynb"]


def make_lessons(folder: Path) -> Path:
    for name in [*NAMES, "notebooks/.ipynb_checkpoints/01_one-checkpoint.ipynb"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return folder


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Lessons as a wheel ships them: inside the package, with no checkout around it."""
    folder = make_lessons(tmp_path / "site-packages" / "convlab" / "share")
    monkeypatch.setattr(lessons, "_PACKAGE", folder.parent)
    monkeypatch.setattr(lessons, "_SHIPPED", folder)
    return folder


@pytest.fixture
def opened(monkeypatch):
    """What would be opened in JupyterLab."""
    calls = []
    monkeypatch.setattr(server, "serve", lambda folder, port, browser: calls.append((folder, port, browser)))
    return calls


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_wheel_copies_the_lessons_to_the_default_folder(shipped, opened, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 0
    folder = tmp_path / "convlab-lessons"
    assert opened == [(folder, 8888, True)]
    assert files(folder) == NAMES
    assert all((folder / name).read_bytes() == (shipped / name).read_bytes() for name in NAMES)
    assert all(name in capsys.readouterr().out for name in [str(folder)])


def test_options_reach_jupyterlab(shipped, opened, tmp_path):
    assert cli.main(["lab", "--dir", str(tmp_path / "mine"), "--port", "9123", "--no-browser"]) == 0
    assert opened == [(tmp_path / "mine", 9123, False)]


def test_a_learners_work_is_kept_and_named_and_a_new_lesson_is_added(shipped, opened, tmp_path, capsys):
    work = tmp_path / "work"
    cli.main(["lab", "--dir", str(work)])
    (work / NAMES[0]).write_text("my work")
    (work / NAMES[1]).unlink()
    (work / "notes.md").write_text("my notes")
    capsys.readouterr()
    cli.main(["lab", "--dir", str(work)])
    added, kept = capsys.readouterr().out.splitlines()
    assert NAMES[1] in added
    assert NAMES[0] not in added
    assert kept.endswith(f": {NAMES[0]}")
    assert (work / NAMES[0]).read_text() == "my work"
    assert (work / "notes.md").read_text() == "my notes"


@given(mine=st.dictionaries(st.sampled_from(NAMES), st.binary()))
def test_copying_changes_no_file_that_is_there(mine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lessons")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lessons, "_PACKAGE", folder)
        patch.setattr(lessons, "_SHIPPED", make_lessons(folder / "lessons"))
        for name, content in mine.items():
            (folder / "work" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "work" / name).write_bytes(content)
        copied = lessons.copy_lessons(folder / "work")
    assert {path.as_posix() for path in copied.added} == set(NAMES) - set(mine)
    assert {path.as_posix() for path in copied.kept} == set(mine)
    assert files(folder / "work") == NAMES
    assert all((folder / "work" / name).read_bytes() == content for name, content in mine.items())


def test_a_copy_that_fails_midway_leaves_no_part_of_a_file(shipped, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(lessons.ConvlabError, match=r"work: .*No space left.*--dir"):
        lessons.copy_lessons(tmp_path / "work")
    assert files(tmp_path / "work") == []


def test_a_lesson_has_the_permissions_of_any_new_file(shipped, tmp_path):
    (tmp_path / "new").touch()
    lessons.copy_lessons(tmp_path / "work")
    assert (tmp_path / "work" / NAMES[0]).stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_dangling_link_is_kept(shipped, tmp_path):
    (tmp_path / "work" / NAMES[0]).parent.mkdir(parents=True)
    (tmp_path / "work" / NAMES[0]).symlink_to(tmp_path / "nowhere")
    assert [path.as_posix() for path in lessons.copy_lessons(tmp_path / "work").kept] == [NAMES[0]]
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_is_a_file_is_named(shipped, opened, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(["lab", "--dir", str(tmp_path / "file")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert opened == []


def test_a_checkout_opens_in_place_and_copies_only_when_asked(opened, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    make_lessons(tmp_path)
    monkeypatch.setattr(lessons, "_PACKAGE", tmp_path / "convlab")
    cli.main(["lab"])
    cli.main(["lab", "--dir", str(tmp_path / "mine")])
    assert [folder for folder, _, _ in opened] == [tmp_path, tmp_path / "mine"]
    assert files(tmp_path / "mine") == NAMES


def test_missing_lessons_are_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lessons, "_PACKAGE", tmp_path)
    monkeypatch.setattr(lessons, "_SHIPPED", tmp_path / "share")
    assert cli.main(["lab"]) == 1
    assert "install convlab again" in capsys.readouterr().err


def test_missing_jupyterlab_is_one_sentence(shipped, opened, monkeypatch, capsys):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert cli.main(["lab"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("convlab: JupyterLab is not installed")
    assert message.count("\n") == 1
    assert "pip install" in message
    assert opened == []


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight", ""])
def test_an_impossible_port_is_refused(port, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["lab", f"--port={port}"])
    assert stop.value.code == 2
    assert "invalid port value" in capsys.readouterr().err


def test_module_and_version():
    run = subprocess.run([sys.executable, "-m", "convlab", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == f"convlab {__version__}\n"


def test_the_printed_address_answers(tmp_path):
    (tmp_path / "work").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    work = str(tmp_path / "work")
    start = f"from pathlib import Path; from convlab.course import server; server.serve(Path({work!r}), {port}, False)"
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run")}
    command = [sys.executable, "-c", start]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as lab:
        try:
            lines = iter(lab.stdout.readline, "")
            address = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))
            with urlopen(address, timeout=60) as page:
                assert page.status == 200
                assert "JupyterLab" in page.read().decode()
        finally:
            lab.terminate()
