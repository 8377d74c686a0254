"""How soon a network reads MNIST: the course's recipes beside a well-known tutorial's, in turns, several seeds each.

Every training is a process of its own; its time is that of the training alone, the compilation of the graph included.
Time is compared as a share of the tutorial's, seed by seed. Where accuracies differ by less than their spread, they do
not differ. `--held-out` trains on 50,000 of the training images and judges by the other 10,000, as recipes should
be compared; the test set is for the final number only.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from convlab import ConvlabError

TUTORIAL = "tutorial"
GOALS = {"quick": (99.0, 0.06), "careful": (99.4, 0.15), "thorough": (99.65, 1.0)}  # accuracy, share of its time
DIGITS = "digits"
HELD_OUT = 10_000
Result = dict[str, Any]


def examples(name: str, held_out: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and labels to learn from, and to judge by."""
    from convlab.data import digits, load_mnist

    (x, y), (x_test, y_test) = digits(28) if name == DIGITS else load_mnist()
    if not held_out:
        return x, y, x_test, y_test
    share = HELD_OUT if name != DIGITS else len(x) // 5
    order = np.random.default_rng(123).permutation(len(x))
    return x[order[share:]], y[order[share:]], x[order[:share]], y[order[:share]]


def learn(name: str, seed: int, held_out: bool) -> Result:
    """Train once, here, and judge once."""
    from convlab.hardware import quiet_tensorflow

    with quiet_tensorflow():
        import keras
    from convlab import models

    x, y, x_test, y_test = examples(name, held_out)
    keras.utils.set_random_seed(seed)
    if name == TUTORIAL:
        model = models.build("late_pool")
        x, x_test = (part[..., np.newaxis].astype("float32") / 255 for part in (x, x_test))
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        start = perf_counter()
        model.fit(x, y, epochs=5, batch_size=64, verbose=0)
    else:
        recipe = models.RECIPES[name]
        model = models.build(recipe.network)
        start = perf_counter()
        models.train(model, (x, y), seed=seed, progress=False, **recipe.settings)
    seconds = perf_counter() - start
    scores = model.predict(x_test.reshape(-1, 28, 28, 1), batch_size=500, verbose=0)
    accuracy = 100 * float(np.mean(scores.argmax(axis=1) == y_test))
    return {"name": name, "seed": seed, "seconds": seconds, "accuracy": accuracy, "parameters": model.count_params()}


def in_a_process(name: str, seed: int, options: argparse.Namespace) -> Result:
    """The same in a fresh Python, with so many threads for TensorFlow."""
    threads = str(options.threads)
    variables = os.environ | dict.fromkeys(
        ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads
    )
    command = [sys.executable, "-m", "benchmarks.training", "--one", name, "--first-seed", str(seed)]
    command += ["--held-out"] * options.held_out
    run = subprocess.run(command, env=variables, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{name} with seed {seed} failed:\n{run.stderr}")
    return json.loads(run.stdout.splitlines()[-1])


def table(results: list[Result]) -> str:
    """A line for each recipe: medians, and the spread from lowest to highest."""
    names = list(dict.fromkeys(one["name"] for one in results))
    by = {name: {one["seed"]: one for one in results if one["name"] == name} for name in names}
    lines = [f"{'recipe':10} {'parameters':>10} {'seeds':>5}  {'accuracy, %':28} {'seconds':24} of the tutorial's time"]
    for name, runs in by.items():
        accuracies, seconds = ([one[key] for one in runs.values()] for key in ("accuracy", "seconds"))
        parameters = next(iter(runs.values()))["parameters"]
        line = f"{name:10} {parameters:10,} {len(runs):5}  {spread(accuracies, 2):28} {spread(seconds, 1):24}"
        shares = [
            100 * one["seconds"] / by[TUTORIAL][s]["seconds"] for s, one in runs.items() if s in by.get(TUTORIAL, {})
        ]
        if name != TUTORIAL and shares:
            line += f" {spread(shares, 1)} %"
        if name in GOALS and shares:
            accuracy, share = GOALS[name]
            met = median(accuracies) >= accuracy and median(shares) <= 100 * share
            line += f"  {'meets' if met else 'MISSES'} {accuracy} % in at most {100 * share:g} %"
        lines.append(line)
    return "\n".join(lines)


def spread(values: list[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    choices = [TUTORIAL, *GOALS, DIGITS]
    parser.add_argument(
        "--only", nargs="+", choices=choices, default=choices, metavar="RECIPE", help=", ".join(choices)
    )
    parser.add_argument("--seeds", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="for TensorFlow (default: 2)")
    parser.add_argument("--held-out", action="store_true", help="judge by a part of the training images")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there too")
    parser.add_argument("--one", choices=choices, help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    if options.one:
        try:
            print(json.dumps(learn(options.one, options.first_seed, options.held_out)))
        except ConvlabError as error:
            sys.exit(str(error))
        return
    results = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name in options.only:
            results.append(in_a_process(name, seed, options))
            one = results[-1]
            print(
                f"seed {seed} {name:10} {one['accuracy']:.2f} % in {one['seconds']:.1f} s", file=sys.stderr, flush=True
            )
            if options.json:
                options.json.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
