"""A student's page says what counts, and nothing that a student wrote runs in it."""

import doctest
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.exercises import catalogue, judge
from convlab.exercises.render import as_html
from convlab.exercises.report import report
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.book.lateness import Policy, Rule
from convlab.grading.pages import feedback
from convlab.grading.pages.feedback import feedback_page, safe_name, write_feedback
from convlab.grading.records import Grade, Graded
from tests.chromium import complaints

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SCRIPT = "<script>document.title = 'run'</script>"
HOSTILE = (
    f'{SCRIPT}</title></style></p><img src="https://example.org/a.png" onerror="document.title = 1">'
    '<a href="javascript:document.title = 2">click</a>" onload="document.title = 3" \u202e\0&lt;'
)


def checked(id, function, **more):
    """A real grade with a real fragment."""
    result = judge(catalogue()[id], function)
    title = result.misconception.title if result.misconception else ""
    html = as_html(report(result))
    return Grade(id, result.points, result.problem.points, result.verdict.value, title, 0.01, "v1", html, **more)


@pytest.fixture
def book(tmp_path):
    with Gradebook(tmp_path / "gradebook.db") as found:
        yield found


@pytest.fixture
def zoe(book):
    pad = catalogue()["pad"]
    wrong, right = checked("pad", pad.misconceptions[0].wrong), checked("pad", pad.reference)
    first = Graded("zoe", "02_padding", "zoe.ipynb", "d1", (wrong,), NOON - timedelta(days=1), ("Old remark.",))
    book.add(first)
    book.add(replace(first, digest="d2", grades=(right,), submitted=NOON, remarks=("A cell was there twice.",)))
    book.add(Graded("zoe", "03_stride", "zoe.ipynb", "d3", (), None, ("The file is no notebook.",)))
    return book


def test_a_page_shows_what_counts_newest_first(zoe):
    html = feedback_page(zoe, "zoe", "Zoë Müller")
    assert "<b>3</b> of 3 points in what you handed in" in html
    assert "pad: correct, 3 of 3 points" in html
    assert "A known mistake" not in html
    mistake = catalogue()["pad"].misconceptions[0].title
    assert f"Attempt 1: 1 of 3 points, incorrect, {mistake} (2026-10-31 12:00 UTC)." in html
    assert "A cell was there twice." in html
    assert "Old remark." not in html
    assert "The file is no notebook." in html
    assert "There is nothing here that could be graded." in html
    assert html.index("Zoë Müller") < html.index("02_padding") < html.index("03_stride")


def test_lateness_is_told_in_the_zone_of_the_due_date_and_the_best_attempt_may_count(zoe):
    due = datetime.fromisoformat("2026-10-31T23:59:00+02:00")
    policy = Policy({"02_padding": Rule(due, penalty_per_day=0.9)})
    html = feedback_page(zoe, "zoe", policy=policy)
    assert "0.3 of 3 points (3 less 2.7 for lateness)" in html
    assert "Handed in 2026-11-01 14:00 UTC+02:00, due 2026-10-31 23:59 UTC+02:00: 1 day late" in html
    html = feedback_page(zoe, "zoe", policy=policy, best=True)
    assert "1 of 3 points" in html
    assert "(2026-10-31 14:00 UTC+02:00). <b>This one counts.</b>" in html
    assert "late" not in html.partition("<main>")[2]


def test_problems_come_in_the_order_of_the_course_and_unknown_ones_at_the_end(book):
    ids = ["a_teachers_own", "pad", "padded_size", "same_padding"]
    book.add(Graded("bob", "02_padding", "n", "d", tuple(Grade(id, 1, 2, "incorrect") for id in ids)))
    html = feedback_page(book, "bob")
    places = [html.index(f"<h3>{title}") for title in ("How many", "Same, before", "Add a border", "a_teachers_own")]
    assert places == sorted(places)


def test_a_page_is_accessible(zoe, browser):
    page = browser.new_page()
    page.set_content(feedback_page(zoe, "zoe", "Z" * 100))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == f"Feedback for {'Z' * 100}"
    assert [page.locator(name).count() for name in ("header", "nav[aria-label]", "main", "footer", "h1")] == [1] * 5
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => +h.tagName[1])")
    assert levels[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("nav th:not([scope])").count() == 0
    assert page.locator("nav table caption").count() == 1
    links = page.locator("nav a").evaluate_all("all => all.map(a => document.querySelector(a.hash)?.tagName)")
    assert links == ["H2", "H2"]
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_nothing_that_a_student_wrote_runs_or_loads(book, tmp_path, browser):
    def pad(image, padding, value=0):
        raise ValueError(HOSTILE)

    error = checked("pad", pad)
    assert "&lt;script&gt;" in error.feedback
    worst = replace(error, problem=HOSTILE, verdict=HOSTILE, misconception=HOSTILE, version=HOSTILE)
    book.add(Graded(HOSTILE, HOSTILE, HOSTILE, "d1", (worst, error), NOON, (HOSTILE, HOSTILE)))
    book.add(Graded(HOSTILE, HOSTILE, HOSTILE, "d2", (replace(worst, feedback=""), error), None, (HOSTILE,)))
    path = write_feedback(tmp_path, book, HOSTILE, HOSTILE, policy=Policy({HOSTILE: Rule(NOON - timedelta(days=1))}))
    page = browser.new_page()
    found, asked = complaints(page), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.title() not in ("run", "1", "2", "3")
    assert found == []
    assert asked == [path.as_uri()]
    assert page.locator("script, img, iframe, object, [onload], [onerror], a:not([href^='#'])").count() == 0
    assert page.locator("h1").inner_text().count("<script>") == 2
    page.close()


@pytest.fixture
def server():
    """The address of a server on this machine, and a list that fills with the paths it is asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}", asked
        found.shutdown()


def test_even_a_fragment_that_went_wrong_runs_and_loads_nothing(book, tmp_path, browser, server):
    address, asked = server
    fragment = f'{SCRIPT}<img src="{address}/a.png" onerror="document.title = 1"><iframe src="{address}/b"></iframe>'
    fragment += f'<link rel="stylesheet" href="{address}/c.css"><form action="{address}/d"><button>x</button></form>'
    book.add(Graded("eve", "02_padding", "n", "d", (Grade("pad", 1, 2, "incorrect", feedback=fragment),)))
    page = browser.new_page()
    page.goto(write_feedback(tmp_path, book, "eve").as_uri())
    assert page.title() == "Feedback for eve"
    page.evaluate("document.querySelector('form').requestSubmit()")
    page.wait_for_timeout(100)
    assert asked == []
    other = browser.new_page()
    other.set_content(f'<img src="{address}/a.png">', wait_until="load")
    assert asked == ["/a.png"]  # a page without our policy asks
    other.close()
    page.close()


@given(st.text(), st.text())
def test_every_student_has_a_file_of_their_own_on_every_disk(first, second):
    for name in (safe_name(first), safe_name(second)):
        assert name.isascii()
        assert 0 < len(name) <= 80
        assert not set(name) & set('/\\:*?"<>| \0')
        assert name[0] not in ".-"
        assert name[-1] != "."
    if first != second:
        assert safe_name(first).lower() != safe_name(second).lower()


@pytest.mark.parametrize("name", ["Alice", "alice ", "../alice", "", ".", "..", "con", "nul.txt", "LPT1", "a" * 300])
def test_names_that_some_disk_would_not_keep_apart_or_take_are_remade(name):
    remade = safe_name(name)
    assert remade != name
    assert safe_name(remade) != remade  # whoever is called so gets another file


def test_usual_names_stay():
    assert [safe_name(name) for name in ("alice", "s0123", "a.b@uni.example", "x_y-z")] == [
        *("alice", "s0123", "a.b@uni.example", "x_y-z")
    ]


def test_pages_are_replaced_whole_and_trouble_is_told(zoe, tmp_path, monkeypatch):
    path = write_feedback(tmp_path, zoe, "zoe")
    assert path == tmp_path / "feedback" / "zoe.html"
    assert path.read_text(encoding="utf-8") == feedback_page(zoe, "zoe")
    assert [file.name for file in path.parent.iterdir()] == ["zoe.html"]
    (tmp_path / "file").touch()
    with pytest.raises(ConvlabError, match="cannot be written"):
        write_feedback(tmp_path / "file", zoe, "zoe")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convlab.files.os.replace", fail)
    with pytest.raises(ConvlabError, match="zoe.html cannot be written: No space left"):
        write_feedback(tmp_path, zoe, "zoe", "Zoë Müller")
    assert path.read_text(encoding="utf-8") == feedback_page(zoe, "zoe")
    assert [file.name for file in path.parent.iterdir()] == ["zoe.html"]


def test_the_examples_in_docstrings_are_true():
    assert doctest.testmod(feedback).failed == 0
