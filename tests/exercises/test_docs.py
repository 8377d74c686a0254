"""The page for teachers shows a problem that works, and the README counts rightly."""

import re
from pathlib import Path

import convlab
from convlab.exercises import catalogue, faults, judge, load

ROOT = Path(convlab.__file__).parents[1]


def test_the_example_of_the_docs_is_a_problem_without_faults_that_names_its_mistakes(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "exercises.md").read_text(), re.S)
    (tmp_path / "own.py").write_text(code)
    try:
        (problem,) = load(tmp_path / "own.py")
        assert faults(problem) == []
        for mistake in problem.misconceptions:
            assert judge(problem, mistake.wrong).misconception is mistake
    finally:
        catalogue().pop("brightest", None)


def test_the_readme_counts_exercises_and_mistakes():
    readme = " ".join((ROOT / "README.md").read_text().split())
    mistakes = sum(len(problem.misconceptions) for problem in catalogue().values())
    assert f"**{len(catalogue())} exercises**" in readme
    assert f"which of {mistakes} well-known mistakes" in readme
