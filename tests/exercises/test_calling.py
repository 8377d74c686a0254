"""Whatever a learner's function does, the check goes on and says what happened."""

import logging
import sys
import threading
import time
import warnings

import numpy as np
import pytest

from convlab.exercises.calling import MOST_PRINTED, TimeUp, call, time_limit
from convlab.exercises.problem import Fresh, case


def for_ever():
    while True:
        pass


def for_ever_catching_exceptions():
    while True:
        try:
            _ = 1 / 0
        except Exception:
            continue


def for_ever_catching_everything_once():
    try:
        for_ever()
    except BaseException:
        for_ever()


def waiting():
    time.sleep(30)


@pytest.mark.parametrize(
    "function", [for_ever, for_ever_catching_exceptions, for_ever_catching_everything_once, waiting]
)
def test_a_function_that_does_not_end_is_ended(function):
    start = time.monotonic()
    answer = call(function, case(), 0.2)
    assert answer.out_of_time
    assert time.monotonic() - start < 10


def test_it_is_ended_in_another_thread_too():
    answers = []
    thread = threading.Thread(target=lambda: answers.append(call(for_ever, case(), 0.2)))
    thread.start()
    thread.join(20)
    assert answers[0].out_of_time


@pytest.mark.parametrize("in_thread", [False, True])
def test_an_import_is_let_finish(tmp_path, monkeypatch, in_thread):
    name = f"slow_library_{in_thread}"
    (tmp_path / f"{name}.py").write_text("import time\nfor _ in range(30):\n    time.sleep(0.02)\nwhole = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    def imports():
        __import__(name)
        for_ever()

    answers = []

    def run():
        return answers.append(call(imports, case(), 0.1))

    if in_thread:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(30)
    else:
        run()
    assert answers[0].out_of_time
    assert sys.modules[name].whole


def test_a_check_inside_of_an_imported_file_is_limited_too(tmp_path, monkeypatch):
    """What was being imported before the call does not count as the function's import."""
    (tmp_path / "own_script.py").write_text(
        "from convlab.exercises.calling import call\n"
        "from convlab.exercises.problem import case\n"
        "import itertools\n"
        "answer = call(lambda: sum(1 for _ in range(300_000_000)), case(), 0.1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import own_script

    assert own_script.answer.out_of_time


def test_libraries_do_not_log_on_the_page(capfd):
    handler = logging.StreamHandler(sys.__stderr__)
    logging.getLogger("noisy").addHandler(handler)

    def logs():
        logging.getLogger("noisy").warning("retracing")

    call(logs, case(), 1)
    assert capfd.readouterr().err == ""
    logs()
    logging.getLogger("noisy").removeHandler(handler)
    assert "retracing" in capfd.readouterr().err


def test_calls_in_two_threads_leave_the_logs_as_they_were():
    second_began, first_ended = threading.Event(), threading.Event()

    def first():
        call(lambda: second_began.wait(10), case(), 20)
        first_ended.set()

    def second():
        second_began.set()
        first_ended.wait(10)

    before = logging.root.manager.disable
    threads = [threading.Thread(target=first), threading.Thread(target=call, args=(second, case(), 20))]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    assert first_ended.is_set()
    assert logging.root.manager.disable == before


def test_nothing_rings_after_the_block():
    with time_limit(0.05):
        pass
    time.sleep(0.2)
    with pytest.raises(TimeUp), time_limit(0.05):
        for_ever()
    time.sleep(0.3)


def test_what_is_printed_is_kept_away_and_cut(capsys):
    def noisy():
        for _ in range(20_000):
            print("x" * 100)
        print("to stderr", file=sys.stderr)
        for _ in range(3):
            warnings.warn("look out", stacklevel=1)
        return 7

    answer = call(noisy, case(), 20)
    assert answer.value == 7
    assert answer.warned == "UserWarning: look out"
    assert answer.printed.startswith("x" * 100)
    assert "more" not in answer.printed[:MOST_PRINTED]
    assert len(answer.printed) < MOST_PRINTED + 100
    out = capsys.readouterr()
    assert out.out == out.err == ""


def test_colours_and_progress_bars_leave_only_text():
    answer = call(lambda: print("\x1b[1m1/1\x1b[0m \x1b[32m####\x1b[0m \x08\x08done"), case(), 1)
    assert answer.printed == "1/1 #### done\n"


def test_a_librarys_own_warnings_are_not_the_learners():
    def old():
        warnings.warn_explicit("old", DeprecationWarning, "library.py", 1)

    assert call(old, case(), 1).warned == ""


def test_arguments_are_copies_and_changes_are_told():
    def changes(x, pair, *, y):
        x[0] = 9
        pair[0][0] = 9
        y += 1

    x, pair, y = np.zeros(3), [np.zeros(2), 1], np.zeros(2)
    answer = call(changes, case(x, pair, y=y), 1)
    assert answer.changed == ("0", "1", "y")
    assert not x.any()
    assert not pair[0].any()
    assert not y.any()
    assert call(lambda x, pair, y: None, case(x, pair, y=y), 1).changed == ()
    assert call(lambda x: x, case(np.array([np.nan])), 1).changed == ()


def test_errors_and_the_end_of_python_are_told():
    def ends():
        sys.exit("bye")

    assert isinstance(call(ends, case(), 1).error, SystemExit)
    assert isinstance(call(lambda: 1 / 0, case(), 1).error, ZeroDivisionError)


def test_ctrl_c_is_the_readers():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted, case(), 1)


def test_fresh_arguments_are_made_for_each_call_and_told_as_they_were_left():
    box = Fresh(lambda: {"opened": 0}.copy(), "a box")
    seen = []
    answer = call(seen.append, case(box), 1)
    again = call(seen.append, case(box), 1)
    assert seen[0] is not seen[1]
    assert answer.case.args[0] == again.case.args[0] == {"opened": 0}
