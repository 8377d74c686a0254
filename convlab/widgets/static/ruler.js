// Padding and stride ruler: one row of pixels, every window, two conventions of "same" side by side.
import { ConvlabError, effectiveKernel, outputSize, paddingAmounts } from "./geometry.js";
import { choice, connect, frame, h, range, slider, status, svg } from "./kit.js";

const STATE = ["size", "kernel", "stride", "dilation", "padding", "before", "after"];
const CELL = 26;
const ROW = 12; // height of the bar of one window
const LEFT = 8;

// What PyTorch users write for "same": as many zeros on both sides as a stride of 1 would need, halved.
export function symmetricPads(kernel, dilation) {
  const each = Math.floor((effectiveKernel(kernel, dilation) - 1) / 2);
  return [each, each];
}

// {pads, outputs, taps: the pixels of each window, counted from the first pixel, skipped: pixels in no window}
export function layout(size, kernel, stride, dilation, padding) {
  const pads = paddingAmounts(size, kernel, stride, padding, dilation);
  const outputs = outputSize(size, kernel, stride, pads, dilation);
  const taps = range(outputs).map((o) => range(kernel).map((u) => o * stride + u * dilation - pads[0]));
  const read = new Set(taps.flat());
  return { pads, outputs, taps, skipped: range(size).filter((pixel) => !read.has(pixel)) };
}

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const sliders = {
    size: ["input size n", 1, 24], kernel: ["kernel k", 1, 9], stride: ["stride s", 1, 6], dilation: ["dilation d", 1, 4],
    before: ["zeros before", 0, 6], after: ["zeros after", 0, 6],
  };
  const controls = Object.fromEntries(
    Object.entries(sliders).map(([name, limits]) => [name, slider(...limits, (value) => state.put({ [name]: value }))]),
  );
  const padding = choice("padding", ["valid", "same", "own"], (value) => state.put({ padding: value }));
  const first = view("output");
  const second = view("kernel");
  frame(el, "Padding and stride ruler",
    h("div", { class: "cl-controls" }, Object.values(controls).map((control) => control.element), padding.element),
    first.element, second.element);

  function view(role) {
    const heading = h("div", { class: `cl-${role}-text`, style: "font-weight: 700" });
    const formula = status();
    const drawing = h("div", { class: "cl-scroll" });
    return { element: h("div", {}, heading, formula, drawing), heading, formula, drawing };
  }

  function show(target, title, padding) {
    const [n, k, s, d] = ["size", "kernel", "stride", "dilation"].map(state.get);
    target.heading.textContent = title;
    try {
      const found = layout(n, k, s, d, padding);
      const [p, q] = found.pads;
      const reach = effectiveKernel(k, d);
      const skipped = found.skipped.length ? `never read: ${found.skipped.join(", ")}` : "every pixel is read";
      const words =
        `k' = d(k − 1) + 1 = ${reach}; zeros before ${p}, after ${q}; ` +
        `output = floor((n + p − k') / s) + 1 = floor((${n} + ${p + q} − ${reach}) / ${s}) + 1 = ${found.outputs}; ${skipped}`;
      if (target.formula.textContent !== words) target.formula.textContent = words;
      target.drawing.replaceChildren(ruler(n, found, words));
    } catch (error) {
      if (!(error instanceof ConvlabError)) throw error;
      target.formula.replaceChildren(h("span", { class: "cl-error" }, error.message));
      target.drawing.replaceChildren();
    }
  }

  function draw() {
    for (const [name, control] of Object.entries(controls)) control.draw(state.get(name));
    const mode = state.get("padding");
    padding.draw(mode);
    for (const name of ["before", "after"]) controls[name].element.style.visibility = mode === "own" ? "" : "hidden";
    const [k, d] = [state.get("kernel"), state.get("dilation")];
    const titles = { valid: 'TensorFlow, padding="valid"', same: 'TensorFlow, padding="same"', own: "your own padding" };
    show(first, titles[mode], mode === "own" ? [state.get("before"), state.get("after")] : mode);
    const each = symmetricPads(k, d)[0];
    show(second, `PyTorch's habit, padding=${each} on both sides`, [each, each]);
  }
  draw();
}

function ruler(size, { pads, outputs, taps, skipped }, words) {
  const missed = new Set(skipped);
  const width = size + pads[0] + pads[1];
  const x = (pixel) => LEFT + (pixel + pads[0]) * CELL;
  const height = CELL + outputs * (ROW + 4) + 8;
  const cells = range(width).map((place) => {
    const pixel = place - pads[0];
    const inside = pixel >= 0 && pixel < size;
    return svg("g", {},
      svg("rect", {
        x: x(pixel) + 1, y: 1, width: CELL - 2, height: CELL - 2, "stroke-width": inside ? 1 : 1.5,
        style: inside
          ? `fill: var(--cl-input-${missed.has(pixel) ? "pale" : "strong"}); stroke: var(--cl-input)`
          : "fill: var(--cl-padding-pale); stroke: var(--cl-padding); stroke-dasharray: 3 3",
      }),
      missed.has(pixel) && inside
        ? svg("path", { d: `M${x(pixel) + 4},4 l18,18 m0,-18 l-18,18`, style: "stroke: var(--cl-error); stroke-width: 2" })
        : svg("text", { x: x(pixel) + CELL / 2, y: 18, "text-anchor": "middle" }, inside ? String(pixel) : "0"));
  });
  const bars = taps.map((pixels, o) => {
    const y = CELL + 6 + o * (ROW + 4);
    const from = x(pixels[0]);
    return svg("g", {},
      svg("line", {
        x1: from + 4, x2: x(pixels.at(-1)) + CELL - 4, y1: y + ROW / 2, y2: y + ROW / 2,
        style: "stroke: var(--cl-output); stroke-width: 1.5",
      }),
      pixels.map((pixel) =>
        svg("rect", { x: x(pixel) + 3, y, width: CELL - 6, height: ROW, rx: 3,
          style: "fill: var(--cl-kernel-strong); stroke: var(--cl-kernel)" })),
      svg("text", { x: x(size + pads[1]) + 8, y: y + ROW - 1, style: "fill: var(--cl-output)" }, `output ${o}`));
  });
  const span = x(size + pads[1]) + 90;
  return svg("svg", { width: span, height, viewBox: `0 0 ${span} ${height}`, role: "img", "aria-label": words }, cells, bars);
}

export default { render };
