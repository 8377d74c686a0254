"""Zips that nobody should trust are read entry by entry, and never unpacked to disk."""

import io
import os
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.intake import archives
from convlab.grading.intake.archives import Shelf
from convlab.grading.intake.items import AT_MOST


def zipped(path, entries, **options):
    """A zip at `path` (or in memory) of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", options.pop("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def in_memory(entries):
    content = io.BytesIO()
    zipped(content, entries)
    return content.getvalue()


def items(path):
    return {item.name: item for item in Shelf().items(path)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "submissions.zip"


def test_entries_are_read_much_later_in_any_order(path):
    zipped(path, [(f"{k}.ipynb", f"content {k}") for k in range(50)])
    found = list(Shelf().items(path))
    assert [item.read() for item in reversed(found)] == [f"content {k}".encode() for k in reversed(range(50))]
    assert [item.read() for item in found] == [f"content {k}".encode() for k in range(50)]


def test_few_zips_are_open_at_once(tmp_path):
    shelf, found = Shelf(), []
    for k in range(30):
        found += shelf.items(zipped(tmp_path / f"{k}.zip", [("a.ipynb", f"{k}"), ("b.ipynb", f"b{k}")]))
    assert [item.read() for item in found[::2] + found[1::2]] == [
        *(f"{k}".encode() for k in range(30)),
        *(f"b{k}".encode() for k in range(30)),
    ]
    assert len(shelf._open) == archives.OPEN


def test_a_zip_in_a_zip_is_looked_into_once(path):
    innermost = in_memory([("deep.ipynb", "no")])
    inner = in_memory([("hw/a.ipynb", "yes"), ("more.zip", innermost)])
    zipped(path, [("alice.zip", inner), ("b.ipynb", "b")])
    found = items(path)
    assert set(found) == {"alice.zip/hw/a.ipynb", "alice.zip/more.zip", "b.ipynb"}
    assert found["alice.zip/hw/a.ipynb"].read() == b"yes"
    assert found["alice.zip/more.zip"].read() == innermost


def test_a_zip_that_is_none_is_said(path, tmp_path):
    zipped(path, [("alice.zip", b"no zip at all"), ("b.ipynb", "b")])
    found = items(path)
    assert "damaged" in found["alice.zip"].fault
    assert found["b.ipynb"].read() == b"b"
    (tmp_path / "x.zip").write_bytes(b"PK\3\4 nothing more")
    with pytest.raises(ConvlabError, match=r'"x.zip" is a damaged zip'):
        items(tmp_path / "x.zip")


def test_a_zip_that_ends_too_early_is_said(path):
    zipped(path, [(f"{k}.ipynb", os.urandom(1000)) for k in range(10)])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ConvlabError, match="damaged"):
        items(path)


def test_one_damaged_entry_costs_only_itself(path):
    zipped(path, [(f"{k}.ipynb", os.urandom(1000)) for k in range(5)], compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[2500] ^= 255
    path.write_bytes(content)
    found = list(Shelf().items(path))
    damaged = []
    for item in found:
        try:
            assert len(item.read()) == 1000
        except ConvlabError as error:
            damaged.append(str(error))
    assert len(damaged) == 1
    assert "is damaged" in damaged[0]
    assert "2.ipynb" in damaged[0]


def special(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("../../etc/passwd", "leads out"),
        ("a/../../b.ipynb", "leads out"),
        ("/etc/passwd", "leads out"),
        ("..\\b.ipynb", "leads out"),
        ("C:\\b.ipynb", "leads out"),
        ("c:b.ipynb", "leads out"),
        ("\\\\host\\share\\b.ipynb", "leads out"),
        (special("b.ipynb", 0o120777), "is a link"),
        (special("b.ipynb", 0o010644), "is a pipe"),
        (special("b.ipynb", 0o020644), "is a device"),
    ],
    ids=str,
)
def test_paths_and_kinds_that_no_honest_zip_has_are_not_read(path, entry, fault):
    zipped(path, [(entry, "/etc/passwd"), ("good.ipynb", "good")])
    bad, good = Shelf().items(path)
    assert fault in bad.fault
    assert bad.read is None
    assert ".." not in bad.parts
    assert good.read() == b"good"


def test_names_with_the_separators_of_windows_are_paths(path):
    zipped(path, [("alice\\a.ipynb", "a"), ("alice/./b.ipynb", "b"), ("bob\\", "")])
    assert set(items(path)) == {"alice/a.ipynb", "alice/b.ipynb", "bob"}


def test_encrypted_entries_are_said(path):
    zipped(path, [("a.ipynb", "a"), ("b.ipynb", "b")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1  # the flag in the list of entries
    path.write_bytes(content)
    found = items(path)
    assert "encrypted" in found["a.ipynb"].fault
    assert found["b.ipynb"].read() == b"b"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_said(path, compression):
    zipped(path, [("a.ipynb", b"\0" * 10_000_000)], compression=compression)
    assert "packed in a way" in items(path)["a.ipynb"].fault


def test_much_that_was_packed_small_is_read_up_to_the_limit(path):
    zipped(path, [("a.ipynb", b" " * (AT_MOST + 10**6))])
    assert path.stat().st_size < 100_000
    assert len(items(path)["a.ipynb"].read()) == AT_MOST


def test_few_entries_may_unpack_to_very_much_and_that_costs_the_others_nothing(path, monkeypatch):
    monkeypatch.setattr(archives, "ALLOWANCE", 3_000_000)
    bombs = [(f"{k}.ipynb", b" " * 1_000_000) for k in range(5)]
    zipped(path, [*bombs, ("small.ipynb", b" " * archives.SMALL), ("usual.ipynb", os.urandom(500_000).hex())])
    found = list(Shelf().items(path))
    assert [len(item.read()) for item in found[:3]] == [1_000_000] * 3
    for item in found[3:5]:
        with pytest.raises(ConvlabError, match="far more than it should"):
            item.read()
    assert [len(item.read()) for item in found[5:]] == [archives.SMALL, 1_000_000]


def test_a_size_that_is_a_lie_changes_nothing(path):
    zipped(path, [("a.ipynb", b"x" * 100_000)])
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        struct.pack_into("<I", content, content.index(mark) + place, 10)
    path.write_bytes(content)
    item = items(path)["a.ipynb"]
    with pytest.raises(ConvlabError, match="damaged"):
        item.read()


def test_entries_that_share_their_bytes_are_not_read(path):
    zipped(path, [("a.ipynb", b"a" * 1000), ("b.ipynb", b"b" * 1000), ("c.ipynb", "c")])
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", first + 1)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]  # where the entry begins
    path.write_bytes(content)
    found = items(path)
    assert "shares its bytes" in found["a.ipynb"].fault
    assert "shares its bytes" in found["b.ipynb"].fault
    assert found["c.ipynb"].read() == b"c"


def test_too_many_entries_are_refused(path, monkeypatch):
    zipped(path, [(f"{k}", "") for k in range(100)])
    assert len(items(path)) == 100
    monkeypatch.setattr(archives, "DIRECTORY", 1000)
    with pytest.raises(ConvlabError, match="list of entries is too long"):
        items(path)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "ENTRIES", 99)
    with pytest.raises(ConvlabError, match="more than 99 entries"):
        items(path)


def test_a_zip_in_a_zip_that_is_too_large_is_not_opened(path):
    inner = in_memory([("a.ipynb", "a")]) + b"\0" * AT_MOST
    zipped(path, [("alice.zip", inner)])
    assert "larger than 25 MB" in items(path)["alice.zip"].fault


def test_names_in_utf_8_are_read_where_the_zip_does_not_say_so(path):
    name = "José_Łukasz 5.ipynb"
    entry = zipfile.ZipInfo(name)
    zipped(path, [(entry, "x")])
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = content.index(mark) + place
        content[at : at + 2] = b"\0\0"
    path.write_bytes(content)
    assert set(items(path)) == {name}
    zipped(path, [(name, "x")])
    assert set(items(path)) == {name}


def test_what_systems_leave_behind_is_passed_over(path):
    names = ["a/x.ipynb", "__MACOSX/a/._x.ipynb", "a/.DS_Store", "a/.ipynb_checkpoints/x-checkpoint.ipynb", ".x.ipynb"]
    zipped(path, [(name, "x") for name in [*names, "b/.hidden/x.ipynb", "c/"]])
    found = list(Shelf().items(path))
    assert [item.name for item in found if not item.folder] == ["a/x.ipynb"]
    assert {item.name for item in found if item.folder} == {"b", "c"}


def test_the_same_name_twice_is_two_entries(path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(path, [("a.ipynb", "first"), ("a.ipynb", "second")])
    assert [item.read() for item in Shelf().items(path)] == [b"first", b"second"]


def test_a_zip_that_is_exchanged_meanwhile_is_not_read(tmp_path):
    shelf = Shelf()
    first = next(shelf.items(zipped(tmp_path / "0.zip", [("a.ipynb", "a")])))
    for k in range(1, 6):
        list(shelf.items(zipped(tmp_path / f"{k}.zip", [("a.ipynb", "a")])))
    zipped(tmp_path / "0.zip", [("b.ipynb", "somebody else's")])
    with pytest.raises(ConvlabError, match="has changed"):
        first.read()


def test_nothing_is_written(path, tmp_path):
    zipped(path, [("../evil", "x"), ("a/b.ipynb", "x"), ("c.zip", in_memory([("d", "d")]))])
    for item in Shelf().items(path):
        if item.read:
            item.read()
    assert os.listdir(tmp_path) == [path.name]


SEED = in_memory([("alice/a.ipynb", "a" * 50), ("b.zip", in_memory([("c.ipynb", "c")])), ("d/", "")])


@given(st.data())
@settings(max_examples=300)
def test_damaged_zips_are_read_or_refused(tmp_path_factory, data):
    content = bytearray(SEED)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(content)
    try:
        found = list(Shelf().items(path))
    except ConvlabError:
        return
    for item in found:
        assert item.name.isprintable()
        if item.read:
            try:
                assert len(item.read()) < 1000
            except ConvlabError:
                continue
