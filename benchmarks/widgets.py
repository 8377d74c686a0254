"""`python -m benchmarks.widgets`: from a moved slider to new pixels, in a real browser, for each widget.

The time is taken inside of the page: the event is sent where a browser sends those of a moving pointer, at the start of
a frame, and the clock stops after that frame was painted. A slider goes one step a frame, and the steps that were drawn
are counted. For the two
widgets that ask Python, the time that Python takes is given.
"""

from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from convlab import layers, widgets
from tests.chromium import chromium

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


def in_python() -> None:
    model = layers.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    rng = np.random.default_rng(0)
    pad, drawing = widgets.digit_pad(model), np.zeros((112, 112), np.uint8)
    drawing[20:90, 50:60] = 255
    browser = widgets.feature_map_browser(model, rng.random((MOVES, 28, 28, 1), np.float32))

    def choose(k: int) -> None:
        browser.index = k

    for name, act in {"digit pad": lambda k: pad.read(np.roll(drawing, k % 9, 1)), "feature maps": choose}.items():
        times = []
        for k in range(1, MOVES):
            start = perf_counter()
            act(k)
            times.append(1000 * (perf_counter() - start))
        print(f"{name:24} {median(times):8.1f} ms in Python (goal {GOAL_PYTHON} ms to the pixels)")


if __name__ == "__main__":
    in_browser()
    in_python()
