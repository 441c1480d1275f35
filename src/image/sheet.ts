// A contact sheet: images with a caption under each, as one SVG, so that a person sees many at once.

import { NishikiError } from "../errors.js";
import type { Image } from "./image.js";
import { escapeXml } from "./plot.js";
import { encodePng } from "./png.js";

/** An image and what stands under it. */
export interface CaptionedImage {
  readonly image: Image;
  readonly caption: string;
}

export interface SheetOptions {
  readonly title?: string;
  /** Images in a row; by default as square a sheet as there can be. */
  readonly columns?: number;
  /** Pixels; every image is drawn this wide and high. By default the size of the largest image. */
  readonly size?: number;
  /** Lines of a caption; 2 by default. What does not fit ends in "…". */
  readonly lines?: number;
}

const SPACING = 10;
const LINE = 16;

/**
 * Draws images in rows with their captions below, as an SVG text with the images inside.
 *
 * @throws NishikiError `usage` where there is no image
 */
export function contactSheet(entries: readonly CaptionedImage[], options: SheetOptions = {}): string {
  if (entries.length === 0) throw new NishikiError("usage", "A contact sheet needs at least one picture.");
  const { columns = Math.ceil(Math.sqrt(entries.length)), lines = 2, title } = options;
  const size = options.size ?? Math.max(...entries.map(({ image }) => Math.max(image.width, image.height)));
  const cellHeight = size + lines * LINE + SPACING + 4;
  const top = SPACING + (title ? 26 : 0);
  const width = SPACING + columns * (size + SPACING);
  const height = top + Math.ceil(entries.length / columns) * cellHeight;
  const cells = entries.map((entry, i) => {
    const x = SPACING + (i % columns) * (size + SPACING);
    return drawCell(entry, x, top + Math.floor(i / columns) * cellHeight, size, lines);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      'font-family="DejaVu Sans, Liberation Sans, Arial, Helvetica, sans-serif" font-size="12" fill="#222">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    title ? `<text x="${SPACING}" y="24" font-size="16" font-weight="bold">${escapeXml(title)}</text>` : "",
    ...cells,
    "</svg>",
  ].join("\n");
}

function drawCell(
  { image, caption }: CaptionedImage,
  x: number,
  y: number,
  size: number,
  lines: number,
): string {
  const source = `data:image/png;base64,${toBase64(encodePng(image))}`;
  // Small images are shown pixel by pixel: a person who looks wants to see what the model sees.
  const sharpness = image.width < size ? ' style="image-rendering:pixelated"' : "";
  const element = `<image x="${x}" y="${y}" width="${size}" height="${size}" href="${source}"${sharpness}/>`;
  const text = wrap(caption, Math.max(4, Math.floor(size / 6.9)), lines).map(
    (line, i) => `<text x="${x}" y="${y + size + 14 + i * LINE}">${escapeXml(line)}</text>`,
  );
  return element + text.join("");
}

/** Breaks a text into lines of at most `width` characters, at spaces where it can. */
function wrap(text: string, width: number, most: number): string[] {
  const lines: string[] = [];
  let rest = text.replace(/\s+/g, " ").trim();
  while (rest.length > width && lines.length < most) {
    const space = rest.lastIndexOf(" ", width);
    const cut = space > width / 3 ? space : width;
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trim();
  }
  if (lines.length < most && rest) lines.push(rest);
  else if (rest && lines.length > 0) lines[lines.length - 1] = `${lines.at(-1)!.slice(0, width - 1)}…`;
  return lines;
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
