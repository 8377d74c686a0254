// Convolution stepper: every number of a small convolution, one output cell at a time.
import { ConvlabError, effectiveKernel, windowOutput, windowPads } from "./geometry.js";
import {
  button, checkbox, choice, codeLine, connect, frame, h, number, numberBox, numberGrid, range, slider, status,
} from "./kit.js";
import { conv2d, sum, terms } from "./ops.js";

const STATE = ["image", "kernel", "strides", "dilation", "padding", "groups", "flip", "step", "pinned"];
const MOST = { size: 10, channels: 3, filters: 4, kernel: 5, stride: 4, dilation: 3, pad: 3 };
const SIDES = ["top", "bottom", "left", "right"];
const PAUSE = 600; // milliseconds between two steps

// A fresh number for a place that a larger array has and the smaller one had not.
const newPixel = (row, column, channel) => (3 * row + 5 * column + 2 * channel + 1) % 10;
const newWeight = (u, v, c, f) => ((2 * u + v + c + 2 * f) % 4) - 1;

function resizeImage(image, rows, columns, channels) {
  return range(rows).map((i) =>
    range(columns).map((j) => range(channels).map((c) => image[i]?.[j]?.[c] ?? newPixel(i, j, c))),
  );
}

function resizeKernel(kernel, rows, columns, depth, filters) {
  return range(rows).map((u) =>
    range(columns).map((v) =>
      range(depth).map((c) => range(filters).map((f) => kernel[u]?.[v]?.[c]?.[f] ?? newWeight(u, v, c, f))),
    ),
  );
}

const pair = (values) => `(${values.join(", ")})`;

export function kerasLine({ filters, kernel_size, strides, dilation, padding, groups, flip }) {
  const own = typeof padding !== "string";
  if (Math.max(...strides) > 1 && Math.max(...dilation) > 1)
    return "# Keras refuses strides together with dilation; convlab.conv2d computes them";
  const rest = [
    `filters=${filters}`, `kernel_size=${pair(kernel_size)}`, `strides=${pair(strides)}`,
    `padding="${own ? "valid" : padding}"`, `dilation_rate=${pair(dilation)}`, `groups=${groups}`, "use_bias=False",
  ];
  const pad = own ? `keras.layers.ZeroPadding2D((${pair(padding[0])}, ${pair(padding[1])})), ` : "";
  const turned = flip ? "  # with kernel[::-1, ::-1] as its weights" : "";
  return `${pad}keras.layers.Conv2D(${rest.join(", ")})${turned}`;
}

export function torchLine({ channels, filters, kernel_size, strides, dilation, padding, groups, flip }, pads) {
  const [[top, bottom], [left, right]] = pads;
  const even = top === bottom && left === right;
  const first = even ? "" : `torch.nn.ZeroPad2d((${left}, ${right}, ${top}, ${bottom})), `;
  const rest = [
    channels, filters, pair(kernel_size), `stride=${pair(strides)}`, `padding=${pair(even ? [top, left] : [0, 0])}`,
    `dilation=${pair(dilation)}`, `groups=${groups}`, "bias=False",
  ];
  const turned = flip ? "  # with weight.flip(2, 3)" : "";
  return `${first}torch.nn.Conv2d(${rest.join(", ")})${turned}`;
}

function render({ model, el }) {
  const state = connect(model, STATE, draw);
  let hovered = null;
  let timer = null;

  const shape = () => {
    const [image, kernel] = [state.get("image"), state.get("kernel")];
    return {
      size: [image.length, image[0].length], channels: image[0][0].length, groups: state.get("groups"),
      kernel_size: [kernel.length, kernel[0].length], filters: kernel[0][0][0].length,
      strides: state.get("strides"), dilation: state.get("dilation"), padding: state.get("padding"),
      flip: state.get("flip"),
    };
  };
  const resize = (changes) => {
    const { size, channels, kernel_size, filters, groups } = { ...shape(), ...changes };
    const fits = channels % groups === 0 && filters % groups === 0 ? groups : 1;
    stop();
    state.put({
      image: resizeImage(state.get("image"), ...size, channels),
      kernel: resizeKernel(state.get("kernel"), ...kernel_size, channels / fits, filters),
      groups: fits,
      step: 0,
      pinned: false,
    });
  };
  const replaced = (values, axis, value) => values.map((old, a) => (a === axis ? value : old));
  const pairOfSliders = (name, most, read, write) => {
    const both = ["height", "width"].map((axis, a) =>
      slider(`${name} ${axis}`, 1, most, (value) => write(replaced(read(), a, value))));
    return {
      element: h("div", { class: "cl-pair" }, both.map((control) => control.element)),
      draw: () => both.forEach((control, a) => control.draw(read()[a])),
    };
  };
  const put = (changes) => state.put({ ...changes, step: 0, pinned: false });
  const single = (name, most, read, write) => {
    const control = slider(name, 1, most, write);
    return { element: control.element, draw: () => control.draw(read()) };
  };
  const sliders = [
    pairOfSliders("input", MOST.size, () => shape().size, (size) => resize({ size })),
    pairOfSliders("kernel", MOST.kernel, () => shape().kernel_size, (kernel_size) => resize({ kernel_size })),
    pairOfSliders("stride", MOST.stride, () => state.get("strides"), (strides) => put({ strides })),
    pairOfSliders("dilation", MOST.dilation, () => state.get("dilation"), (dilation) => put({ dilation })),
    single("channels", MOST.channels, () => shape().channels, (channels) => resize({ channels })),
    single("filters", MOST.filters, () => shape().filters, (filters) => resize({ filters })),
  ];
  const groups = choice("groups", ["1"], (value) => resize({ groups: Number(value) }));
  const padding = choice("padding", ["valid", "same", "own"], (value) =>
    put({ padding: value === "own" ? windowPads(shape(), shape().size) : value }),
  );
  const sides = SIDES.map((side, k) =>
    numberBox(side, 0, MOST.pad, (value) => {
      const pads = state.get("padding").map((line) => [...line]);
      pads[k >> 1][k & 1] = value;
      put({ padding: pads });
    }),
  );
  const ownPads = h("span", { class: "cl-row", role: "group", "aria-label": "padding on each side" },
    sides.map((side) => side.element));
  const flip = checkbox("flip the kernel (true convolution)", (on) => state.put({ flip: on }));

  const play = button("play", () => (timer ? stop() : start()));
  const scrub = slider("output cell", 0, 0, (step) => { stop(); state.put({ step }); });
  const pin = checkbox("pin the cell", (on) => state.put({ pinned: on }));
  const panels = h("div", { class: "cl-row cl-top" });
  const message = status();
  const arithmetic = h("div", { class: "cl-arithmetic", "aria-live": "polite" });
  const keras = codeLine("Keras");
  const torch = codeLine("PyTorch");
  let grids = { inputs: [], kernels: [], outputs: [] };

  frame(el, "Convolution stepper",
    h("div", { class: "cl-controls" }, sliders.map((control) => control.element)),
    h("div", { class: "cl-row" }, groups.element, padding.element, ownPads, flip.element),
    h("div", { class: "cl-row" },
      button("back", () => move(-1), { "aria-label": "one step back" }), play,
      button("step", () => move(1), { "aria-label": "one step on" }), scrub.element, pin.element),
    message, panels, arithmetic, keras.element, torch.element);

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "play";
  }
  function start() {
    timer = setInterval(() => (el.isConnected ? move(1) : stop()), PAUSE);
    play.textContent = "pause";
  }
  function cells() {
    try {
      const spec = shape();
      const [rows, columns] = windowOutput(spec, spec.size);
      return { rows, columns, filters: spec.filters, count: rows * columns * spec.filters };
    } catch (error) {
      if (error instanceof ConvlabError) return { rows: 0, columns: 0, filters: 0, count: 0, error };
      throw error;
    }
  }
  function move(by) {
    const { count: all } = cells();
    if (all) state.put({ step: (state.get("step") + by + all) % all });
  }
  // Cells are counted along rows, then down, then from filter to filter.
  const place = (step, { rows, columns }) => [
    Math.floor((step % (rows * columns)) / columns), step % columns, Math.floor(step / (rows * columns)),
  ];

  function buildGrids({ channels, filters }) {
    const editImage = (channel) => (row, column, value) => {
      const [[top], [left]] = windowPads(shape(), shape().size);
      const image = structuredClone(state.get("image"));
      image[row - top][column - left][channel] = value;
      state.put({ image });
    };
    const editKernel = (channel) => (u, v, value) => {
      const kernel = structuredClone(state.get("kernel"));
      const filter = place(state.get("step"), cells())[2];
      kernel[u][v][channel % kernel[0][0].length][filter] = value;
      state.put({ kernel });
    };
    grids = {
      inputs: range(channels).map((c) => numberGrid(`input channel ${c}`, "input", { onEdit: editImage(c) })),
      kernels: range(channels).map((c) => numberGrid(`kernel for channel ${c}`, "kernel", { onEdit: editKernel(c) })),
      outputs: range(filters).map((f) => {
        const to = (row, column) => (f * cells().rows + row) * cells().columns + column;
        return numberGrid(`output of filter ${f}`, "output", {
          onHover: (row, column) => {
            if (state.get("pinned") || timer) return;
            hovered = row === null ? null : to(row, column);
            draw();
          },
          onPick: (row, column) => { stop(); state.put({ step: to(row, column), pinned: true }); },
        });
      }),
    };
    const column = (list) => h("div", {}, list.map((grid) => grid.element));
    panels.replaceChildren(column(grids.inputs), h("div", { class: "cl-sign" }, "×"), column(grids.kernels),
      h("div", { class: "cl-sign" }, "→"), column(grids.outputs));
  }

  function draw() {
    const spec = shape();
    const found = cells();
    for (const control of sliders) control.draw();
    const divisors = [1, 2, 3].filter((g) => spec.channels % g === 0 && spec.filters % g === 0).map(String);
    groups.draw(spec.groups, divisors);
    const own = typeof spec.padding !== "string";
    padding.draw(own ? "own" : spec.padding);
    const pads = windowPads(spec, spec.size);
    ownPads.hidden = !own;
    sides.forEach((side, k) => side.draw(pads[k >> 1][k & 1]));
    flip.draw(spec.flip);
    pin.draw(state.get("pinned"));
    if (grids.inputs.length !== spec.channels || grids.outputs.length !== spec.filters) buildGrids(spec);
    drawNumbers(spec, found, pads);
    keras.draw(kerasLine(spec));
    torch.draw(torchLine(spec, pads));
  }

  function drawNumbers(spec, found, pads) {
    const [image, kernel] = [state.get("image"), state.get("kernel")];
    const step = Math.min(hovered ?? state.get("step"), Math.max(found.count - 1, 0));
    const [i, j, filter] = found.count ? place(step, found) : [-1, -1, 0];
    scrub.draw(step, Math.max(found.count - 1, 0));
    const products = found.count ? terms(image, kernel, spec, i, j, filter) : [];
    const output = found.count ? conv2d(image, kernel, spec) : [];
    const depth = kernel[0][0].length;
    const first = Math.floor(filter / (spec.filters / spec.groups)) * depth;
    const read = new Set(products.map((p) => `${p.channel},${p.row},${p.column}`));
    const [[top, bottom], [left, right]] = pads;
    grids.inputs.forEach((grid, channel) => {
      const inside = (row, column) => image[row - top]?.[column - left];
      grid.draw({
        title: spec.channels > 1 ? `input, channel ${channel}` : "input",
        rows: spec.size[0] + top + bottom,
        columns: spec.size[1] + left + right,
        text: (row, column) => number(inside(row, column)?.[channel] ?? 0),
        classes: (row, column) =>
          [inside(row, column) ? "" : "cl-pad", read.has(`${channel},${row - top},${column - left}`) ? "cl-in" : ""]
            .join(" ").trim(),
        editable: (row, column) => Boolean(inside(row, column)),
      });
    });
    grids.kernels.forEach((grid, channel) => {
      const used = channel >= first && channel < first + depth;
      grid.element.style.visibility = used ? "visible" : "hidden";
      grid.draw({
        title: spec.filters > 1 ? `kernel of filter ${filter}` : "kernel",
        rows: spec.kernel_size[0],
        columns: spec.kernel_size[1],
        text: (u, v) => number(kernel[u][v][channel % depth][filter]),
        classes: () => "cl-in",
      });
    });
    grids.outputs.forEach((grid, f) =>
      grid.draw({
        title: spec.filters > 1 ? `output, filter ${f}` : "output",
        rows: found.rows,
        columns: found.columns,
        text: (row, column) => number(output[row][column][f]),
        classes: (row, column) =>
          row === i && column === j && f === filter ? `cl-in${state.get("pinned") ? " cl-pinned" : ""}` : "",
      }),
    );
    write(spec, found, products, [i, j, filter]);
  }

  function write(spec, found, products, [i, j, filter]) {
    if (found.error) {
      message.replaceChildren(h("span", { class: "cl-error" }, found.error.message));
      arithmetic.textContent = "";
      return;
    }
    const reach = [0, 1].map((a) => effectiveKernel(spec.kernel_size[a], spec.dilation[a]));
    const text =
      `output ${found.rows} × ${found.columns} × ${found.filters}; the window spans ${reach[0]} × ${reach[1]}; ` +
      `padding top ${windowPads(spec, spec.size)[0].join(", bottom ")}, left ${windowPads(spec, spec.size)[1].join(", right ")}`;
    if (message.textContent !== text) message.textContent = text;
    const parts = products.flatMap(({ x, w, inside }, k) => {
      const factor = w < 0 ? `(${number(w)})` : number(w);
      const value = x < 0 ? `(${number(x)})` : number(x);
      return [k ? " + " : "", h("span", inside ? {} : { class: "cl-zero", title: "padding" }, `${value}·${factor}`)];
    });
    const name = spec.filters > 1 ? `output[${i}, ${j}, ${filter}]` : `output[${i}, ${j}]`;
    arithmetic.replaceChildren(`${name} = `, ...parts, " = ", h("b", {}, number(sum(products))));
  }

  draw();
  return stop;
}

export default { render };
