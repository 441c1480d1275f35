// Opens and closes the viewer: the image grows out of its tile and goes back into it. The browser's own view transitions take a
// picture of the whole page first, which costs several frames; moving one element costs none.
import { prefersLessMotion } from "../parts/media.js";
import { viewed } from "../store/ui.js";

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const timing = { duration: 180, easing: "cubic-bezier(0.2, 0, 0, 1)" };

export const findTile = (id: string) =>
  document.querySelector<HTMLElement>(`.blocks [data-image="${id}"] img`);

/** Where the tile was that the viewer opened from. */
let origin: Box | undefined;

/** Shows an image in the viewer. */
export function openViewer(id: string, from: Element | null = findTile(id)): void {
  origin = from?.getBoundingClientRect();
  viewed.value = id;
}

/** The box of the picture itself within an element that shows it whole ("contain"). */
function getPictureBox(image: HTMLImageElement): Box {
  const { left, top, width, height } = image.getBoundingClientRect();
  const aspect = Number(image.getAttribute("width")) / Number(image.getAttribute("height"));
  const shown = { width: Math.min(width, height * aspect), height: Math.min(height, width / aspect) };
  return { left: left + (width - shown.width) / 2, top: top + (height - shown.height) / 2, ...shown };
}

/** The transform that moves one box over another one, from its centre. */
function moveOver(box: Box, target: Box): string {
  const x = target.left + target.width / 2 - (box.left + box.width / 2);
  const y = target.top + target.height / 2 - (box.top + box.height / 2);
  return `translate(${x}px, ${y}px) scale(${target.width / Math.max(1, box.width)})`;
}

/** Lets the image grow out of its tile, once the viewer is in the document. */
export function animateOpening(dialog: HTMLElement): void {
  const image = dialog.querySelector<HTMLImageElement>(".viewer-image");
  if (!origin || !image || prefersLessMotion.peek()) return;
  image.animate([{ transform: moveOver(getPictureBox(image), origin) }, { transform: "none" }], timing);
  dialog.animate([{ backgroundColor: "transparent" }, {}], timing);
  for (const part of dialog.querySelectorAll("header, footer, aside"))
    part.animate([{ opacity: 0 }, {}], timing);
  origin = undefined;
}

export function closeViewer(): void {
  const id = viewed.peek();
  if (id === undefined) return;
  const image = document.querySelector<HTMLImageElement>(".viewer-image");
  const box = image && getPictureBox(image);
  viewed.value = undefined;
  const tile = findTile(id);
  if (!image || !box || !tile || prefersLessMotion.peek()) return;
  const copy = new Image();
  copy.src = tile instanceof HTMLImageElement ? tile.currentSrc : image.src;
  copy.className = "flying";
  const { left, top, width, height } = box;
  Object.assign(copy.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
  document.body.append(copy);
  const end = { transform: moveOver(box, tile.getBoundingClientRect()) };
  copy.animate([{ transform: "none" }, end], timing).finished.finally(() => copy.remove());
}
