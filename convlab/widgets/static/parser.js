// Layers written as Keras writes them, one a line: "Conv2D(32, 3, strides=2, padding='same')  # a comment".
import { ConvlabError } from "./geometry.js";

// Arguments that change no size and no cost
const IGNORED = new Set(["name", "activation", "seed", "kernel_initializer", "bias_initializer", "kernel_regularizer",
  "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"]);

// For each layer of Keras: its arguments in order with their defaults (undefined: must be given), and its kind.
const LAYERS = {
  Conv2D: {
    kind: "Conv2D",
    given: { filters: undefined, kernel_size: undefined, strides: 1, padding: "valid", data_format: null,
      dilation_rate: 1, groups: 1, activation: null, use_bias: true },
  },
  DepthwiseConv2D: {
    kind: "DepthwiseConv2D",
    given: { kernel_size: undefined, strides: 1, padding: "valid", depth_multiplier: 1, data_format: null,
      dilation_rate: 1, activation: null, use_bias: true },
  },
  SeparableConv2D: {
    kind: "SeparableConv2D",
    given: { filters: undefined, kernel_size: undefined, strides: 1, padding: "valid", data_format: null,
      dilation_rate: 1, depth_multiplier: 1, activation: null, use_bias: true },
  },
  Conv2DTranspose: {
    kind: "Conv2DTranspose",
    given: { filters: undefined, kernel_size: undefined, strides: 1, padding: "valid", output_padding: null,
      data_format: null, dilation_rate: 1, activation: null, use_bias: true },
  },
  MaxPooling2D: { kind: "Pool", given: { pool_size: 2, strides: null, padding: "valid" } },
  AveragePooling2D: { kind: "Pool", given: { pool_size: 2, strides: null, padding: "valid" } },
  GlobalAveragePooling2D: { kind: "GlobalPool", given: {} },
  GlobalMaxPooling2D: { kind: "GlobalPool", given: {} },
  BatchNormalization: { kind: "BatchNormalization", given: { axis: -1, momentum: 0.99, epsilon: 0.001 } },
  Activation: { kind: "SameShape", given: { activation: undefined } },
  ReLU: { kind: "SameShape", given: {} },
  Dropout: { kind: "SameShape", given: { rate: undefined } },
  SpatialDropout2D: { kind: "SameShape", given: { rate: undefined } },
  Flatten: { kind: "Flatten", given: {} },
  Dense: { kind: "Dense", given: { units: undefined, activation: null, use_bias: true } },
};
export const LAYER_NAMES = Object.keys(LAYERS);

const TOKEN = /\s*(?:([A-Za-z_][\w.]*)|(-?\d+(?:\.\d*)?(?:e-?\d+)?)|"([^"]*)"|'([^']*)'|([(),=[\]]))/y;

function tokens(line) {
  const text = line.replace(/#.*$/, "").trim().replace(/,$/, "");
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) throw new ConvlabError(`"${text}" is not a layer such as Conv2D(32, 3).`);
    const [, word, digits, double, single, sign] = match;
    if (word !== undefined) found.push({ word });
    else if (digits !== undefined) found.push({ value: Number(digits) });
    else if (sign !== undefined) found.push({ sign });
    else found.push({ value: double ?? single });
  }
  return found;
}

const WORDS = { True: true, False: false, None: null };

function readValue(list, layer) {
  const token = list.shift();
  if (token && "value" in token) return token.value;
  if (token?.word in WORDS) return WORDS[token.word];
  if (token?.sign === "(" || token?.sign === "[") {
    const close = token.sign === "(" ? ")" : "]";
    const values = [];
    while (list.length && list[0].sign !== close) {
      values.push(readValue(list, layer));
      if (list[0]?.sign === ",") list.shift();
    }
    if (!list.shift()) throw new ConvlabError(`${layer}: a "${close}" is missing.`);
    return values;
  }
  const shown = token ? `"${token.word ?? token.sign}"` : "nothing";
  throw new ConvlabError(`${layer}: a number, a pair, "same" or True is expected, but there is ${shown}.`);
}

function readCall(line) {
  const list = tokens(line);
  const name = list.shift()?.word?.split(".").at(-1);
  if (!(name in LAYERS)) {
    const close = LAYER_NAMES.filter((known) => known.toLowerCase().startsWith((name ?? "").toLowerCase().slice(0, 4)));
    throw new ConvlabError(`There is no layer ${name ?? line.trim()}: choose ${(close.length ? close : LAYER_NAMES).join(", ")}.`);
  }
  if (list.shift()?.sign !== "(") throw new ConvlabError(`${name}: a "(" is missing.`);
  const order = Object.keys(LAYERS[name].given);
  const given = {};
  let position = 0;
  while (list.length && list[0].sign !== ")") {
    let key = order[position++];
    if (list[0].word !== undefined && list[1]?.sign === "=") {
      key = list.shift().word;
      list.shift();
    }
    if (key === undefined) throw new ConvlabError(`${name} takes at most ${order.length} arguments by position.`);
    if (!order.includes(key) && !IGNORED.has(key))
      throw new ConvlabError(`${name} has no argument ${key}: it takes ${order.join(", ") || "none"}.`);
    given[key] = readValue(list, `${name}, ${key}`);
    if (list[0]?.sign === ",") list.shift();
  }
  if (!list.shift()) throw new ConvlabError(`${name}: a ")" is missing.`);
  if (list.length) throw new ConvlabError(`${name}: one layer a line, please.`);
  return [name, { ...LAYERS[name].given, ...given }];
}

function whole(value, name, least = 1) {
  if (!Number.isInteger(value) || value < least)
    throw new ConvlabError(`${name} must be a whole number of at least ${least}, but is ${JSON.stringify(value)}.`);
  return value;
}

function pair(value, name, least = 1) {
  const both = Array.isArray(value) ? value : [value, value];
  if (both.length !== 2) throw new ConvlabError(`${name} must be one number or two, (height, width).`);
  return both.map((entry) => whole(entry, name, least));
}

function layer(line) {
  const [name, call] = readCall(line);
  const missing = Object.keys(call).find((key) => call[key] === undefined);
  if (missing) throw new ConvlabError(`${name} needs ${missing}, as in ${name}(${missing}=${missing === "rate" ? 0.5 : 3}).`);
  const { kind } = LAYERS[name];
  const made = { name, kind, use_bias: call.use_bias };
  for (const key of ["filters", "units", "groups", "depth_multiplier"])
    if (key in call) made[key] = whole(call[key], `${name}, ${key}`);
  const window = "kernel_size" in call ? call.kernel_size : call.pool_size;
  if (window !== undefined) {
    made.kernel_size = pair(window, `${name}, ${kind === "Pool" ? "pool_size" : "kernel_size"}`);
    made.strides = pair(call.strides ?? window, `${name}, strides`);
    made.dilation = pair(call.dilation_rate ?? 1, `${name}, dilation_rate`);
    made.output_padding = call.output_padding == null ? null : pair(call.output_padding, `${name}, output_padding`, 0);
    made.padding = padding(name, call.padding);
    if (call.data_format && call.data_format !== "channels_last")
      throw new ConvlabError(`${name}: the calculator counts with channels_last only.`);
  }
  return made;
}

function padding(name, value) {
  const text = String(value).toLowerCase();
  if (text !== "valid" && text !== "same")
    throw new ConvlabError(
      `${name}: padding must be "valid" or "same", but is ${JSON.stringify(value)}.` +
        (["relu", "softmax"].includes(text) ? " The fourth argument is the padding; write activation= before it." : ""),
    );
  return text;
}

// [{line, layer}] or [{line, error}] for every line that is not empty; `line` counts from 0.
export function parseLayers(text) {
  return text.split("\n").flatMap((line, number) => {
    if (!line.replace(/#.*$/, "").trim()) return [];
    try {
      return [{ line: number, layer: layer(line) }];
    } catch (error) {
      if (!(error instanceof ConvlabError)) throw error;
      return [{ line: number, error: error.message }];
    }
  });
}
