// The frame around the image: dragging its handles outwards asks for outpainting (`inpaint.extend`).
import type { Sides } from "./history.js";
import type { Area, Point, Size } from "./viewport.js";

/** The sizes that a model draws, as its catalogue entry says. */
export interface Sizes {
  readonly usual: Size;
  /** Sides of any length from `least` to `most` in steps of `step`; null: only the usual size. */
  readonly range: { readonly step: number; readonly least: number; readonly most: number } | null;
}

/** Directions of the handles: sides and corners, as on a compass. */
export const handles = ["n", "ne", "e", "se", "s", "sw", "w", "nw"] as const;
export type Handle = (typeof handles)[number];

/** The frame's rectangle in the image's pixels. */
export const getFrame = (image: Size, sides: Sides): Area => ({
  x: 0 - sides.left,
  y: 0 - sides.top,
  width: image.width + sides.left + sides.right,
  height: image.height + sides.top + sides.bottom,
});

/** The part of a frame that a picture of another shape shows: the server crops a start image around its middle. */
export function fitInside(frame: Area, picture: Size): Area {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { x: frame.x + (frame.width - width) / 2, y: frame.y + (frame.height - height) / 2, width, height };
}

/** Whether a model's size has another shape than the frame, so that a part is cut off. */
export const isCropped = (frame: Size, { width, height }: Size): boolean =>
  Math.abs(Math.log((frame.width * height) / (frame.height * width))) > 0.02;

/** Where a handle is, in the image's pixels. */
export function getHandlePoint(frame: Area, handle: Handle): Point {
  const x = handle.includes("w") ? 0 : handle.includes("e") ? 1 : 0.5;
  const y = handle.includes("n") ? 0 : handle.includes("s") ? 1 : 0.5;
  return { x: frame.x + x * frame.width, y: frame.y + y * frame.height };
}

/** Pixels by which the frame grows at a time. */
const stepOf = ({ range }: Sizes) => range?.step ?? 8;

/** How far an axis may grow in all. A model of one size scales the image down inside its frame: at most to a third. */
const mostGrowth = (side: number, { range }: Sizes) => (range ? Math.max(range.most - side, 0) : side * 2);

/**
 * Growth of one side so that the whole axis is a length that the model draws, and at most its longest.
 * @param other Growth of the opposite side, which stays.
 */
function snap(growth: number, other: number, side: number, sizes: Sizes): number {
  const step = stepOf(sizes);
  const room = mostGrowth(side, sizes) - other;
  if (growth < step / 2) return 0;
  const rest = (side + other) % step;
  const snapped = Math.round((growth + rest) / step) * step - rest;
  const limit = Math.floor((room + rest) / step) * step - rest;
  return Math.max(Math.min(snapped, limit), 0);
}

/** The frame after dragging a handle by a distance in the image's pixels. It never cuts into the image. */
export function drag(start: Sides, handle: Handle, by: Point, image: Size, sizes: Sizes): Sides {
  const sides = { ...start };
  if (handle.includes("w")) sides.left = snap(start.left - by.x, start.right, image.width, sizes);
  if (handle.includes("e")) sides.right = snap(start.right + by.x, start.left, image.width, sizes);
  if (handle.includes("n")) sides.top = snap(start.top - by.y, start.bottom, image.height, sizes);
  if (handle.includes("s")) sides.bottom = snap(start.bottom + by.y, start.top, image.height, sizes);
  return sides;
}

/** A direction button: a quarter of the image more on that side. */
export function grow(start: Sides, side: keyof Sides, image: Size, sizes: Sizes): Sides {
  const by = { x: Math.round(image.width / 4), y: Math.round(image.height / 4) };
  if (side === "left") return drag(start, "w", { x: -by.x, y: 0 }, image, sizes);
  if (side === "right") return drag(start, "e", { x: by.x, y: 0 }, image, sizes);
  if (side === "top") return drag(start, "n", { x: 0, y: -by.y }, image, sizes);
  return drag(start, "s", { x: 0, y: by.y }, image, sizes);
}

export const isExtended = (sides: Sides) =>
  sides.left > 0 || sides.right > 0 || sides.top > 0 || sides.bottom > 0;

export const isSameSides = (a: Sides, b: Sides) =>
  a.left === b.left && a.right === b.right && a.top === b.top && a.bottom === b.bottom;
