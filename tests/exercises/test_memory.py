"""What is remembered survives sessions, and loses nothing to a damaged file."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.exercises import memory


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "data" / "progress.json"
    monkeypatch.setenv("CONVLAB_PROGRESS", str(path))
    return path


def test_the_best_try_is_kept(file):
    assert memory.recall() == ({}, "")
    for points in (1, 3, 2):
        assert memory.remember("pad", points, 3) == ""
    memory.remember("same", 0, 2)
    assert memory.recall() == ({"pad": memory.Best(3, 3, 3), "same": memory.Best(0, 2, 1)}, "")
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_points_of_a_problem_that_changed_count_anew(file):
    memory.remember("pad", 3, 3)
    memory.remember("pad", 1, 4)
    assert memory.recall()[0]["pad"] == memory.Best(1, 4, 2)


@given(
    content=st.one_of(st.binary(), st.sampled_from([b"[]", b'{"problems": 3}', b'{"problems": {"a": {}}}', b"null"]))
)
def test_a_damaged_file_is_put_aside_and_named(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "progress.json"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVLAB_PROGRESS", str(path))
        said = memory.remember("pad", 2, 3)
        assert memory.recall() == ({"pad": memory.Best(2, 3, 1)}, "")
    aside = path.with_name("progress.json.damaged")
    assert str(aside) in said
    assert aside.read_bytes() == content


def test_a_crash_while_writing_leaves_the_old_file(file, monkeypatch):
    memory.remember("pad", 2, 3)
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    said = memory.remember("pad", 3, 3)
    assert "No space left" in said
    assert json.loads(file.read_text())["problems"]["pad"]["points"] == 2
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CONVLAB_PROGRESS", str(tmp_path / "file" / "progress.json"))
    assert "cannot be" in memory.remember("pad", 1, 1)


def test_a_folder_that_cannot_even_be_looked_into_is_a_sentence(file, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.exists", refused)
    assert "progress" in memory.remember("pad", 1, 1)


def test_what_is_no_file_is_left_alone(tmp_path, monkeypatch):
    """A device must not be moved away, nor a folder."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        monkeypatch.setenv("CONVLAB_PROGRESS", str(tmp_path / name))
        assert "which is no file" in memory.remember("pad", 1, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_the_users_data_folder_is_used(monkeypatch):
    platformdirs = pytest.importorskip("platformdirs", reason="platformdirs is not installed")
    monkeypatch.delenv("CONVLAB_PROGRESS")
    assert memory.place().parent.as_posix() == platformdirs.user_data_path("convlab", appauthor=False).as_posix()
