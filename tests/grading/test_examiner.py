"""One notebook: what it earns is what `check` says, whatever it looks like around the answers."""

import json

import numpy as np
import pytest

from convlab.exercises import Verdict, catalogue, judge
from convlab.exercises.render import as_html
from convlab.exercises.report import report
from convlab.grading.examination import wire
from convlab.grading.examination.asking import Question
from convlab.grading.examination.examiner import Examiner
from convlab.grading.sandbox import Level, level
from tests.grading.make import mistakes, notebook, right

SEED = 11
LESSON = "02_padding"
IDS = [problem.id for problem in catalogue().values() if problem.lesson == LESSON]
LESSONS = list(dict.fromkeys(problem.lesson for problem in catalogue().values()))
WITH_KERAS = {problem.lesson for problem in catalogue().values() if problem.needs}


@pytest.fixture(scope="module")
def examiner():
    if level() is Level.NONE:
        pytest.skip("this machine gives no sandbox")
    with Examiner(SEED) as examiner:
        yield examiner


def grade(examiner, answers, lesson=LESSON, **oddities):
    return examiner.grade(notebook(lesson, answers, **oddities), student="alice")


def points(graded):
    return {grade.problem: grade.points for grade in graded.grades}


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_course_s_own_answers_earn_everything(examiner, lesson):
    graded = grade(examiner, {p.id: right(p.id) for p in catalogue().values() if p.lesson == lesson}, lesson)
    assert {g.problem: (g.points, g.verdict) for g in graded.grades} == {
        p.id: (p.points, "correct") for p in catalogue().values() if p.lesson == lesson
    }
    assert graded.remarks == ()
    assert graded.lesson == lesson


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_untouched_notebook_is_not_attempted(examiner, lesson):
    graded = grade(examiner, {}, lesson)
    assert {(g.points, g.verdict) for g in graded.grades} == {(0, "not attempted")}


MISTAKES = [
    (problem, title, source)
    for problem in catalogue().values()
    for title, source in mistakes(problem.id)
    if not problem.needs
]


def test_every_mistake_earns_and_is_told_as_check_does(examiner):
    """As many mistakes as can be written down with NumPy alone: one notebook for the n-th of each problem."""
    seen = 0
    for lesson in LESSONS:
        of_lesson = [mistake for mistake in MISTAKES if mistake[0].lesson == lesson]
        by_problem = {p.id: [(t, s) for q, t, s in of_lesson if q is p] for p, _, _ in of_lesson}
        for turn in range(max(map(len, by_problem.values()), default=0)):
            answers = {id: found[turn][1] for id, found in by_problem.items() if turn < len(found)}
            for graded in grade(examiner, answers, lesson).grades:
                if graded.problem not in answers:
                    continue
                problem = catalogue()[graded.problem]
                names: dict = {"np": np}
                exec(answers[graded.problem], names)
                expected = judge(problem, names[graded.problem], SEED)
                named = expected.misconception.title if expected.misconception else ""
                assert (graded.points, graded.verdict) == (expected.points, expected.verdict.value), problem.id
                assert graded.misconception == named
                if not any(outcome.answer.error for outcome in expected.outcomes):  # lines are counted in cells
                    assert graded.feedback == as_html(report(expected), links=False)
                seen += 1
    assert seen > 70


@pytest.mark.parametrize("id", ["small_cnn", "feature_maps", "save_and_load"])
def test_keras_answers_are_judged_by_what_the_models_do(examiner, id):
    problem = catalogue()[id]
    wrong = {
        "small_cnn": """
def small_cnn(shape, classes, budget):
    import keras
    layers = keras.layers
    chain = [layers.Conv2D(3, 3, activation="relu"), layers.GlobalMaxPooling2D(), layers.Dense(classes)]
    model = keras.Sequential([keras.Input(shape), *chain])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model""",
        "feature_maps": """
def feature_maps(model, images, layer):
    return model.predict(images, verbose=0)""",
        "save_and_load": """
def save_and_load(model, folder):
    import keras
    model.save(folder / "digits.keras")
    return model""",
    }[id]
    names: dict = {"np": np}
    exec(wrong, names)
    expected = judge(problem, names[id], SEED)
    (found,) = [g for g in grade(examiner, {id: wrong}, "08_mnist_cnn").grades if g.problem == id]
    assert (found.points, found.verdict) == (expected.points, Verdict.INCORRECT.value)
    assert expected.misconception is not None
    assert found.misconception == expected.misconception.title


GRAPH = """    import keras
    import tensorflow as tf
    tf.function(lambda x: 2 * x).get_concrete_function(tf.TensorSpec([], tf.float32))(tf.constant(1.0))
"""


def test_what_hangs_in_a_warm_tensorflow_runs_in_a_cold_one(examiner):
    """A fork has none of its parent's threads, and a function that is compiled to a graph needs them."""
    source = right("feature_maps").replace("    import keras\n", GRAPH, 1)
    graded = examiner.grade(notebook("08_mnist_cnn", {"feature_maps": source}), student="alice", only=("feature_maps",))
    assert [grade.verdict for grade in graded.grades] == ["correct"]


LAMBDA = """
def small_cnn(shape, classes, budget):
    import keras
    layers = keras.layers
    chain = [layers.Conv2D(3, 3), layers.Lambda(lambda x: x), layers.GlobalMaxPooling2D()]
    model = keras.Sequential([keras.Input(shape), *chain, layers.Dense(classes, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model"""
OWN_LAYER = """
def small_cnn(shape, classes, budget):
    import keras
    @keras.saving.register_keras_serializable()
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x
    layers = keras.layers
    chain = [layers.Conv2D(3, 3), Mine(), layers.GlobalMaxPooling2D()]
    model = keras.Sequential([keras.Input(shape), *chain, layers.Dense(classes, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model"""
FORGED = """
def small_cnn(shape, classes, budget):
    import json, keras, zipfile
    def save(self, file, *args, **kwargs):
        config = {"module": "os", "class_name": "system", "config": {"command": "touch LEAK"}}
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("metadata.json", "{}")
    keras.Model.save = save
    return keras.Sequential([keras.Input(shape)])"""
BOMB = """
def small_cnn(shape, classes, budget):
    import keras, zipfile
    def save(self, file, *args, **kwargs):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", b" " * 2**27)
    keras.Model.save = save
    return keras.Sequential([keras.Input(shape)])"""
LINK = """
def save_and_load(model, folder):
    import os
    os.symlink("/etc/passwd", folder / "digits.keras")
    return model"""


@pytest.mark.parametrize(
    ("id", "source", "words"),
    [
        ("small_cnn", LAMBDA, "a part that cannot be looked at, Lambda"),
        ("small_cnn", OWN_LAYER, "a part of your own, Mine"),
        ("small_cnn", FORGED, "a part of your own, system"),
        ("small_cnn", BOMB, "far too large"),
        ("save_and_load", LINK, "Endings of the files in the folder"),
    ],
    ids=["Lambda", "a layer of their own", "a forged file", "a zip bomb", "a link"],
)
def test_models_that_nobody_should_build_are_refused(examiner, id, source, words):
    (found,) = [g for g in grade(examiner, {id: source}, "08_mnist_cnn").grades if g.problem == id]
    assert found.points == 0
    assert words in found.feedback


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("from scipy.signal import correlate2d\ndef {id}(*a):\n    return correlate2d(*a)", "scipy.signal.correlate2d"),
        ("import tensorflow as tf\ndef {id}(*a):\n    return tf.nn.conv2d(*a, 1, 'SAME')", "tensorflow.nn.conv2d"),
        ("def {id}(*a):\n    from convlab import correlate2d\n    return correlate2d(*a)", "convlab.correlate2d"),
        ("def {id}(*a):\n    import convlab.ops as ops\n    return ops.correlate2d(*a)", "convlab.ops.correlate2d"),
    ],
)
def test_what_does_the_work_is_not_there_and_said_so(examiner, source, words):
    graded = grade(examiner, {"padded_correlation": source.format(id="padded_correlation")})
    (found,) = [g for g in graded.grades if g.problem == "padded_correlation"]
    assert found.points == 0
    assert f"{words} may not be used in this exercise" in found.feedback


ALL = {id: right(id) for id in IDS}
FULL = {id: catalogue()[id].points for id in IDS}


def changed(content: bytes, change) -> bytes:
    made = json.loads(content)
    change(made["cells"])
    return json.dumps(made).encode()


def code(source, **metadata):
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def answer(cells, id):
    return next(cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == id)


def twice(cells):
    cells.insert(4, dict(answer(cells, "pad")))


def lost_marks(cells):
    for cell in cells:
        cell["metadata"] = {}
        cell.pop("id", None)


def reordered(cells):
    cells.reverse()


def elsewhere(cells):
    """The answer stands in a new cell; its own is as it was."""
    cells.append(code(answer(cells, "pad")["source"]))
    answer(cells, "pad")["source"] = catalogue()["pad"].stub


def without_checks(cells):
    cells[:] = [cell for cell in cells if not "".join(cell["source"]).startswith(("check", "earned", "from convlab"))]
    cells.insert(0, code("import numpy as np"))


def with_magics(cells):
    cells.insert(0, code("%matplotlib inline\n!pip install numpy\n%load_ext autoreload"))
    cells.insert(1, code("%%bash\nrm -rf /"))
    answer(cells, "pad")["source"] = ["%%time\n", *answer(cells, "pad")["source"]]


def with_trouble(cells):
    cells.insert(0, code("print(undefined)"))
    cells.insert(1, code("def broken(:"))
    cells.insert(2, code("raise SystemExit"))
    answer(cells, "pad")["source"] = ["1 / 0\n", *answer(cells, "pad")["source"]]


def with_output(cells):
    cells.insert(0, code("print('x' * 10**7)\nimport warnings\nwarnings.warn('loud')\ndisplay(1)\ninput('name?')"))
    cells.append(code("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"))


def with_future(cells):
    answer(cells, "pad")["source"] = ["from __future__ import annotations\n", *answer(cells, "pad")["source"]]


def helpers_below(cells):
    source = "".join(answer(cells, "pad")["source"]).replace("np.zeros", "_zeros")
    answer(cells, "pad")["source"] = source
    cells.append(code("def _zeros(*args):\n    return np.zeros(*args)"))


@pytest.mark.parametrize(
    "change",
    [
        twice,
        lost_marks,
        reordered,
        elsewhere,
        without_checks,
        with_magics,
        with_trouble,
        with_output,
        with_future,
        helpers_below,
    ],
)
def test_what_is_odd_around_the_answers_costs_nothing(examiner, change):
    graded = examiner.grade(changed(notebook(LESSON, ALL), change), student="alice")
    assert points(graded) == FULL


def test_oddities_are_told(examiner):
    graded = examiner.grade(changed(notebook(LESSON, ALL), with_trouble), student="alice")
    remarks = " ".join(graded.remarks)
    assert "Cell 1: NameError: name 'undefined' is not defined in line 1." in remarks
    assert "Cell 2: Python cannot read it (SyntaxError" in remarks
    assert "ZeroDivisionError" in remarks


def test_a_syntax_error_costs_its_own_problem_only(examiner):
    graded = grade(examiner, {**ALL, "pad": "def pad(image, rows, columns)\n    return image"})
    assert points(graded) == {**FULL, "pad": 0}


def test_partial_credit_and_a_hidden_failure(examiner):
    """Right for what is seen, wrong for what is not: the visible groups earn, and nothing of the hidden is told."""
    source = "def padded_size(n, kernel, before=0, after=0):\n"
    problem = catalogue()["padded_size"]
    seen = [case for group in problem.groups if not group.hidden for case in group.make()]
    table = {tuple(problem.arguments(c).get(k, 0) for k in ("n", "kernel", "before", "after")): 0 for c in seen}
    for key in table:
        table[key] = problem.reference(*key)
    source += f"    return {table!r}.get((n, kernel, before, after), -1)"
    graded = grade(examiner, {**ALL, "padded_size": source})
    hidden = sum(group.points for group in problem.groups if group.hidden)
    assert points(graded)["padded_size"] == problem.points - hidden > 0
    (found,) = [g for g in graded.grades if g.problem == "padded_size"]
    assert "All visible cases are right; hidden ones" in found.feedback


def test_hidden_cases_are_never_told(examiner):
    """A function that tells all that it ever saw, in every way that it has."""
    source = """
seen = []
def padded_size(n, kernel, before=0, after=0):
    seen.append((n, kernel, before, after))
    print(seen)
    import warnings
    warnings.warn(repr(seen))
    if len(seen) > 1:
        raise RuntimeError(repr(seen))
    return repr(seen)
"""
    problem = catalogue()["padded_size"]
    cases: dict = {True: [], False: []}
    for group in problem.groups:
        cases[group.hidden] += [problem.arguments(case) for case in group.make(SEED)]
    graded = grade(examiner, {"padded_size": source})
    (found,) = [g for g in graded.grades if g.problem == "padded_size"]
    told = found.feedback + " ".join(graded.remarks)
    hidden = [tuple(int(a.get(k, 0)) for k in ("n", "kernel", "before", "after")) for a in cases[True]]
    visible = [tuple(int(a.get(k, 0)) for k in ("n", "kernel", "before", "after")) for a in cases[False]]
    assert any(str(case) in told for case in visible)  # it does tell what it may
    assert not any(str(case) in told for case in hidden if case not in visible)


def test_another_seed_has_other_hidden_cases():
    problem = catalogue()["padded_correlation"]
    hidden = next(group for group in problem.groups if group.hidden)
    assert [c.args[0].tolist() for c in hidden.make(1)] != [c.args[0].tolist() for c in hidden.make(2)]


def test_only_some_problems(examiner):
    graded = examiner.grade(notebook(LESSON, ALL), student="alice", only=("pad",))
    assert points(graded) == {"pad": FULL["pad"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"def pad(): pass", "looks like a Python program"),
        (b"[" * 100_000, "deep"),
        (b'{"cells": []}', "does not say that it has format 4"),
        (notebook(LESSON, ALL)[:-300], "ends too early"),
    ],
    ids=["empty", "Python", "deep", "no cells", "cut off"],
)
def test_a_broken_notebook_is_told_in_a_sentence(examiner, content, words):
    graded = examiner.grade(content, student="alice", lesson=LESSON)
    assert points(graded) == dict.fromkeys(FULL, 0)
    assert words in " ".join(graded.remarks)


def test_a_notebook_of_no_lesson(examiner):
    graded = examiner.grade(json.dumps({"cells": [code("x = 1")], "nbformat": 4}).encode(), student="alice")
    assert graded.grades == ()
    assert "It answers no exercise." in graded.remarks


@pytest.mark.parametrize("id", ["numerical_gradient", "gpu_step", "memory_growth"])
def test_what_stays_with_the_grader_can_be_used(examiner, id):
    (found,) = [g for g in grade(examiner, {id: right(id)}, catalogue()[id].lesson).grades if g.problem == id]
    assert found.verdict == "correct"


def test_a_function_that_stays_with_the_grader_can_be_called_often(examiner):
    id = "numerical_gradient"
    wasteful = right(id).replace("    # TODO", "    for _ in range(300):\n        f(x)\n    # TODO", 1)
    (found,) = [g for g in grade(examiner, {id: wasteful}, "06_learning_kernels").grades if g.problem == id]
    assert found.verdict == "correct", found.feedback


@pytest.mark.parametrize("name", ["__globals__", "_list", "config.__class__", "a b", "", 1, ["x"]])
def test_private_names_of_what_stays_are_refused(name):
    """Whatever a child asks, for it need not ask as ours does."""
    problem = catalogue()["memory_growth"]
    question = Question(problem, problem.groups[0].make())
    with pytest.raises(wire.Broken):
        question.reply({"of": 0, "name": name, "values": None}, b"")


@pytest.mark.parametrize("of", [-1, 10_000, True, "0", None])
def test_nothing_but_what_was_given_can_be_asked(of):
    problem = catalogue()["memory_growth"]
    question = Question(problem, problem.groups[0].make())
    with pytest.raises(wire.Broken):
        question.reply({"of": of, "name": "config", "values": None}, b"")


def test_twice_the_same_notebook_gives_the_same(examiner):
    content = notebook("06_learning_kernels", {"find_kernel": right("find_kernel")})
    first, second = (examiner.grade(content, student="alice") for _ in range(2))
    assert [(g.points, g.verdict, g.feedback) for g in first.grades] == [
        (g.points, g.verdict, g.feedback) for g in second.grades
    ]


@pytest.mark.parametrize(
    "line", ["import keras", "from keras import layers", "import scipy", "import tensorflow as tf", "import torch"]
)
def test_an_import_that_nobody_uses_costs_nothing(examiner, line):
    """Whatever comes back: tuples and lists are looked at more closely than numbers and arrays."""
    graded = examiner.grade(changed(notebook(LESSON, ALL), lambda cells: cells.insert(0, code(line))), student="alice")
    assert points(graded) == FULL
    inside = {id: source.replace("    # TODO", f"    {line}\n    # TODO", 1) for id, source in ALL.items()}
    assert points(grade(examiner, inside)) == FULL
    listing = ALL["same_padding"].replace("def same_padding", "def _same_padding")
    listing += "\ndef same_padding(*args, **kwargs):\n    return list(_same_padding(*args, **kwargs))"
    assert points(grade(examiner, {**ALL, "same_padding": listing})) == FULL


def test_what_is_forbidden_is_told_where_it_is_imported_inside(examiner):
    source = "def padded_correlation(*a):\n    from scipy.signal import correlate2d\n    return correlate2d(*a)"
    graded = grade(examiner, {"padded_correlation": source})
    (found,) = [g for g in graded.grades if g.problem == "padded_correlation"]
    assert "scipy.signal.correlate2d may not be used in this exercise" in found.feedback


def test_a_cell_that_cannot_be_read_says_so_on_the_page(examiner):
    (found,) = [g for g in grade(examiner, {"pad": "def pad(image:\n    return 1"}).grades if g.problem == "pad"]
    assert found.verdict == "cannot be checked"
    assert "Python cannot read it (SyntaxError" in found.feedback


def test_the_notebook_of_another_lesson_is_told(examiner):
    graded = examiner.grade(notebook("03_stride", {}), student="alice", lesson=LESSON)
    assert graded.remarks == ("This is the notebook of 03_stride, but it was handed in for 02_padding.",)


def test_pages_do_not_speak_of_cells_to_run(examiner):
    assert all("run that cell" not in grade.feedback for grade in grade(examiner, {}).grades)


CHANCE = """def feature_maps(model, images, layer):
    import keras
    raise ValueError(keras.random.uniform((1,)))"""


def test_chance_in_keras_is_the_same_in_every_sandbox():
    """Else a regrade could differ."""
    content, told = notebook("08_mnist_cnn", {"feature_maps": CHANCE}), []
    for _ in range(2):
        with Examiner(SEED) as examiner:
            told.append(examiner.grade(content, student="alice", only=["feature_maps"]).grades[0].feedback)
    assert "tf.Tensor" in told[0]
    assert told[0] == told[1]
