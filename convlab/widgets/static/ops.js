// One convolution of small nested arrays: image[row][column][channel], kernel[row][column][channel][filter].
import { windowOutput, windowPads } from "./geometry.js";

export function shapeOf(image, kernel) {
  return {
    size: [image.length, image[0].length],
    channels: image[0][0].length,
    kernel_size: [kernel.length, kernel[0].length],
    depth: kernel[0][0].length,
    filters: kernel[0][0][0].length,
  };
}

// The products whose sum is output[i][j][filter]: where each pixel is read (row, column, channel; inside: not padding),
// its value x and the weight w at (u, v, c) of the kernel as it is written.
export function terms(image, kernel, spec, i, j, filter) {
  const { size, depth, kernel_size, filters } = shapeOf(image, kernel);
  const pads = windowPads({ ...spec, kernel_size }, size);
  const first = Math.floor(filter / (filters / spec.groups)) * depth; // the first channel of this filter's group
  const found = [];
  for (let a = 0; a < kernel_size[0]; a++)
    for (let b = 0; b < kernel_size[1]; b++)
      for (let c = 0; c < depth; c++) {
        const row = i * spec.strides[0] + a * spec.dilation[0] - pads[0][0];
        const column = j * spec.strides[1] + b * spec.dilation[1] - pads[1][0];
        const inside = row >= 0 && row < size[0] && column >= 0 && column < size[1];
        const [u, v] = spec.flip ? [kernel_size[0] - 1 - a, kernel_size[1] - 1 - b] : [a, b];
        const x = inside ? image[row][column][first + c] : 0;
        found.push({ row, column, channel: first + c, inside, x, u, v, c, w: kernel[u][v][c][filter] });
      }
  return found;
}

export function sum(products) {
  return products.reduce((total, { x, w }) => total + x * w, 0);
}

export function conv2d(image, kernel, spec) {
  const { size, kernel_size, filters } = shapeOf(image, kernel);
  const [rows, columns] = windowOutput({ ...spec, kernel_size }, size);
  const range = (n) => [...Array(n).keys()];
  return range(rows).map((i) =>
    range(columns).map((j) => range(filters).map((f) => sum(terms(image, kernel, spec, i, j, f)))),
  );
}

// A grey image {height, width, pixels: Float32Array} under a kernel [row][column], nothing turned, "valid" or "same".
export function correlate(image, kernel, padding = "valid") {
  const spec = { kernel_size: [kernel.length, kernel[0].length], strides: [1, 1], dilation: [1, 1], padding };
  const [[top], [left]] = windowPads(spec, [image.height, image.width]);
  const [height, width] = windowOutput(spec, [image.height, image.width]);
  const pixels = new Float32Array(height * width);
  kernel.forEach((weights, u) =>
    weights.forEach((weight, v) => {
      if (weight === 0) return;
      for (let i = Math.max(0, top - u); i < Math.min(height, image.height + top - u); i++) {
        const from = (i + u - top) * image.width + v - left;
        const last = Math.min(width, image.width + left - v);
        for (let j = Math.max(0, left - v); j < last; j++) pixels[i * width + j] += weight * image.pixels[from + j];
      }
    }),
  );
  return { height, width, pixels };
}
