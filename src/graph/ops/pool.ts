// Pooling and upsampling, images as [batch, channels, height, width], and folding pixels into channels.

import { multiplyDims } from "../dimension.js";
import { apply, type Operation, shapeError, type Tensor } from "../graph.js";
import { windowCount } from "../shape.js";
import { type Dim, isFloat } from "../types.js";
import { reshape, sum } from "./broadcast.js";
import { constant } from "./constant.js";
import { convTranspose2d } from "./conv.js";
import { maximum } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { pad, slice, transpose } from "./shape-ops.js";

interface PoolWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

const poolWindow = (attributes: unknown) => attributes as PoolWindow;

function pooledShape(name: string, x: Tensor, { kernel, stride, padding }: PoolWindow): Dim[] {
  const [batch, channels, ...space] = x.shape;
  if (x.shape.length !== 4 || !isFloat(x.dtype))
    throw shapeError(name, "floats [batch, channels, height, width]", x);
  const whole = [kernel, stride, padding].every(Number.isInteger);
  if (!whole || kernel < 1 || stride < 1 || padding < 0 || 2 * padding > kernel) {
    throw shapeError(name, "a kernel and stride from 1 and a padding of at most half the kernel", x);
  }
  const sizes = space.map((size) => windowCount(size, 2 * padding - kernel, stride));
  if (sizes.some((size) => typeof size === "number" && size < 1)) {
    throw shapeError(name, `an image, with its padding, no smaller than the ${kernel}×${kernel} window`, x);
  }
  return [batch!, channels!, ...sizes];
}

function poolAttributes({ kernel, stride, padding }: PoolWindow) {
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
}

const averagePoolOp: Operation = {
  name: "averagePool2d",
  infer: ([x], attributes) => [
    { shape: pooledShape("averagePool2d", x!, poolWindow(attributes)), dtype: x!.dtype },
  ],
  gradient: ({ inputs: [x], gradients: [g], attributes }) => {
    // Every pixel of a window gets an equal part: a depthwise transposed convolution with a constant kernel.
    const { kernel, stride, padding } = poolWindow(attributes);
    const [batch, channels, height, width] = x!.shape as [Dim, number, number, number];
    const part = new Float32Array(kernel * kernel).fill(1 / (kernel * kernel));
    const weight = constant(x!.graph, part, [1, 1, kernel, kernel]);
    const [, , rows, columns] = g!.shape as [Dim, number, number, number];
    const single = reshape(g!, [-1, 1, rows, columns]);
    const spread = convTranspose2d(single, weight, { stride });
    const reached = [(rows - 1) * stride + kernel, (columns - 1) * stride + kernel] as const;
    const after = [height + 2 * padding - reached[0], width + 2 * padding - reached[1]] as const;
    const whole = pad(spread, [0, 0, 0, 0], [0, 0, after[0], after[1]]);
    const inner = slice(slice(whole, 2, padding, padding + height), 3, padding, padding + width);
    return [reshape(inner, [batch, channels, height, width])];
  },
  lower: (lowering, inputs, { attributes }) => [
    lowering.node("AveragePool", inputs, { ...poolAttributes(poolWindow(attributes)), count_include_pad: 1 }),
  ],
};

const maxPoolOp: Operation = {
  name: "maxPool2d",
  infer: ([x], attributes) => [
    { shape: pooledShape("maxPool2d", x!, poolWindow(attributes)), dtype: x!.dtype },
  ],
  lower: (lowering, inputs, { attributes }) => [
    lowering.node("MaxPool", inputs, poolAttributes(poolWindow(attributes))),
  ],
};

export interface PoolOptions {
  /** Default: the kernel. */
  readonly stride?: number;
  readonly padding?: number;
}

/** Mean of each k×k window, counting padding zeros. */
export function averagePool2d(
  x: Tensor,
  kernel: number,
  { stride = kernel, padding = 0 }: PoolOptions = {},
): Tensor {
  return apply(averagePoolOp, [x], { kernel, stride, padding });
}

/** Largest element of each k×k window. */
export function maxPool2d(
  x: Tensor,
  kernel: number,
  { stride = kernel, padding = 0 }: PoolOptions = {},
): Tensor {
  const attributes = { kernel, stride, padding };
  const [, , rows, columns] = pooledShape("maxPool2d", x, attributes);
  if (typeof rows !== "number" || typeof columns !== "number") return apply(maxPoolOp, [x], attributes);
  const sides = [0, 0, padding, padding];
  const padded = pad(x, sides, sides, -3.4e38);
  let body: Tensor | undefined;
  for (let i = 0; i < kernel; i++) {
    for (let j = 0; j < kernel; j++) {
      const lines = slice(padded, 2, i, i + (rows - 1) * stride + 1, stride);
      const view = slice(lines, 3, j, j + (columns - 1) * stride + 1, stride);
      body = body ? maximum(body, view) : view;
    }
  }
  return apply(maxPoolOp, [x], attributes, [body!]);
}

export const upsampleOp: Operation = {
  name: "upsampleNearest2d",
  infer: ([x], { factor }) => [
    {
      shape: x!.shape.map((dim, axis) => (axis < 2 ? dim : multiplyDims(dim, factor as number))),
      dtype: x!.dtype,
    },
  ],
  gradient: ({ inputs: [x], gradients: [g], attributes }) => {
    const factor = attributes.factor as number;
    const [batch, channels, height, width] = x!.shape as [Dim, Dim, Dim, Dim];
    return [sum(reshape(g!, [batch, channels, height, factor, width, factor]), [3, 5])];
  },
  lower: (lowering, [x], { attributes }) => {
    const factor = attributes.factor as number;
    const scales = lowering.constant("f32", [4], new Float32Array([1, 1, factor, factor]));
    const options = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    return [lowering.node("Resize", [x!, "", scales], options)];
  },
};

function checkEnlarged(name: string, x: Tensor, factor: number): void {
  if (x.shape.length === 4 && isFloat(x.dtype) && Number.isInteger(factor) && factor >= 1) return;
  throw shapeError(
    name,
    `floats [batch, channels, height, width] and a whole factor from 1, not ${factor}`,
    x,
  );
}

/** Repeats every pixel factor × factor times. */
export function upsampleNearest2d(x: Tensor, factor: number): Tensor {
  checkEnlarged("upsampleNearest2d", x, factor);
  return apply(upsampleOp, [x], { factor });
}

/**
 * Bilinear upsampling with half-pixel centres, as two products with interpolation matrices. Requires a fixed
 * height and width.
 */
export function upsampleBilinear2d(x: Tensor, factor: number): Tensor {
  checkEnlarged("upsampleBilinear2d", x, factor);
  const [, , height, width] = x.shape;
  if (typeof height !== "number" || typeof width !== "number") {
    throw shapeError("upsampleBilinear2d", "a fixed height and width", x);
  }
  const rows = matmul(interpolation(x, height, factor), x); // [batch, channels, h·f, w]
  return matmul(rows, interpolation(x, width, factor), { transposeB: true });
}

function interpolation(x: Tensor, size: number, factor: number): Tensor {
  const matrix = new Float32Array(size * factor * size);
  for (let i = 0; i < size * factor; i++) {
    const at = Math.min(Math.max((i + 0.5) / factor - 0.5, 0), size - 1);
    const low = Math.floor(at);
    matrix[i * size + low]! += 1 - (at - low);
    matrix[i * size + Math.min(low + 1, size - 1)]! += at - low;
  }
  return constant(x.graph, matrix, [size * factor, size]);
}

function isFixedImage({ shape }: Tensor): boolean {
  return shape.length === 4 && shape.slice(1).every((dim) => typeof dim === "number");
}

/** Folds f×f pixels into channels, images as [batch, h, w, c]: `→ [batch, h/f, w/f, f·f·c]`. */
export function foldPixels(x: Tensor, factor: number): Tensor {
  const [batch, height, width, channels] = x.shape as [Dim, number, number, number];
  if (!isFixedImage(x) || height % factor !== 0 || width % factor !== 0) {
    throw shapeError("foldPixels", `[batch, h, w, c] with fixed sizes that ${factor} divides`, x);
  }
  const blocks = reshape(x, [batch, height / factor, factor, width / factor, factor, channels]);
  const [rows, columns] = [height / factor, width / factor];
  return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), [batch, rows, columns, factor * factor * channels]);
}

/** Inverse of {@link foldPixels}: `[batch, h, w, f·f·c] → [batch, h·f, w·f, c]`. */
export function unfoldPixels(x: Tensor, factor: number): Tensor {
  const [batch, height, width, folded] = x.shape as [Dim, number, number, number];
  const channels = folded / (factor * factor);
  if (!isFixedImage(x) || !Number.isInteger(channels)) {
    throw shapeError(
      "unfoldPixels",
      `[batch, h, w, c] with fixed sizes and channels that ${factor}² divides`,
      x,
    );
  }
  const blocks = reshape(x, [batch, height, width, factor, factor, channels]);
  return reshape(transpose(blocks, [0, 1, 3, 2, 4, 5]), [batch, height * factor, width * factor, channels]);
}
