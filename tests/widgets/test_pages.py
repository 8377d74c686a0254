"""Each widget on a page of its own, moved by mouse and by keyboard: what it shows is what convlab computes."""

import re

import numpy as np
import pytest

from convlab import ConvSpec, data
from convlab.geometry import PoolSpec, receptive_field
from convlab.widgets import (
    field_explorer,
    kernel_painter,
    layer_calculator,
    page,
    ruler,
    separable_cost,
    stepper,
)

WIDGETS = {
    "stepper": stepper,
    "kernel_painter": kernel_painter,
    "ruler": ruler,
    "field_explorer": field_explorer,
    "layer_calculator": layer_calculator,
    "separable_cost": separable_cost,
}


def follow(widget, page):
    """Give the Python widget the state of the page, as a notebook would, and return it."""
    for name in type(widget).class_trait_names(sync=True):
        value = page.evaluate(f"convlabModel.get('{name}')") if not name.startswith("_") else None
        if value is not None and name not in ("layout", "tabbable", "tooltip", "comm"):
            setattr(widget, name, value)
    return widget


def numbers(page, label):
    """The numbers of a grid as an array."""
    rows = page.get_by_role("grid", name=label, exact=True).locator("tr").all()
    return np.array([[float(cell.replace("−", "-")) for cell in row.locator("td").all_inner_texts()] for row in rows])


def drag(page, label, fraction):
    """Drag a slider to a fraction of its length."""
    box = page.get_by_label(label, exact=True).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 8 + (box["width"] - 16) * fraction, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()


def press(page, label, *keys):
    page.get_by_label(label, exact=True).focus()
    for key in keys:
        page.keyboard.press(key)


def check_stepper(page, widget):
    follow(widget, page)
    output = widget.output
    for f in range(output.shape[2]):
        np.testing.assert_allclose(numbers(page, f"output of filter {f}"), output[:, :, f], rtol=6e-3)


def test_the_stepper_shows_what_conv2d_computes_by_keyboard_and_mouse(open_page):
    widget = stepper()
    shown = open_page(widget)
    check_stepper(shown, widget)
    press(shown, "kernel width", "ArrowLeft")
    press(shown, "stride height", "ArrowRight")
    press(shown, "dilation width", "ArrowRight", "ArrowRight")
    press(shown, "channels", "ArrowRight")
    press(shown, "filters", "ArrowRight")
    check_stepper(shown, widget)
    assert widget.spec == ConvSpec((3, 2), 2, strides=(2, 1), dilation=(1, 3), use_bias=False)
    shown.get_by_label("groups", exact=True).select_option("2")
    shown.get_by_label("padding", exact=True).select_option("own")
    shown.get_by_label("right", exact=True).fill("3")
    shown.get_by_label("flip the kernel (true convolution)").click()
    drag(shown, "input height", 1.0)
    check_stepper(shown, widget)
    assert (widget.flip, widget.groups, widget.spec.padding[1][1], len(widget.image)) == (True, 2, 3, 10)


def test_numbers_of_the_stepper_can_be_edited_and_cells_pinned_without_a_mouse(open_page):
    widget = stepper()
    shown = open_page(widget)
    grid = shown.get_by_role("grid", name="input channel 0")
    grid.locator("td[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowDown", "-", "7", "Enter"):
        shown.keyboard.press(key)
    shown.get_by_role("grid", name="kernel for channel 0").locator("td[tabindex='0']").focus()
    for key in ("5", "Escape", "ArrowRight", "4", "Enter"):
        shown.keyboard.press(key)
    check_stepper(shown, widget)
    assert (widget.image[1][1], widget.kernel[0][0], widget.kernel[0][1]) == ([-7], [[-1]], [[4]])
    shown.get_by_role("grid", name="output of filter 0").locator("td[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        shown.keyboard.press(key)
    follow(widget, shown)
    assert widget.pinned
    assert widget.position == (1, 2, 0)


def test_the_arithmetic_is_written_out_and_adds_up(open_page):
    widget = stepper(padding="same")
    shown = open_page(widget)
    shown.get_by_role("button", name="one step on").click()
    shown.get_by_role("button", name="one step back").click()
    for step in (0, 8, 29):
        press(shown, "output cell", "Home", *["ArrowRight"] * step)
        text = shown.locator(".cl-arithmetic").inner_text().replace("−", "-")
        name, products, total = text.split(" = ")
        factors = re.findall(r"\(?(-?[\d.]+)\)?·\(?(-?[\d.]+)\)?", products)
        assert len(factors) == 9
        assert sum(float(x) * float(w) for x, w in factors) == float(total)
        follow(widget, shown)
        row, column, which = widget.position
        assert name == f"output[{row}, {column}]"
        assert float(total) == widget.output[row, column, which]


def test_play_moves_and_pause_stops(open_page):
    shown = open_page(stepper())
    shown.get_by_role("button", name="play").click()
    shown.wait_for_function("convlabModel.get('step') >= 2")
    shown.get_by_role("button", name="pause").click()
    step = shown.evaluate("convlabModel.get('step')")
    shown.wait_for_timeout(900)
    assert shown.evaluate("convlabModel.get('step')") == step


@pytest.mark.parametrize("seed", range(6))
def test_the_lines_for_keras_and_pytorch_compute_the_output(open_page, seed):
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    rng = np.random.default_rng(seed)
    padding = ["valid", "same", rng.integers(0, 3, (2, 2)).tolist()][seed % 3]
    strides, dilation = [(1, 1), rng.integers(1, 4, 2).tolist()][:: 1 if seed % 2 else -1]
    widget = stepper(
        rng.integers(-4, 5, (8, 9, 2)),
        rng.integers(-4, 5, (2, 3, 1, 4)),
        groups=2,
        strides=strides,
        dilation=dilation,
        padding=padding,
    )
    shown = open_page(widget)
    x, kernel = np.float32(widget.image)[None], np.float32(widget.kernel)
    *pad, layer = eval(f"[{shown.locator('.cl-code code').nth(0).inner_text()}]", {"keras": keras})
    model = keras.Sequential([keras.Input(x.shape[1:]), *pad, layer])
    layer.set_weights([kernel])
    np.testing.assert_allclose(model.predict(x, verbose=0)[0], widget.output, atol=1e-4)
    torch = pytest.importorskip("torch", reason="the PyTorch line is not tried: PyTorch is not installed")
    *pad, layer = eval(f"[{shown.locator('.cl-code code').nth(1).inner_text()}]", {"torch": torch})
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(kernel.transpose(3, 2, 0, 1)))
        y = torch.nn.Sequential(*pad, layer)(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
    np.testing.assert_allclose(y[0].transpose(1, 2, 0), widget.output, atol=1e-4)


def test_a_kernel_that_does_not_fit_is_said_in_the_words_of_python(open_page):
    shown = open_page(stepper(np.ones((3, 3)), np.ones((3, 3))))
    press(shown, "input height", "ArrowLeft")
    assert "Along height, a kernel of 3 does not fit into an input of 2" in shown.get_by_role("status").inner_text()
    press(shown, "input height", "ArrowRight")
    assert shown.get_by_role("status").inner_text().startswith("output 1 × 1 × 1")


def canvas_pixels(page, place):
    """The grey levels of a canvas."""
    return np.array(
        page.evaluate(
            "(k) => { const c = document.querySelectorAll('canvas')[k]; const d = c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data;"
            " return [...Array(c.height).keys()].map((i) => [...Array(c.width).keys()]"
            ".map((j) => d[4 * (i * c.width + j)])); }",
            place,
        )
    )


def check_painter(page, widget, limits):
    follow(widget, page)
    low, high = limits
    levels = 255 * np.clip((widget.output - low) / (high - low), 0, 1)
    np.testing.assert_allclose(canvas_pixels(page, 1), levels, atol=1)
    np.testing.assert_allclose(canvas_pixels(page, 0), 255 * widget.image, atol=1)


def test_the_painter_shows_what_correlate2d_computes(open_page):
    widget = kernel_painter(data.image("ramp"))
    shown = open_page(widget)
    check_painter(shown, widget, (0, 1))
    shown.get_by_label("image", exact=True).select_option("rings")
    shown.get_by_label("kernel", exact=True).select_option("emboss")
    shown.get_by_label("show", exact=True).select_option("-1 black, 0 grey, 1 white")
    shown.get_by_label("flip the kernel (true convolution)").check()
    check_painter(shown, widget, (-1, 1))
    press(shown, "kernel width", "ArrowRight")
    shown.get_by_label("padding", exact=True).select_option("same")
    shown.get_by_label("show", exact=True).select_option("least black, largest white")
    cell = shown.get_by_role("grid", name="kernel weights").locator("td").nth(3)
    cell.dblclick()
    shown.keyboard.type("-1.5")
    shown.keyboard.press("Enter")
    follow(widget, shown)
    assert widget.weights[0, 3] == -1.5
    assert widget.kernel_name == "your own"
    check_painter(shown, widget, (widget.output.min(), widget.output.max()))
    assert f"sum to {widget.weights.sum():g}".replace("-", "−") in shown.get_by_role("status").inner_text()


def test_a_kernel_can_be_painted_and_an_image_uploaded(open_page, tmp_path):
    from PIL import Image

    widget = kernel_painter()
    shown = open_page(widget)
    shown.get_by_role("button", name="clear").click()
    shown.get_by_label("paint with", exact=True).check()
    shown.get_by_label("weight to paint with").fill("2")
    cells = shown.get_by_role("grid", name="kernel weights").locator("td")
    first, last = cells.nth(3).bounding_box(), cells.nth(5).bounding_box()
    shown.mouse.move(first["x"] + 5, first["y"] + 5)
    shown.mouse.down()
    shown.mouse.move(last["x"] + 5, last["y"] + 5, steps=10)
    shown.mouse.up()
    follow(widget, shown)
    np.testing.assert_array_equal(widget.weights, [[0, 0, 0], [2, 2, 2], [0, 0, 0]])
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "own.png")
    shown.get_by_label("use an image of your own").set_input_files(tmp_path / "own.png")
    shown.wait_for_function("convlabModel.get('image_name') === 'your own image'")
    follow(widget, shown)
    np.testing.assert_allclose(widget.image * 255, pixels, atol=1)
    check_painter(shown, widget, (0, 1))
    (tmp_path / "broken.png").write_text("no picture")
    shown.get_by_label("use an image of your own").set_input_files(tmp_path / "broken.png")
    shown.get_by_text("broken.png is no picture").wait_for()


def test_the_ruler_shows_both_conventions(open_page):
    widget = ruler(6, 3, stride=2)
    shown = open_page(widget)
    tensorflow, pytorch = (status.inner_text() for status in shown.get_by_role("status").all())
    assert "zeros before 0, after 1" in tensorflow
    assert "zeros before 1, after 1" in pytorch
    press(shown, "input size n", *["ArrowRight"] * 5)
    press(shown, "stride s", "ArrowRight", "ArrowRight")
    drag(shown, "dilation d", 0.34)
    shown.get_by_label("padding", exact=True).select_option("own")
    press(shown, "zeros after", "ArrowRight")
    follow(widget, shown)
    assert (widget.size, widget.stride, widget.dilation, widget.after) == (11, 4, 2, 1)
    text = shown.get_by_role("status").first.inner_text()
    assert text.endswith(f"= {widget.outputs}; never read: {', '.join(map(str, widget.never_read))}")
    assert shown.locator("svg").first.get_attribute("aria-label") == text


def test_the_field_explorer_follows_the_pointer_and_the_keys(open_page):
    widget = field_explorer()
    shown = open_page(widget)
    press(shown, "layer 1, kernel width", "ArrowUp", "ArrowUp")
    shown.get_by_role("button", name="add conv").click()
    shown.get_by_label("layer 4, dilation height").fill("2")
    follow(widget, shown)
    expected = [ConvSpec((3, 5)), PoolSpec(2), ConvSpec(3), ConvSpec(3, dilation=(2, 1))]
    assert widget.stack == tuple(expected)
    field = receptive_field(expected, widget.input_shape)
    assert f"Receptive field {field.size[0]} × {field.size[1]}, jump 2 × 2" in shown.get_by_role("status").inner_text()
    last = shown.locator("svg").last.bounding_box()
    shown.mouse.move(last["x"] + last["width"] - 12, last["y"] + 12)
    follow(widget, shown)
    assert widget.cell == [0, widget.trace.output_shape[1] - 1]
    shown.get_by_role("application").focus()
    shown.keyboard.press("ArrowLeft")
    follow(widget, shown)
    assert widget.cell == [0, widget.trace.output_shape[1] - 2]
    first = field.start[1] + widget.cell[1] * field.jump[1]
    words = f"columns {first} to {first + field.size[1] - 1} of the input"
    assert words in shown.get_by_role("status").inner_text()
    shown.get_by_role("button", name="remove layer 2").click()
    follow(widget, shown)
    assert widget.stack == tuple(expected[:1] + expected[2:])


def test_the_calculator_counts_as_trace_does_and_explains_a_line(open_page):
    widget = layer_calculator()
    shown = open_page(widget)
    assert "225,034 parameters" in shown.get_by_role("status").inner_text()
    shown.get_by_label("layers, one a line").fill("Conv2D(8, (3, 5), strides=2)\nMaxPooling2D(2)\nFlatten()")
    shown.get_by_label("layer", exact=True).select_option("Dense")
    shown.get_by_role("button", name="add").click()
    shown.get_by_label("input channels").fill("3")
    follow(widget, shown)
    cells = [row.locator("td").all_inner_texts() for row in shown.locator("tbody tr").all()]
    expected = [[f"{row.parameters:,}", f"{row.macs:,}", f"{row.memory:,}"] for row in widget.trace.rows]
    assert [row[2:5] for row in cells[1:]] == expected
    shown.get_by_label("layers, one a line").fill("Conv2D(8, 3)\nConv2D(8, 40)")
    assert "Line 2: Along height, a kernel of 40 does not fit" in shown.get_by_role("status").inner_text()


def test_the_cost_of_separable_layers_is_that_of_geometry(open_page):
    widget = separable_cost()
    shown = open_page(widget)
    press(shown, "depth multiplier", "ArrowRight")
    press(shown, "kernel", "ArrowRight", "ArrowRight")
    drag(shown, "filters", 0.7)
    follow(widget, shown)
    cells = [row.locator("td").all_inner_texts() for row in shown.locator("tbody tr").all()]
    for column, spec in enumerate(widget.specs, 1):
        assert cells[0][column] == f"{spec.parameters(widget.input_shape):,}"
        assert cells[1][column] == f"{spec.macs(widget.input_shape):,}"
    assert widget.multiplier == 2
    assert widget.kernel == 5
    assert cells[2][1] == "not measured"


@pytest.mark.parametrize("name", WIDGETS)
def test_every_control_has_a_name_and_is_reached_by_tab(open_page, name):
    shown = open_page(WIDGETS[name]())
    assert shown.get_by_role("region").get_attribute("aria-label")
    controls = shown.locator("input:visible, select:visible, button:visible, textarea:visible, [tabindex='0']:visible")
    names = controls.evaluate_all(
        "all => all.map((e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent)"
    )
    assert all(given.strip() for given in names)
    reached = set()
    for _ in range(3 * len(names)):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    places = controls.evaluate_all("all => all.map((e) => [...document.querySelectorAll('*')].indexOf(e))")
    assert set(places) <= reached


@pytest.mark.parametrize("name", WIDGETS)
def test_at_twice_the_size_nothing_hangs_over_and_text_can_be_read_in_the_dark(open_page, name):
    for scheme in ("light", "dark"):
        shown = open_page(WIDGETS[name](), viewport={"width": 640, "height": 700}, color_scheme=scheme)
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        contrast = shown.evaluate(
            """() => {
              const light = (c) => c.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
                .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
                .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
              const paper = (e) => { const c = getComputedStyle(e).backgroundColor;
                return c === 'rgba(0, 0, 0, 0)' ? paper(e.parentElement) : c; };
              const text = '.cl td:not(.cl-pad), .cl th, .cl label span, .cl button, .cl-caption';
              return [...document.querySelectorAll(text)]
                .filter((e) => e.textContent.trim()).map((e) => {
                  const [a, b] = [light(getComputedStyle(e).color), light(paper(e))];
                  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); });
            }"""
        )
        assert min(contrast) >= 4.5


@pytest.mark.parametrize("name", WIDGETS)
def test_a_page_needs_nothing_else(name):
    text = page(WIDGETS[name]())
    assert not re.findall(r'(?:src|href)="|https?://(?!www\.w3\.org/)', text)
