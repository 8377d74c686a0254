"""Pictures of how a classifier errs and what it looks at: counts, colours and words are those of the arrays."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from convlab import ConvlabError, plots
from convlab.plots.scatter import COLORS
from convlab.plots.style import INK, PAPER
from tests.plots.test_plots_style import contrast, linear

RNG = np.random.default_rng(0)
TRUE, READ = RNG.integers(0, 4, 300), RNG.integers(0, 4, 300)
NAMES = ["cat", "horse", "aeroplane", "ship"]

DRAWINGS = {
    "confusion": lambda: plots.confusion(confusion_matrix(TRUE, READ)),
    "confusion of many": lambda: plots.confusion(np.diag(RNG.integers(900, 1200, 10)) + 3),
    "confusion with names": lambda: plots.confusion(confusion_matrix(TRUE, READ), NAMES),
    "confusion of two": lambda: plots.confusion([[123456, 0], [1, 2]]),
    "reliability": lambda: plots.reliability([0.2, np.nan, 0.97], [0.5, np.nan, 0.95], [3, 0, 99_999]),
    "reliability of one": lambda: plots.reliability([0.5], [1], [1]),
    "overlay": lambda: plots.overlay(RNG.random((3, 4, 7)), RNG.random((3, 4, 7)), ["a", "b", "c"]),
    "points": lambda: plots.points(np.repeat(np.eye(2), 9, axis=0) * 50, np.repeat([3, 8], 9)),
    "points in a row": lambda: plots.points([[0, 1], [0, 2], [0, 9]], ["a", "b", "ab"]),
}


def words(figure):
    """Every text that is to be seen, numbers of axes included."""
    for ax in figure.axes:
        texts = [ax.title, *ax.texts]
        if ax.axison:
            texts += [ax.xaxis.label, ax.yaxis.label]
            for axis in (ax.xaxis, ax.yaxis):
                low, high = sorted(axis.get_view_interval())
                texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        yield from (text for text in texts if text.get_text() and text.get_visible())


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_text_can_be_read(name):
    drawing = DRAWINGS[name]()
    drawing.png()
    figure = drawing.figure
    boxes = [(text.get_text(), text.get_window_extent()) for text in words(figure)]
    for text, box in boxes:
        assert "$" not in text
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, here), (other, there) in combinations(boxes, 2):
        assert not here.overlaps(there), (one, other)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_is_the_same_in_any_style_and_says_what_it_shows(name):
    import matplotlib.pyplot as plt

    state = RNG.bit_generator.state
    drawing = DRAWINGS[name]()
    RNG.bit_generator.state = state
    with plt.style.context("dark_background"):
        again = DRAWINGS[name]()
        assert again.png() == drawing.png()
    assert again.alt == drawing.alt
    assert len(drawing.alt) > 20
    assert not plt.get_fignums()


def faces(ax):
    """{(row, column): colour} of filled cells."""
    filled = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_fill()]
    return {(round(p.get_y() + 0.5), round(p.get_x() + 0.5)): p.get_facecolor()[:3] for p in filled}


def test_confusion_shows_every_count_and_darkens_with_mistakes():
    counts = confusion_matrix(TRUE, READ)
    counts[2, 1] = 0
    drawing = plots.confusion(counts)
    (ax,) = drawing.figure.axes
    seen = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in ax.texts}
    colors = faces(ax)
    for place, count in np.ndenumerate(counts):
        assert seen.get(place) == (str(count) if count else None)
    wrong = sorted((count, *place) for place, count in np.ndenumerate(counts) if place[0] != place[1])
    light = [contrast(colors[row, column], "#000000") for _, row, column in wrong]
    assert all(np.diff(light) <= 1e-12)
    assert light[0] > 1.3 * light[-1]
    right = {colors[k, k] for k in range(4)}
    assert len(right) == 1
    red, green, blue = right.pop()
    assert red == green == blue  # grey
    assert contrast((red, green, blue), "#555555") > 4.5
    assert contrast(colors[tuple(wrong[-1][1:])], INK) > 7


def test_confusion_says_what_is_taken_for_what():
    drawing = plots.confusion([[9, 0, 0], [2, 8, 1], [0, 0, 5]], ["cat", "dog", "owl"])
    assert drawing.alt == (
        "Confusion of 3 classes: 22 of 25 right, 3 mistakes. dog read as cat: 2; dog read as owl: 1."
    )
    assert plots.confusion([[1, 0], [0, 1]]).alt == "Confusion of 2 classes: 2 of 2 right, 0 mistakes."
    counts = np.arange(16).reshape(4, 4)
    assert "90 mistakes. Most often: 3 read as 2: 14; 3 read as 1: 13; 3 read as 0: 12; 2 read as 3: 11;" in (
        plots.confusion(counts).alt
    )


def test_reliability_draws_the_calibration_curve():
    """Bins as scikit-learn makes them."""
    sure = RNG.uniform(0.3, 1, 400)
    right = RNG.random(400) < sure**2
    accuracy, confidence = calibration_curve(right, sure, n_bins=8)
    count = np.histogram(sure, np.linspace(0, 1, 9))[0]
    filled = np.zeros((2, 8))
    filled[:, count > 0] = confidence, accuracy
    filled[:, count == 0] = np.nan
    drawing = plots.reliability(*filled, count)
    above, below = drawing.figure.axes
    (dots,) = [line for line in above.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots.get_xydata(), np.transpose([confidence, accuracy]))
    (gaps,) = above.collections
    np.testing.assert_allclose([s[:, 1] for s in gaps.get_segments()], np.transpose([confidence, accuracy]))
    assert [bar.get_height() for bar in below.patches] == count[count > 0].tolist()
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in below.patches], confidence)
    assert drawing.alt.startswith("Reliability of 400 answers. ")
    assert drawing.alt.count("% right of") == (count > 0).sum()
    assert "90 % sure: 84 % right of 25." in plots.reliability([0.9], [0.84], [25]).alt


def light(pixels):
    return linear_light(np.clip(pixels, 0, 1)) @ [0.2126, 0.7152, 0.0722]


def linear_light(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def pixels(drawing):
    return [ax.images[0].get_array() for ax in drawing.figure.axes]


@given(st.floats(0, 1), arrays(np.float64, 6, elements=st.floats(0, 1)))
def test_more_heat_is_brighter_whatever_is_below(grey, heat):
    """Lightness alone tells heat: an image all of one grey, and its darkest and brightest to set the scale."""
    image = np.array([[0, 1, *[grey] * 7]])
    shares = np.array([[0, 0, *np.sort(heat), 1]])
    (drawn,) = pixels(plots.overlay(image, shares))
    assert (np.diff(light(drawn[0, 2:])) > -1e-6).all()
    assert light(drawn[0, -1]) > 3 * light(drawn[0, 1])  # the hottest is far brighter than the brightest ink
    np.testing.assert_allclose(drawn[0, 0], 0, atol=0.02)
    np.testing.assert_allclose(drawn[0, 1], 0.4, atol=0.02)


def test_heat_has_one_scale_for_all_images():
    images = RNG.integers(0, 256, (2, 5, 6, 3), np.uint8)
    heat = RNG.random((2, 5, 6))
    heat[1] /= 1000
    _, second = pixels(plots.overlay(images, heat, ["first", "second"]))
    plain = light(pixels(plots.overlay(images[1], np.zeros((5, 6))))[0])
    np.testing.assert_allclose(light(second), plain, atol=0.01)
    assert np.corrcoef(plain.ravel(), (images[1] / 255 @ [0.2126, 0.7152, 0.0722]).ravel())[0, 1] > 0.9


def test_an_overlay_says_where_the_heat_is():
    heat = np.zeros((2, 5, 6))
    heat[0, 3, 4] = 2.5
    assert plots.overlay(np.zeros((2, 5, 6, 1)), heat, [7, 1]).alt == (
        "Heat over images: 7, 5 x 6 pixels, largest heat 2.5 in row 3, column 4; 1, 5 x 6 pixels, no heat anywhere."
    )
    assert plots.overlay(np.eye(3), np.eye(3)).alt.startswith("Heat over an image: 3 x 3 pixels, largest heat 1 in row")


def test_points_are_drawn_where_they_are_as_what_they_are():
    labels = np.array([3, 8, 8, 1, 3, 3])
    places = RNG.normal(size=(6, 2))
    drawing = plots.points(places, labels)
    (ax,) = drawing.figure.axes
    groups = [one for one in ax.collections if isinstance(one, PathCollection)]
    for label, group in zip([1, 3, 8], groups, strict=True):
        np.testing.assert_allclose(group.get_offsets(), places[labels == label])
    glyphs = [group.get_paths()[0].vertices for group in groups]
    assert len({len(glyph) for glyph in glyphs}) == 3  # three different signs
    for glyph in glyphs:
        np.testing.assert_allclose(glyph.min(axis=0) + glyph.max(axis=0), 0, atol=0.2)  # in the middle of its place
    assert {t.get_text(): t.get_position() for t in ax.texts} == {
        str(label): tuple(places[labels == label].mean(axis=0)) for label in (1, 3, 8)
    }
    assert ax.get_aspect() == 1
    assert "6 points of 3 classes in a plane. 1: 1 around (" in drawing.alt
    assert len(COLORS) == len(set(COLORS)) == 10


@pytest.mark.parametrize("color", COLORS)
def test_colours_of_points_can_be_read(color):
    assert contrast(color, PAPER) > 4.5  # WCAG AA
    assert max(abs(linear(color) - linear(other)).max() for other in COLORS if other != color) > 0.1
    assert to_rgb(color)


@pytest.mark.parametrize(
    ("draw", "complaint"),
    [
        (lambda: plots.confusion(np.ones((2, 3))), r"square matrix of counts, .* shape \(2, 3\)"),
        (lambda: plots.confusion([[1, -1], [0, 2]]), "values from -1 to 2"),
        (lambda: plots.confusion([[0.5, 0], [0, 0.5]]), "square matrix of counts"),
        (lambda: plots.confusion(np.ones((33, 33))), "at most 32 rows"),
        (lambda: plots.confusion(np.eye(3), ["a", "b"]), "3 classes need as many labels, but 2"),
        (lambda: plots.reliability([0.5], [0.5, 1], [1]), r"equal length, but have shapes \(1,\), \(2,\), \(1,\)"),
        (lambda: plots.reliability(0.5, 0.5, 1), "must be lists"),
        (lambda: plots.reliability([np.nan], [np.nan], [0]), "no bin has an example"),
        (lambda: plots.reliability([np.nan], [1], [4]), "from 0 to 1, but a bin with examples has another"),
        (lambda: plots.reliability([0.5], [80], [4]), "from 0 to 1"),
        (lambda: plots.overlay(np.zeros((2, 3, 4)), np.zeros((2, 3, 5))), r"\(3, 4\) .* and the heat \(3, 5\)"),
        (lambda: plots.overlay(np.zeros((2, 3, 4)), np.zeros((1, 3, 4))), r"\(2 of them\) and the heat .* \(1 of"),
        (
            lambda: plots.overlay(np.zeros((1, 3, 4)), -np.ones((1, 3, 4))),
            r"heat\[0\] .* goes down to -1: take its abs",
        ),
        (lambda: plots.overlay(np.zeros((1, 3, 4)), np.full((1, 3, 4), np.nan)), "nowhere below 0"),
        (lambda: plots.overlay(np.zeros((1, 3, 4)), np.zeros((1, 3, 4, 1))), r"must be \(height, width\)"),
        (lambda: plots.overlay(np.zeros((1, 3, 4)), np.zeros((1, 3, 4)), ["a", "b"]), "as many titles"),
        (lambda: plots.points(np.ones((4, 3)), [1] * 4), r"shape \(N, 2\), but have shape \(4, 3\): project"),
        (lambda: plots.points([[0, np.inf]], [1]), "finite"),
        (lambda: plots.points(np.ones((4, 2)), [1, 2]), r"4 points need as many labels, but labels have shape \(2,\)"),
        (lambda: plots.points(np.ones((2, 2)), ["cat", "dog"]), "one or two letters, but they are cat, dog"),
        (lambda: plots.points(np.ones((60, 2)), range(60)), "at most 50 .* are 0, 1, 2, 3, 4, ..."),
    ],
)
def test_what_cannot_be_drawn_is_said(draw, complaint):
    with pytest.raises(ConvlabError, match=complaint):
        draw()
