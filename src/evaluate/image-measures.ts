// Distances between two images that need no trained network, so that they do not share the blind spots of the
// project's classifier and autoencoder.

/** A channel of a square image, rows from top to bottom, 0 to 255. */
export interface Plane {
  readonly size: number;
  readonly values: Float32Array;
}

/** Rec. 601 luminance of `[size, size, 3]` bytes. */
export function luminancePlane(pixels: Uint8Array, size: number): Plane {
  const values = new Float32Array(size * size);
  for (let i = 0; i < values.length; i++)
    values[i] = 0.299 * pixels[i * 3]! + 0.587 * pixels[i * 3 + 1]! + 0.114 * pixels[i * 3 + 2]!;
  return { size, values };
}

/** Averages blocks of 2×2 pixels. */
export function halvePlane({ size, values }: Plane): Plane {
  const half = size >> 1;
  const means = new Float32Array(half * half);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const at = 2 * y * size + 2 * x;
      means[y * half + x] = (values[at]! + values[at + 1]! + values[at + size]! + values[at + size + 1]!) / 4;
    }
  }
  return { size: half, values: means };
}

/** Horizontal and vertical derivatives per pixel (Prewitt's 3×3 filters); 0 along the image's border. */
export function planeGradients({ size, values }: Plane): {
  readonly x: Float32Array;
  readonly y: Float32Array;
} {
  const x = new Float32Array(values.length);
  const y = new Float32Array(values.length);
  for (let row = 1; row < size - 1; row++) {
    for (let column = 1; column < size - 1; column++) {
      const at = row * size + column;
      let [across, down] = [0, 0];
      for (let step = -1; step <= 1; step++) {
        across += values[at + step * size + 1]! - values[at + step * size - 1]!;
        down += values[at + size + step]! - values[at - size + step]!;
      }
      x[at] = across / 6;
      y[at] = down / 6;
    }
  }
  return { x, y };
}

/**
 * Keeps the quotient finite in flat areas. Published as 170 for derivatives over two pixels; these are over
 * one.
 */
const stability = 170 / 4;

/** Standard deviation of the similarity of gradient magnitudes; 0 for equal planes. */
function gradientDeviation(a: Plane, b: Plane): number {
  const [first, second] = [planeGradients(a), planeGradients(b)];
  let [sum, squares, count] = [0, 0, 0];
  for (let row = 1; row < a.size - 1; row++) {
    for (let column = 1; column < a.size - 1; column++) {
      const at = row * a.size + column;
      const m = Math.hypot(first.x[at]!, first.y[at]!);
      const n = Math.hypot(second.x[at]!, second.y[at]!);
      const similarity = (2 * m * n + stability) / (m * m + n * n + stability);
      sum += similarity;
      squares += similarity * similarity;
      count++;
    }
  }
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

/**
 * A perceptual distance: gradient magnitude similarity deviation (GMSD; Xue et al. 2014, arXiv:1308.3052),
 * averaged over 1/2, 1/4 and 1/8 of the size. 0 for equal images; 0.1 is visibly worse.
 * @param a, b `[size, size, 3]` bytes
 */
export function gradientDistance(a: Uint8Array, b: Uint8Array, size: number): number {
  let [first, second] = [luminancePlane(a, size), luminancePlane(b, size)];
  let sum = 0;
  for (let scale = 0; scale < 3; scale++) {
    [first, second] = [halvePlane(first), halvePlane(second)];
    sum += gradientDeviation(first, second);
  }
  return sum / 3;
}

/**
 * PSNR in dB, on the scale of bytes (peak 255). The mean squared error is at least 0.001: equal images give
 * 78 dB.
 */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  let squared = 0;
  for (let i = 0; i < a.length; i++) squared += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10((255 * 255) / Math.max(1e-3, squared / a.length));
}
