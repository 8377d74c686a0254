// Kernel painter: draw a kernel, or pick one, and see at once what it does to an image.
import { button, checkbox, choice, connect, frame, greyPicture, h, number, numberGrid, range, slider, status } from "./kit.js";
import { correlate } from "./ops.js";

const OWN = "your own";
const OWN_IMAGE = "your own image";
const LARGEST = 256; // pixels along the longer side of an uploaded image
const SIDE = 400; // dots along the longer side of a picture, or nearly so many
const RANGES = {
  "0 black, 1 white": [0, 1],
  "-1 black, 0 grey, 1 white": [-1, 1],
  "least black, largest white": null,
};
const STATE = ["kernel", "kernel_name", "image_name", "upload", "turned", "padding", "shown"];

function decode({ height, width, pixels }) {
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  return { height, width, pixels: Float32Array.from(bytes, (byte) => byte / 255) };
}

function tidy(value) {
  return number(Math.round(value * 1e6) / 1e6);
}

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const presets = model.get("kernels");
  const shipped = Object.fromEntries(Object.entries(model.get("images")).map(([name, data]) => [name, decode(data)]));
  let brush = 1;
  let painting = false;

  const name = choice("kernel", [...Object.keys(presets), OWN], (value) =>
    state.put(value === OWN ? { kernel_name: OWN } : { kernel: presets[value], kernel_name: value }),
  );
  const sizes = ["height", "width"].map((axis, a) =>
    slider(`kernel ${axis}`, 1, 9, (value) => {
      const old = state.get("kernel");
      const size = [old.length, old[0].length];
      size[a] = value;
      state.put({
        kernel: range(size[0]).map((u) => range(size[1]).map((v) => old[u]?.[v] ?? 0)),
        kernel_name: OWN,
      });
    }),
  );
  const set = (u, v, value) => {
    const kernel = state.get("kernel").map((line) => [...line]);
    kernel[u][v] = value;
    state.put({ kernel, kernel_name: OWN });
  };
  const grid = numberGrid("kernel weights", "kernel", { onEdit: set });
  const paint = checkbox("paint with", (on) => (painting = on));
  const brushBox = h("input", {
    type: "number", step: 0.5, value: 1, class: "cl-number", "aria-label": "weight to paint with",
    "data-lm-suppress-shortcuts": "true", oninput: () => (brush = Number(brushBox.value) || 0),
  });
  const stroke = (event) => {
    const cell = event.target.closest?.("td");
    if (painting && cell && event.buttons & 1) set(Number(cell.dataset.row), Number(cell.dataset.column), brush);
  };
  grid.element.addEventListener("pointerdown", stroke);
  grid.element.addEventListener("pointerover", stroke);
  const apply = (label, change) =>
    button(label, () => state.put({ kernel: change(state.get("kernel")), kernel_name: OWN }));
  const turned = checkbox("flip the kernel (true convolution)", (on) => state.put({ turned: on }));
  const padding = choice("padding", ["valid", "same"], (value) => state.put({ padding: value }));
  const shown = choice("show", Object.keys(RANGES), (value) => state.put({ shown: value }));
  const image = choice("image", Object.keys(shipped), (value) => state.put({ image_name: value }));
  const file = h("input", { type: "file", accept: "image/*", "aria-label": "use an image of your own" });
  file.addEventListener("change", () => file.files[0] && upload(file.files[0]));
  const summary = status();
  const before = greyPicture("cl-input-text");
  const after = greyPicture("cl-output-text");

  frame(el, "Kernel painter",
    h("div", { class: "cl-row cl-top" },
      h("div", {},
        h("div", { class: "cl-row" }, name.element),
        sizes.map((size) => h("div", {}, size.element)),
        grid.element,
        h("div", { class: "cl-row" }, paint.element, brushBox),
        h("div", { class: "cl-row" },
          apply("clear", (kernel) => kernel.map((line) => line.map(() => 0))),
          apply("negate", (kernel) => kernel.map((line) => line.map((weight) => -weight || 0))),
          apply("sum to 1", (kernel) => {
            const total = kernel.flat().reduce((a, b) => a + b, 0);
            return total ? kernel.map((line) => line.map((weight) => weight / total)) : kernel;
          })),
        h("div", { class: "cl-row" }, turned.element),
        h("div", { class: "cl-row" }, padding.element, shown.element)),
      h("div", {},
        h("div", { class: "cl-row" }, image.element, h("label", {}, h("span", {}, "or your own"), file)),
        h("div", { class: "cl-row cl-top" }, before.element, after.element),
        summary)));

  async function upload(chosen) {
    try {
      const bitmap = await createImageBitmap(chosen);
      const shrink = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
      const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * shrink)));
      const context = new OffscreenCanvas(width, height).getContext("2d");
      context.drawImage(bitmap, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      const grey = range(width * height).map((k) =>
        Math.round(0.299 * data[4 * k] + 0.587 * data[4 * k + 1] + 0.114 * data[4 * k + 2]));
      const pixels = btoa(grey.map((level) => String.fromCharCode(level)).join(""));
      state.put({ upload: { height, width, pixels }, image_name: OWN_IMAGE });
    } catch {
      summary.replaceChildren(h("span", { class: "cl-error" },
        `${chosen.name} is no picture that this browser can read: choose a PNG or JPEG file.`));
    }
  }

  function draw() {
    const kernel = state.get("kernel");
    const own = state.get("upload")?.pixels;
    if (own && shipped[OWN_IMAGE]?.source !== own)
      shipped[OWN_IMAGE] = { ...decode(state.get("upload")), source: own };
    name.draw(state.get("kernel_name"));
    sizes[0].draw(kernel.length);
    sizes[1].draw(kernel[0].length);
    turned.draw(state.get("turned"));
    padding.draw(state.get("padding"));
    shown.draw(state.get("shown"));
    image.draw(state.get("image_name"), Object.keys(shipped));
    grid.draw({
      title: "kernel", rows: kernel.length, columns: kernel[0].length,
      text: (u, v) => number(kernel[u][v]),
      classes: (u, v) => (kernel[u][v] ? "cl-in" : ""),
    });
    const input = shipped[state.get("image_name")];
    if (input.height < kernel.length || input.width < kernel[0].length) {
      summary.replaceChildren(h("span", { class: "cl-error" },
        `A kernel of ${kernel.length} × ${kernel[0].length} does not fit into ${input.height} × ${input.width} pixels.`));
      return;
    }
    const weights = state.get("turned") ? kernel.map((line) => [...line].reverse()).reverse() : kernel;
    const output = correlate(input, weights, state.get("padding"));
    let [least, largest] = [Infinity, -Infinity];
    for (const value of output.pixels) {
      if (value < least) least = value;
      if (value > largest) largest = value;
    }
    const total = kernel.flat().reduce((a, b) => a + b, 0);
    const spread = `The output goes from ${tidy(least)} to ${tidy(largest)}.`;
    const flat = Math.abs(total - 1) < 1e-9 ? "keeps flat areas as they are" : `multiplies flat areas by ${tidy(total)}`;
    const words = `The weights sum to ${tidy(total)}: the kernel ${flat}. ${spread}`;
    if (summary.textContent !== words) summary.textContent = words;
    const scale = Math.max(1, Math.round(SIDE / Math.max(input.height, input.width)));
    before.draw({ ...input, scale }, [0, 1], `input, ${input.height} × ${input.width}`,
      `the image ${state.get("image_name")}, ${input.height} by ${input.width} pixels`);
    after.draw({ ...output, scale }, RANGES[state.get("shown")] ?? [least, largest],
      `output, ${output.height} × ${output.width}`, `the image after the kernel. ${words}`);
  }
  draw();
}

export default { render };
