"""What docs/grading.md shows works as it is shown."""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import convlab
from convlab.cli import _parser, main
from convlab.grading.book import lateness
from convlab.grading.sandbox import Level, level
from tests.grading.make import classroom, notebook, write_canvas, write_nbgrader

ROOT = Path(convlab.__file__).parents[1]
PAGES = [ROOT / "docs" / "grading.md", ROOT / "docs" / "many-students.md"]
TEXT = PAGES[0].read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return [text for kind, text in re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S) if kind == language]


COMMANDS = [line for block in blocks("") for line in block.splitlines() if line.startswith("convlab ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_are_understood(command):
    _parser().parse_args(shlex.split(command, comments=True)[1:])


def test_there_are_commands():
    assert len(COMMANDS) > 5


def test_the_policy_is_read(tmp_path):
    (block,) = blocks("toml")
    (tmp_path / "class.toml").write_text(block)
    policy = lateness.read(tmp_path / "class.toml")
    assert policy.due("alice", "02_padding") > policy.due("bob", "02_padding")


@pytest.mark.skipif(level() is Level.NONE, reason="this machine gives no sandbox")
def test_the_programs_run(tmp_path):
    write_nbgrader(tmp_path, classroom(2, "02_padding"))
    (tmp_path / "alice.ipynb").write_bytes(notebook("02_padding", {}))
    programs = blocks("python")
    assert len(programs) == 2
    for number, program in enumerate(programs):
        script = tmp_path / f"program{number}.py"
        script.write_text(program)
        done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "grades" / "class.html").is_file()
    assert "('padded_size', 0, '')" in done.stdout


@pytest.mark.skipif(level() is Level.NONE, reason="this machine gives no sandbox")
def test_from_a_zip_of_thirty_to_the_column_of_canvas(tmp_path, capsys):
    students = list(classroom(30, "02_padding"))
    write_canvas(tmp_path / "submissions.zip", students)
    with open(tmp_path / "export.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["Student", "ID", "SIS Login ID", "Section", "Padding (4711)", "Kernels (4712)"])
        rows.writerow(["    Points Possible", "", "", "", "13", "15"])
        rows.writerows([student.name, student.number, student.student, "A", "", "7"] for student in students)
    out = tmp_path / "grades"
    command = ["grade", str(tmp_path / "submissions.zip"), "--out", str(out), "--canvas", str(tmp_path / "export.csv")]
    assert main(command) == 0
    assert '30 cells of "Padding (4711)" filled' in capsys.readouterr().out
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        scores = {row["student"]: float(row["score"]) for row in csv.DictReader(file)}
    with open(out / "canvas.csv", encoding="utf-8-sig", newline="") as file:
        filled = {row["ID"]: row for row in csv.DictReader(file) if row["ID"]}
    assert {id: float(row["Padding (4711)"]) for id, row in filled.items()} == scores
    assert {row["Kernels (4712)"] for row in filled.values()} == {"7"}
    assert len(set(scores.values())) > 3


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_links_between_pages_lead_somewhere(page):
    if not page.exists():
        pytest.fail(f"{page.name} is named in the documentation and is not there")
    for name in re.findall(r"`(docs/[\w.-]+)`", page.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name
