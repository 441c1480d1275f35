// Resizes 8-bit images by cubic convolution as Pillow does (Image.resize with BICUBIC): one pass per axis, the filter widened
// where the image shrinks, weights as whole numbers of 22 bits, 8 bits between the passes. Networks were trained on images
// that came through Pillow, and what they see changes with the filter (Parmar et al. 2021, arXiv:2104.11222).

/** 8-bit pixels, row by row. */
interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** Keys's cubic with a = -1/2 (Keys 1981). */
function cubic(x: number): number {
  const [a, t] = [-0.5, Math.abs(x)];
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

const radius = 2;
const weightBits = 22;

/** Part of an axis: its first pixel and how many. */
interface Span {
  readonly start: number;
  readonly length: number;
}

/** What makes one pixel along an axis: the first source, and a weight for each from there. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function makeTaps(from: number, to: number, part: Span): Taps[] {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = radius * stretch;
  return Array.from({ length: part.length }, (_, i) => {
    const center = (part.start + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => cubic((k + first - center + 0.5) / stretch));
    const sum = raw.reduce((a, b) => a + b, 0);
    const whole = (weight: number) =>
      Math.trunc((weight / sum) * 2 ** weightBits + (weight < 0 ? -0.5 : 0.5));
    return { first, weights: raw.map(whole) };
  });
}

/** Resizes the middle axis of `[before, length, after]` to `to`, of which `part` is kept. */
function resizeAxis(
  data: Uint8Array,
  { before, length, after }: { readonly before: number; readonly length: number; readonly after: number },
  to: number,
  part: Span,
): Uint8Array {
  const output = new Uint8Array(before * part.length * after);
  const sums = new Float64Array(after);
  for (const [at, { first, weights }] of makeTaps(length, to, part).entries()) {
    for (let line = 0; line < before; line++) {
      sums.fill(2 ** (weightBits - 1));
      for (let tap = 0; tap < weights.length; tap++) {
        const start = (line * length + first + tap) * after;
        const weight = weights[tap]!;
        for (let i = 0; i < after; i++) sums[i]! += weight * data[start + i]!;
      }
      const start = (line * part.length + at) * after;
      for (let i = 0; i < after; i++)
        output[start + i] = Math.min(255, Math.max(0, Math.floor(sums[i]! / 2 ** weightBits)));
    }
  }
  return output;
}

/** A part of an image, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Size = Pick<Raster, "width" | "height">;

/** Which axis comes first matters to rounding. Found by trying sizes with Pillow 13; earlier ones begin across. */
const isDownFirst = (from: Size, to: Size) =>
  to.height < from.height && from.height - to.height > 2 * (from.width - to.width);

/**
 * Resizes an image; every byte is Pillow's.
 * @param box Part of the resized image that is made. Default: all of it.
 */
export function resizeBicubic<T extends Raster>(
  image: T,
  size: Size,
  box: Box = { left: 0, top: 0, ...size },
): T {
  const { channels } = image;
  const [columns, rows] = [
    { start: box.left, length: box.width },
    { start: box.top, length: box.height },
  ];
  // Where an axis keeps its length, each pixel is its own only source.
  const resizeAcross = (data: Uint8Array, height: number) =>
    resizeAxis(data, { before: height, length: image.width, after: channels }, size.width, columns);
  const resizeDown = (data: Uint8Array, width: number) =>
    resizeAxis(data, { before: 1, length: image.height, after: width * channels }, size.height, rows);
  const data = isDownFirst(image, size)
    ? resizeAcross(resizeDown(image.data, image.width), box.height)
    : resizeDown(resizeAcross(image.data, image.height), box.width);
  return { ...image, width: box.width, height: box.height, data };
}
