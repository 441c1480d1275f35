// Convolution and transposed convolution, images as [batch, channels, height, width].
// Weight gradients are one matrix product over gathered windows: a convolution with an image-sized kernel
// would reach a fraction of the speed.

import { addDims, multiplyDims } from "../dimension.js";
import { apply, numbers, type Operation, shapeError, type Tensor } from "../graph.js";
import { countElements, windowCount } from "../shape.js";
import type { Dim } from "../types.js";
import { reshape } from "./broadcast.js";
import { add } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { concat, pad, slice, transpose } from "./shape-ops.js";

export interface ConvOptions {
  readonly bias?: Tensor;
  readonly stride?: number;
  /** Zeros on every side, or [top, left, bottom, right]. Default 0. */
  readonly padding?: number | readonly [number, number, number, number];
  readonly dilation?: number;
  readonly groups?: number;
}

export interface Window {
  readonly stride: number;
  readonly padding: readonly number[];
  readonly dilation: number;
  readonly groups: number;
}

const windowOf = (attributes: unknown) => attributes as Window;

function windowSize(size: Dim, kernel: Dim, window: Window, axis: 0 | 1): Dim {
  const reach = window.dilation * ((kernel as number) - 1) + 1;
  const around = window.padding[axis]! + window.padding[axis + 2]!;
  return windowCount(size, around - reach, window.stride);
}

/** Strides, dilations and groups are whole numbers from 1, paddings from 0. */
function checkWindow(
  name: string,
  { stride, padding, dilation, groups }: Window,
  x: Tensor,
  w: Tensor,
): void {
  const positive = [stride, dilation, groups].every((value) => Number.isInteger(value) && value >= 1);
  if (positive && padding.length === 4 && padding.every((side) => Number.isInteger(side) && side >= 0))
    return;
  throw shapeError(name, "whole numbers: stride, dilation and groups from 1, padding from 0", x, w);
}

export const convOp: Operation = {
  name: "conv2d",
  multiplications: ({ inputs: [, w], outputs: [out] }) =>
    multiplyDims(countElements(out!.shape), countElements(w!.shape.slice(1))),
  infer: ([x, w], attributes) => {
    const window = windowOf(attributes);
    const [batch, channels, height, width] = x!.shape;
    const [out, inner, kh, kw] = w!.shape;
    const fits =
      x!.shape.length === 4 &&
      w!.shape.length === 4 &&
      typeof inner === "number" &&
      inner * window.groups === channels &&
      (out as number) % window.groups === 0 &&
      x!.dtype === w!.dtype;
    if (!fits) {
      const wanted = `[batch, channels, height, width] and a weight [out, channels/groups, kh, kw]`;
      throw shapeError("conv2d", `${wanted} of the same type with ${window.groups} groups`, x!, w!);
    }
    checkWindow("conv2d", window, x!, w!);
    const shape = [batch!, out!, windowSize(height!, kh!, window, 0), windowSize(width!, kw!, window, 1)];
    if (shape.some((dim) => typeof dim === "number" && dim < 1)) {
      throw shapeError("conv2d", "an image, with its padding, at least as large as the kernel", x!, w!);
    }
    return [{ shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x, w], gradients: [g], attributes, needs }) => {
    const window = windowOf(attributes);
    return [
      needs[0] ? inputGradient(g!, w!, x!, window) : undefined,
      needs[1] ? weightGradient(x!, g!, w!.shape as readonly number[], window) : undefined,
    ];
  },
  lower: (lowering, inputs, { attributes, inputs: [, w] }) => {
    const { stride, padding, dilation, groups } = windowOf(attributes);
    return [
      lowering.node("Conv", inputs, {
        kernel_shape: w!.shape.slice(2) as number[],
        strides: [stride, stride],
        pads: padding,
        dilations: [dilation, dilation],
        group: groups,
      }),
    ];
  },
};

/** The input's gradient is the transposed convolution; rows that no window reached stay zero. */
function inputGradient(g: Tensor, w: Tensor, x: Tensor, window: Window): Tensor {
  const missing = ([0, 1] as const).map((axis) => {
    const size = x.shape[axis + 2];
    const out = g.shape[axis + 2];
    if (typeof size !== "number" || typeof out !== "number") {
      throw shapeError("gradient of conv2d", "a fixed height and width", x);
    }
    const reach = window.dilation * ((w.shape[axis + 2] as number) - 1) + 1;
    return size - ((out - 1) * window.stride + reach - window.padding[axis]! - window.padding[axis + 2]!);
  });
  return apply(convTransposeOp, [g, w], { ...window, outputPadding: missing });
}

/** dw[o, c, i, j] = Σ over batch and space of g[o] · x[c] seen through window position (i, j). */
function weightGradient(x: Tensor, g: Tensor, shape: readonly number[], window: Window): Tensor {
  const { stride, padding, dilation, groups } = window;
  const [out, inner, kh, kw] = shape as [number, number, number, number];
  const [top, left, bottom, right] = padding as [number, number, number, number];
  const padded = pad(x, [0, 0, top, left], [0, 0, bottom, right]);
  const [batch, , height, width] = g.shape as [Dim, Dim, number, number];
  const views: Tensor[] = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const rows = slice(padded, 2, i * dilation, i * dilation + (height - 1) * stride + 1, stride);
      const view = slice(rows, 3, j * dilation, j * dilation + (width - 1) * stride + 1, stride);
      views.push(reshape(view, [batch, 1, groups, inner, height * width]));
    }
  }
  const windows = concat(views, 1); // [batch, kh·kw, groups, inner, space]
  const columns = reshape(transpose(windows, [2, 1, 3, 0, 4]), [groups, kh * kw * inner, -1]);
  const grouped = reshape(g, [batch, groups, out / groups, height * width]);
  const rows = reshape(transpose(grouped, [1, 2, 0, 3]), [groups, out / groups, -1]);
  const product = matmul(rows, columns, { transposeB: true }); // [groups, out/groups, kh·kw·inner]
  return reshape(transpose(reshape(product, [out, kh * kw, inner]), [0, 2, 1]), shape);
}

const convTransposeOp: Operation = {
  name: "convTranspose2d",
  multiplications: ({ inputs: [x, w] }) =>
    multiplyDims(countElements(x!.shape), countElements(w!.shape.slice(1))),
  infer: ([x, w], attributes) => {
    const { stride, padding, dilation, groups } = windowOf(attributes);
    const outputPadding = numbers(attributes.outputPadding);
    const [batch, channels, ...space] = x!.shape;
    const fits =
      x!.shape.length === 4 &&
      w!.shape.length === 4 &&
      channels === w!.shape[0] &&
      (channels as number) % groups === 0 &&
      x!.dtype === w!.dtype;
    if (!fits) {
      const wanted = "[batch, channels, height, width] and a weight [channels, out/groups, kh, kw]";
      throw shapeError("convTranspose2d", `${wanted} of the same type with ${groups} groups`, x!, w!);
    }
    checkWindow("convTranspose2d", windowOf(attributes), x!, w!);
    // The device's rule: a larger output padding would add a row that no pixel reaches.
    if (
      outputPadding.some((more) => !Number.isInteger(more) || more < 0 || more >= Math.max(stride, dilation))
    ) {
      throw shapeError(
        "convTranspose2d",
        `an output padding from 0 and less than stride or dilation, not ${outputPadding[0]}`,
        x!,
        w!,
      );
    }
    const sizes = space.map((size, axis) => {
      const reach = dilation * ((w!.shape[axis + 2] as number) - 1) + 1;
      const more = reach - stride + outputPadding[axis]! - padding[axis]! - padding[axis + 2]!;
      return addDims(multiplyDims(size, stride), more);
    });
    return [{ shape: [batch!, (w!.shape[1] as number) * groups, ...sizes], dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x, w], gradients: [g], attributes, needs }) => {
    const { stride, padding, dilation, groups } = windowOf(attributes);
    const window = { stride, padding, dilation, groups };
    return [
      needs[0] ? apply(convOp, [g!, w!], { ...window }) : undefined,
      needs[1] ? weightGradient(g!, x!, w!.shape as readonly number[], window) : undefined,
    ];
  },
  lower: (lowering, [x, w], { attributes, inputs: [, weight] }) => {
    const { stride, padding, dilation, groups } = windowOf(attributes);
    const [channels, part, ...kernel] = weight!.shape as [number, number, number, number];
    const options = {
      kernel_shape: kernel,
      strides: [stride, stride],
      pads: padding,
      dilations: [dilation, dilation],
      group: groups,
      output_padding: numbers(attributes.outputPadding),
    };
    if (groups === 1 || part > 1 || lowering.can.convTransposeToSingleChannels) {
      return [lowering.node("ConvTranspose", [x!, w!], options)];
    }
    // Adds a second channel of zeros for each group, dropped from the result.
    const zeros = new Float32Array(channels * kernel[0]! * kernel[1]!);
    const none = lowering.constant("f32", [channels, 1, ...kernel], zeros);
    const wide = lowering.node(
      "ConvTranspose",
      [x!, lowering.node("Concat", [w!, none], { axis: 1 })],
      options,
    );
    const bounds = [0, Number.MAX_SAFE_INTEGER, 1, 2].map((value) => lowering.integers([value]));
    return [lowering.node("Slice", [wide, ...bounds])];
  },
};

function windowOptions({ stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvOptions) {
  const sides = typeof padding === "number" ? [padding, padding, padding, padding] : padding;
  return { stride, padding: sides, dilation, groups };
}

function addBias(name: string, x: Tensor, bias: Tensor | undefined): Tensor {
  if (!bias) return x;
  if (bias.shape.length !== 1 || bias.shape[0] !== x.shape[1]) {
    throw shapeError(name, `a bias per channel (${x.shape[1]} channels)`, x, bias);
  }
  return add(x, reshape(bias, [-1, 1, 1]));
}

/**
 * `x [batch, in, height, width]`, `weight [out, in/groups, kh, kw]`, `bias [out]` → `[batch, out, h', w']`.
 */
export function conv2d(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  return addBias("conv2d", apply(convOp, [x, weight], windowOptions(options)), options.bias);
}

/** `x [batch, in, height, width]`, `weight [in, out/groups, kh, kw]` → `[batch, out, h', w']`. */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  options: ConvOptions & { readonly outputPadding?: number } = {},
): Tensor {
  const { outputPadding = 0 } = options;
  const attributes = { ...windowOptions(options), outputPadding: [outputPadding, outputPadding] };
  return addBias("convTranspose2d", apply(convTransposeOp, [x, weight], attributes), options.bias);
}
