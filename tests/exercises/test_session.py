"""What a learner calls, in plain Python and in a notebook."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import IPython.display
import pytest

import convlab
from convlab import ConvlabError
from convlab.exercises import Verdict, catalogue, judge, load, session
from convlab.exercises.memory import Best, recall
from convlab.exercises.render import as_text
from convlab.exercises.report import SEARCHING, report

TEACHERS_FILE = '''
import numpy as np
from convlab.exercises import Group, Hint, Misconception, Problem, case

def brightest(image: np.ndarray) -> float:
    """The largest pixel of an image (H, W)."""
    # TODO: find it
    # BEGIN SOLUTION
    return image.max()
    # END SOLUTION

PROBLEMS = [Problem(
    solution=brightest, title="The brightest pixel", lesson="99_own", statement="Find it.", reference=np.max,
    groups=(Group("tiny", 1, (case(np.array([[1.0, 3.0]])), case(np.array([[5.0], [2.0]])))),),
    misconceptions=(Misconception("the first", lambda image: image[0, 0], "You look once. Look everywhere.", "a#b"),),
    hints=(Hint("a", "b"), Hint("c", "d"), Hint("e", "f")), explanation="Because.",
)]
'''


@pytest.fixture(autouse=True)
def new_session(tmp_path, monkeypatch):
    """Nothing is remembered from other tests, and this is plain Python."""
    monkeypatch.setenv("CONVLAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(session, "_results", {})
    monkeypatch.setattr(session, "_hints_given", {})
    monkeypatch.setattr(session, "_shell", lambda: None)


@pytest.fixture
def notebook(monkeypatch):
    """What a notebook is told: what is shown, and the text of the next cell."""
    told = SimpleNamespace(shown=[], next=None)
    told.set_next_input = lambda text, replace: setattr(told, "next", text)
    monkeypatch.setattr(session, "_shell", lambda: told)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: told.shown.append(data))
    return told


def padded_size(n, kernel, before=0, after=0):
    return n + before + after - kernel + 1


def size(n, kernel, before=0, after=0):
    return n + before + after - kernel


def test_a_function_is_checked_by_its_name_or_by_the_exercises(capsys):
    convlab.check(padded_size)
    assert capsys.readouterr().out.startswith("✓ padded_size: correct, 3 of 3 points")
    convlab.check("padded_size", size)
    assert "A known mistake: the last place is forgotten" in capsys.readouterr().out
    convlab.check("padded_size")  # finds this module's
    assert "correct" in capsys.readouterr().out
    convlab.check("same_padding")  # which this module has not
    assert "same_padding: not attempted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("same_paddin",), "is 'same_padding' meant?"),
        (("zzz",), "There are: correlate, "),
        ((size,), "there is no exercise 'size'"),
        ((3,), "there is no exercise 3"),
    ],
)
def test_what_is_no_exercise_is_refused(given, words):
    with pytest.raises(ConvlabError, match=words.replace("?", r"\?")):
        convlab.check(*given)


def test_a_notebook_gets_html_and_words(notebook):
    assert convlab.check(size.__name__ and "padded_size", size) is None
    (shown,) = notebook.shown
    assert set(shown) == {"text/plain", "text/html"}
    assert "padded_size: incorrect" in shown["text/plain"]
    assert '<section aria-label="padded_size: incorrect, 0 of 3 points"' in shown["text/html"]


def test_a_score_is_a_number_without_a_word(capsys):
    assert convlab.score(padded_size) == 3.0
    assert convlab.score("padded_size", size) == 0.0
    assert convlab.score("same_padding") == 0.0
    assert convlab.score(padded_size, seed=7) == 3.0
    assert capsys.readouterr().out == ""


def test_hints_go_one_step_further_each_time(capsys):
    hints = catalogue()["pad"].hints
    for step in (1, 2, 3, 3):
        convlab.hint("pad")
        said = " ".join(capsys.readouterr().out.split())
        assert f"pad: hint {step} of 3" in said
        assert hints[step - 1].symptom in said
        assert ('solution("pad")' in said) == (step == 3)


def test_a_solution_is_shown_without_marks_and_explained(capsys):
    convlab.solution("pad")
    said = capsys.readouterr().out
    assert "def pad(" in said
    assert "SOLUTION" not in said
    assert catalogue()["pad"].explanation[:40] in " ".join(said.split())


def test_reset_gives_the_cell_back(notebook, capsys):
    convlab.reset("pad")
    assert notebook.next == catalogue()["pad"].stub
    assert "raise NotImplementedError()" in notebook.next
    assert notebook.next in notebook.shown[0]["text/plain"].replace("    def", "def", 1).replace("\n    ", "\n")


def test_what_was_earned_in_this_session_is_told(capsys):
    convlab.check(padded_size)
    convlab.check("same_padding", lambda: 1)
    capsys.readouterr()
    convlab.earned("02_padding")
    said = capsys.readouterr().out
    of = sum(p.points for p in catalogue().values() if p.lesson == "02_padding")
    assert f"02_padding: 3 of {of:g} points" in said
    assert "✓ How many outputs?: 3 of 3, correct" in said
    assert "cannot be checked" in said
    assert "not attempted" in said
    with pytest.raises(ConvlabError, match="no exercises on '02'"):
        convlab.earned("02")


def test_progress_is_remembered_across_sessions(capsys):
    convlab.check(padded_size)
    convlab.check("padded_size", size)
    assert recall()[0] == {"padded_size": Best(3, 3, 2)}
    session._results.clear()
    capsys.readouterr()
    convlab.progress()
    said = capsys.readouterr().out
    assert "✗ 02_padding: 1 of 4 exercises, 3 of" in said
    assert "Next: One window, then all of them" in said
    assert "exercises/01_kernels.ipynb" in said


def test_a_damaged_memory_is_said(tmp_path, capsys):
    (tmp_path / "progress.json").write_text("{")
    convlab.check(padded_size)
    said = capsys.readouterr().out
    assert "correct, 3 of 3" in said
    assert "was damaged" in said


def test_the_failing_case_can_be_tried_by_hand(capsys):
    with pytest.raises(ConvlabError, match="run check"):
        convlab.failing("padded_size")
    convlab.check("padded_size", size)
    arguments = convlab.failing("padded_size")
    assert size(**arguments) != padded_size(**arguments)


def test_a_teachers_own_file_joins_in(tmp_path, capsys):
    path = tmp_path / "own.py"
    path.write_text(TEACHERS_FILE)
    try:
        (problem,) = load(path)
        convlab.check("brightest", lambda image: image[0, 0])
        assert "A known mistake: the first" in capsys.readouterr().out
        with pytest.raises(ConvlabError, match="two problems ask for a function 'brightest'"):
            load(path)
    finally:
        catalogue().pop("brightest", None)
    assert problem.points == 1


@pytest.mark.parametrize(
    ("text", "words"), [("x = 1", "needs a list PROBLEMS"), ("PROBLEMS = [3]", "needs a list PROBLEMS")]
)
def test_a_teachers_file_without_problems_is_refused(text, words, tmp_path):
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(ConvlabError, match=words):
        load(tmp_path / "own.py")
    with pytest.raises(ConvlabError, match="there is no Python file"):
        load(tmp_path / "none.py")


def test_plain_python_needs_nothing_but_numpy():
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] in {'IPython', 'tensorflow', 'keras', 'matplotlib'}: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import convlab\n"
        "def padded_size(n, kernel, before=0, after=0): return n + before + after - kernel + 1\n"
        "convlab.check(padded_size)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "correct, 3 of 3 points" in run.stdout


def test_where_naming_a_mistake_takes_long_the_verdict_comes_first(notebook, monkeypatch):
    """A notebook shows the verdict at once, and then the whole in the same place."""
    problem = catalogue()["padded_size"]
    monkeypatch.setattr(session, "takes_long_to_name", lambda result: True)
    notebook.kernel = None  # as in a notebook, whose outputs can change
    updates = []
    handle = SimpleNamespace(update=lambda data, raw: updates.append(data["text/plain"]))

    def display(data, raw, display_id):
        notebook.shown.append(data["text/plain"])
        return handle

    monkeypatch.setattr(IPython.display, "display", display)
    convlab.check("padded_size", size)
    (first,), (second,) = notebook.shown, updates
    assert "incorrect, 0 of 3 points" in first
    assert "The smallest input that goes wrong" in first
    assert SEARCHING in first
    assert "known mistake: the last" not in first
    assert second == as_text(report(judge(problem, size)))
    assert "A known mistake: the last place is forgotten" in second


def test_a_terminal_gets_the_mistake_below_the_verdict(monkeypatch, capsys):
    monkeypatch.setattr(session, "takes_long_to_name", lambda result: True)
    convlab.check("padded_size", size)
    said = capsys.readouterr().out
    assert said.count("padded_size: incorrect") == 1
    assert said.index(SEARCHING) < said.index("A known mistake: the last place is forgotten")


def test_naming_takes_long_where_models_are_built():
    wrong = judge(catalogue()["padded_size"], size)
    assert not session.takes_long_to_name(wrong)
    model = replace(wrong, problem=catalogue()["small_cnn"])
    assert session.takes_long_to_name(model)
    assert not session.takes_long_to_name(replace(model, verdict=Verdict.CORRECT))
