// Layer calculator: layers as you type them, with their shapes, parameters, cost and memory, or what is wrong.
import { button, choice, connect, count, frame, h, numberBox, status, textTable } from "./kit.js";
import { trace } from "./layers.js";
import { LAYER_NAMES, parseLayers } from "./parser.js";

const STATE = ["text", "input_shape"];
const EXAMPLES = {
  Conv2D: 'Conv2D(32, 3, strides=1, padding="same")', DepthwiseConv2D: "DepthwiseConv2D(3)",
  SeparableConv2D: "SeparableConv2D(32, 3)", Conv2DTranspose: "Conv2DTranspose(16, 4, strides=2)",
  MaxPooling2D: "MaxPooling2D(2)", AveragePooling2D: "AveragePooling2D(2)", Activation: 'Activation("relu")',
  Dropout: "Dropout(0.5)", SpatialDropout2D: "SpatialDropout2D(0.2)", Dense: "Dense(10)",
};

const times = (values) => values.join(" × ");

export function calculate(text, inputShape) {
  const lines = parseLayers(text);
  const wrong = lines.findIndex((entry) => entry.error);
  const good = wrong < 0 ? lines : lines.slice(0, wrong);
  const { rows, error } = trace(good.map((entry) => entry.layer), inputShape);
  const failed = error !== null ? good[rows.length] : lines[wrong];
  return { rows, error: failed ? { line: failed.line, message: error ?? failed.error } : null };
}

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const sizes = ["height", "width", "channels"].map((axis, a) =>
    numberBox(`input ${axis}`, 1, 4096, (value) =>
      state.put({ input_shape: state.get("input_shape").map((old, k) => (k === a ? value : old)) })));
  const text = h("textarea", {
    rows: 8, spellcheck: "false", "aria-label": "layers, one a line", "data-lm-suppress-shortcuts": "true",
    oninput: () => state.put({ text: text.value }),
    onkeydown: (event) => event.stopPropagation(),
  });
  const kind = choice("layer", LAYER_NAMES, () => {});
  const add = button("add", () => {
    const name = kind.element.querySelector("select").value;
    const before = state.get("text").trimEnd();
    state.put({ text: `${before}${before ? "\n" : ""}${EXAMPLES[name] ?? `${name}()`}` });
  });
  const undo = button("remove last", () =>
    state.put({ text: state.get("text").trimEnd().split("\n").slice(0, -1).join("\n") }));
  const words = status();
  const table = textTable("layers and what they cost",
    ["layer", "output shape", "parameters", "MACs", "memory (bytes)", "receptive field"]);
  frame(el, "Layer calculator",
    h("div", { class: "cl-row" }, sizes.map((box) => box.element)),
    h("div", { class: "cl-row" }, kind.element, add, undo), text, words, table.element);

  function draw() {
    sizes.forEach((box, a) => box.draw(state.get("input_shape")[a]));
    if (text.value !== state.get("text")) text.value = state.get("text");
    const { rows, error } = calculate(state.get("text"), state.get("input_shape"));
    table.draw([
      ["input", times(state.get("input_shape")), "", "", "", ""],
      ...rows.map((row) => [row.name, times(row.shape), count(row.parameters), count(row.macs), count(row.memory),
        row.field ? times(row.field.size) : "–"]),
    ]);
    const total = (key) => count(rows.reduce((all, row) => all + row[key], 0));
    const summary =
      `${total("parameters")} parameters, ${total("macs")} multiply-accumulates and ${total("memory")} bytes of ` +
      "activations (float32) for one image.";
    words.replaceChildren(error
      ? h("span", { class: "cl-error" }, `Line ${error.line + 1}: ${error.message}`)
      : h("b", {}, summary));
  }
  draw();
}

export default { render };
