"""Nearly the same answers: copies in disguise are found, honest answers are not, and hostile texts do no harm."""

import ast
import csv
import random
import re
import time

import pytest

from convlab.errors import ConvlabError
from convlab.exercises import catalogue
from convlab.exercises.problem import without_marks
from convlab.grading.intake.submissions import Found
from convlab.grading.likeness.fragments import LONGEST, fragments, lines
from convlab.grading.likeness.similar import _given, count, find_similar
from convlab.grading.likeness.similar_page import HINT, similar_page, write_similar
from tests.grading.make import also_right, notebook, right, wrong

LESSON = "02_padding"
IDS = [problem.id for problem in catalogue().values() if problem.lesson == LESSON]
LONG = "padded_correlation"


def found(student, answers, lesson=LESSON, label="", **oddities):
    return Found(student, lesson, f"{student}.ipynb", None, (), lambda: notebook(lesson, answers, **oddities), label)


def honest(id=LONG):
    """A class in which everybody thought for themselves."""
    return [found(f"s{place}", {id: text}) for place, text in enumerate([*also_right(id), *wrong(id)])]


def pairs_of(pairs, problem):
    return [pair for pair in pairs if pair.problem == problem]


def students(pairs, problem):
    return [{pair.a.student, pair.b.student} for pair in pairs_of(pairs, problem)]


class Renamed(ast.NodeTransformer):
    def __init__(self, tree):
        stored = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        own = sorted({*stored, *(n.arg for n in ast.walk(tree) if isinstance(n, ast.arg))})
        self.names = {name: f"other_{len(own) - place}" for place, name in enumerate(own)}

    def visit_Name(self, node):
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_arg(self, node):
        return ast.arg(self.names.get(node.arg, node.arg))


def renamed(text, _):
    tree = ast.parse(text)
    return ast.unparse(Renamed(tree).visit(tree))


def reordered(text, chance):
    """Statements that do not use each other change their places."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", [])
        for place in range(len(body) - 1) if isinstance(body, list) else ():
            one, other = body[place : place + 2]
            kinds = (ast.Assign, ast.AugAssign, ast.For)
            if isinstance(one, kinds) and isinstance(other, kinds) and not names(one) & names(other) - {"np", "range"}:
                body[place : place + 2] = [other, one]
    return ast.unparse(tree)


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def commented(text, chance):
    """Other comments and blank lines, and a docstring."""
    rows = []
    for row in ast.unparse(ast.parse(text)).splitlines():
        indent = row[: len(row) - len(row.lstrip())]
        rows += [f"{indent}# {chance.choice(['now', 'all', 'the'])} {chance.random()}"] * chance.randrange(2) + [row]
        if row.startswith("def "):
            rows += ['    """Mine, all mine."""', ""]
    return "\n".join(rows)


def padded_out(text, _):
    """Statements that do nothing."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body.insert(len(node.body) // 2, ast.parse("count = 0").body[0])
            node.body.insert(0, ast.parse("print('start')").body[0])
    return ast.unparse(ast.fix_missing_locations(tree))


def everything(text, chance):
    for change in (renamed, reordered, padded_out, commented):
        text = change(text, chance)
    return text


DISGUISES = [lambda text, _: text, renamed, reordered, commented, padded_out, everything]


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_in_disguise_is_found(disguise):
    text = also_right(LONG)[0]
    copy = found("copy", {LONG: disguise(text, random.Random(1))}, label="Cleo")
    pairs = find_similar([*honest(), copy])
    assert students(pairs, LONG) == [{"copy", "s0"}]
    pair = pairs_of(pairs, LONG)[0]
    assert pair.a.label == "Cleo"
    assert pair.of == len(honest()) + 1
    assert pair.b.text == text


def test_honest_answers_are_not_listed():
    assert find_similar(honest()) == []


def test_over_all_problems_copies_are_found_and_independent_answers_are_not():
    """Texts that are too short to tell are left out of the second count only."""
    chance, alike, pairs, found_copies, copies = random.Random(2), 0, 0, 0, 0
    for id in catalogue():
        texts = list(also_right(id))
        listed = {(a, b) for _, _, a, b in count([*texts, *wrong(id)], _given(id)).pairs()}
        alike += sum(max(pair) < len(texts) for pair in listed)
        pairs += len(texts) * (len(texts) - 1) // 2
        both = [*texts, *(everything(text, chance) for text in texts)]
        listed = {(a, b) for _, _, a, b in count(both, _given(id)).pairs()}
        told = [place for place, text in enumerate(texts) if len(fragments(text) - _given(id)) >= 12]
        copies += len(told)
        found_copies += sum((place, place + len(texts)) in listed for place in told)
    assert pairs > 300
    assert alike <= 0.01 * pairs
    assert copies > 100
    assert found_copies >= 0.85 * copies


def test_what_the_course_gives_away_makes_nobody_alike():
    untouched = [found(f"u{place}", {}) for place in range(4)]
    given = [found(f"g{place}", {id: right(id) for id in IDS}) for place in range(4)]
    marked = [found(f"m{place}", {id: catalogue()[id].source for id in IDS}) for place in range(2)]
    assert find_similar(untouched + given + marked) == []
    assert find_similar([*honest(), *given[:2]]) == []


def test_what_many_wrote_is_no_surprise_and_what_two_wrote_is():
    same, rare = also_right(LONG)[:2]
    crowd = [found(f"c{place}", {LONG: same}) for place in range(10)]
    pairs = find_similar([*crowd, *honest()[2:], found("x", {LONG: rare}), found("y", {LONG: rare})])
    assert students(pairs, LONG) == [{"x", "y"}]


def test_short_answers_count_only_together():
    """One line may be alike by chance, in one problem; in three it is none."""
    copied = {
        "padded_size": "def padded_size(n, kernel, before=0, after=0):\n    return np.size(n) // kernel",
        "same_padding": "def same_padding(n, kernel, stride=1):\n    return divmod(n % stride, 7)",
        "pad": "def pad(image, rows, columns):\n    return np.roll(image, rows)",
    }
    others = [found(f"s{place}", {id: also_right(id)[place] for id in IDS}) for place in range(4)]
    pairs = find_similar([*others, found("x", copied), found("y", copied)])
    assert [students(pairs, id) for id in copied] == [[], [], []]
    assert students(pairs, "") == [{"x", "y"}]
    whole = pairs_of(pairs, "")[0]
    assert whole.score == pytest.approx(1)
    assert all(text in whole.a.text for text in copied.values())


def test_answers_are_found_without_marks_too_and_own_cells_count_for_the_notebook():
    text = also_right(LONG)[0]
    helper = (
        "def window_sums(table, size):\n    return [sum(row[i:i + size]) for row in table for i in range(len(row))]"
    )
    one = found("one", {LONG: text}, ids=False, after=[helper])
    other = found("other", {LONG: renamed(text, None)}, after=[helper])
    pairs = find_similar([*honest()[1:], one, other])
    assert students(pairs, LONG) == [{"one", "other"}] == students(pairs, "")
    assert helper in pairs_of(pairs, "")[0].a.text


def test_a_student_is_not_alike_to_earlier_attempts():
    text = also_right(LONG)[0]
    assert find_similar([*honest()[1:], found("s", {LONG: text}), found("s", {LONG: text})]) == []


def test_lines_that_are_alike_are_marked_and_given_ones_are_not():
    body = ["total = image.sum(axis=0)[None] * kernel", "odd = np.tile(total, 7)", "return np.median(odd, axis=1)"]
    own = ["secret = np.arange(3) ** 7 % 5"]
    start = catalogue()[LONG].stub.partition("    # YOUR CODE HERE")[0]
    texts = [start + "\n".join(f"    {row}" for row in rows) for rows in (own + body, body)]
    pair = pairs_of(find_similar([*honest(), *(found(n, {LONG: t}) for n, t in zip("ab", texts, strict=True))]), LONG)[
        0
    ]
    given = len(start.splitlines())
    assert pair.a.alike == set(range(given + 1, given + 4))
    assert pair.b.alike == set(range(given, given + 3))


HOSTILE = {
    "a syntax error": "def padded_correlation(image, kernel:\n    return ((\n",
    "null bytes": "def padded_correlation(image):\n    return 0\0\n\0" * 50,
    "no text at all": "",
    "only brackets": "x = " + "(" * 900_000,
    "only closing ones": ")" * 900_000,
    "one long line": "a" * 900_000,
    "many names": "a b " * 200_000,
    "quotes": "\"'" * 400_000,
    "an open text": "'''" + "x\n" * 400_000,
    "backslashes": "\\" * 900_000,
    "numbers": "0_" * 400_000,
    "braces in a formatted text": 'f"{' * 200_000,
    "blanks": " \t" * 400_000 + "x",
    "other scripts": "变量 = 'ä' + “quoted”\n" * 1000,
    "decorators": "@" * 100_000,
    "magics": "%%bash\nrm -rf /\n!curl\n?x\n" * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_passed_over_in_good_time(name, tmp_path):
    start = time.monotonic()
    fragments(HOSTILE[name])
    attackers = [found(f"h{place}", {LONG: HOSTILE[name]}) for place in range(2)]
    copy = found("copy", {LONG: also_right(LONG)[0]})
    pairs = find_similar([*honest(), *attackers, copy])
    assert {"copy", "s0"} in students(pairs, LONG)
    write_similar(tmp_path, pairs)
    assert time.monotonic() - start < 20


def test_nothing_is_run(tmp_path):
    trap = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    pairs = find_similar([found(name, {LONG: trap * 3 + also_right(LONG)[0]}, before=[trap]) for name in "ab"])
    similar_page(pairs)
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_read_is_passed_over():
    def refuse():
        raise ConvlabError("nothing was handed in.")

    broken = [
        Found("x", LESSON, "x", None, (), refuse),
        Found("y", LESSON, "y", None, (), lambda: b"{"),
        Found("z", LESSON, "z", None, (), lambda: b'{"cells": [], "nbformat": 4}'),
    ]
    assert find_similar(broken) == []
    assert find_similar([]) == []


SCRIPT = "<script>alert(1)</script>"


def hostile_pairs():
    text = also_right(LONG)[0] + f'\n# {SCRIPT} </pre> & " \0\nlabel, other = "{SCRIPT}", 7\n'
    hostile = [found(f"=cmd|{SCRIPT}{name}", {LONG: text}, label=f"{SCRIPT}\u202e{name}") for name in "ab"]
    return find_similar([*honest()[1:], *hostile])


def test_the_page_shows_hostile_text_and_runs_nothing():
    shown = similar_page(hostile_pairs())
    assert "<script" not in shown.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "default-src 'none'" in shown
    assert "\0" not in shown
    assert not re.search(r"(src|href)=", shown)


def test_the_page_begins_with_the_hint():
    body = similar_page([]).partition("</h1>")[2]
    assert body.lstrip().startswith(f"<p><b>{HINT}")
    assert "never a verdict" in HINT.partition(".")[0]
    assert "Nobody stood out" in body


def test_the_table_names_pairs_and_defuses_formulas(tmp_path):
    pairs = hostile_pairs()
    page = write_similar(tmp_path, pairs)
    assert page.read_text(encoding="utf-8") == similar_page(pairs)
    with open(tmp_path / "similar.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(pairs)
    assert all(row["student_a"].startswith("'=cmd") for row in rows)
    assert {row["problem"] for row in rows} == {LONG, "(whole notebook)"}
    assert float(rows[0]["score"]) == 1


def test_a_text_is_cut_where_it_is_too_long():
    long = also_right(LONG)[0] + "\nfiller = 1" * LONGEST
    shown = similar_page(find_similar([*honest()[1:], found("a", {LONG: long}), found("b", {LONG: long})]))
    assert len(shown) < 60 * LONGEST


def test_logical_lines():
    told = lines("x = [1,\n     2]  # why\n\n'only a text'\ny = np.zeros(x)\n")
    assert [(line.first, line.last) for line in told] == [(0, 1), (4, 4)]
    assert fragments("a = np.pad(b, 2)") == fragments("out = np.pad(image, 2)  # two")
    assert fragments("a = np.pad(b, 2)") != fragments("a = np.flip(b, 2)")


def test_the_course_gives_away_stub_and_solution():
    for id in IDS:
        assert fragments(without_marks(catalogue()[id].source)) <= _given(id)
