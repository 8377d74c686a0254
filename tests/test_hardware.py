"""TensorFlow starts without a word, and a failing import loses none."""

import subprocess
import sys

START = "import os\nfrom convlab.hardware import quiet_tensorflow\nwith quiet_tensorflow():\n"


def run(body):
    return subprocess.run([sys.executable, "-c", START + body], capture_output=True, text=True)


def test_tensorflow_starts_quietly_and_stderr_comes_back():
    body = "    import tensorflow as tf\nos.write(2, b'after')\nprint(tf.reduce_sum(tf.ones((2, 3))).numpy())"
    result = run(body)
    assert (result.stdout, result.stderr, result.returncode) == ("6.0\n", "after", 0)


def test_what_a_failed_import_said_is_shown():
    result = run("    os.write(2, b'no AVX here')\n    raise ImportError('libtensorflow')")
    assert result.returncode == 1
    assert result.stderr.startswith("no AVX here")
    assert result.stderr.endswith("ImportError: libtensorflow\n")


def test_a_chosen_log_level_is_kept(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert run("    pass\nprint(os.environ['TF_CPP_MIN_LOG_LEVEL'])").stdout == "0\n"
