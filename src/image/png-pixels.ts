// Pixels to PNG's packed rows: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025, sections 9
// (filtering) and 12.7 (choice of filter: the least sum of absolute differences). The decoding library can also write,
// but without filters, which makes images two to three times as large.

import { zlibSync } from "fflate";
import type { Image } from "./image.js";
import type { Chunk } from "./png-chunks.js";

type Bytes = Image["data"];

/** The neighbour that a linear guess from left (a), above (b) and above left (c) comes nearest to. */
function paeth(a: number, b: number, c: number): number {
  const toA = Math.abs(b - c);
  const toB = Math.abs(a - c);
  const toC = Math.abs(a + b - 2 * c);
  if (toA <= toB && toA <= toC) return a;
  return toB <= toC ? b : c;
}

/** Filters one row in all five ways, and returns the number of the one that varies least. */
function filterRow(row: Bytes, above: Bytes, channels: number, filtered: readonly Uint8Array[]): number {
  const [none, sub, up, average, nearest] = filtered as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  for (let i = 0; i < row.length; i++) {
    const a = i < channels ? 0 : row[i - channels]!;
    const b = above[i]!;
    const c = i < channels ? 0 : above[i - channels]!;
    const value = row[i]!;
    none[i] = value;
    sub[i] = value - a;
    up[i] = value - b;
    average[i] = value - ((a + b) >> 1);
    nearest[i] = value - paeth(a, b, c);
  }
  const sums = filtered.map(variation);
  return sums.indexOf(Math.min(...sums));
}

/** How far bytes lie from zero, as signed numbers. */
function variation(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i]! < 128 ? bytes[i]! : 256 - bytes[i]!;
  return sum;
}

/** The chunks of an image without texts: header, pixels, end. The same pixels give the same bytes on every machine. */
export function pixelChunks({ width, height, channels, data }: Image): Chunk[] {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, channels === 4 ? 6 : 2], 8); // 8 bits, truecolour with or without alpha
  const rowBytes = width * channels;
  const rows = new Uint8Array(height * (rowBytes + 1));
  const filtered = Array.from({ length: 5 }, () => new Uint8Array(rowBytes));
  let above: Bytes = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * rowBytes, (y + 1) * rowBytes);
    const filter = filterRow(row, above, channels, filtered);
    rows[y * (rowBytes + 1)] = filter;
    rows.set(filtered[filter]!, y * (rowBytes + 1) + 1);
    above = row;
  }
  return [
    { type: "IHDR", data: header },
    { type: "IDAT", data: zlibSync(rows, { level: 6 }) },
    { type: "IEND", data: new Uint8Array(0) },
  ];
}
