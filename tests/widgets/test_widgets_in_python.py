"""What widgets accept, what they say in words, and the picture that stands in for them."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convlab import ConvlabError, ConvSpec
from convlab.geometry import DenseSpec
from convlab.widgets import (
    field_explorer,
    kernel_painter,
    layer_calculator,
    page,
    ruler,
    separable_cost,
    stepper,
)
from convlab.widgets.digit_pad import DigitPad


@pytest.mark.parametrize("make", [stepper, kernel_painter, ruler, field_explorer, layer_calculator, separable_cost])
def test_without_a_running_kernel_there_is_a_picture_and_words(make):
    widget = make()
    content, metadata = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in content
    assert Image.open(BytesIO(b64decode(content["image/png"]))).width > 200
    assert content["text/plain"] == metadata["image/png"]["alt"] == widget.words() == repr(widget)


def test_words_and_pictures_follow_the_state():
    widget = stepper(padding="same")
    before = widget.still().png()
    widget.step = 7
    assert widget.position == (1, 1, 0)
    assert f"Output row 1, column 1, filter 0 is {widget.output[1, 1, 0]:g}." in widget.words()
    assert widget.still().png() != before
    calculator = layer_calculator("Conv2D(3)")
    assert "kernel_size" in calculator.words()
    assert Image.open(BytesIO(calculator.still().png())).width > 100
    assert ruler(5, 2, stride=4, padding="valid").never_read == [2, 3, 4]


def test_costs_are_measured():
    found = separable_cost(3, 4, 4, size=8).measure()
    assert set(found) == {"standard", "separable"}
    assert all(0 < value < 1000 for value in found.values())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: stepper(np.ones((11, 3))), "at most 10 x 10 x 3"),
        (lambda: stepper(np.ones((4, 4)), np.ones((6, 2))), "at most 5 x 5"),
        (lambda: stepper(np.ones((4, 4)), np.ones((5, 5))), "does not fit"),
        (lambda: kernel_painter(np.zeros((4, 4, 3))), "must be grey"),
        (lambda: kernel_painter(np.full((4, 4), 255)), "divide bytes by 255"),
        (lambda: kernel_painter(None, {}), "at least one kernel"),
        (lambda: kernel_painter(None, [[1]]), "must be a dict"),
        (lambda: kernel_painter(None, {"a": [1, 2]}), "'a' must be a matrix"),
        (lambda: kernel_painter(None, {"a": np.ones((40, 2))}), "at most 9 x 9"),
        (lambda: ruler(30), "size must be a whole number from 1 to 24"),
        (lambda: ruler(3, 5, padding="valid"), "does not fit"),
        (lambda: ruler(3, 5, padding="full"), "padding must be"),
        (lambda: field_explorer([DenseSpec(3)]), "ConvSpec and PoolSpec"),
        (lambda: field_explorer([ConvSpec(3)], 65), "at most 64 x 64"),
        (lambda: field_explorer([ConvSpec(9)], 8), "does not fit"),
        (lambda: layer_calculator(input_shape=(28, 28)), "height, width, channels"),
        (lambda: separable_cost(kernel=11), "from 1 to 9"),
        (lambda: page(DigitPad(lambda x: {}, 1, None, [0])), "computes in Python"),
    ],
)
def test_what_it_cannot_show_is_said(make, words):
    with pytest.raises(ConvlabError, match=words):
        make()
