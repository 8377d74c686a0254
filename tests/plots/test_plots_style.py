"""The visual language: readable contrast, colours that survive colour blindness, words on every figure."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from convlab import ConvSpec, plots
from convlab.plots.style import INK, PAPER, ROLES

# Viénot, Brettel and Mollon (1999), "Digital video colourmaps for checking the legibility of displays by dichromats"
TO_LMS = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
PROTAN = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
DEUTAN = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
TRITAN = np.array([[1, 0, 0], [0, 1, 0], [-0.395913, 0.801109, 0]])  # after Brettel et al. (1997), one plane


def linear(color):
    """sRGB to linear light, IEC 61966-2-1."""
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """Contrast ratio of WCAG 2.2."""
    bright, dark = sorted((0.05 + linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return bright / dark


def lab(rgb):
    """Linear sRGB to CIELAB under D65."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 0))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("role", ROLES)
def test_numbers_and_titles_can_be_read(role):
    shades = ROLES[role]
    assert contrast(INK, shades.pale) > 7  # WCAG AAA for text
    assert contrast(INK, shades.strong) > 7
    assert contrast(shades.dark, PAPER) > 7
    assert contrast(shades.dark, shades.pale) > 3  # lines


@pytest.mark.parametrize("eyes", [np.eye(3), PROTAN, DEUTAN, TRITAN], ids=["all cones", "protan", "deutan", "tritan"])
def test_roles_stay_apart_for_colour_blind_eyes(eyes):
    """Every pair of input, kernel and output differs by far more than the just noticeable 2.3 of CIE 1976."""
    see = np.linalg.inv(TO_LMS) @ eyes @ TO_LMS
    for one, other in combinations(("input", "kernel", "output"), 2):
        difference = lab(see @ linear(ROLES[one].strong)) - lab(see @ linear(ROLES[other].strong))
        assert np.linalg.norm(difference) > 20, (one, other)


DRAWINGS = {
    "confusion": lambda: plots.confusion([[9, 1], [2, 8]]),
    "overlay": lambda: plots.overlay(np.eye(3), np.eye(3)),
    "points": lambda: plots.points([[0, 0], [0, 2], [4, 4], [4, 6]], [1, 1, 7, 7]),
    "reliability": lambda: plots.reliability([0.6, 0.9], [0.5, 0.9], [10, 40]),
    "grid": lambda: plots.grid(np.eye(2)),
    "step": lambda: plots.step(np.eye(3), np.eye(2)),
    "images": lambda: plots.images(np.eye(3)),
    "kernels": lambda: plots.kernels(np.eye(3)),
    "feature_maps": lambda: plots.feature_maps(np.ones((3, 4, 2))),
    "padding": lambda: plots.padding(4, 3),
    "strides": lambda: plots.strides(4, 3, 2),
    "receptive_field": lambda: plots.receptive_field(ConvSpec(3), 5),
    "history": lambda: plots.history({"loss": [1, 0.5]}),
    "spread": lambda: plots.spread({"one": [0.5, 0.6]}),
}


def test_every_figure_is_in_this_list():
    assert set(DRAWINGS) == set(plots.__all__) - {"Drawing"}


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_figure_says_what_it_shows_and_looks_the_same_in_any_style(name):
    import matplotlib.pyplot as plt

    drawing = DRAWINGS[name]()
    data, metadata = drawing._repr_mimebundle_()
    assert len(drawing.alt) > 20
    assert metadata["image/png"]["alt"] == data["text/plain"] == drawing.alt
    with plt.style.context("dark_background"):
        assert DRAWINGS[name]().png() == drawing.png()
    assert not plt.get_fignums()  # nothing is left open, nothing is shown twice


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_leaves_its_figure_or_meets_another(name):
    figure = DRAWINGS[name]().figure
    figure.canvas.draw()  # only then the axes have their limits
    renderer = figure.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for ax in figure.axes for t in [ax.title, *ax.texts] if t.get_text()]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
