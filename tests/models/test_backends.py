"""The same training runs on TensorFlow, JAX and PyTorch, and what was trained on one predicts alike on all."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed")

BACKENDS = "tensorflow", "jax", "torch"
INSTALLED = [backend for backend in BACKENDS if find_spec(backend)]
CLOSE = 1e-4  # the largest difference of outputs that rounding explains; logits go up to about 10


def need(backend):
    if backend not in INSTALLED:
        pytest.skip(f"{backend} is not installed, so Keras cannot run on it here")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """folder and what the script found on each backend, as it is asked for; the first one gives the models."""
    folder, found = tmp_path_factory.mktemp("backends"), {}

    def run(backend):
        if backend not in found:
            if backend != INSTALLED[0]:
                run(INSTALLED[0])
            variables = os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": str(Path(__file__).parents[2])}
            variables |= {"OMP_NUM_THREADS": "1"}  # PyTorch's threads would wait for each other beside other tests
            script = Path(__file__).with_name("backend_script.py")
            command = [sys.executable, str(script), str(folder), INSTALLED[0]]
            done = subprocess.run(command, env=variables, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            found[backend] = json.loads((folder / f"{backend}.json").read_text())
            print(backend, found[backend])
        return found[backend], np.load(folder / f"{backend}.npz")

    return run


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_learns_to_read(backend, runs):
    need(backend)
    found, _ = runs(backend)
    for name in ("small", "separable"):
        assert found[name]["accuracy"] > 0.85, found


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupted_training_goes_on(backend, runs):
    need(backend)
    assert runs(backend)[0]["goes_on"]


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("name", ["small", "separable"])
def test_the_same_weights_give_the_same_outputs(backend, name, runs):
    need(backend)
    ours, theirs = runs(INSTALLED[0])[1][name], runs(backend)[1][name]
    assert np.ptp(theirs) > 0.9
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=CLOSE)
