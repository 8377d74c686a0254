// Receptive field: build a stack of layers, point at an output cell, and see what it reads of every map below.
import { ConvlabError, effectiveKernel, fieldThrough, ONE_PIXEL, windowOutput, windowPads } from "./geometry.js";
import { button, choice, connect, frame, h, numberBox, range, status, svg, textTable } from "./kit.js";

const STATE = ["size", "layers", "cell"];
const KINDS = ["conv", "max pool", "average pool"];
const SIDE = 190; // dots along the longer side of a map
const NEW = { kind: "conv", kernel_size: [3, 3], strides: [1, 1], dilation: [1, 1], padding: "valid" };

// The input and the map after each layer: {size, field}; throws ConvlabError with the number of the layer.
export function maps(size, layers) {
  const found = [{ size, field: ONE_PIXEL }];
  layers.forEach((layer, number) => {
    const below = found.at(-1);
    try {
      found.push({ size: windowOutput(layer, below.size), field: fieldThrough(below.field, layer, below.size) });
    } catch (error) {
      if (!(error instanceof ConvlabError)) throw error;
      throw new ConvlabError(`Layer ${number + 1}: ${error.message}`);
    }
  });
  return found;
}

// The rows and columns of every map that output cell [row, column] depends on: [[first, last], [first, last]] a map,
// from the input up; places in the padding are counted too, so that a region may begin below 0.
export function regions(size, layers, cell) {
  const sizes = maps(size, layers).map((map) => map.size);
  const found = [[[cell[0], cell[0]], [cell[1], cell[1]]]];
  for (let k = layers.length - 1; k >= 0; k--) {
    const { strides, dilation, kernel_size } = layers[k];
    const pads = windowPads(layers[k], sizes[k]);
    found.unshift([0, 1].map((a) => {
      const [first, last] = found[0][a];
      const from = first * strides[a] - pads[a][0];
      return [from, last * strides[a] - pads[a][0] + effectiveKernel(kernel_size[a], dilation[a]) - 1];
    }));
  }
  return found;
}

const times = (values) => values.join(" × ");

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  const change = (layers) => state.put({ layers, cell: [0, 0] });
  const update = (k, changes) =>
    change(state.get("layers").map((layer, i) => (i === k ? { ...layer, ...changes } : layer)));
  const size = ["height", "width"].map((axis, a) =>
    numberBox(`input ${axis}`, 1, 64, (value) => {
      const both = [...state.get("size")];
      both[a] = value;
      state.put({ size: both, cell: [0, 0] });
    }),
  );
  const list = h("div", {});
  const add = (layer) => button(`add ${layer.kind}`, () => change([...state.get("layers"), layer]));
  const pictures = h("div", { class: "cl-row cl-top", tabindex: 0, role: "application",
    "data-lm-suppress-shortcuts": "true", "aria-label": "the maps; arrow keys move the output cell",
    onkeydown: (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      point(state.get("cell").map((at, a) => at + step[a]));
    } });
  const words = status();
  const table = textTable("each layer's map and receptive field",
    ["layer", "map", "receptive field", "jump", "first centre"]);
  frame(el, "Receptive field",
    h("div", { class: "cl-row" }, size.map((box) => box.element),
      add(NEW), add({ ...NEW, kind: "max pool", kernel_size: [2, 2], strides: [2, 2] })),
    list, words, pictures, table.element);

  let rows = [];
  function layerRow(k) {
    const pairs = [["kernel_size", "kernel", 11], ["strides", "stride", 8], ["dilation", "dilation", 8]].flatMap(
      ([key, label, most]) =>
        ["height", "width"].map((axis, a) => {
          const box = numberBox(`${label} ${axis}`, 1, most, (value) => {
            const both = [...state.get("layers")[k][key]];
            both[a] = value;
            update(k, { [key]: both });
          });
          box.input.setAttribute("aria-label", `layer ${k + 1}, ${label} ${axis}`);
          box.element.firstChild.textContent = a ? "×" : label;
          return { element: box.element, draw: (layer) => box.draw(layer[key][a]) };
        }));
    const kind = choice("", KINDS, (value) => update(k, { kind: value }));
    const padding = choice("padding", ["valid", "same"], (value) => update(k, { padding: value }));
    const gone = button("✕", () => change(state.get("layers").filter((_, i) => i !== k)),
      { "aria-label": `remove layer ${k + 1}` });
    return {
      element: h("div", { class: "cl-row cl-tight", role: "group", "aria-label": `layer ${k + 1}` }, h("b", {}, `${k + 1}`),
        kind.element, pairs.map((box) => box.element), padding.element, gone),
      draw(layer) {
        kind.draw(layer.kind);
        padding.draw(layer.padding);
        for (const box of pairs) box.draw(layer);
      },
    };
  }

  function point(cell) {
    const last = maps(state.get("size"), state.get("layers")).at(-1).size;
    const inside = cell.map((at, a) => Math.min(Math.max(at, 0), last[a] - 1));
    if (String(inside) !== String(state.get("cell"))) state.put({ cell: inside });
  }

  function draw() {
    const layers = state.get("layers");
    size.forEach((box, a) => box.draw(state.get("size")[a]));
    if (rows.length !== layers.length) {
      rows = layers.map((_, k) => layerRow(k));
      list.replaceChildren(...rows.map((row) => row.element));
    }
    rows.forEach((row, k) => row.draw(layers[k]));
    try {
      const found = maps(state.get("size"), layers);
      const seen = regions(state.get("size"), layers, state.get("cell"));
      write(found, seen);
      pictures.replaceChildren(...found.map((map, k) => picture(map, seen[k], k, k === found.length - 1)));
      table.draw(found.map(({ size: mapSize, field }, k) => [
        k ? `${k} ${layers[k - 1].kind} ${times(layers[k - 1].kernel_size)}` : "input", times(mapSize),
        times(field.size), times(field.jump),
        `(${field.start.map((start, a) => start + (field.size[a] - 1) / 2).join(", ")})`,
      ]));
    } catch (error) {
      if (!(error instanceof ConvlabError)) throw error;
      words.replaceChildren(h("span", { class: "cl-error" }, error.message));
      pictures.replaceChildren();
      table.draw([]);
    }
  }

  function write(found, seen) {
    const inside = seen[0].map(([first, last], a) => [Math.max(first, 0), Math.min(last, found[0].size[a] - 1)]);
    const padded = String(inside) !== String(seen[0]) ? "; the rest lies in the padding" : "";
    const { field } = found.at(-1);
    const text =
      `Output cell (${state.get("cell").join(", ")}) sees rows ${inside[0].join(" to ")} and columns ` +
      `${inside[1].join(" to ")} of the input${padded}. Receptive field ${times(field.size)}, jump ${times(field.jump)}.`;
    if (words.textContent !== text) words.textContent = text;
  }

  function picture({ size: [height, width] }, [[top, bottom], [left, right]], k, last) {
    const largest = Math.max(...state.get("size"));
    const cell = Math.max(SIDE / largest, 3);
    const pad = 10;
    const role = last ? "output" : k ? "padding" : "input";
    const cells = svg("path", {
      d: range(height + 1).map((i) => `M0,${i * cell}h${width * cell}`).join("") +
        range(width + 1).map((j) => `M${j * cell},0v${height * cell}`).join(""),
      style: `stroke: var(--cl-${role}); stroke-width: 0.6; fill: none; opacity: 0.7`,
    });
    const field = svg("rect", {
      x: left * cell, y: top * cell, width: (right - left + 1) * cell, height: (bottom - top + 1) * cell,
      style: "fill: var(--cl-kernel-strong); fill-opacity: 0.65; stroke: var(--cl-kernel); stroke-width: 2.5",
    });
    const paper = svg("rect", { width: width * cell, height: height * cell,
      style: `fill: var(--cl-${role}-pale)` });
    const drawing = svg("svg", {
      width: width * cell + 2 * pad, height: height * cell + 2 * pad, overflow: "visible", role: "img",
      viewBox: `${-pad} ${-pad} ${width * cell + 2 * pad} ${height * cell + 2 * pad}`,
      "aria-label": `${k ? `map ${k}` : "input"}, rows ${top} to ${bottom}, columns ${left} to ${right} are seen`,
      onpointermove: last && ((event) => {
        const box = paper.getBoundingClientRect();
        point([
          Math.floor(((event.clientY - box.top) / box.height) * height),
          Math.floor(((event.clientX - box.left) / box.width) * width),
        ]);
      }),
    }, paper, cells, field);
    const name = last && k ? "output" : k ? `after layer ${k}` : "input";
    return h("figure", {}, h("figcaption", { class: `cl-${role}-text` }, `${name}, ${height} × ${width}`), drawing);
  }
  draw();
}

export default { render };
