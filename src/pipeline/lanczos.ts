// Resizes images with plain filters: Lanczos with three lobes (Duchon 1979) to enlarge, box averages to shrink. Plain
// arithmetic, so that only the machine's sine function can change the bits.
const lobes = 3;

function kernel(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= lobes) return 0;
  const angle = Math.PI * x;
  return (lobes * Math.sin(angle) * Math.sin(angle / lobes)) / (angle * angle);
}

/** For each subpixel offset, the weights of the 2·lobes pixels around it; they sum to one. */
function makeWeights(factor: number): Float64Array[] {
  return Array.from({ length: factor }, (_, phase) => {
    const offset = (phase + 0.5) / factor - 0.5;
    const first = Math.floor(offset) - lobes + 1;
    const raw = Float64Array.from({ length: 2 * lobes }, (_, i) => kernel(offset - first - i));
    const sum = raw.reduce((a, b) => a + b, 0);
    return raw.map((weight) => weight / sum);
  });
}

/** Enlarges the middle axis of `[before, length, after]` by `factor`; edges repeat. */
function enlargeAxis(
  input: Float32Array,
  { before, length, after }: { readonly before: number; readonly length: number; readonly after: number },
  factor: number,
): Float32Array {
  const weights = makeWeights(factor);
  const output = new Float32Array(input.length * factor);
  for (let at = 0; at < length * factor; at++) {
    const phase = at % factor;
    const offset = (phase + 0.5) / factor - 0.5;
    const first = Math.floor(at / factor) + Math.floor(offset) - lobes + 1;
    const taps = weights[phase]!;
    for (let line = 0; line < before; line++) {
      const to = (line * length * factor + at) * after;
      for (let tap = 0; tap < taps.length; tap++) {
        const source = Math.min(length - 1, Math.max(0, first + tap));
        const from = (line * length + source) * after;
        const weight = taps[tap]!;
        for (let i = 0; i < after; i++) output[to + i] = output[to + i]! + weight * input[from + i]!;
      }
    }
  }
  return output;
}

/** Enlarges an image `[height, width, 3]` to `[height·factor, width·factor, 3]`; factor is an integer. */
export function enlargeByLanczos(
  values: Float32Array,
  width: number,
  height: number,
  factor: number,
): Float32Array {
  const wide = enlargeAxis(values, { before: height, length: width, after: 3 }, factor);
  return enlargeAxis(wide, { before: 1, length: height, after: width * factor * 3 }, factor);
}

/** Resizes the middle axis of `[before, from, after]` to a length that is not smaller; edges repeat. */
function resizeAxis(
  input: Float32Array,
  {
    before,
    from,
    to,
    after,
  }: { readonly before: number; readonly from: number; readonly to: number; readonly after: number },
): Float32Array {
  const output = new Float32Array(before * to * after);
  for (let at = 0; at < to; at++) {
    const exact = ((at + 0.5) * from) / to - 0.5;
    const first = Math.floor(exact) - lobes + 1;
    const taps = Array.from({ length: 2 * lobes }, (_, i) => kernel(exact - first - i));
    const sum = taps.reduce((a, b) => a + b, 0);
    taps.forEach((tap, i) => {
      const source = Math.min(from - 1, Math.max(0, first + i));
      for (let line = 0; line < before; line++) {
        const [start, end] = [(line * from + source) * after, (line * to + at) * after];
        for (let k = 0; k < after; k++) output[end + k] = output[end + k]! + (tap / sum) * input[start + k]!;
      }
    });
  }
  return output;
}

/** Enlarges an image `[height, width, 3]` to any size that is not smaller. */
export function resizeByLanczos(
  values: Float32Array,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Float32Array {
  const wide = resizeAxis(values, { before: from.height, from: from.width, to: to.width, after: 3 });
  return resizeAxis(wide, { before: 1, from: from.height, to: to.height, after: to.width * 3 });
}

/** Halves an image `[height, width, 3]` with even sides; each pixel is the mean of four. */
export function halve(values: Float32Array, width: number, height: number): Float32Array {
  const [columns, rows] = [width / 2, height / 2];
  const output = new Float32Array(columns * rows * 3);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < 3; c++) {
        const from = (2 * y * width + 2 * x) * 3 + c;
        const below = from + width * 3;
        const sum = values[from]! + values[from + 3]! + values[below]! + values[below + 3]!;
        output[(y * columns + x) * 3 + c] = sum / 4;
      }
    }
  }
  return output;
}
