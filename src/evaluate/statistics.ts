// Statistics over many images: confidence intervals, and the distance between two sets of features.
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/**
 * The 95% confidence interval of a share (Wilson 1927, "Probable inference, the law of succession, and
 * statistical inference").
 */
export function wilson(right: number, asked: number): [low: number, high: number] {
  if (asked === 0) return [0, 1];
  const z = 1.959964;
  const share = right / asked;
  const scale = 1 + (z * z) / asked;
  const middle = (share + (z * z) / (2 * asked)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / asked + (z * z) / (4 * asked * asked));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

interface Gaussian {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
}

function fitGaussian(rows: readonly Float32Array[]): Gaussian {
  const width = rows[0]!.length;
  const mean = new Float64Array(width);
  for (const row of rows) for (let i = 0; i < width; i++) mean[i] = mean[i]! + row[i]! / rows.length;
  const centred = new Matrix(rows.length, width);
  for (const [y, row] of rows.entries())
    for (let x = 0; x < width; x++) centred.set(y, x, row[x]! - mean[x]!);
  const covariance = centred
    .transpose()
    .mmul(centred)
    .div(rows.length - 1);
  return { mean, covariance };
}

/**
 * Square root of a symmetric positive semi-definite matrix. Rounding may leave eigenvalues slightly below
 * zero.
 */
function squareRoot(matrix: Matrix): Matrix {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const roots = Matrix.diag(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))));
  return eigenvectorMatrix.mmul(roots).mmul(eigenvectorMatrix.transpose());
}

/**
 * The Fréchet distance between two sets of features, each modelled as a Gaussian (Heusel et al. 2017,
 * arXiv:1706.08500): |m − n|² + tr(S + T − 2·(√S·T·√S)^½). It grows with fewer rows: compare sets of equal
 * size.
 * @param a at least two rows of equal length
 */
export function frechetDistance(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  const [first, second] = [fitGaussian(a), fitGaussian(b)];
  const offset = first.mean.reduce((sum, value, i) => sum + (value - second.mean[i]!) ** 2, 0);
  const root = squareRoot(first.covariance);
  const middle = root.mmul(second.covariance).mmul(root);
  const symmetric = Matrix.add(middle, middle.transpose()).div(2);
  const { realEigenvalues } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true });
  const cross = realEigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  return offset + first.covariance.trace() + second.covariance.trace() - 2 * cross;
}

/** Euclidean distance √Σ(a − b)². */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Mean distance between all pairs of rows; 0 for fewer than two. */
export function spread(rows: readonly Float32Array[]): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < i; j++) {
      sum += distance(rows[i]!, rows[j]!);
      pairs += 1;
    }
  }
  return pairs === 0 ? 0 : sum / pairs;
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}
