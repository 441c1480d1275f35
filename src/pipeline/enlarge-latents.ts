// Enlarges latents between the two passes of a hires request, with the filters and borders of PyTorch's `interpolate`
// (align_corners off), which stable-diffusion-webui uses under the same names.
import type { MaskSize } from "./mask.js";

/** How the first pass is enlarged: its latents by a filter, or its pixels by Lanczos. */
export const hiresMethods = [
  "latent",
  "latent-bicubic",
  "latent-nearest",
  "latent-nearest-exact",
  "lanczos",
] as const;
export type HiresMethod = (typeof hiresMethods)[number];
export type LatentMethod = Exclude<HiresMethod, "lanczos">;

/** One source position and its weight. */
type Tap = readonly [position: number, weight: number];

/** Keys 1981 with a = -0.75, PyTorch's choice. */
function bicubic(distance: number): number {
  const [a, x] = [-0.75, Math.abs(distance)];
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** For a position of the result, in units of source positions: where it reads. */
const readers: Readonly<Record<LatentMethod, (index: number, ratio: number) => readonly Tap[]>> = {
  latent: (index, ratio) => {
    const exact = Math.max(0, (index + 0.5) * ratio - 0.5);
    const first = Math.floor(exact);
    return [
      [first, 1 - (exact - first)],
      [first + 1, exact - first],
    ];
  },
  "latent-bicubic": (index, ratio) => {
    const exact = (index + 0.5) * ratio - 0.5;
    const first = Math.floor(exact);
    return [-1, 0, 1, 2].map((i): Tap => [first + i, bicubic(exact - first - i)]);
  },
  "latent-nearest": (index, ratio) => [[Math.floor(index * ratio), 1]],
  "latent-nearest-exact": (index, ratio) => [[Math.floor((index + 0.5) * ratio), 1]],
};

/** Resizes the middle axis of [before, from, after]; positions beyond the ends repeat them. */
function resizeAxis(
  input: Float32Array,
  { before, from, to, after }: { before: number; from: number; to: number; after: number },
  method: LatentMethod,
): Float32Array {
  const output = new Float32Array(before * to * after);
  for (let at = 0; at < to; at++) {
    for (const [position, weight] of readers[method](at, from / to)) {
      const source = Math.min(from - 1, Math.max(0, position));
      for (let line = 0; line < before; line++) {
        const [start, end] = [(line * from + source) * after, (line * to + at) * after];
        for (let i = 0; i < after; i++) output[end + i] = output[end + i]! + weight * input[start + i]!;
      }
    }
  }
  return output;
}

/** Enlarges latents [channels, height, width]. */
export function enlargeLatents(
  latents: Float32Array,
  from: MaskSize,
  to: MaskSize,
  method: LatentMethod,
): Float32Array {
  const channels = latents.length / (from.height * from.width);
  const lines = { before: channels * from.height, from: from.width, to: to.width, after: 1 };
  const wide = resizeAxis(latents, lines, method);
  return resizeAxis(wide, { before: channels, from: from.height, to: to.height, after: to.width }, method);
}
