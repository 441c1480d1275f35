// Several pictures as one: a grid, as a PNG to save.
import { fileUrl } from "../api/client.js";
import type { StoredImage } from "../api/types.js";
import { saveFile } from "../parts/save-file.js";

const spacing = 8;

/** Where each of several cells of one size stands, as square as there can be. */
export function layGrid(count: number, width: number, height: number) {
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  return {
    width: columns * (width + spacing) + spacing,
    height: rows * (height + spacing) + spacing,
    cells: Array.from({ length: count }, (_, i) => ({
      x: spacing + (i % columns) * (width + spacing),
      y: spacing + Math.floor(i / columns) * (height + spacing),
    })),
  };
}

async function load({ id }: StoredImage): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = fileUrl(id);
  await image.decode();
  return image;
}

/** Saves pictures as one; smaller ones stand in the middle of their cell. */
export async function saveGrid(images: readonly StoredImage[]): Promise<void> {
  const [width, height] = [
    Math.max(...images.map((image) => image.width)),
    Math.max(...images.map((image) => image.height)),
  ];
  const grid = layGrid(images.length, width, height);
  const canvas = Object.assign(document.createElement("canvas"), { width: grid.width, height: grid.height });
  const context = canvas.getContext("2d")!;
  context.fillStyle = "white";
  context.fillRect(0, 0, grid.width, grid.height);
  for (const [i, image] of images.entries()) {
    const { x, y } = grid.cells[i]!;
    context.drawImage(await load(image), x + (width - image.width) / 2, y + (height - image.height) / 2);
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
  saveFile("grid.png", blob!);
}
