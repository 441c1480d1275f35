// Zoom and pan: an image's point p is shown at p · scale + (x, y), in CSS pixels of the canvas.

export interface Viewport {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle in the image's pixels; outpainting makes x and y negative. */
export interface Area extends Point, Size {}

const least = 0.05;
const most = 32;
const clamp = (value: number, from: number, to: number) => Math.min(Math.max(value, from), to);

export const toImage = ({ scale, x, y }: Viewport, point: Point): Point => ({
  x: (point.x - x) / scale,
  y: (point.y - y) / scale,
});

export const toScreen = ({ scale, x, y }: Viewport, point: Point): Point => ({
  x: point.x * scale + x,
  y: point.y * scale + y,
});

/** Shows all of an area, centred, with a margin around it. */
export function fitView(area: Area, canvas: Size, margin: number): Viewport {
  const room = (side: number) => Math.max(side - 2 * margin, 16);
  const scale = clamp(
    Math.min(room(canvas.width) / area.width, room(canvas.height) / area.height),
    least,
    most,
  );
  return centre(area, canvas, scale);
}

/** Shows the middle of an area in the middle of the canvas. */
export const centre = (area: Area, canvas: Size, scale: number): Viewport => ({
  scale,
  x: canvas.width / 2 - (area.x + area.width / 2) * scale,
  y: canvas.height / 2 - (area.y + area.height / 2) * scale,
});

/** Zooms so that the image's point under `point` stays where it is. */
export function zoomAt(viewport: Viewport, point: Point, factor: number): Viewport {
  const scale = clamp(viewport.scale * factor, least, most);
  const anchor = toImage(viewport, point);
  return { scale, x: point.x - anchor.x * scale, y: point.y - anchor.y * scale };
}

export const pan = (viewport: Viewport, dx: number, dy: number): Viewport => ({
  ...viewport,
  x: viewport.x + dx,
  y: viewport.y + dy,
});

/** Two fingers: the image's points under them stay under them, as far as zoom and pan can. */
export function pinch(
  viewport: Viewport,
  before: readonly [Point, Point],
  after: readonly [Point, Point],
): Viewport {
  const middle = ([a, b]: readonly [Point, Point]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const distance = ([a, b]: readonly [Point, Point]) => Math.hypot(a.x - b.x, a.y - b.y);
  const [from, to] = [middle(before), middle(after)];
  const moved = pan(viewport, to.x - from.x, to.y - from.y);
  return zoomAt(moved, to, distance(after) / Math.max(distance(before), 1));
}
