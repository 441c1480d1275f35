// Joins and resizes images for contact sheets, sample grids and previews.

import { NishikiError } from "../errors.js";
import { checkImage, type Image, toRgb } from "./image.js";

/** How images are joined. */
export interface GridOptions {
  /** Images in a row; by default as square a grid as there can be. */
  readonly columns?: number;
  /** Pixels between images and around them; 8 by default. */
  readonly spacing?: number;
  /** [red, green, blue] in [0, 255] of what no image covers; white by default. */
  readonly background?: readonly [number, number, number];
}

/**
 * Joins images row by row into one RGB image. Smaller images stand in the middle of a cell of the largest size.
 *
 * @throws NishikiError `usage` where there is no image, or an option is out of range
 */
export function joinGrid(images: readonly Image[], options: GridOptions = {}): Image {
  const {
    columns = Math.ceil(Math.sqrt(images.length)),
    spacing = 8,
    background = [255, 255, 255],
  } = options;
  if (images.length === 0) throw new NishikiError("usage", "A grid needs at least one image.");
  if (!Number.isInteger(columns) || columns < 1 || !Number.isInteger(spacing) || spacing < 0) {
    throw new NishikiError(
      "usage",
      `A grid has 1 or more columns and 0 or more pixels of spacing, not ${columns} and ${spacing}.`,
    );
  }
  const cellWidth = Math.max(...images.map(({ width }) => width));
  const cellHeight = Math.max(...images.map(({ height }) => height));
  const rows = Math.ceil(images.length / columns);
  const width = columns * (cellWidth + spacing) + spacing;
  const height = rows * (cellHeight + spacing) + spacing;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = background[i % 3]!;
  const sheet: Image = { width, height, channels: 3, data };
  checkImage(sheet);
  images.forEach((image, index) => {
    const x = spacing + (index % columns) * (cellWidth + spacing) + ((cellWidth - image.width) >> 1);
    const y =
      spacing + Math.floor(index / columns) * (cellHeight + spacing) + ((cellHeight - image.height) >> 1);
    paste(data, width, toRgb(image, background), x, y);
  });
  return sheet;
}

function paste(
  sheet: Uint8Array,
  sheetWidth: number,
  { width, height, data }: Image,
  x: number,
  y: number,
): void {
  for (let row = 0; row < height; row++) {
    sheet.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((y + row) * sheetWidth + x) * 3);
  }
}

/** For each place of the new size: the first old place that counts, and the weight of it and those after it. */
interface Tap {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Smaller: each new pixel is the mean of the area that it covers. Larger: linear between the two nearest centres. */
function makeTaps(from: number, to: number): Tap[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    if (scale > 1) {
      const [begin, end] = [i * scale, Math.min(from, (i + 1) * scale)];
      const first = Math.floor(begin);
      const count = Math.max(1, Math.ceil(end - 1e-9) - first);
      const overlap = (j: number) => Math.min(end, first + j + 1) - Math.max(begin, first + j);
      return { first, weights: Array.from({ length: count }, (_w, j) => overlap(j) / scale) };
    }
    const centre = Math.min(Math.max((i + 0.5) * scale - 0.5, 0), from - 1);
    const first = Math.floor(centre);
    return first === centre
      ? { first, weights: [1] }
      : { first, weights: [first + 1 - centre, centre - first] };
  });
}

/** Applies taps along the middle axis of [outer, size, inner]. */
function applyTaps(
  from: Float32Array,
  to: Float32Array,
  taps: readonly Tap[],
  layout: { outer: number; inner: number; size: number },
): void {
  const { outer, inner, size } = layout;
  for (let o = 0; o < outer; o++) {
    for (let t = 0; t < taps.length; t++) {
      const { first, weights } = taps[t]!;
      for (let i = 0; i < inner; i++) {
        let sum = 0;
        for (let j = 0; j < weights.length; j++)
          sum += weights[j]! * from[(o * size + first + j) * inner + i]!;
        to[(o * taps.length + t) * inner + i] = sum;
      }
    }
  }
}

/**
 * Resizes an image, ignoring its aspect ratio: averages areas to shrink, interpolates linearly to enlarge. Premultiplies
 * alpha, so that transparent pixels do not bleed.
 *
 * @throws NishikiError `shape` for an invalid size
 */
export function resize(image: Image, width: number, height: number): Image {
  checkImage(image);
  const { channels } = image;
  const out = {
    width,
    height,
    channels,
    data: new Uint8Array(Math.max(0, Math.trunc(width * height * channels)) || 0),
  };
  checkImage(out);
  const wide = new Float32Array(image.height * width * channels);
  const done = new Float32Array(height * width * channels);
  applyTaps(premultiply(image), wide, makeTaps(image.width, width), {
    outer: image.height,
    inner: channels,
    size: image.width,
  });
  applyTaps(wide, done, makeTaps(image.height, height), {
    outer: 1,
    inner: width * channels,
    size: image.height,
  });
  for (let i = 0; i < done.length; i++) {
    const alpha = channels === 4 && i % 4 !== 3 ? done[i - (i % 4) + 3]! / 255 : 1;
    out.data[i] = alpha > 0 ? Math.min(255, Math.round(done[i]! / alpha)) : 0;
  }
  return out;
}

function premultiply({ channels, data }: Image): Float32Array {
  const values = Float32Array.from(data);
  if (channels === 3) return values;
  for (let i = 0; i < values.length; i++) if (i % 4 !== 3) values[i]! *= data[i - (i % 4) + 3]! / 255;
  return values;
}
