// The formulas of convlab.geometry.sizes, for one axis: the same rules, the same words in the errors.
// n input size, k kernel, s stride, d dilation: output = floor((n + before + after - k') / s) + 1, k' = d (k - 1) + 1.

export class ConvlabError extends Error {}

export const AXES = ["height", "width"];

export function effectiveKernel(kernel, dilation = 1) {
  return dilation * (kernel - 1) + 1;
}

// Zeros [before, after]. padding: "valid", "same" (TensorFlow's rule: the odd one goes after) or [before, after].
export function paddingAmounts(size, kernel, stride = 1, padding = "valid", dilation = 1) {
  if (padding === "valid") return [0, 0];
  if (padding !== "same") return padding;
  const outputs = Math.ceil(size / stride);
  const total = Math.max((outputs - 1) * stride + effectiveKernel(kernel, dilation) - size, 0);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

export function outputSize(size, kernel, stride = 1, padding = "valid", dilation = 1, axis = "this axis") {
  const [before, after] = paddingAmounts(size, kernel, stride, padding, dilation);
  const reach = effectiveKernel(kernel, dilation);
  const padded = size + before + after;
  if (padded < reach) throw new ConvlabError(tooLarge(size, padded, kernel, dilation, reach, axis));
  return Math.floor((padded - reach) / stride) + 1;
}

function tooLarge(size, padded, kernel, dilation, reach, axis) {
  const what = dilation === 1 ? `a kernel of ${kernel}` : `a kernel of ${kernel} dilated by ${dilation} (it spans ${reach})`;
  const where = padded === size ? `an input of ${size}` : `an input of ${size} padded to ${padded}`;
  const smaller = dilation > 1 ? ", a smaller dilation" : "";
  return (
    `Along ${axis}, ${what} does not fit into ${where}: use a kernel of at most ` +
    `${Math.floor((padded - 1) / dilation) + 1}${smaller}, padding='same', or ${reach - padded} more of padding.`
  );
}

// What a transposed convolution cuts off its full output, [before, after]; see convlab.geometry.transposed_padding.
export function transposedPadding(kernel, stride, padding = "valid", outputPadding = null, dilation = 1) {
  const reach = effectiveKernel(kernel, dilation);
  if (padding !== "valid" && padding !== "same")
    throw new ConvlabError("A transposed convolution takes padding 'valid' or 'same'.");
  if (outputPadding !== null && outputPadding >= stride)
    throw new ConvlabError(`output_padding must be less than the stride, ${stride}, but ${outputPadding} was given.`);
  let total;
  if (padding === "valid") total = outputPadding === null ? reach - Math.max(reach, stride) : -outputPadding;
  else total = outputPadding === null ? reach - stride : reach - (reach % 2) - outputPadding;
  const before = Math.floor(Math.max(total, 0) / 2);
  return [before, total - before];
}

export function transposedOutputSize(size, kernel, stride, padding, outputPadding, dilation, axis) {
  const [before, after] = transposedPadding(kernel, stride, padding, outputPadding, dilation);
  const length = (size - 1) * stride + effectiveKernel(kernel, dilation) - before - after;
  if (length < 1)
    throw new ConvlabError(
      `Along ${axis}, a transposed kernel of ${kernel} on an input of ${size} leaves no output: ` +
        "use padding='valid', a larger output_padding or a larger input.",
    );
  return length;
}

// A window that slides over both axes: kernel_size, strides and dilation are pairs [height, width], padding is
// "valid", "same" or [[top, bottom], [left, right]].
function along(spec, axis) {
  const padding = typeof spec.padding === "string" ? spec.padding : spec.padding[axis];
  return [spec.kernel_size[axis], spec.strides[axis], padding, spec.dilation[axis]];
}

export function windowPads(spec, size) {
  return [0, 1].map((axis) => paddingAmounts(size[axis], ...along(spec, axis)));
}

export function windowOutput(spec, size) {
  return [0, 1].map((axis) => outputSize(size[axis], ...along(spec, axis), AXES[axis]));
}

// What a cell of a map sees of the input: {size, jump, start}, pairs in pixels of the input.
export const ONE_PIXEL = { size: [1, 1], jump: [1, 1], start: [0, 0] };

export function fieldThrough(field, spec, size) {
  const pads = windowPads(spec, size);
  const reach = [0, 1].map((axis) => effectiveKernel(spec.kernel_size[axis], spec.dilation[axis]));
  return {
    size: [0, 1].map((a) => field.size[a] + (reach[a] - 1) * field.jump[a]),
    jump: [0, 1].map((a) => field.jump[a] * spec.strides[a]),
    start: [0, 1].map((a) => field.start[a] - pads[a][0] * field.jump[a]),
  };
}
