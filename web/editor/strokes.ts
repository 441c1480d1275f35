// Strokes as shapes: a path of round discs whose size follows the pressure, as line segments for a canvas.
import type { StrokePoint } from "./history.js";

export interface Segment {
  readonly from: StrokePoint;
  readonly to: StrokePoint;
  /** Width of the line in the image's pixels. */
  readonly width: number;
}

/** The least share of the brush's size that a light touch of a pen paints. */
const lightest = 0.25;

const widthAt = ({ pressure }: StrokePoint, size: number) =>
  size * (lightest + (1 - lightest) * Math.min(Math.max(pressure, 0), 1));

/** A single point gives a segment without length, which round caps make a dot. */
export function getSegments(points: readonly StrokePoint[], size: number): readonly Segment[] {
  const [first] = points;
  if (!first) return [];
  if (points.length === 1) return [{ from: first, to: first, width: widthAt(first, size) }];
  return points.slice(1).map((to, i) => {
    const from = points[i]!;
    return { from, to, width: (widthAt(from, size) + widthAt(to, size)) / 2 };
  });
}

/** Leaves out points that are nearer to the last kept one than a twentieth of the brush: nobody sees them. */
export function thin(points: readonly StrokePoint[], size: number): readonly StrokePoint[] {
  const near = Math.max(size / 20, 0.5);
  const kept: StrokePoint[] = [];
  for (const [i, point] of points.entries()) {
    const last = kept.at(-1);
    const isEnd = i === points.length - 1;
    if (!last || isEnd || Math.hypot(point.x - last.x, point.y - last.y) >= near) kept.push(point);
  }
  return kept;
}

/** The next brush size up or down, in steps that feel even: a sixth of the size, at least one pixel. */
export function changeSize(size: number, direction: 1 | -1): number {
  const step = Math.max(Math.round(size / 6), 1);
  return Math.min(Math.max(size + direction * step, 1), 1024);
}
