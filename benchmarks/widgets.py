"""`python -m benchmarks.widgets`: from a moved slider to new pixels, in a real browser, for each widget.

The time is taken inside of the page: the event is sent where a browser sends those of a moving pointer, at the start of
a frame, and the clock stops after that frame was painted. A slider goes one step a frame, and the steps that were drawn
are counted. The two widgets that ask Python are measured in JupyterLab, until the frame in which the answer is painted.
"""

from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import numpy as np

from convlab import widgets
from tests.chromium import chromium
from tests.lab import open_notebook, run_all, serve, write_notebook

GOAL, GOAL_PYTHON = 16, 40  # milliseconds
MOVES = 60
SLIDERS = {
    "stepper": (widgets.stepper, "stride height"),
    "stepper, all channels": (lambda: widgets.stepper(np.ones((10, 10, 3)), np.ones((3, 3, 3, 4))), "dilation width"),
    "kernel painter, 3x3": (lambda: widgets.kernel_painter(), "kernel height"),
    "ruler": (lambda: widgets.ruler(24, 5), "stride s"),
    "field explorer": (widgets.field_explorer, "layer 1, kernel height"),
    "separable cost": (widgets.separable_cost, "filters"),
    "layer calculator": (widgets.layer_calculator, "input height"),
}
MEASURE = """async ([label, moves]) => {
  const input = [...document.querySelectorAll('input')].find((e) => e.getAttribute('aria-label') === label);
  const painted = () => new Promise((done) => {
    const channel = new MessageChannel();  // its message comes after the frame that is under way
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  });
  const [low, high] = [Number(input.min), Math.min(Number(input.max), Number(input.min) + 9)];
  const times = [];
  let [drawings, changed] = [0, false];
  new MutationObserver(() => (changed = true)).observe(document.querySelector('section.cl'),
    { subtree: true, childList: true, characterData: true, attributes: true });
  for (let k = 0; k < moves; k++) {
    input.value = low + (k % (high - low + 1));
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    input.dispatchEvent(new Event('input', { bubbles: true }));
    const work = performance.now();
    times.push([work - start, (await painted()) - start]);
    drawings += changed;
    changed = false;
  }
  return { times, drawings };
}"""

NOTEBOOK = [
    "import numpy as np\n"
    "from convlab import layers, widgets\n"
    "model = layers.Sequential([layers.Input((28, 28, 1)), layers.Conv2D(32, 3, activation='relu'),\n"
    "    layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation='relu'), layers.Flatten(), layers.Dense(10)])",
    "widgets.digit_pad(model)",
    "widgets.feature_map_browser(model, np.random.default_rng(0).random((99, 28, 28, 1), np.float32))",
]
# `painted(act)`: milliseconds from `act` to the frame that shows another picture of feature maps, the widget's last
WATCH = """() => {
  let tell = () => {};
  const put = CanvasRenderingContext2D.prototype.putImageData;
  const shown = new Map();
  CanvasRenderingContext2D.prototype.putImageData = function (image, ...at) {
    const text = image.data.join();
    if (this.canvas.closest('figure').textContent.includes('maps') && shown.get(this.canvas) !== text) tell();
    shown.set(this.canvas, text);
    put.call(this, image, ...at);
  };
  window.part = (title) => [...document.querySelectorAll('section.cl')].find((e) => e.ariaLabel === title);
  window.pause = (ms) => new Promise((done) => setTimeout(done, ms));
  window.painted = (act) => new Promise((done) => {
    const start = performance.now();
    tell = () => {
      tell = () => {};
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - start);
        channel.port2.postMessage(0);
      });
    };
    act();
  });
}"""
DRAW = """async ([moves, ms]) => {
  const pad = part('Draw a digit').querySelector('canvas');
  const box = pad.getBoundingClientRect();
  pad.setPointerCapture = () => {};
  const point = (type, k) => pad.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, buttons: 1,
    clientX: box.left + 60 + 37 * k % 160, clientY: box.top + 40 + 3 * k }));
  [...part('Draw a digit').querySelectorAll('button')].find((e) => e.textContent === 'clear').click();
  await pause(500);
  point('pointerdown', 0);
  point('pointermove', moves + 1);
  await pause(500);
  const times = [];
  for (let k = 1; k <= moves; k++) {
    times.push(await painted(() => point('pointermove', k)));
    await pause(ms);
  }
  point('pointerup', moves);
  return times;
}"""
CHOOSE = """async ([moves, ms]) => {
  const input = [...part('Feature-map browser').querySelectorAll('input')].find((e) => e.ariaLabel === 'image');
  const times = [];
  for (let k = 1; k <= moves; k++) {
    times.push(await painted(() => {
      input.value = k;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }));
    await pause(ms);
  }
  input.value = 0;
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await pause(500);
  return times;
}"""


def in_browser() -> None:
    print(f"{'widget':24} {'work':>8} {'median':>8} {'p90':>8} ms to pixels   drawn of {MOVES} moves (goal {GOAL} ms)")
    with chromium() as browser, TemporaryDirectory() as folder:
        for name, (make, slider) in SLIDERS.items():
            path = f"{folder}/{len(name)}.html"
            widgets.save_page(make(), path)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(f"file://{path}")
            found = page.evaluate(MEASURE, [slider, MOVES])
            work, total = zip(*found["times"], strict=True)
            p90 = quantiles(total, n=10)[-1]
            print(f"{name:24} {median(work):8.1f} {median(total):8.1f} {p90:8.1f}                {found['drawings']}")
            page.close()


def in_jupyterlab() -> None:
    """The two widgets that ask Python: from the browser to the kernel, through the network, and back to a canvas."""
    with chromium() as browser, TemporaryDirectory() as folder, serve(Path(folder)) as lab:
        write_notebook(lab.folder / "asking.ipynb", NOTEBOOK)
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        open_notebook(page, lab, "asking")
        run_all(page, len(NOTEBOOK))
        page.evaluate(WATCH)
        for name, script in {"digit pad": DRAW, "feature maps": CHOOSE}.items():
            for pause in (300, 0):
                times = page.evaluate(script, [MOVES, pause])
                p90 = quantiles(times, n=10)[-1]
                print(f"{name:24} {median(times):17.1f} {p90:8.1f}   {pause} ms between moves (goal {GOAL_PYTHON} ms)")


if __name__ == "__main__":
    in_browser()
    in_jupyterlab()
