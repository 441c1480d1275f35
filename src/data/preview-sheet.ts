// A contact sheet: images in rows with their captions below, to check training data by eye.

import sharp, { type OverlayOptions } from "sharp";
import { NishikiError } from "../errors.js";
import { escapeXml } from "../image/index.js";
import type { CaptionedImage } from "./scene-types.js";

/** Options of a contact sheet. */
export interface PreviewSheetOptions {
  readonly images: readonly CaptionedImage[];
  /** Images per row. Default 8, or the number of images. */
  readonly columns?: number;
  /** Side of an image on the sheet in pixels, 32 to 512. Default 192. */
  readonly side?: number;
}

/** The sheet as a PNG file's bytes. */
export interface PreviewSheet {
  readonly png: Uint8Array;
  /**
   * False on a machine without fonts: the sheet has no captions, and the caller should list them.
   */
  readonly labelled: boolean;
}

const fontSize = 12;
const lineHeight = 15;
const gap = 8;
const maxLines = 4;

/** Draws a contact sheet. Throws `usage` for an empty list or a bad side. */
export async function previewSheet(options: PreviewSheetOptions): Promise<PreviewSheet> {
  const { images, side = 192 } = options;
  if (images.length === 0) throw new NishikiError("usage", "A contact sheet needs at least one image.");
  if (!Number.isInteger(side) || side < 32 || side > 512) {
    throw new NishikiError("usage", `side: expected 32 to 512 pixels, got ${side}.`);
  }
  const columns = Math.min(options.columns ?? 8, images.length);
  const labelled = await hasFonts();
  const lines = images.map((image) => wrap(image.caption, Math.floor(side / (fontSize * 0.58))));
  const textRows = labelled ? Math.max(...lines.map((list) => list.length)) : 0;
  const cellHeight = side + textRows * lineHeight + gap;
  const width = columns * (side + gap) + gap;
  const height = Math.ceil(images.length / columns) * cellHeight + gap;
  const layers: OverlayOptions[] = [];
  let text = "";
  for (const [position, image] of images.entries()) {
    const left = gap + (position % columns) * (side + gap);
    const top = gap + Math.floor(position / columns) * cellHeight;
    layers.push({ ...(await resized(image, side)), left, top });
    for (const [row, line] of lines[position]!.entries()) {
      text += `<text x="${left}" y="${top + side + (row + 1) * lineHeight - 2}">${escapeXml(line)}</text>`;
    }
  }
  if (labelled) layers.push({ input: Buffer.from(svg(width, height, text)), left: 0, top: 0 });
  const sheet = sharp({ create: { width, height, channels: 3, background: "#ffffff" } });
  return { png: await sheet.composite(layers).png().toBuffer(), labelled };
}

async function resized(image: CaptionedImage, side: number): Promise<OverlayOptions> {
  const size = Math.round(Math.sqrt(image.pixels.length / 3));
  const { data, info } = await sharp(image.pixels, { raw: { width: size, height: size, channels: 3 } })
    .resize(side, side)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { input: data, raw: { width: info.width, height: info.height, channels: info.channels } };
}

function svg(width: number, height: number, content: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="sans-serif" font-size="${fontSize}" fill="#202020">${content}</svg>`
  );
}

/** Without fonts, letters draw nothing, or all the same empty box. */
async function hasFonts(): Promise<boolean> {
  const letter = (character: string): Promise<Buffer> =>
    sharp(Buffer.from(svg(20, 20, `<text x="2" y="16">${character}</text>`)))
      .raw()
      .toBuffer();
  const [i, w, space] = await Promise.all([letter("i"), letter("W"), letter(" ")]);
  return !i!.equals(w!) && !i!.equals(space!);
}

/** Breaks a caption into lines. Truncates very long ones on the sheet only. */
function wrap(caption: string, width: number): string[] {
  const lines = [""];
  for (const word of caption.split(/\s+/)) {
    const last = lines.at(-1)!;
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const fitting = lines.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
  return fitting.length <= maxLines
    ? fitting
    : [...fitting.slice(0, maxLines - 1), `${fitting[maxLines - 1]}…`];
}
