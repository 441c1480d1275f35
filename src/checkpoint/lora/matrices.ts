// The few products that LoRA files need outside a graph: matrices of rank size, small compared with the
// layers.
import type { Matrix } from "./change.js";

/** Reshapes a tensor into a matrix: the first axis becomes rows, all others columns. */
export function toMatrix(shape: readonly number[], data: Float32Array): Matrix {
  const rows = shape[0] ?? 1;
  return { rows, columns: rows === 0 ? 0 : data.length / rows, data };
}

export function transposed({ rows, columns, data }: Matrix): Matrix {
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  return { rows: columns, columns: rows, data: turned };
}

/** Computes first · second, summed in float64. */
export function multiplied(first: Matrix, second: Matrix): Matrix {
  const sums = new Float64Array(second.columns);
  const data = new Float32Array(first.rows * second.columns);
  for (let i = 0; i < first.rows; i++) {
    sums.fill(0);
    for (let k = 0; k < first.columns; k++) {
      const factor = first.data[i * first.columns + k]!;
      const row = k * second.columns;
      for (let j = 0; j < second.columns; j++) sums[j]! += factor * second.data[row + j]!;
    }
    data.set(sums, i * second.columns);
  }
  return { rows: first.rows, columns: second.columns, data };
}

/**
 * Computes the inner half of a Tucker decomposition (Tucker 1966; Yeh et al. 2023, section 3): core `[p, q,
 * kernel]` and `[q, in]` → `[p, in · kernel]`.
 */
export function contractCore(core: Matrix, inner: Matrix): Matrix {
  const kernel = core.columns / inner.rows;
  const data = new Float32Array(core.rows * inner.columns * kernel);
  for (let p = 0; p < core.rows; p++) {
    for (let q = 0; q < inner.rows; q++) {
      for (let i = 0; i < inner.columns; i++) {
        const factor = inner.data[q * inner.columns + i]!;
        const from = p * core.columns + q * kernel;
        const to = (p * inner.columns + i) * kernel;
        for (let k = 0; k < kernel; k++) data[to + k]! += factor * core.data[from + k]!;
      }
    }
  }
  return { rows: core.rows, columns: inner.columns * kernel, data };
}
