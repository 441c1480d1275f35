// Contact sheets: what a prompt drew as one file beside its images, as Midjourney shows four of them.
import { NishikiError } from "../errors.js";
import { decodePng, encodePng, joinGrid, resize } from "../image/index.js";
import type { Drawing } from "./drawing.js";
import type { ImageFiles } from "./image-files.js";
import { print, printPath } from "./terminal.js";

/** Images of a prompt that has a sheet, unless --count says otherwise. */
export const usualImages = 4;
const mostImages = 100;
/** The longer side of a sheet, in pixels: larger images become smaller on it. */
const longestSide = 4096;

type Write = Drawing["write"];

/** Joins the images of each drawing; drawings of one image share a sheet. */
export class ContactSheets {
  readonly #counts: readonly number[];
  readonly #isShared: boolean;
  readonly #json: boolean;
  #images: { readonly png: Uint8Array; readonly file: string; readonly seed: number }[] = [];
  #files: ImageFiles | undefined;
  #finished = 0;

  /** @param counts The images of each drawing. @throws NishikiError "usage" for more than fit on a sheet */
  constructor(counts: readonly number[], { json = false }: { readonly json?: boolean } = {}) {
    this.#counts = counts;
    this.#json = json;
    this.#isShared = counts.every((count) => count === 1);
    const most = this.#isShared ? counts.length : Math.max(...counts);
    if (most <= mostImages) return;
    const message = `--grid: expected at most ${mostImages} images on a sheet, got ${most}. Draw fewer, or leave it out.`;
    throw new NishikiError("usage", message);
  }

  /** A writer that also keeps images for the sheet. */
  keep(write: Write, files: ImageFiles | undefined): Write {
    return async (index, seed, png) => {
      const file = await write(index, seed, png);
      this.#files ??= files;
      if (file !== undefined) this.#images.push({ png, file, seed });
      return file;
    };
  }

  /** After each drawing: writes its sheet, or the shared one after the last. */
  async finishDrawing(): Promise<void> {
    this.#finished += 1;
    if (this.#isShared && this.#finished < this.#counts.length) return;
    const images = this.#images;
    if (images.length > 1) {
      const sheet = joinSheet(images.map(({ png }) => png));
      const file = await this.#files!.writeGrid(images[0]!.seed, sheet);
      if (!this.#json) await printPath(file);
      else {
        const line = { kind: "grid", file, images: images.map((image) => image.file) };
        await print(`${JSON.stringify(line)}\n`);
      }
    }
    this.#images = [];
    this.#files = undefined;
  }
}

/** PNG files as one, row by row in a square. */
export function joinSheet(pngs: readonly Uint8Array[]): Uint8Array {
  const images = pngs.map((png) => decodePng(png));
  const columns = Math.ceil(Math.sqrt(images.length));
  const side = Math.max(...images.flatMap(({ width, height }) => [width, height]));
  const scale = Math.min(1, longestSide / (columns * (side + 8) + 8));
  const scaled = images.map((image) =>
    scale === 1
      ? image
      : resize(
          image,
          Math.max(1, Math.floor(image.width * scale)),
          Math.max(1, Math.floor(image.height * scale)),
        ),
  );
  return encodePng(joinGrid(scaled));
}
