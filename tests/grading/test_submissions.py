"""Submissions are found in every layout, each is its student's own, and no student is lost."""

import os
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.intake.items import printable
from convlab.grading.intake.reading import parse
from convlab.grading.intake.submissions import MANY, find
from convlab.grading.intake.times import parse_time
from tests.grading import make

LESSON = "02_padding"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def write(folder, files):
    """Files below a folder, by path; a path that ends in / is an empty folder, a value that is a dictionary a zip."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items() if isinstance(files, dict) else dict.fromkeys(files, "{}").items():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict | list):
            write_zip(path, content)
        elif not name.endswith("/"):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items() if isinstance(files, dict) else dict.fromkeys(files, "{}").items():
            if isinstance(content, dict | list):
                inner = BytesIO()
                write_zip(inner, content)
                content = inner.getvalue()
            archive.writestr(name, content)
    return path


def seen(place):
    """(student, assignment, name) of all that has a notebook, sorted."""
    return sorted((one.student, one.assignment, one.name) for one in find(place) if has_content(one))


def has_content(found):
    try:
        found.read()
    except ConvlabError:
        return False
    return True


def remarks(place):
    """All remarks, by student and assignment."""
    return {(one.student, one.assignment): one.remarks for one in find(place)}


def reason(found):
    """Why there is nothing to read."""
    with pytest.raises(ConvlabError) as caught:
        found.read()
    return str(caught.value)


@pytest.fixture(scope="module")
def classroom():
    return list(make.classroom(25, LESSON))


def same_class(place, classroom, numbered=False):
    found = list(find(place))
    assert [one.student for one in found] == [str(one.number) if numbered else one.student for one in classroom]
    assert {one.assignment for one in found} == {LESSON}
    assert [one.read() for one in found] == [one.content for one in classroom]
    assert [parse(one.read()).remarks for one in found] == [()] * len(classroom)
    return found


def test_a_class_in_a_flat_folder(tmp_path, classroom):
    found = same_class(make.write_flat(tmp_path, classroom), classroom)
    assert {one.remarks for one in found} == {()}
    assert {one.submitted for one in found} == {None}


@pytest.mark.parametrize("place", ["", "submitted"])
def test_a_class_in_nbgraders_folders(tmp_path, classroom, place):
    course = make.write_nbgrader(tmp_path, classroom)
    write(course, ["source/02_padding/02_padding.ipynb", "release/02_padding/02_padding.ipynb", "feedback/x/y/z.html"])
    found = same_class(course / place, classroom)
    assert [one.submitted for one in found] == [one.submitted for one in classroom]
    assert {one.remarks for one in found} == {()}


def test_one_student_in_nbgraders_folders(tmp_path, classroom, monkeypatch):
    submitted = make.write_nbgrader(tmp_path, classroom) / "submitted"
    for place in (
        submitted / "s00003",
        submitted / "s00003" / LESSON,
        submitted / "s00003" / LESSON / f"{LESSON}.ipynb",
    ):
        (found,) = find(place)
        assert (found.student, found.assignment) == ("s00003", LESSON)
        assert found.read() == classroom[3].content
        assert found.submitted == classroom[3].submitted
    monkeypatch.chdir(submitted / "s00003")
    assert [one.student for one in find(".")] == ["s00003"]


def test_a_class_from_canvas(tmp_path, classroom):
    found = same_class(make.write_canvas(tmp_path / "submissions.zip", classroom), classroom, numbered=True)
    assert found[0].label == "abeada"
    late = [one.remarks for one in found]
    assert late == [("Canvas marks it as late.",) if one.late else () for one in classroom]


@pytest.mark.parametrize("folders", [True, False])
def test_a_class_from_moodle(tmp_path, classroom, folders):
    found = same_class(make.write_moodle(tmp_path / "m.zip", classroom, folders), classroom, numbered=True)
    assert [one.label for one in found] == [one.name for one in classroom]


@pytest.mark.parametrize("write", [make.write_canvas, make.write_moodle])
def test_a_class_in_an_unpacked_zip(tmp_path, classroom, write):
    with zipfile.ZipFile(write(tmp_path / "a.zip", classroom)) as archive:
        archive.extractall(tmp_path / "unpacked")
    numbers = {str(one.number) for one in classroom}
    assert {one.student for one in find(tmp_path / "unpacked")} == numbers
    os.remove(tmp_path / "a.zip")
    assert {one.student for one in find(tmp_path)} == numbers  # and in a folder around it


def test_zips_of_folders(tmp_path, classroom):
    make.write_nbgrader(tmp_path / "course", classroom)
    make.write_flat(tmp_path / "flat", classroom)
    for folder in ("course", "flat"):
        archive = tmp_path / f"{folder}.zip"
        with zipfile.ZipFile(archive, "w") as made:
            for file in sorted((tmp_path / folder).rglob("*")):
                made.write(file, file.relative_to(tmp_path))
        found = same_class(archive, classroom)
    assert found[0].name == "flat/s00000_02_padding.ipynb"


FLAT = {
    "alice.ipynb": ("alice", ""),
    "bob_02_padding.ipynb": ("bob", LESSON),
    "02_padding_carol.ipynb": ("carol", LESSON),
    "02 Padding - dora smith.ipynb": ("dora smith", LESSON),
    "erik-02-padding.IPYNB": ("erik", LESSON),
    "f.g@uni.edu_01_kernels.ipynb": ("f.g@uni.edu", "01_kernels"),
    "102_padding.ipynb": ("102_padding", ""),
    "02_paddings_eve.ipynb": ("02_paddings_eve", ""),
    "hw 02_padding (1).ipynb": ("hw_(1)", LESSON),
}


def test_students_in_names_of_files(tmp_path):
    write(tmp_path, list(FLAT))
    assert seen(tmp_path) == sorted((*who, name) for name, who in FLAT.items())


def test_a_file_that_says_no_student(tmp_path):
    place = write(tmp_path / "hand-in", [f"{LESSON}.ipynb", "bob.ipynb"])
    assert seen(place) == [("bob", "", "bob.ipynb"), ("hand-in", LESSON, f"{LESSON}.ipynb")]
    assert "does not say whose it is" in remarks(place)["hand-in", LESSON][0]


LAYOUTS = {
    "a folder for each student": (
        ["alice/homework.ipynb", "bob/02_padding.ipynb", "carol/x/01_kernels.ipynb", "dora/01_kernels/y.ipynb"],
        [("alice", ""), ("bob", LESSON), ("carol", "01_kernels"), ("dora", "01_kernels")],
    ),
    "one student": (["alice/01_kernels.ipynb", "alice/02_padding.ipynb"], [("alice", "01_kernels"), ("alice", LESSON)]),
    "one student, by assignment": (["alice/01_kernels/a.ipynb"], [("alice", "01_kernels")]),
    "a folder around files": (["Week 1/alice.ipynb", "Week 1/bob.ipynb", "readme.txt"], [("alice", ""), ("bob", "")]),
    "a folder around folders": (["w/alice/a.ipynb", "w/bob/b.ipynb"], [("alice", ""), ("bob", "")]),
    "a folder for each lesson": (
        ["01_kernels/alice.ipynb", "02_padding/alice/a.ipynb", "02_padding/li_3_4_x.ipynb"],
        [("3", LESSON), ("alice", "01_kernels"), ("alice", LESSON)],
    ),
    "two downloads": (
        ["w1/li_13_98_01_kernels.ipynb", "w1/jo_12_99_a.ipynb", "w2/Li_5_assignsubmission_file_/02_padding.ipynb"],
        [("12", ""), ("13", "01_kernels"), ("5", LESSON)],
    ),
    "a zip for each student": (
        {"alice.zip": ["02_padding.ipynb"], "bob.zip": ["hw/a.ipynb"], "li_13_98_hw.zip": ["b.ipynb"]},
        [("13", ""), ("alice", LESSON), ("bob", "")],
    ),
    "a zip for each class": (
        {
            "1.zip": ["01_kernels_al.ipynb", "bo_01_kernels.ipynb"],
            "2.zip": ["al_02_padding.ipynb", "eve/02_padding.ipynb"],
        },
        [("al", "01_kernels"), ("al", LESSON), ("bo", "01_kernels"), ("eve", LESSON)],
    ),
    "many folders for each student": (
        ["alice/hw1/a.ipynb", "alice/hw2/b.ipynb", "bob/hw1/a.ipynb", "bob/hw2/b.ipynb"],
        [("alice", ""), ("alice", ""), ("bob", ""), ("bob", "")],
    ),
    "zips from Canvas in a folder": (
        {"1.zip": ["li_13_98_01_kernels.ipynb", "jo_12_99_x.ipynb"], "2.zip": ["li_13_100_02_padding.ipynb"]},
        [("12", ""), ("13", "01_kernels"), ("13", LESSON)],
    ),
    "assignments with other names": (
        ["submitted/alice/hw2/02_padding.ipynb", "submitted/alice/hw2/01_kernels.ipynb", "submitted/bob/hw2/x.ipynb"],
        [("alice", "01_kernels"), ("alice", LESSON), ("bob", "hw2")],
    ),
    "a platform's folder that is called submitted": (["submitted/li_13_98_x.ipynb"], [("13", "")]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path, layout):
    files, expected = LAYOUTS[layout]
    place = write(tmp_path / "place", files)
    assert [(student, assignment) for student, assignment, _ in seen(place)] == expected


def test_a_folder_called_submitted_may_lie_around_anything(tmp_path):
    assert seen(write(tmp_path / "submitted", ["alice.ipynb"])) == [("alice", "", "alice.ipynb")]
    assert [student for student, _, _ in seen(write(tmp_path / "submitted" / "w3", ["eve.ipynb", "fay.ipynb"]))] == [
        "eve",
        "fay",
    ]
    archive = write_zip(tmp_path / "submitted" / "x.zip", ["h/carol.ipynb", "h/dora.ipynb"])
    assert [student for student, _, _ in seen(archive)] == ["carol", "dora"]


CANVAS = {
    "smithjo_12_99_Home Work-1.ipynb": ("12", "smithjo", ""),
    "smithjo_LATE_13_99_a_b_02_padding.ipynb": ("13", "smithjo", LESSON),
    "de_la_cruz_14_99_x.ipynb": ("14", "de_la_cruz", ""),
    "łukaszé_15_99_x.ipynb": ("15", "łukaszé", ""),
    "r2d2_16_99_17_88_x.ipynb": ("16", "r2d2", ""),
    "anon_a1B2c_77_01_kernels.ipynb": ("anon_a1B2c", "", "01_kernels"),
    "LATE_anon_zzzzz_78_01_kernels.ipynb": ("anon_zzzzz", "", "01_kernels"),
    "20_12_99_x.ipynb": ("12", "20", ""),
    "12_99_x.ipynb": ("12_99_x", "", ""),  # no name
    "Smith_12_99_x.ipynb": ("Smith_12_99_x", "", ""),  # Canvas writes names in small letters
    "smith_02_99_x.ipynb": ("smith_02_99_x", "", ""),  # and numbers without zeros before them
}


def test_names_by_canvas(tmp_path):
    archive = write_zip(tmp_path / "submissions.zip", list(CANVAS))
    assert {one.name: (one.student, one.label, one.assignment) for one in find(archive)} == CANVAS


MOODLE = {
    "Ann Lee_5_assignsubmission_file_/02_padding.ipynb": ("5", "Ann Lee", LESSON),
    "Bo_6_assignsubmission_file/sub/x.ipynb": ("6", "Bo", ""),
    "Group A_7_assignsubmission_file_y_02_padding.ipynb": ("7", "Group A", LESSON),
    "Default group_assignsubmission_file/z.ipynb": ("Default group", "Default group", ""),
    "Participant_9_assignsubmission_file_/z.ipynb": ("9", "Participant", ""),
    "Eve_10_assignsubmission_file_Ann_5_assignsubmission_file_x.ipynb": ("10", "Eve", ""),
}


def test_names_by_moodle(tmp_path):
    archive = write_zip(tmp_path / "m.zip", list(MOODLE))
    assert {one.name: (one.student, one.label, one.assignment) for one in find(archive)} == MOODLE


IMPERSONATIONS = {
    "in a folder": ["12/01_kernels.ipynb", "77/smithjo_12_99_01_kernels.ipynb"],
    "in a folder of Moodle's": [
        "Jo_12_assignsubmission_file/01_kernels.ipynb",
        "Eve_77_assignsubmission_file/Jo_12_assignsubmission_file/01_kernels.ipynb",
    ],
    "after Canvas' part of the name": ["jo_12_99_01_kernels.ipynb", "eve_77_100_jo_12_101_01_kernels.ipynb"],
    "in a zip of one's own": {
        "12.zip": ["01_kernels.ipynb"],
        "77.zip": ["jo_12_99_01_kernels.ipynb", "jo_13_99_01_kernels.ipynb"],
    },
    "in a zip in Canvas' zip": {
        "jo_12_99_01_kernels.ipynb": "{}",
        "eve_77_100_hw.zip": {"jo_12_101_01_kernels.ipynb": "", "../12/x.ipynb": ""},
    },
    "in nbgrader's folder": [
        "submitted/12/01_kernels/01_kernels.ipynb",
        "submitted/77/01_kernels/jo_12_99_01_kernels.ipynb",
        "submitted/77/01_kernels/submitted/12/01_kernels/01_kernels.ipynb",
    ],
}


@pytest.mark.parametrize("way", IMPERSONATIONS)
def test_nobody_can_hand_in_for_another(tmp_path, way):
    place = write(tmp_path / "place", IMPERSONATIONS[way])
    found = list(find(place))
    assert {one.student for one in found} <= {"12", "77"}
    (other,) = [one for one in found if one.student == "12"]
    assert not {"77", "eve", "Eve"} & set(other.name.replace("/", "_").replace(".", "_").split("_"))
    assert other.remarks == ()


def test_a_time_that_a_student_wrote_does_not_count(tmp_path):
    noon = "2026-11-01 12:00:00 UTC"
    folder = "Eve_77_assignsubmission_file/02_padding"
    place = write(tmp_path, {f"{folder}/02_padding.ipynb": "{}", f"{folder}/timestamp.txt": noon})
    assert [one.submitted for one in find(place)] == [None]
    place = write(
        tmp_path / "folders", {"77/02_padding/a.ipynb": "{}", "77/02_padding/timestamp.txt": noon, "12/a.ipynb": ""}
    )
    assert {one.submitted for one in find(place)} == {None}
    inner = {"submitted/77/02_padding/x/timestamp.txt": noon, "submitted/77/02_padding/02_padding.ipynb": "{}"}
    assert [one.submitted for one in find(write(tmp_path / "course", inner))] == [None]


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-01 12:00:00 UTC", 12),
        ("2026-11-01 12:00:00.123456 UTC\n", 12),
        ("2026-11-01 12:00:00", 12),
        ("2026-11-01T12:00:00Z", 12),
        ("2026-11-01 13:00:00+01:00", 12),
        ("2026-11-01 13:00:00 +0100", 12),
        ("2026-11-01 04:00:00 America/Los_Angeles", 12),
        ("2026-11-01 04:00:00 -0800", 12),
        ("2026-11-01 12:00 GMT", 12),
    ],
)
def test_times(text, hour):
    if "/" in text:
        pytest.importorskip("tzdata" if sys.platform == "win32" else "zoneinfo")
    assert parse_time(text).replace(microsecond=0) == datetime(2026, 11, 1, hour, tzinfo=UTC)
    assert parse_time(text).utcoffset() == timedelta(0)


@posix
def test_a_time_in_what_this_machine_calls_its_zone(monkeypatch):
    monkeypatch.setenv("TZ", "XYZ-5")
    time.tzset()
    assert parse_time("2026-11-01 17:00:00 XYZ") == datetime(2026, 11, 1, 12, tzinfo=UTC)
    monkeypatch.undo()
    time.tzset()
    with pytest.raises(ConvlabError, match="zone is not known"):
        parse_time("2026-11-01 17:00:00 XYZ")


def test_times_are_those_of_nbgrader():
    utils = pytest.importorskip("nbgrader.utils", reason="nbgrader is not installed")
    for zone in ("UTC", "Europe/Paris", "America/St_Johns", "GMT", "EST"):
        text = f"2026-07-01 12:00:00.5 {zone}"
        assert parse_time(text).replace(tzinfo=None) == utils.parse_utc(text)


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\d \d\d:\d\d( [+-]\d{4}| [A-Za-z/.]{1,5})?"))
@settings(max_examples=200)
def test_any_text_is_a_time_or_refused(text):
    try:
        assert parse_time(text).tzinfo is UTC
    except ConvlabError as error:
        text = str(error)
    assert "\n" not in text or text.strip()


def test_a_time_that_cannot_be_read_is_said(tmp_path):
    place = write(tmp_path, {"submitted/a/02_padding/a.ipynb": "{}", "submitted/a/02_padding/timestamp.txt": "noon"})
    (found,) = find(place)
    assert found.submitted is None
    assert found.remarks[0].startswith("When it was handed in is not known: 'noon' is no time")


def touch(path, seconds):
    os.utime(path, (seconds, seconds))


def test_which_of_several_notebooks_counts(tmp_path):
    place = write(tmp_path / "submitted" / "a" / LESSON, ["02_padding.ipynb", "02_padding-Copy1.ipynb", "new.ipynb"])
    touch(place / "02_padding.ipynb", 1000)
    (found,) = find(tmp_path)
    assert found.name.endswith("/02_padding.ipynb")
    assert "because it is named as the assignment; not graded:" in found.remarks[0]
    os.remove(place / "02_padding.ipynb")
    os.remove(place / "02_padding-Copy1.ipynb")
    write(place, ["old.ipynb"])
    touch(place / "old.ipynb", 1000)
    (found,) = find(tmp_path)
    assert found.name.endswith("/new.ipynb")
    assert "because it is the newest file" in found.remarks[0]


def test_the_last_upload_to_canvas_counts(tmp_path):
    names = ["li_13_100_02_padding-1.ipynb", "li_13_99_02_padding.ipynb", "li_13_101_notes on 02_padding.ipynb"]
    (found,) = find(write_zip(tmp_path / "s.zip", names))
    assert found.name == names[0]
    assert found.remarks == (
        f'"{names[0]}" counts, because it was uploaded last; not graded: "{names[1]}", "{names[2]}".',
    )


def test_notebooks_for_unknown_lessons_all_come_oldest_first(tmp_path):
    place = write(tmp_path, [f"alice/{k}.ipynb" for k in range(MANY + 5)])
    write(tmp_path, ["bob/x.ipynb"])
    for k in range(MANY + 5):
        touch(place / "alice" / f"{k}.ipynb", 10_000 - k)
    names = [one.name for one in find(place) if one.student == "alice"]
    assert names == [f"alice/{k}.ipynb" for k in reversed(range(MANY))]
    assert f"only the newest {MANY}" in remarks(place)["alice", ""][0]


NOTHING = {
    "a program": (["alice/solution.py", "bob/x.ipynb"], 'but "alice/solution.py"'),
    "a document": (["alice/essay.docx", "alice/data.csv", "bob/x.ipynb"], '"alice/data.csv", "alice/essay.docx"'),
    "an empty folder": (["alice/", "bob/x.ipynb"], "No notebook was handed in."),
    "only what an editor left": (["alice/.ipynb_checkpoints/x.ipynb", "bob/x.ipynb"], "No notebook was handed in."),
    "nbgrader's time only": (["submitted/alice/02_padding/timestamp.txt", "submitted/bob/02_padding/x.ipynb"], "No"),
    "a file among notebooks": (["alice.py", "bob.ipynb"], '"alice.py"'),
    "files only": (["alice.py", "bob.txt"], '"alice.py"'),
    "a broken zip": (["alice.zip", "bob.ipynb"], '"alice.zip" cannot be opened'),
}


@pytest.mark.parametrize("what", NOTHING)
def test_a_student_without_a_notebook_is_not_lost(tmp_path, what):
    files, words = NOTHING[what]
    found = {one.student: one for one in find(write(tmp_path, files))}
    assert set(found) == {"alice", "bob"}
    assert words in " ".join([reason(found["alice"]), *found["alice"].remarks])
    assert reason(found["alice"]).startswith("No notebook was handed in")


def test_what_a_platforms_student_handed_in_instead_is_said(tmp_path):
    files = ["jo_12_99_essay.docx", "li_13_text.html", "Cy_8_assignsubmission_onlinetext/onlinetext.html"]
    found = list(find(write_zip(tmp_path / "s.zip", files)))
    assert [(one.student, one.label) for one in found] == [("12", "jo"), ("13", "li"), ("8", "Cy")]
    assert all("No notebook was handed in, but" in reason(one) for one in found)


def test_other_files_beside_a_notebook_are_passed_over(tmp_path):
    files = ["alice/02_padding.ipynb", "alice/notes.txt", "alice/02_padding.py", "README.md", "list.csv", "notes.txt"]
    place = write(tmp_path, [*files, "bob/01_kernels.ipynb", "bob/.DS_Store", "bob/__pycache__/x.pyc"])
    assert remarks(place) == {("alice", LESSON): (), ("bob", "01_kernels"): ()}


@posix
def test_links_and_devices_are_said_and_not_followed(tmp_path):
    place = write(tmp_path / "place", ["alice/02_padding.ipynb", "bob/02_padding.ipynb"])
    write(tmp_path, {"secret.ipynb": "secret"})
    (place / "alice" / "more.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (place / "carol").symlink_to(tmp_path)
    (place / "dora").mkdir()
    (place / "dora" / "02_padding.ipynb").symlink_to(tmp_path / "secret.ipynb")
    (place / "bob" / "loop").symlink_to(place)
    os.mkfifo(place / "erik.ipynb")
    said = remarks(place)
    assert said["alice", LESSON] == ('"alice/more.ipynb" is a link, which is not followed.',)
    assert said["bob", LESSON] == ('"bob/loop" is a link, which is not followed.',)
    assert said["carol", ""] == ('"carol" is a link, which is not followed.',)
    assert said["dora", LESSON] == ('"dora/02_padding.ipynb" is a link, which is not followed.',)
    assert said["erik", ""] == ('"erik.ipynb" is a pipe, which is not read.',)
    assert [student for student, _, _ in seen(place)] == ["alice", "bob"]


@posix
def test_a_file_that_is_exchanged_for_a_link_meanwhile_is_not_read(tmp_path):
    write(tmp_path, {"secret": "secret", "place/alice.ipynb": "{}", "place/bob.ipynb": "{}"})
    alice, bob = find(tmp_path / "place")
    for name in ("alice", "bob"):
        os.remove(tmp_path / "place" / f"{name}.ipynb")
    (tmp_path / "place" / "alice.ipynb").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "place" / "bob.ipynb")
    for found in (alice, bob):
        with pytest.raises(ConvlabError, match="cannot be read|no ordinary file"):
            found.read()


@pytest.fixture
def as_ordinary_user():
    """Root may read everything, so it is put aside for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@posix
def test_what_may_not_be_read_costs_only_itself(as_ordinary_user):
    with tempfile.TemporaryDirectory() as folder:  # the parents of tmp_path are for its owner alone
        place = write(Path(folder), ["alice.ipynb", "bob.ipynb", "carol/x.ipynb"])
        (place / "alice.ipynb").chmod(0)
        (place / "carol").chmod(0)
        try:
            assert [student for student, _, _ in seen(place)] == ["bob"]
            assert remarks(place)["carol", ""] == ('"carol" cannot be opened: Permission denied.',)
        finally:
            (place / "carol").chmod(0o755)


@posix
def test_names_of_any_kind(tmp_path):
    odd = [
        "a\nb",
        "a\"b'c",
        "\u202etxt",
        "\u200b",
        "con",
        "-rf",
        "a\\b",
        "x" * 250,
        " ",
        "%s{}$HOME",
        os.fsdecode(b"\xff"),
    ]
    write(tmp_path, [f"{name}/02_padding.ipynb" for name in odd])
    found = list(find(tmp_path))
    assert len({one.student for one in found}) == len(odd)
    for one in found:
        assert one.student.isprintable()
        assert one.name.isprintable()
        one.student.encode("utf-8")
        assert len(one.student) <= 250
        assert one.read() == b"{}"


def test_names_that_look_alike_are_said_and_kept_apart(tmp_path):
    archive = write_zip(
        tmp_path / "a.zip", ["Bob/x.ipynb", "bob/x.ipynb", "jos\u00e9/x.ipynb", "jose\u0301/x.ipynb", "eve/x.ipynb"]
    )
    said = remarks(archive)
    assert len(said) == 5
    assert said["bob", ""] == ('"Bob" looks like the same student, but is spelled in other characters or capitals.',)
    assert "looks like" in said["jos\u00e9", ""][0]
    assert "looks like" in said["jose\u0301", ""][0]
    assert said["eve", ""] == ()


def test_a_number_with_two_names_is_said(tmp_path):
    (found,) = find(write_zip(tmp_path / "a.zip", ["jo_12_99_02_padding.ipynb", "eve_12_100_02_padding.ipynb"]))
    assert 'The number 12 comes with two names, "eve" and "jo".' in found.remarks


def test_folders_within_folders_have_an_end(tmp_path):
    place = write(tmp_path, ["alice/" + "d/" * 40 + "x.ipynb", "bob/x.ipynb"])
    assert "folders deep" in remarks(place)["alice", ""][0]


@pytest.mark.parametrize("files", [[], ["README.md"], ["submitted/"]])
def test_a_place_with_nothing_in_it_is_refused(tmp_path, files):
    with pytest.raises(ConvlabError, match=r"nothing was handed in in .*: expected are"):
        list(find(write(tmp_path / "place", files)))


def test_one_notebook(tmp_path):
    place = write(tmp_path, {"alice_02_padding.ipynb": "a", "bob.ipynb": "b", "timestamp.txt": "noon"})
    (found,) = find(place / "alice_02_padding.ipynb")
    assert (found.student, found.assignment, found.submitted, found.remarks) == ("alice", LESSON, None, ())
    assert found.read() == b"a"
    course = write(tmp_path / "course", ["submitted/eve/02_padding/x.ipynb"])
    (found,) = find(course / "submitted" / "eve" / LESSON / "x.ipynb")  # without a time beside it
    assert (found.student, found.submitted, found.remarks) == ("eve", None, ())


def test_no_place_and_another_kind_of_place_are_refused(tmp_path):
    with pytest.raises(ConvlabError, match="is no folder, no zip and no notebook"):
        find(tmp_path / "missing")
    with pytest.raises(ConvlabError, match="is no folder, no zip and no notebook"):
        find(write(tmp_path, ["a.txt"]) / "a.txt")
    with pytest.raises(ConvlabError, match="damaged"):
        find(write(tmp_path, ["a.zip"]) / "a.zip")


def test_printable_never_makes_two_names_one():
    names = ["a\nb", "a\\nb", "a\\\\nb", "a", "\u202ea", "\udcff", "\\udcff", "x" * 300, "x" * 301]
    assert len({printable(name) for name in names}) == len(names)


part = st.sampled_from(
    ["submitted", LESSON, "alice", "li_13_99_x", "Li_5_assignsubmission_file", "x.zip", "..", " ", "é"]
)
file = st.sampled_from(
    ["x.ipynb", "02_padding.ipynb", "timestamp.txt", "a.py", ".ipynb", "li_LATE_13_9_y.ipynb", "b.zip"]
)


@given(
    st.lists(
        st.tuples(
            st.lists(
                part | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
                max_size=4,
            ),
            file,
        ),
        min_size=1,
        max_size=8,
        unique_by=str,
    )
)
@settings(max_examples=200)
def test_any_names_are_found_or_refused(tmp_path_factory, paths):
    archive = write_zip(tmp_path_factory.getbasetemp() / "any.zip", {"/".join((*p, name)): "{}" for p, name in paths})
    try:
        found = list(find(archive))
    except ConvlabError:
        return
    assert len(found) <= len(paths)
    for one in found:
        assert one.student.isprintable()
        assert all(sentence.endswith(".") for sentence in one.remarks)
        has_content(one)
