"""Counts are right, and the page for the lecture shows nobody."""

import doctest
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.exercises import catalogue
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.pages.class_page import FEWEST, _solved, class_page, merged, write_class_page
from convlab.grading.pages.statistics import duration, statistics, statistics_text
from convlab.grading.records import Grade, Graded
from tests.chromium import complaints

TURNED, OTHER = (m.title for m in catalogue()["convolve"].misconceptions[:2])


def grade(points, misconception="", problem="convolve", seconds=0.002):
    return Grade(problem, points, 3, "correct" if points == 3 else "incorrect", misconception, seconds, "v1")


@pytest.fixture
def book(tmp_path):
    """Nine students: four solve it, two of them at the second attempt."""
    with Gradebook(tmp_path / "gradebook.db") as found:

        def add(student, digest, *grades, lesson="01_kernels"):
            found.add(Graded(student, lesson, "name", digest, grades))

        for student in "ab":
            add(student, "d1", grade(3))
        for student in "cd":
            add(student, "d1", grade(1, TURNED))
            add(student, "d2", grade(3, seconds=0.004))
        for student in "efg":
            add(student, "d1", grade(0, TURNED))
        add("h", "d1", grade(1, OTHER))
        add("i", "d1", Grade("convolve", 0, 3, "not attempted", seconds=9.0))
        add("a", "d1", Grade("pad", 1, 2, "incorrect", "seldom"), lesson="02_padding")
        yield found


def test_counts_are_those_of_the_current_grades_and_mistakes_those_of_all_attempts(book):
    found = statistics(book)
    assert found.students == 9
    kernels, padding = found.lessons
    (convolve,) = kernels.problems
    assert (kernels.lesson, kernels.students, padding.students) == ("01_kernels", 9, 1)
    assert (convolve.solved, convolve.students) == (4, 9)
    assert convolve.attempts == pytest.approx(11 / 9)
    assert convolve.share == pytest.approx((4 * 3 + 1) / 27)
    assert convolve.seconds == pytest.approx(0.002)
    assert [(m.title, m.students) for m in convolve.mistakes] == [(TURNED, 5), (OTHER, 1)]
    assert convolve.mistakes[0].explanation == catalogue()["convolve"].misconceptions[0].explanation
    assert kernels.tenths == (4, 0, 0, 1, 0, 0, 0, 0, 0, 4)
    assert padding.problems[0].mistakes[0].explanation == ""


def test_a_regrade_is_no_attempt_of_the_student(book):
    book.add(Graded("b", "01_kernels", "name", "d1", (grade(3),)), again=True)
    assert statistics(book).lessons[0].problems[0].attempts == pytest.approx(11 / 9)


def test_shares_on_the_edge_of_a_step_belong_to_the_upper_one(tmp_path):
    with Gradebook(tmp_path / "gradebook.db") as book:
        for tenth in range(11):
            grades = Grade("pad", 0.1 * tenth, 0.5, "incorrect"), Grade("same_padding", 0, 0.5, "incorrect")
            book.add(Graded(f"s{tenth}", "02_padding", "n", "d", grades))
        book.add(Graded("t", "02_padding", "n", "d", (Grade("pad", 0.3, 3, "incorrect"),)))  # 0.0999... of the points
        assert statistics(book).lessons[0].tenths == (1, 2, 1, 1, 1, 1, 1, 1, 1, 2)


def test_the_time_is_of_code_that_ran(book):
    book.add(Graded("z", "03_stride", "name", "d1", (Grade("max_pool", 0, 3, "not attempted", seconds=1.0),)))
    (untouched,) = statistics(book).lessons[-1].problems
    assert untouched.seconds is None
    assert "max_pool: 0 of 1 solved it, 0 % of the points, 1.0 attempts\n" in statistics_text(statistics(book)) + "\n"


def test_the_text_for_the_teacher_has_exact_counts(book):
    text = statistics_text(statistics(book))
    assert "convolve: 4 of 9 solved it, 48 % of the points, 1.2 attempts, 2 ms" in text
    assert f"5 {TURNED}" in text
    assert "1 student," in text


def test_an_empty_gradebook_has_empty_statistics(tmp_path):
    with Gradebook(tmp_path / "gradebook.db") as book:
        found = statistics(book)
    assert statistics_text(found) == "0 students"
    assert "Fewer than 3 students" in class_page(found)


def test_the_page_shows_no_group_of_fewer_than_three(book):
    book.add(Graded("b", "01_kernels", "name", "d1", (grade(3, problem="gaussian_kernel"),)))
    html = class_page(statistics(book))
    assert "gaussian_kernel" not in html
    assert f"<b>{TURNED}</b> · 5 students" in html
    assert catalogue()["convolve"].misconceptions[0].explanation[:20] in html
    assert OTHER not in html
    assert "seldom" not in html
    assert "Fewer than 3 students handed this in." in html
    counts = [int(count) for count in re.findall(r"<td>(\d+)</td>", html)]
    assert counts == [4, 0, 0, 5]  # the one at 30 % is with the best


@given(st.lists(st.integers(0, 6), min_size=10, max_size=10))
def test_steps_are_put_together_until_no_group_is_small(tenths):
    groups = merged(tuple(tenths))
    assert [first for first, _, _ in groups] == [0, *(last for _, last, _ in groups)][:-1]
    assert groups[-1][1] == 10
    for first, last, count in groups:
        assert count == sum(tenths[first:last])
        if sum(tenths) >= FEWEST:
            assert count == 0 or count >= FEWEST


@given(st.integers(3, 50), st.data())
def test_one_and_two_are_not_told_apart_nor_among_those_who_did_not_solve_it(students, data):
    solved = data.draw(st.integers(0, students))
    same = {1: 2, 2: 1, students - 1: students - 2, students - 2: students - 1}.get(solved, solved)
    assert _solved(solved, students) == _solved(same, students)


def test_times_have_two_digits():
    assert [duration(seconds) for seconds in (0.00123, 0.999, 1.26, 61)] == ["1.2 ms", "1000 ms", "1.3 s", "61 s"]


def test_the_page_runs_and_loads_nothing_and_is_accessible(tmp_path, browser):
    bad = "<script>document.title = 1</script><img src=https://example.org onerror='document.title = 2'>"
    with Gradebook(tmp_path / "gradebook.db") as book:
        for student in (bad, *"abc"):
            book.add(Graded(student, bad, bad, "d", (Grade(bad, 1, 3, bad, bad, 0.1), grade(0, TURNED))))
        path = write_class_page(tmp_path, statistics(book))
    page = browser.new_page()
    found, asked = complaints(page), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert path.name == "class.html"
    assert (page.title(), found, asked) == ("How we did", [], [path.as_uri()])
    assert page.locator("script, img").count() == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    assert [page.locator(name).count() for name in ("header", "main", "footer", "h1", "h2", "h3")] == [1, 1, 1, 1, 1, 2]
    assert page.locator("th:not([scope])").count() == 0
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_the_examples_in_docstrings_are_true():
    assert doctest.testmod(sys.modules[merged.__module__]).failed == 0
