"""JupyterLab in a real browser: every lesson runs from top to bottom, and widgets talk with their Python halves."""

import json
import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import convlab
from tests.chromium import complaints
from tests.lab import open_notebook, run_all, serve, start_all, write_notebook

ROOT = Path(convlab.__file__).parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
NO_NETWORK = "http://127.0.0.1:9"  # nobody listens there

WIDGETS = {
    "stepper": "widgets.stepper()",
    "painter": "widgets.kernel_painter()",
    "ruler": "widgets.ruler(9, 3, stride=2)",
    "explorer": "widgets.field_explorer()",
    "calculator": "widgets.layer_calculator()",
    "cost": "widgets.separable_cost(3, 4, 4, size=8)",
    "pad": "widgets.digit_pad(model)",
    "maps": "widgets.feature_map_browser(model, np.random.default_rng(0).random((3, 28, 28, 1), np.float32))",
}
SET_UP = """import json
import numpy as np
from convlab import layers, widgets
layers.set_random_seed(0)
model = layers.Sequential([layers.Input((28, 28, 1)), layers.Conv2D(3, 5), layers.Flatten(), layers.Dense(10)])"""
STATE = """print(json.dumps({
    "stepper": stepper.output.tolist(), "spec": str(stepper.spec), "painter": painter.weights.tolist(),
    "ruler": [ruler.outputs, ruler.never_read], "explorer": explorer.field.size, "calculator": calculator.words(),
    "cost": cost.times, "pad": [int(pad.image.sum()), pad.probabilities, pad.description],
    "maps": [maps.layer, maps.index, maps.description, list(maps.maps["pixels"])],
}))"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Address, token and folder of a JupyterLab that `convlab lab` serves on a copy of the lessons, without MNIST."""
    folder = tmp_path_factory.mktemp("lessons")
    environment = os.environ | {"KERAS_HOME": str(tmp_path_factory.mktemp("keras")), "HTTPS_PROXY": NO_NETWORK}
    environment.pop("CONVLAB_MNIST", None)
    with serve(folder, environment) as running:
        yield running


@pytest.fixture
def open_in_lab(lab, browser):
    """A function that opens a notebook; the test fails where the page complained or asked another machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    said = []

    def open_named(name, folder="notebooks"):
        page = context.new_page()
        said.append(complaints(page))
        open_notebook(page, lab, name, folder)
        return page

    yield open_named
    context.close()
    assert not any(said), said


def save(page):
    page.keyboard.press("Control+s")
    page.locator(".jp-mod-dirty").wait_for(state="detached")


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_in_jupyterlab(lab, open_in_lab, name):
    path = lab.folder / f"{name}.ipynb"
    before = code_cells(path)
    page = open_in_lab(name)
    run_all(page, len(before))
    save(page)
    page.wait_for_timeout(500)
    after = code_cells(path)
    assert [cell.execution_count for cell in after] == list(range(1, len(before) + 1))
    assert page.get_by_text("Jupyter news").count() == 0
    failed = [cell.source for cell in after for output in cell.outputs if output.output_type == "error"]
    assert failed == []
    page.locator(".jp-Notebook").first.evaluate("element => element.scrollTo(0, 0)")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()


def test_an_exercise_is_solved_and_a_mistake_leads_to_its_place_in_the_lesson(lab, open_in_lab):
    """One right answer, one well-known mistake, the rest untouched; then the link, a hint and a reset."""
    path = lab.folder.parent / "exercises" / "02_padding.ipynb"
    notebook = nbformat.read(path, as_version=4)
    mine = {
        "padded_size": "def padded_size(n, kernel, before=0, after=0):\n    return n + before + after - kernel + 1",
        "same_padding": "def same_padding(n, kernel, stride=1):\n"
        "    total = max((-(-n // stride) - 1) * stride + kernel - n, 0)\n"
        "    return total - total // 2, total // 2",
    }
    for cell in notebook.cells:
        cell.source = mine.get(cell.id, cell.source)
    more = [nbformat.v4.new_code_cell(code) for code in ('hint("same_padding")', 'reset("pad")')]
    notebook.cells += more
    nbformat.write(notebook, path)
    page = open_in_lab("02_padding", "exercises")
    start_all(page)  # JupyterLab does not count to the end where a cell makes another one
    page.get_by_role("region", name="pad: as it was in the beginning").wait_for(state="attached")
    page.get_by_role("region", name="padded_size: correct, 3 of 3 points").wait_for(state="attached")
    wrong = page.get_by_role("region", name="same_padding: incorrect, 0 of 3 points")
    wrong.scroll_into_view_if_needed()
    assert "A known mistake: the odd pixel goes before" in wrong.inner_text()
    page.get_by_role("region", name="02_padding: 3 of 13 points").wait_for(state="attached")
    page.get_by_role("region", name="same_padding: hint 1 of 3").wait_for(state="attached")
    save(page)
    assert "raise NotImplementedError()" in nbformat.read(path, as_version=4).cells[-1].source  # reset made a cell
    wrong.get_by_role("link").click()
    page.get_by_role("heading", name="2. Padding: what happens at the border").wait_for()


@pytest.fixture
def widgets_page(lab, open_in_lab, request):
    """A notebook with every widget, run; and a function that asks Python for their state."""
    cells = [SET_UP, *(f"{name} = {call}\n{name}" for name, call in WIDGETS.items()), STATE]
    write_notebook(lab.folder / f"{request.node.name}.ipynb", cells)  # a kernel of its own for each test
    page = open_in_lab(request.node.name)
    run_all(page, len(cells))

    def state():
        page.wait_for_timeout(300)
        last = page.locator(".jp-CodeCell").last
        last.scroll_into_view_if_needed()
        count = int(re.search(r"\d+", last.locator(".jp-InputPrompt").inner_text())[0])
        last.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_function(
            "count => [...document.querySelectorAll('.jp-CodeCell')].at(-1).querySelector('.jp-InputPrompt')"
            ".textContent.includes(`[${count}]`)",
            arg=count + 1,
        )
        return json.loads(last.locator(".jp-OutputArea-output").inner_text())

    return page, state


def widget(page, title):
    found = page.get_by_role("region", name=title, exact=True)
    found.scroll_into_view_if_needed()
    return found


def press(part, label, *keys):
    control = part.get_by_label(label, exact=True)
    control.focus()
    for key in keys:
        control.page.keyboard.press(key)


def drag(part, label, fraction):
    page, box = part.page, part.get_by_label(label, exact=True).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 8 + (box["width"] - 16) * fraction, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()


def numbers(part, label):
    rows = part.get_by_role("grid", name=label, exact=True).locator("tr").all()
    return [[float(cell.replace("−", "-")) for cell in row.locator("td").all_inner_texts()] for row in rows]


def test_widgets_answer_to_keys_and_mouse_and_python_knows(widgets_page):
    page, state = widgets_page

    part = widget(page, "Convolution stepper")
    press(part, "stride height", "ArrowRight")
    press(part, "filters", "ArrowRight")
    drag(part, "input width", 1.0)
    stepper = [numbers(part, f"output of filter {f}") for f in range(2)]

    part = widget(page, "Kernel painter")
    part.get_by_label("kernel", exact=True).select_option("sharpen")
    part.get_by_role("grid", name="kernel weights").locator("td[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowDown", "7", "Enter"):  # JupyterLab has its own ideas for each of these keys
        page.keyboard.press(key)

    part = widget(page, "Padding and stride ruler")
    press(part, "stride s", "ArrowRight", "ArrowRight")
    part.get_by_label("padding", exact=True).select_option("valid")
    ruler = part.get_by_role("status").first.inner_text()

    part = widget(page, "Receptive field")
    press(part, "layer 3, kernel height", "ArrowUp", "ArrowUp")
    explorer = part.get_by_role("status").inner_text()

    part = widget(page, "Layer calculator")
    part.get_by_label("layers, one a line").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Conv2D(4, 3)\nFlatten()\nDense(2)")
    calculator = part.get_by_role("status").inner_text()

    part = widget(page, "Separable cost")
    part.get_by_role("button", name="measure the time here").click()
    part.get_by_text("less time").or_(part.get_by_text("more time")).wait_for()

    found = state()
    np.testing.assert_allclose(np.moveaxis(stepper, 0, 2), found["stepper"], rtol=6e-3)
    assert "strides=(2, 1)" in found["spec"]
    assert "filters=2" in found["spec"]
    assert found["painter"] == [[0, -1, 0], [-1, 7, -1], [0, -1, 0]]
    assert ruler.endswith(f"= {found['ruler'][0]}; never read: {', '.join(map(str, found['ruler'][1]))}")
    assert f"Receptive field {found['explorer'][0]} × {found['explorer'][1]}" in explorer
    assert calculator.startswith("5,450 parameters")  # 4 (9 + 1) + 2 (26 * 26 * 4 + 1)
    assert "5,450 parameters" in found["calculator"]
    assert set(found["cost"]) == {"standard", "separable"}


def test_a_digit_drawn_by_mouse_and_by_keys_is_read(widgets_page):
    page, state = widgets_page
    part = widget(page, "Draw a digit")
    pad = part.get_by_role("application")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 140, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 230, steps=15)
    page.mouse.up()
    part.get_by_text("The network reads").wait_for()
    page.wait_for_timeout(500)  # the last piece of the stroke may be on its way still
    ink, likely, said = state()["pad"]
    assert ink > 1000
    assert abs(sum(likely) - 1) < 1e-5
    widget(page, "Draw a digit").get_by_text(said, exact=True).wait_for()
    part.get_by_role("button", name="clear").click()
    part.get_by_text("Nothing is drawn yet.").wait_for()
    pad.click()
    part.get_by_text("The network reads").wait_for()  # a tap is a dot
    part.get_by_role("button", name="clear").click()
    part.get_by_text("Nothing is drawn yet.").wait_for()
    pad.focus()
    for _ in range(8):
        page.keyboard.press("Shift+ArrowDown")
    part.get_by_text("The network reads").wait_for()
    assert state()["pad"][0] > 1000


def grey(canvas):
    """The levels of grey that a canvas shows."""
    return canvas.evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
        ".filter((_, k) => k % 4 === 0)"
    )


def test_feature_maps_of_the_chosen_layer_and_image_are_shown(widgets_page):
    page, state = widgets_page
    part = widget(page, "Feature-map browser")
    maps = part.get_by_role("img", name="3 maps of 24")
    before = grey(maps)
    press(part, "image", "ArrowRight", "ArrowRight")
    drag(part, "map", 1.0)
    page.wait_for_timeout(500)
    shown = part.get_by_role("status").inner_text()
    layer, index, said, pixels = state()["maps"]
    assert (layer, index) == ("0 Conv2D", 2)
    assert "Map 2" in said
    assert said == shown
    assert grey(maps) == pixels != before
