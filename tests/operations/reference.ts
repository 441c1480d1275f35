// Plain loops for the operations whose results are not obvious: the reference that all devices are compared with.
import type { Values } from "./case.js";

export interface Window {
  readonly stride?: number;
  /** [top, left, bottom, right]. */
  readonly padding?: readonly [number, number, number, number];
  readonly dilation?: number;
  readonly groups?: number;
}

const nothing = [0, 0, 0, 0] as const;

/** x [n, c, h, w], w [o, c/groups, kh, kw]. */
export function convReference(x: Values, w: Values, window: Window = {}): Float64Array {
  const { stride = 1, padding = nothing, dilation = 1, groups = 1 } = window;
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [out, inner, kh, kw] = w.shape as [number, number, number, number];
  const rows = Math.floor((height + padding[0] + padding[2] - dilation * (kh - 1) - 1) / stride) + 1;
  const columns = Math.floor((width + padding[1] + padding[3] - dilation * (kw - 1) - 1) / stride) + 1;
  const y = new Float64Array(batch * out * rows * columns);
  let at = 0;
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < out; o++)
      for (let r = 0; r < rows; r++)
        for (let s = 0; s < columns; s++, at++)
          for (let c = 0; c < inner; c++)
            for (let i = 0; i < kh; i++)
              for (let j = 0; j < kw; j++) {
                const channel = Math.floor(o / (out / groups)) * inner + c;
                const row = r * stride + i * dilation - padding[0];
                const column = s * stride + j * dilation - padding[1];
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const pixel = x.data[((n * channels + channel) * height + row) * width + column]!;
                y[at]! += pixel * w.data[((o * inner + c) * kh + i) * kw + j]!;
              }
  return y;
}

/** x [n, c, h, w], w [c, o/groups, kh, kw]: every pixel adds its kernel where it stands. */
export function convTransposeReference(
  x: Values,
  w: Values,
  window: Window = {},
  outputPadding = 0,
): Float64Array {
  const { stride = 1, padding = nothing, dilation = 1, groups = 1 } = window;
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [, part, kh, kw] = w.shape as [number, number, number, number];
  const [out, inner] = [part * groups, channels / groups];
  const rows = (height - 1) * stride + dilation * (kh - 1) + 1 + outputPadding - padding[0] - padding[2];
  const columns = (width - 1) * stride + dilation * (kw - 1) + 1 + outputPadding - padding[1] - padding[3];
  const y = new Float64Array(batch * out * rows * columns);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < height; r++)
        for (let s = 0; s < width; s++)
          for (let o = 0; o < part; o++)
            for (let i = 0; i < kh; i++)
              for (let j = 0; j < kw; j++) {
                const row = r * stride + i * dilation - padding[0];
                const column = s * stride + j * dilation - padding[1];
                if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
                const channel = Math.floor(c / inner) * part + o;
                const pixel = x.data[((n * channels + c) * height + r) * width + s]!;
                y[((n * out + channel) * rows + row) * columns + column]! +=
                  pixel * w.data[((c * part + o) * kh + i) * kw + j]!;
              }
  return y;
}

/** Moves channels: [n, h, w, c] to [n, c, h, w] with order [0, 3, 1, 2], and so on. */
export function transposeReference(x: Values, order: readonly number[]): Values {
  const shape = order.map((axis) => x.shape[axis]!);
  const strides = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const data = Float64Array.from(x.data, (_, at) => {
    let rest = at;
    let from = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += (rest % shape[axis]!) * strides[order[axis]!]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return x.data[from]!;
  });
  return { shape, data };
}

/** Each k×k window of [n, c, h, w] through a function; undefined stands for the padding. */
export function poolReference(
  x: Values,
  kernel: number,
  stride: number,
  padding: number,
  reduce: (window: readonly (number | undefined)[]) => number,
): Float64Array {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const rows = Math.floor((height + 2 * padding - kernel) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - kernel) / stride) + 1;
  const y: number[] = [];
  for (let plane = 0; plane < batch * channels; plane++)
    for (let r = 0; r < rows; r++)
      for (let s = 0; s < columns; s++) {
        const window: (number | undefined)[] = [];
        for (let i = 0; i < kernel; i++)
          for (let j = 0; j < kernel; j++) {
            const [row, column] = [r * stride + i - padding, s * stride + j - padding];
            const inside = row >= 0 && row < height && column >= 0 && column < width;
            window.push(inside ? x.data[(plane * height + row) * width + column]! : undefined);
          }
        y.push(reduce(window));
      }
  return Float64Array.from(y);
}

/** Enlarges [n, c, h, w]: every output pixel by a function that reads the input at (plane, row, column). */
export function enlargeReference(
  x: Values,
  factor: number,
  sample: (read: (row: number, column: number) => number, row: number, column: number) => number,
): Float64Array {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const y: number[] = [];
  for (let plane = 0; plane < batch * channels; plane++) {
    const read = (row: number, column: number) => {
      const [i, j] = [Math.min(Math.max(row, 0), height - 1), Math.min(Math.max(column, 0), width - 1)];
      return x.data[(plane * height + i) * width + j]!;
    };
    for (let r = 0; r < height * factor; r++)
      for (let s = 0; s < width * factor; s++) y.push(sample(read, r, s));
  }
  return Float64Array.from(y);
}

/** Half-pixel centres, edges repeated. */
export function bilinearSample(factor: number) {
  return (read: (row: number, column: number) => number, row: number, column: number): number => {
    const [u, v] = [(row + 0.5) / factor - 0.5, (column + 0.5) / factor - 0.5];
    const [i, j] = [Math.floor(u), Math.floor(v)];
    const [down, right] = [u - i, v - j];
    const top = read(i, j) * (1 - right) + read(i, j + 1) * right;
    const bottom = read(i + 1, j) * (1 - right) + read(i + 1, j + 1) * right;
    return top * (1 - down) + bottom * down;
  };
}

/** Each row of the last axis through a function that returns a row. */
export function rowsReference(x: Values, width: number, map: (row: Float64Array) => ArrayLike<number>) {
  const y: number[] = [];
  for (let at = 0; at < x.data.length; at += width) y.push(...Array.from(map(x.data.slice(at, at + width))));
  return y;
}

export function meanOf(row: Float64Array): number {
  return row.reduce((a, b) => a + b, 0) / row.length;
}

export function normalizeRow(epsilon: number) {
  return (row: Float64Array): Float64Array => {
    const mean = meanOf(row);
    const deviation = Math.sqrt(meanOf(row.map((v) => (v - mean) ** 2)) + epsilon);
    return row.map((v) => (v - mean) / deviation);
  };
}

export function softmaxRow(row: Float64Array): Float64Array {
  const top = Math.max(...row);
  const powers = row.map((v) => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / total);
}

/** q [n, t, h·d], k [n, s, h·d], v [n, s, h·e], bias [1 or n, 1 or h, 1 or t, s]. `weights`: the map instead of the result. */
export function attentionReference(
  [q, k, v, bias]: readonly [Values, Values, Values, Values?],
  heads: number,
  options: { readonly scale?: number; readonly weights?: boolean } = {},
): Float64Array {
  const [batch, queries, width] = q.shape as [number, number, number];
  const [keys, wide] = [k.shape[1]!, v.shape[2]!];
  const [d, e] = [width / heads, wide / heads];
  const scale = options.scale ?? 1 / Math.sqrt(d);
  const mixed = new Float64Array(batch * queries * wide);
  const maps: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < queries; t++) {
        const scores = Float64Array.from({ length: keys }, (_, s) => {
          let dot = 0;
          for (let i = 0; i < d; i++) {
            const one = q.data[(n * queries + t) * width + h * d + i]!;
            dot += one * k.data[(n * keys + s) * width + h * d + i]!;
          }
          if (!bias) return dot * scale;
          const [planes, perHead, rows] = bias.shape as [number, number, number];
          const plane = (planes === 1 ? 0 : n) * perHead + (perHead === 1 ? 0 : h);
          return dot * scale + bias.data[(plane * rows + (rows === 1 ? 0 : t)) * keys + s]!;
        });
        const weights = softmaxRow(scores);
        maps.push(...weights);
        for (let s = 0; s < keys; s++)
          for (let i = 0; i < e; i++)
            mixed[(n * queries + t) * wide + h * e + i]! +=
              weights[s]! * v.data[(n * keys + s) * wide + h * e + i]!;
      }
  return options.weights ? Float64Array.from(maps) : mixed;
}

/** Products of the last two axes; a and b have the same leading axes, or b none. */
export function matmulReference(a: Values, b: Values): Float64Array {
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const columns = b.shape.at(-1)!;
  const y: number[] = [];
  const shared = b.shape.length === 2;
  for (let n = 0; n < a.data.length / (rows * inner); n++)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let dot = 0;
        for (let i = 0; i < inner; i++)
          dot += a.data[(n * rows + r) * inner + i]! * b.data[((shared ? 0 : n) * inner + i) * columns + c]!;
        y.push(dot);
      }
  return Float64Array.from(y);
}

/** Two operands broadcast by NumPy's rule, combined element by element. */
export function broadcastReference(
  a: Values,
  b: Values,
  combine: (a: number, b: number) => number,
): number[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  const [left, right] = [a, b].map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape]);
  const shape = left!.map((dim, axis) => Math.max(dim, right![axis]));
  const size = shape.reduce((x, y) => x * y, 1);
  const read = (source: Values, own: number[], at: number) => {
    let [rest, stride, from] = [at, 1, 0];
    for (let axis = rank - 1; axis >= 0; axis--) {
      const index = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      if (own[axis] !== 1) from += index * stride;
      stride *= own[axis]!;
    }
    return source.data[from]!;
  };
  return Array.from({ length: size }, (_, at) => combine(read(a, left!, at), read(b, right!, at)));
}

/** Abramowitz and Stegun 7.1.26 is too coarse here: the series erf(x) = 2/√π Σ (-1)ⁿ x²ⁿ⁺¹ / (n! (2n+1)), |x| < 4. */
export function erfReference(x: number): number {
  let [term, total] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
