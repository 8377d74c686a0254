"""Answers of every kind meet the right verdict, and say why."""

import time

import numpy as np
import pytest

from convlab.exercises import Group, Misconception, Verdict, case, catalogue, judge
from convlab.exercises.problem import Hint, Problem
from convlab.exercises.render import as_html, as_text
from convlab.exercises.report import Words, report


def total(x: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """Sums of the rows of x (H, W), times a factor."""
    # TODO: sum each row
    # BEGIN SOLUTION
    return x.sum(axis=1) * factor
    # END SOLUTION


SECRET = 7919.25


def _hidden(rng):
    return [case(np.full((2, 3), SECRET)), case(rng.random((3, 2)), 2.0)]


PROBLEM = Problem(
    solution=total,
    title="Sums",
    lesson="01_kernels",
    statement="Sum each row.",
    reference=lambda x, factor=1.0: factor * np.einsum("ij->i", x),
    groups=(
        Group("one row", 1, (case(np.array([[1.0, 2.0]])),)),
        Group("several rows", 2, (case(np.arange(6.0).reshape(2, 3)), case(np.arange(6.0).reshape(3, 2), 0.5))),
        Group("others", 1, _hidden, hidden=True),
    ),
    misconceptions=(
        Misconception(
            "the mean", lambda x, factor=1.0: x.mean(1) * factor, "You average. Sum instead.", "01_kernels#Recap"
        ),
        Misconception(
            "columns", lambda x, factor=1.0: x.sum(0) * factor, "You sum columns. Sum rows.", "01_kernels#Recap"
        ),
        Misconception(
            "the factor is forgotten", lambda x, factor=1.0: x.sum(1), "You forget it. Multiply.", "01_kernels#Recap"
        ),
        Misconception("fails", lambda x, factor=1.0: x.sum(3), "You sum axis 3. Sum axis 1.", "01_kernels#Recap"),
    ),
    hints=(Hint("a", "b"),) * 3,
    explanation="It is a sum.",
)


def said(function, problem=PROBLEM):
    """The check's result and its words, in both forms."""
    result = judge(problem, function)
    parts = report(result)
    return result, as_text(parts), as_html(parts)


def test_the_solution_is_correct():
    result, text, _ = said(total)
    assert result.verdict is Verdict.CORRECT
    assert result.points == 4
    assert text.startswith("✓ total: correct, 4 of 4 points")


def by_loops(x, factor=1.0):
    out = []
    for row in x:
        s = 0
        for value in row:
            s += value
        out.append(s * factor)
    return out


@pytest.mark.parametrize(
    "function",
    [
        by_loops,
        lambda x, factor=1.0: np.float32(x).sum(1) * np.float32(factor),
        lambda x, factor=1.0: (x @ np.ones(x.shape[1]) * factor)[:],
        lambda *, x, factor=1.0: x.sum(1) * factor,
        lambda matrix, f=1.0: matrix.sum(1) * f,
        lambda factor=1.0, x=None: x.sum(1) * factor,
        lambda *a, **k: total(*a, **k),
    ],
)
def test_right_answers_of_any_form_are_correct(function):
    assert judge(PROBLEM, function).verdict is Verdict.CORRECT


def test_a_list_counts_with_a_remark():
    _, text, _ = said(by_loops)
    assert "By the way: you return a list, which counts here" in text


@pytest.mark.parametrize("mistake", PROBLEM.misconceptions, ids=lambda m: m.title)
def test_a_known_mistake_is_named_with_what_to_do(mistake):
    result, text, html = said(mistake.wrong)
    assert result.misconception is mistake
    for words in (f"A known mistake: {mistake.title}", mistake.explanation, "lesson 01_kernels, section “Recap”"):
        assert words in text
        assert words in html


def test_points_are_earned_group_by_group():
    result, text, _ = said(lambda x, factor=1.0: x.sum(1))
    assert result.points == 1
    assert "✓ one row: 1 of 1" in text
    assert "✗ several rows: 0 of 2; 1 of 2 cases go wrong" in text
    assert "✗ others (hidden cases): 0 of 1" in text


def test_two_mistakes_at_once_are_not_misnamed_and_the_smallest_case_is_shown():
    result, text, _ = said(lambda x, factor=1.0: x.mean(0))
    assert result.misconception is None
    assert "This is not one of the known single mistakes." in text
    assert result.failing.case.size == 2
    assert "total(x)" in text


def test_hidden_cases_are_never_shown():
    """Neither their numbers nor what the function printed or raised in them."""

    def peeks(x, factor=1.0):
        if x.size == 6 and x[0, 0] > 100:
            print(x)
            raise ValueError(f"look: {x}")
        return x.sum(1) * factor

    result, text, html = said(peeks)
    assert result.verdict is Verdict.INCORRECT
    assert result.points == 3
    assert result.failing is None
    for words in (text, html):
        assert "7919" not in words
        assert "hidden ones of the same kind" in " ".join(words.split())


def test_hidden_cases_come_from_the_graders_seed():
    seen = []

    def keeps(x, factor=1.0):
        seen.append(x.ravel()[0])
        return total(x, factor)

    for seed in (None, 5, 5, 6):
        judge(PROBLEM, keeps, seed)
    runs = [tuple(seen[k : k + 5]) for k in range(0, 20, 5)]
    assert len(set(runs)) == 3
    assert runs[1] == runs[2]


@pytest.mark.parametrize("body", ["pass", "...", "raise NotImplementedError()", '"""Only words."""'])
def test_an_untouched_function_is_not_attempted(body, tmp_path, monkeypatch):
    (tmp_path / "answer.py").write_text(f"def total(x, factor=1.0):\n    '''Sums.'''\n    {body}\n")
    monkeypatch.syspath_prepend(tmp_path)
    import importlib

    answer = importlib.import_module("answer")
    importlib.reload(answer)
    result, text, _ = said(answer.total)
    assert result.verdict is Verdict.NOT_ATTEMPTED
    assert "total: not attempted" in text
    assert 'hint("total")' in text


def not_yet(x, factor=1.0):
    if x.size:
        raise NotImplementedError
    return x


def test_an_answer_that_is_not_finished_is_not_attempted():
    assert judge(PROBLEM, not_yet).verdict is Verdict.NOT_ATTEMPTED


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (3, "a function was expected, but an int was given"),
        (lambda: 1, "it takes (), but is called as total(x, factor=1.0)"),
        (lambda x: 1, "it takes (x), but is called as total(x, factor=1.0)"),
        (lambda x, factor, more: 1, "but is called as total(x, factor=1.0)"),
    ],
)
def test_what_cannot_be_called_cannot_be_checked(given, words):
    result, text, _ = said(given)
    assert result.verdict is Verdict.CANNOT_BE_CHECKED
    assert words.lower() in text.replace("\n  ", " ").lower()


def missing_library(x, factor=1.0):
    import no_such_library

    return no_such_library.total(x)


def wrong_shapes(x, factor=1.0):
    out = np.zeros(len(x))
    out[:] = np.append(x.sum(1), [0, 0])
    return out


def unknown_name(x, factor=1.0):
    return x.sum(1) * faktor  # noqa: F821


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unknown_name, ["NameError: name 'faktor' is not defined", "return x.sum(1) * faktor", "a typing error"]),
        (wrong_shapes, ["could not broadcast", "out[:] = np.append", "Print both shapes"]),
        (missing_library, ["No module named 'no_such_library'", "import no_such_library", "not installed"]),
        (lambda x, factor=1.0: range(x.size / 2), ["TypeError", "divide with // instead of /"]),
        (lambda x, factor=1.0: None, ["nothing came back (None): is a return missing?"]),
        (lambda x, factor=1.0: (v for v in x), ["a generator (yield where return belongs) came back"]),
        (lambda x, factor=1.0: x.sum(1) * np.nan, ["NaN (not a number)"]),
        (lambda x, factor=1.0: "12", ["a str came back"]),
    ],
)
def test_errors_show_the_own_line_and_the_likely_cause(function, words):
    result, text, html = said(function)
    assert result.verdict is Verdict.INCORRECT
    flat = " ".join(text.split())
    for word in words:
        assert word.lower() in flat.lower()
    assert "Traceback" not in html


def for_ever(x, factor=1.0):
    while True:
        factor += 1


def test_a_loop_without_end_is_stopped_and_explained():
    start = time.monotonic()
    result, text, _ = said(for_ever)
    assert time.monotonic() - start < 30
    assert "Does it ever end?" in text
    assert "all cases together may take 2 seconds" in " ".join(text.split())
    assert result.points == 0


def test_changing_the_input_counts_and_is_said():
    def changes(x, factor=1.0):
        x *= factor
        return x.sum(1)

    result, text, _ = said(changes)
    assert result.verdict is Verdict.CORRECT
    assert "changes its argument x" in text
    assert "begin with x = x.copy()" in " ".join(text.split())


def test_printing_counts_and_is_said(capsys):
    def prints(x, factor=1.0):
        print("shape:", x.shape)
        return total(x, factor)

    result, text, _ = said(prints)
    assert result.verdict is Verdict.CORRECT
    assert "your function prints" in text
    assert "shape: (1, 2)" in text
    assert capsys.readouterr().out == ""


def test_markup_in_an_answer_stays_text():
    _, _, html = said(lambda x, factor=1.0: "<script>alert(1)</script>")
    assert "<script" not in html

    def raises(x, factor=1.0):
        raise ValueError("<img src=x onerror=alert(1)>")

    _, _, html = said(raises)
    assert "<img" not in html
    assert "&lt;img" in html


def test_wrong_numbers_are_marked_in_both_forms():
    _, text, html = said(lambda x, factor=1.0: x.sum(1) * factor + (np.arange(len(x)) == 1))
    assert "3  13*" in text
    assert 'aria-label="13, wrong"' in html


def test_a_library_that_is_missing_is_named(monkeypatch):
    problem = Problem(**{**vars(PROBLEM), "needs": ("no_such_library",)})
    _, text, _ = said(total, problem)
    assert "cannot be checked" in text
    assert "no_such_library is not installed" in text.lower()


def test_a_check_answers_within_half_a_second():
    """A generous multiple, for machines differ; the benchmark measures."""
    problem = catalogue()["padded_correlation"]
    start = time.monotonic()
    judge(problem, problem.misconceptions[0].wrong)
    assert time.monotonic() - start < 5


def test_code_and_emphasis_come_through_in_text_and_in_html():
    words = [Words("**Look**: " + "write " * 14 + "`np.clip(np.rint(sums), 0, 255)`, not sigma**2 + x**2.")]
    text, html = as_text(words), as_html(words)
    assert "Look: write" in text
    assert any("np.clip(np.rint(sums), 0, 255), not sigma**2 + x**2." in line for line in text.splitlines())
    assert "<b>Look</b>: write" in html
    assert "<code>np.clip(np.rint(sums), 0, 255)</code>, not sigma**2 + x**2." in html


def test_a_warning_is_said():
    def divides(x, factor=1.0):
        np.log(np.zeros(1))
        return total(x, factor)

    result, text, _ = said(divides)
    assert result.verdict is Verdict.CORRECT
    assert "Python warns: RuntimeWarning: divide by zero encountered in log" in " ".join(text.split())


def test_a_case_is_called_by_position_where_it_can_be():
    seen = []

    def keeps(*args, **kwargs):
        seen.append((len(args), tuple(kwargs)))
        return total(*args, **kwargs)

    judge(PROBLEM, keeps)
    assert set(seen) == {(1, ()), (2, ())}
