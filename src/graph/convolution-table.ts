// Which form of a 3×3 convolution is fastest on the CPU, as measured:
//
//   npm run bench -- convolutions
import type { TileSize } from "./ops/winograd-transforms.js";

/**
 * What receipts call the arithmetic of programs with usual sizes on the CPU. The number changes with the table, the tiles'
 * points, the forms of `usual-forms.ts` and anything else that changes an image's last bits.
 */
export const convolutionArithmetic = "winograd 2";

/** A 3×3 convolution of stride 1, with its usual size. */
export interface ConvolutionSize {
  readonly batch: number;
  /** Of the result. */
  readonly height: number;
  readonly width: number;
  readonly inner: number;
  readonly out: number;
}

export interface ConvolutionForm {
  /** Winograd's tiles. */
  readonly tile: TileSize;
  readonly bands: number;
  /** Equal parts of the output channels. */
  readonly parts: number;
}

interface Rule {
  readonly tile: TileSize;
  /** Tiles in all images: each position's matrix of weights is read once for so many rows. */
  readonly leastTiles: number;
  /** Channels on either side: the transforms of tiles cost as much as so few channels' products. */
  readonly leastChannels: number;
}

/** The first rule that holds is used; without one, the runtime's convolution. */
const rules: readonly Rule[] = [
  { tile: 4, leastTiles: 100, leastChannels: 96 },
  { tile: 2, leastTiles: 100, leastChannels: 256 },
];

/** Bytes of a band's transformed tiles: larger ones leave the processor's cache and take memory. */
const bandBytes = 40e6;

/** Bytes of transformed weights at a time: more would raise the memory that a denoiser takes. */
const weightBytes = 20e6;

/** The least number of equal parts that fit. */
function countParts(out: number, bytes: number): number {
  for (let parts = 1; parts < out; parts++)
    if (out % parts === 0 && bytes <= parts * weightBytes) return parts;
  return out;
}

/** Undefined if the runtime's own convolution is as fast. */
export function chooseForm({
  batch,
  height,
  width,
  inner,
  out,
}: ConvolutionSize): ConvolutionForm | undefined {
  const rule = rules.find(({ tile, leastTiles, leastChannels }) => {
    const tiles = batch * Math.ceil(height / tile) * Math.ceil(width / tile);
    return tiles >= leastTiles && Math.min(inner, out) >= leastChannels;
  });
  if (!rule) return undefined;
  const { tile } = rule;
  const positions = (tile + 2) ** 2;
  const rows = Math.ceil(height / tile);
  const bytes = 4 * batch * rows * Math.ceil(width / tile) * positions * Math.max(inner, out);
  const bands = Math.max(1, Math.min(rows, Math.round(bytes / bandBytes)));
  return { tile, bands, parts: countParts(out, 4 * positions * inner * out) };
}
