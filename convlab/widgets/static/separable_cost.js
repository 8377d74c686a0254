// Separable cost: what a separable convolution saves in parameters and products, and what in measured time.
import { button, checkbox, connect, count, frame, h, slider, status, textTable } from "./kit.js";
import { trace } from "./layers.js";

const STATE = ["kernel", "channels", "filters", "multiplier", "size", "times", "always"];
const SETTLED = 250; // milliseconds without a change before Python measures

// {standard, separable}: {parameters, macs} of a square kernel, "same" padding, on size x size pixels.
export function costs({ kernel, channels, filters, multiplier, size }) {
  const window = { kernel_size: [kernel, kernel], strides: [1, 1], dilation: [1, 1], padding: "same" };
  const layers = {
    standard: { ...window, kind: "Conv2D", name: "Conv2D", filters, groups: 1 },
    separable: { ...window, kind: "SeparableConv2D", name: "SeparableConv2D", filters, depth_multiplier: multiplier },
  };
  return Object.fromEntries(
    Object.entries(layers).map(([name, layer]) => [name, trace([layer], [size, size, channels]).rows[0]]));
}

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const limits = {
    kernel: ["kernel", 1, 9], channels: ["input channels", 1, 256], filters: ["filters", 1, 256],
    multiplier: ["depth multiplier", 1, 4], size: ["image side", 4, 128],
  };
  let waiting = null;
  const controls = Object.fromEntries(Object.entries(limits).map(([name, given]) => [name, slider(...given, (value) => {
    state.put({ [name]: value, times: {} });
    clearTimeout(waiting);
    if (state.get("always")) waiting = setTimeout(measure, SETTLED);
  })]));
  const measure = () => model.send({ measure: true });
  const always = checkbox("measure after every change", (on) => {
    state.put({ always: on });
    if (on) measure();
  });
  const table = textTable("cost of both convolutions", ["", "Conv2D", "SeparableConv2D", "ratio"]);
  const words = status();
  frame(el, "Separable cost",
    h("div", { class: "cl-controls" }, Object.values(controls).map((control) => control.element)),
    h("div", { class: "cl-row" }, button("measure the time here", measure), always.element), table.element, words);

  function draw() {
    for (const [name, control] of Object.entries(controls)) control.draw(state.get(name));
    always.draw(state.get("always"));
    const values = Object.fromEntries(Object.keys(limits).map((name) => [name, state.get(name)]));
    const { standard, separable } = costs(values);
    const row = (title, key) => [title, count(standard[key]), count(separable[key]), ratio(standard[key], separable[key])];
    const { standard: slow, separable: fast } = state.get("times");
    const ms = (value) => (value ? `${value.toPrecision(3)} ms` : "not measured");
    table.draw([row("parameters", "parameters"), row("MACs", "macs"),
      ["measured here", ms(slow), ms(fast), slow && fast ? ratio(slow, fast) : ""]]);
    const saved = `Separable: ${ratio(standard.macs, separable.macs)} fewer products`;
    words.textContent = slow && fast
      ? `${saved}, and ${slow > fast ? `${ratio(slow, fast)} less time` : `${ratio(fast, slow)} more time`}.`
      : `${saved}.`;
  }
  draw();
  return () => clearTimeout(waiting);
}

function ratio(large, small) {
  return `${(large / small).toPrecision(3)} ×`;
}

export default { render };
