// Convolution over [batch, height, width, channels] as one matrix product over gathered windows. It dominates
// training time: both gradients are matrix products of the same form, so a step approaches the speed of plain
// products.

import { apply, type Graph, type Operation, shapeError, type Tensor } from "../graph.js";
import type { Dim } from "../types.js";
import { reshape } from "./broadcast.js";
import { constant, sharedData } from "./constant.js";
import { gather } from "./index-ops.js";
import { linear, matmul, sumRows, tallProduct } from "./matmul.js";
import { pad } from "./shape-ops.js";

/** Row indices of every window in a padded image. */
function windowPositions(graph: Graph, height: number, width: number, kernel: number): BigInt64Array {
  const across = width + kernel - 1;
  return sharedData(graph, `windows ${height},${width},${kernel}`, () =>
    BigInt64Array.from({ length: height * width * kernel * kernel }, (_, n) => {
      const [j, i] = [n % kernel, Math.floor(n / kernel) % kernel];
      const place = Math.floor(n / (kernel * kernel));
      const [x, y] = [place % width, Math.floor(place / width)];
      return BigInt((y + i) * across + x + j);
    }),
  );
}

/**
 * Every k×k window as one row: `[batch, h, w, c] → [batch·h·w, k·k·c]`, zeros outside, k odd.
 * One gather of whole pixels is as fast as a copy; joining slices would move everything three times.
 */
function windows(x: Tensor, kernel: number): Tensor {
  const [batch, height, width, channels] = x.shape as [Dim, number, number, number];
  if (kernel === 1) return reshape(x, [-1, channels]);
  const margin = (kernel - 1) / 2;
  const padded = pad(x, [0, margin, margin, 0], [0, margin, margin, 0]);
  const pixels = reshape(padded, [batch, (height + 2 * margin) * (width + 2 * margin), channels]);
  const places = windowPositions(x.graph, height, width, kernel);
  const gathered = gather(pixels, constant(x.graph, places, [places.length], "i64"), 1); // [batch, h·w·k·k, c]
  return reshape(gathered, [batch === 1 ? height * width : -1, kernel * kernel * channels]);
}

/** Indices of the kernel's rows `[out, k·k]` in the order `[k·k rotated by 180°, out]`. */
function turnedRows(graph: Graph, out: number, kernel: number): BigInt64Array {
  const places = kernel * kernel;
  return sharedData(graph, `turned ${out},${kernel}`, () =>
    BigInt64Array.from({ length: out * places }, (_, n) =>
      BigInt((n % out) * places + places - 1 - Math.floor(n / out)),
    ),
  );
}

export const inputGradientOp: Operation = {
  name: "convChannelsLastInput",
  infer: ([g, w]) => [{ shape: [...g!.shape.slice(0, 3), w!.shape[3]!], dtype: g!.dtype }],
};

/**
 * The convolution of the gradient with the kernel rotated and its channels swapped: also one product of
 * windows.
 */
function inputGradient(g: Tensor, w: Tensor): Tensor {
  const [out, kernel, , channels] = w.shape as [number, number, number, number];
  const places = turnedRows(w.graph, out, kernel);
  const turned = gather(
    reshape(w, [out * kernel * kernel, channels]),
    constant(w.graph, places, [places.length], "i64"),
  ); // [k·k·out, in]
  const body = reshape(matmul(windows(g, kernel), turned), [...g.shape.slice(0, 3), channels]);
  return apply(inputGradientOp, [g, w], {}, [body]);
}

export const convChannelsLastOp: Operation = {
  name: "convChannelsLast",
  infer: ([x, w]) => [{ shape: [...x!.shape.slice(0, 3), w!.shape[0]!], dtype: x!.dtype }],
  gradient: ({ inputs: [x, w], gradients: [g], needs }) => {
    const [out, kernel] = w!.shape as [number, number];
    const dw = () => reshape(tallProduct(reshape(g!, [-1, out]), windows(x!, kernel)), w!.shape);
    const db = () => sumRows(reshape(g!, [-1, out]));
    return [
      needs[0] ? inputGradient(g!, w!) : undefined,
      needs[1] ? dw() : undefined,
      needs[2] ? db() : undefined,
    ];
  },
};

/**
 * Size-preserving convolution of stride 1. Height, width and channels must be fixed.
 * `x [batch, h, w, in]`, `weight [out, k, k, in]`, `bias [out]` → `[batch, h, w, out]`.
 */
export function convChannelsLast(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const [out, kernel, kernelWidth, channels] = weight.shape;
  const fits =
    x.shape.length === 4 &&
    weight.shape.length === 4 &&
    x.shape[3] === channels &&
    kernel === kernelWidth &&
    (kernel as number) % 2 === 1 &&
    x.shape.slice(1).every((dim) => typeof dim === "number");
  if (!fits)
    throw shapeError("convChannelsLast", "[batch, h, w, in] and an odd kernel [out, k, k, in]", x, weight);
  const rows = windows(x, kernel as number);
  const product = linear(rows, reshape(weight, [out!, -1]), bias);
  const body = reshape(product, [...x.shape.slice(0, 3), out!]);
  return apply(convChannelsLastOp, bias ? [x, weight, bias] : [x, weight], {}, [body]);
}
