"""The kernel explorer shows what the kernel in its cells does, whichever way it was set."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import signal

from convlab import ConvlabError, data
from convlab.widgets import kernel_explorer

KERNELS = {"edge": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]], "blur": np.full((3, 3), 1 / 9), "shift": np.eye(3)[[0, 0, 2]]}
IMAGE = data.image("letter", shrink=2)


def shown(explorer):
    """The two pictures as arrays."""
    sources = re.findall(r'base64,([^"]+)"', explorer._pictures.value)
    return [np.asarray(Image.open(BytesIO(b64decode(source)))) for source in sources]


@settings(deadline=None, max_examples=30)
@given(
    name=st.sampled_from(sorted(KERNELS)),
    edits=st.lists(st.tuples(st.integers(0, 8), st.floats(-3, 3)), max_size=3),
    turned=st.booleans(),
    shown_as=st.integers(0, 2),
)
def test_the_picture_is_what_scipy_computes(name, edits, turned, shown_as):
    explorer = kernel_explorer(IMAGE, KERNELS)
    explorer.choice.value = name
    kernel = np.array(KERNELS[name], float)
    for cell, value in edits:
        explorer.weights[cell].value = value
        kernel.flat[cell] = value
    explorer.turned.value = turned
    explorer.shown.index = shown_as
    np.testing.assert_array_equal(explorer.kernel, kernel)
    slide = signal.convolve2d if turned else signal.correlate2d
    expected = slide(IMAGE.astype(float), kernel, "valid")
    np.testing.assert_allclose(explorer.output, expected, atol=1e-12)
    low, high = [(0, 1), (-1, 1), (expected.min(), expected.max())][shown_as]
    levels = 255 * np.clip((expected - low) / ((high - low) or 1), 0, 1)
    before, after = shown(explorer)
    np.testing.assert_allclose(after, levels, atol=0.51)
    np.testing.assert_allclose(before, IMAGE * 255, atol=0.51)
    assert explorer.choice.value == ("your own" if not np.array_equal(kernel, KERNELS[name]) else explorer.choice.value)


def test_choosing_draws_once_and_an_edit_makes_it_your_own(monkeypatch):
    explorer = kernel_explorer(IMAGE, KERNELS)
    drawn = []
    monkeypatch.setattr(explorer, "_draw", lambda: drawn.append(1))
    explorer.choice.value = "blur"
    assert len(drawn) == 1
    explorer.weights[4].value = 7
    assert len(drawn) == 2
    assert explorer.choice.value == "your own"
    assert explorer.kernel[1, 1] == 7


def test_without_a_running_kernel_there_is_a_picture_and_words():
    explorer = kernel_explorer(IMAGE, KERNELS)
    content, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in content
    assert Image.open(BytesIO(b64decode(content["image/png"]))).width > 300
    assert content["text/plain"] == metadata["image/png"]["alt"] == explorer.words()
    assert "The weights sum to 0; the output goes from -3 to 3." in explorer.words()
    assert "sum to 1;" in kernel_explorer(IMAGE, {"blur": KERNELS["blur"]}).words()


def test_every_control_has_a_name_for_screen_readers():
    explorer = kernel_explorer(IMAGE, KERNELS)
    assert [cell.tooltip for cell in explorer.weights][:4:3] == [
        "weight in row 0, column 0",
        "weight in row 1, column 0",
    ]
    assert explorer.choice.description
    assert explorer.turned.description
    assert explorer.shown.description
    assert explorer._pictures.value.count("alt=") == 2
    assert 'role="status"' in explorer._summary.value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((4, 4, 3)), KERNELS), "must be grey"),
        ((IMAGE, {}), "at least one kernel"),
        ((IMAGE, [[1]]), "must be a dict"),
        ((IMAGE, {"a": [[1]], "b": [[1, 2]]}), "one shape"),
        ((IMAGE, {"a": [1, 2]}), "one shape"),
        ((IMAGE, {"a": np.ones((40, 2))}), "40"),
    ],
)
def test_what_it_cannot_show_is_said(arguments, words):
    with pytest.raises(ConvlabError, match=words):
        kernel_explorer(*arguments)
