"""The mathematics of the widgets, run in the browser, is that of convlab.geometry and convlab.ops."""

import re

import numpy as np
import pytest
from scipy import signal

import convlab
from convlab import ConvlabError
from convlab.geometry import ConvSpec, PoolSpec, output_size, padding_amounts, trace, transposed_output_size
from convlab.widgets.base import STATIC, bundle
from convlab.widgets.keras_text import read_layers

CASES = 2000


@pytest.fixture(scope="module")
def javascript(browser):
    """A function that evaluates an expression of `argument` with the names of a module."""
    page = browser.new_page()
    page.goto("about:blank")

    def evaluate(module, expression, argument):
        code = bundle(module).replace("export default", "const widget =")
        guard = (
            "const attempt = (f) => { try { return f(); }"
            " catch (e) { if (e instanceof ConvlabError) return e.message; throw e; } };"
        )
        return page.evaluate(f"(argument) => {{ {code}\n{guard}\nreturn {expression}; }}", argument)

    yield evaluate
    page.close()


def attempt(function):
    """What a function returns, or the words of its error."""
    try:
        return function()
    except ConvlabError as error:
        return str(error)


def lists(value):
    return [lists(entry) for entry in value] if isinstance(value, tuple | list) else value


@pytest.mark.parametrize("module", sorted(path.stem for path in STATIC.glob("*.js")))
def test_every_module_is_whole_by_itself(javascript, module):
    assert javascript(module, "argument + 1", 1) == 2


def test_sizes_and_padding(javascript):
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(CASES):
        n, k, s, d = (int(rng.integers(1, most)) for most in (30, 9, 6, 5))
        padding = ["valid", "same", rng.integers(0, 5, 2).tolist()][rng.integers(3)]
        cases.append([n, k, s, padding, d])
    found = javascript(
        "geometry", "argument.map((c) => [attempt(() => paddingAmounts(...c)), attempt(() => outputSize(...c))])", cases
    )
    errors = 0
    for case, (pads, size) in zip(cases, found, strict=True):
        assert pads == lists(attempt(lambda c=case: padding_amounts(*c))), case
        expected = attempt(lambda c=case: output_size(*c))
        errors += isinstance(expected, str)
        assert size == expected, case
    assert 100 < errors < CASES / 2


def test_transposed_sizes(javascript):
    rng = np.random.default_rng(1)
    cases = []
    for _ in range(CASES):
        n, k, s, d = (int(rng.integers(1, most)) for most in (12, 7, 5, 4))
        extra = None if rng.random() < 0.5 else int(rng.integers(0, 4))
        cases.append([n, k, s, ["valid", "same"][rng.integers(2)], extra, d, "this axis"])
    found = javascript("geometry", "argument.map((c) => attempt(() => transposedOutputSize(...c)))", cases)
    for case, size in zip(cases, found, strict=True):
        assert size == attempt(lambda c=case: transposed_output_size(*c[:-1])), case


def test_convolutions_with_groups_and_flips(javascript):
    rng = np.random.default_rng(2)
    cases, expected = [], []
    while len(cases) < 200:
        groups, depth, per_group = (int(n) for n in rng.integers(1, 3, 3))
        image = rng.integers(-3, 4, (*rng.integers(1, 9, 2), groups * depth))
        kernel = rng.integers(-3, 4, (*rng.integers(1, 5, 2), depth, groups * per_group))
        padding = ["valid", "same", rng.integers(0, 3, (2, 2)).tolist()][rng.integers(3)]
        spec = dict(strides=rng.integers(1, 4, 2).tolist(), dilation=rng.integers(1, 3, 2).tolist(), groups=groups)
        flip = bool(rng.integers(2))
        weights = kernel[::-1, ::-1] if flip else kernel
        try:
            output = convlab.conv2d(image[None], weights, padding=padding, **spec)[0]
        except ConvlabError:
            continue
        cases.append([image.tolist(), kernel.tolist(), {**spec, "padding": padding, "flip": flip}])
        expected.append(output)
    found = javascript("ops", "argument.map((c) => conv2d(...c))", cases)
    for output, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.array(output), right, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_painter_filters_as_scipy_does(javascript, padding):
    rng = np.random.default_rng(3)
    for height, width, kh, kw in [(7, 9, 3, 3), (12, 5, 1, 5), (9, 9, 9, 8), (6, 11, 2, 4)]:
        image, kernel = rng.random((height, width)).astype(np.float32), rng.normal(size=(kh, kw))
        found = javascript(
            "ops",
            "(({ image, kernel, padding }) => {"
            " const r = correlate({ ...image, pixels: Float32Array.from(image.pixels) }, kernel, padding);"
            " return { ...r, pixels: [...r.pixels] }; })(argument)",
            {
                "image": {"height": height, "width": width, "pixels": image.ravel().tolist()},
                "kernel": kernel.tolist(),
                "padding": padding,
            },
        )
        if padding == "same":
            before = [(k - 1) // 2 for k in (kh, kw)]
            image = np.pad(image, [(b, k - 1 - b) for b, k in zip(before, (kh, kw), strict=True)])
        right = signal.correlate2d(image, kernel, "valid")
        assert (found["height"], found["width"]) == right.shape
        np.testing.assert_allclose(np.reshape(found["pixels"], right.shape), right, atol=1e-5)


def random_lines(rng):
    """Layers as text, most of which fit."""
    pair = lambda most: f"({rng.integers(1, most)}, {rng.integers(1, most)})"  # noqa: E731
    padding = lambda: f'padding="{["valid", "same"][rng.integers(2)]}"'  # noqa: E731
    makers = [
        lambda: f"Conv2D({rng.integers(1, 9)}, {pair(5)}, strides={pair(3)}, {padding()})",
        lambda: f"keras.layers.Conv2D({2 * rng.integers(1, 5)}, {rng.integers(1, 5)}, groups={rng.integers(1, 3)}),",
        lambda: f"Conv2D(filters=3, kernel_size={pair(4)}, dilation_rate={rng.integers(1, 4)}, use_bias=False)",
        lambda: f"DepthwiseConv2D({pair(4)}, depth_multiplier={rng.integers(1, 4)}, {padding()})  # each channel",
        lambda: f"SeparableConv2D({rng.integers(1, 9)}, {pair(4)}, depth_multiplier={rng.integers(1, 3)})",
        lambda: f"Conv2DTranspose({rng.integers(1, 5)}, {pair(5)}, strides={pair(4)}, {padding()})",
        lambda: f"MaxPooling2D({pair(4)}, {padding()})",
        lambda: f"AveragePooling2D({rng.integers(1, 4)}, strides={rng.integers(1, 3)})",
        lambda: "BatchNormalization()",
        lambda: "Activation('relu')",
        lambda: "Dropout(0.25)",
    ]
    ends = [["Flatten()", "Dense(7)"], ["GlobalAveragePooling2D()", "Dense(3, use_bias=False)"], ["Dense(4)"], []]
    lines = [makers[rng.integers(len(makers))]() for _ in range(rng.integers(1, 5))]
    return "\n".join([*lines, *ends[rng.integers(len(ends))]])


def test_traces_of_layers_as_text(javascript):
    rng = np.random.default_rng(4)
    cases = [[random_lines(rng), rng.integers([6, 6, 1], [30, 30, 5]).tolist()] for _ in range(300)]
    found = javascript("calculator", "argument.map((c) => calculate(...c))", cases)
    broken = 0
    for (text, shape), result in zip(cases, found, strict=True):
        rows = attempt(lambda t=text, s=shape: trace(read_layers(t), s).rows)
        if isinstance(rows, str):
            broken += 1
            failed = int(re.search(r"Layer (\d+)", rows).group(1))
            assert result["error"]["line"] == failed - 1 == len(result["rows"]), text
            if "Along" in rows:
                assert result["error"]["message"] in rows
            continue
        assert result["error"] is None, (text, shape, result["error"])
        for row, right in zip(result["rows"], rows, strict=True):
            assert row["shape"] == list(right.output_shape)
            assert [row["parameters"], row["macs"], row["memory"]] == [right.parameters, right.macs, right.memory]
            field = right.field and {name: list(value) for name, value in right.field._asdict().items()}
            assert row["field"] == field
    assert 30 < broken < 270


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Conv2D(32)", "needs kernel_size"),
        ("Conv2D(32, 3, 1, 'relu')", "The fourth argument is the padding"),
        ("Conv2D(32, 3.5)", "whole number"),
        ("Conv2d(32, 3)", "There is no layer Conv2d: choose Conv2D"),
        ("Conv2D(32, 3", '")" is missing'),
        ("Conv2D(32, 3, stride=2)", "no argument stride"),
        ("Conv2D(6, 3, groups=4)", "4 groups do not divide"),
        ("Dense(10)", "flat input"),
        ("x = 3", "There is no layer x"),
    ],
)
def test_wrong_lines_are_explained_in_both(javascript, line, words):
    result = javascript("calculator", "calculate(...argument)", [f"MaxPooling2D(2)\n{line}", [28, 28, 1]])
    assert result["error"]["line"] == 1
    assert words in result["error"]["message"]
    with pytest.raises(ConvlabError):
        trace(read_layers(line), (28, 28, 1))


def test_regions_are_what_the_output_depends_on(javascript):
    """The region that the explorer draws holds exactly the pixels with a gradient, where no taps leave gaps."""
    rng = np.random.default_rng(5)
    checked = 0
    while checked < 60:
        layers = [
            (ConvSpec if rng.integers(2) else PoolSpec)(
                tuple(rng.integers(1, 5, 2).tolist()), strides=1, padding=["valid", "same"][rng.integers(2)]
            )
            for _ in range(rng.integers(1, 4))
        ]
        if rng.integers(2):  # a stride in the last layer leaves no gaps inside of one cell's region
            last = layers[-1]
            layers[-1] = type(last)(
                last.kernel_size, strides=tuple(rng.integers(1, 4, 2).tolist()), padding=last.padding
            )
        size = rng.integers(8, 14, 2).tolist()
        maps = [np.ones((1, *size, 1))]
        for layer in layers:
            maps.append(run(layer, maps[-1]))
        cell = [int(rng.integers(n)) for n in maps[-1].shape[1:3]]
        upstream = np.zeros(maps[-1].shape)
        upstream[0, cell[0], cell[1], 0] = 1
        for layer, below in zip(layers[::-1], maps[-2::-1], strict=True):
            upstream = back(layer, below, upstream)
        rows, columns = (np.flatnonzero(upstream[0, :, :, 0].any(axis=axis)) for axis in (1, 0))
        states = [
            {
                "kernel_size": list(layer.kernel_size),
                "strides": list(layer.strides),
                "dilation": [1, 1],
                "padding": layer.padding,
            }
            for layer in layers
        ]
        regions = javascript("receptive_field", "regions(...argument)", [size, states, cell])
        clipped = [[max(first, 0), min(last, n - 1)] for (first, last), n in zip(regions[0], size, strict=True)]
        assert clipped == [[rows[0], rows[-1]], [columns[0], columns[-1]]]
        checked += 1


def run(layer, x):
    kernel = np.ones((*layer.kernel_size, 1, 1))
    return convlab.conv2d(x, kernel, strides=layer.strides, padding=layer.padding)


def back(layer, x, upstream):
    kernel = np.ones((*layer.kernel_size, 1, 1))
    return convlab.conv2d_gradients(x, kernel, upstream, strides=layer.strides, padding=layer.padding).dx
