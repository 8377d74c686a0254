// The layers of a network as convlab.geometry.stack describes them, and `trace` through a stack.
import {
  ConvlabError, fieldThrough, ONE_PIXEL, transposedOutputSize, windowOutput,
} from "./geometry.js";

const product = (values) => values.reduce((a, b) => a * b, 1);
const shapeText = (values) => values.join(" x ");

function threeAxes(layer, shape) {
  if (shape.length !== 3)
    throw new ConvlabError(
      `${layer.name} needs an input of height x width x channels, but gets ${shapeText(shape)}` +
        (shape.length === 1 ? ": it is flat already." : "."),
    );
  return [shape.slice(0, 2), shape[2]];
}

function divides(groups, count, what) {
  if (count % groups)
    throw new ConvlabError(
      `${groups} groups do not divide ${count} ${what}: choose groups that divide both channels and filters.`,
    );
}

// For each kind: what it makes of an input shape, its parameters and its multiply-accumulates.
const KINDS = {
  Conv2D: {
    shape(layer, shape) {
      const [size, channels] = threeAxes(layer, shape);
      divides(layer.groups, channels, "channels");
      divides(layer.groups, layer.filters, "filters");
      return [...windowOutput(layer, size), layer.filters];
    },
    weights: (layer, shape) => product(layer.kernel_size) * (shape[2] / layer.groups) * layer.filters,
    bias: (layer) => layer.filters,
    macs: (layer, shape, output) => product(output) * product(layer.kernel_size) * (shape[2] / layer.groups),
  },
  DepthwiseConv2D: {
    shape(layer, shape) {
      const [size, channels] = threeAxes(layer, shape);
      return [...windowOutput(layer, size), channels * layer.depth_multiplier];
    },
    weights: (layer, shape) => product(layer.kernel_size) * shape[2] * layer.depth_multiplier,
    bias: (layer, shape) => shape[2] * layer.depth_multiplier,
    macs: (layer, shape, output) => product(output) * product(layer.kernel_size),
  },
  SeparableConv2D: {
    shape(layer, shape) {
      const [size] = threeAxes(layer, shape);
      return [...windowOutput(layer, size), layer.filters];
    },
    weights: (layer, shape) =>
      shape[2] * layer.depth_multiplier * (product(layer.kernel_size) + layer.filters),
    bias: (layer) => layer.filters,
    macs: (layer, shape, output) =>
      output[0] * output[1] * shape[2] * layer.depth_multiplier * (product(layer.kernel_size) + layer.filters),
  },
  Conv2DTranspose: {
    shape(layer, shape) {
      const [size] = threeAxes(layer, shape);
      const along = ["height", "width"].map((axis, a) =>
        transposedOutputSize(size[a], layer.kernel_size[a], layer.strides[a], layer.padding,
          layer.output_padding?.[a] ?? null, layer.dilation[a], axis));
      return [...along, layer.filters];
    },
    weights: (layer, shape) => product(layer.kernel_size) * layer.filters * shape[2],
    bias: (layer) => layer.filters,
    macs: (layer, shape) => product(shape) * product(layer.kernel_size) * layer.filters,
  },
  Pool: {
    shape(layer, shape) {
      const [size, channels] = threeAxes(layer, shape);
      return [...windowOutput(layer, size), channels];
    },
  },
  GlobalPool: { shape: (layer, shape) => [threeAxes(layer, shape)[1]] },
  SameShape: { shape: (_, shape) => [...shape] },
  BatchNormalization: { shape: (_, shape) => [...shape], weights: (_, shape) => 4 * shape.at(-1), bias: () => 0 },
  Flatten: { shape: (_, shape) => [product(shape)] },
  Dense: {
    shape(layer, shape) {
      if (shape.length !== 1)
        throw new ConvlabError(
          `Dense needs a flat input here, but gets ${shapeText(shape)}: put Flatten() or GlobalAveragePooling2D() before it.`,
        );
      return [layer.units];
    },
    weights: (layer, shape) => shape[0] * layer.units,
    bias: (layer) => layer.units,
    macs: (layer, shape) => shape[0] * layer.units,
  },
};

const WINDOWED = new Set(["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Pool"]);

// {rows: [{name, shape, parameters, macs, memory, field}], error}: a row for each layer up to the first impossible one.
export function trace(layers, inputShape) {
  const rows = [];
  let [shape, field, mapSize] = [inputShape, ONE_PIXEL, [1, 1]];
  for (const layer of layers) {
    const kind = KINDS[layer.kind];
    try {
      const output = kind.shape(layer, shape);
      const weights = kind.weights?.(layer, shape) ?? 0;
      const bias = layer.use_bias === false ? 0 : (kind.bias?.(layer, shape) ?? 0);
      if (shape.length === 3) mapSize = shape.slice(0, 2);
      if (layer.kind === "Conv2DTranspose") field = null;
      else if (field && WINDOWED.has(layer.kind)) field = fieldThrough(field, layer, mapSize);
      else if (field && (layer.kind === "Dense" || layer.kind === "GlobalPool")) {
        const whole = { kernel_size: mapSize, strides: [1, 1], dilation: [1, 1], padding: "valid" };
        field = fieldThrough(field, whole, mapSize);
        mapSize = [1, 1];
      }
      const macs = kind.macs?.(layer, shape, output) ?? 0;
      rows.push({ name: layer.name, shape: output, parameters: weights + bias, macs, memory: 4 * product(output), field });
      shape = output;
    } catch (error) {
      if (!(error instanceof ConvlabError)) throw error;
      return { rows, error: error.message };
    }
  }
  return { rows, error: null };
}
