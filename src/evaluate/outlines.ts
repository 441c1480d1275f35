// Measures whether an image's outlines are sharp and in place, along the edges of the composed scene it
// should look like. Outer and inner edges count alike: a face without eyes has lost edges, a wobbly one has
// moved them.
import { luminancePlane, planeGradients } from "./image-measures.js";
import { mean } from "./statistics.js";

export interface OutlineMeasure {
  /** Steepness of the image's edges relative to the scene's: 0 (no edges) to 1 (equally sharp everywhere). */
  readonly sharpness: number;
  /** RMS distance of edges from where their neighbours would put them, in pixels. 0: straight. */
  readonly wobble: number;
  readonly points: number;
}

/** A point on an edge of the scene, with its unit normal and the edge's steepness per pixel. */
interface EdgePoint {
  readonly x: number;
  readonly y: number;
  readonly across: readonly [number, number];
  readonly steepness: number;
}

/** Least steepness of an edge, per pixel: about a tenth of the range within two pixels. */
const least = 12;
/** Search range along the normal, in pixels. */
const reach = 6;
/** Neighbours lie within this many pixels, and their normals differ by less than 45°. */
const near = 10;
const alike = Math.SQRT1_2;
/** Least steepness, as a share of the scene's, for an edge to be present in the image. */
const present = 0.25;

/** Ridges of the gradient: points that are steeper than their neighbours along the normal. */
function edgePoints(pixels: Uint8Array, size: number): EdgePoint[] {
  const { x: gx, y: gy } = planeGradients(luminancePlane(pixels, size));
  const steepness = gx.map((value, i) => Math.hypot(value, gy[i]!));
  const points: EdgePoint[] = [];
  for (let y = reach; y < size - reach; y++) {
    for (let x = reach; x < size - reach; x++) {
      const at = y * size + x;
      const here = steepness[at]!;
      if (here < least) continue;
      const across = [gx[at]! / here, gy[at]! / here] as const;
      const [dx, dy] = [Math.round(across[0]), Math.round(across[1])];
      const along = dy * size + dx;
      // Of two equal neighbours, the first counts.
      if (steepness[at - along]! >= here || steepness[at + along]! > here) continue;
      points.push({ x, y, across, steepness: here });
    }
  }
  return points;
}

/** Finds where along a point's normal the image rises most steeply in the scene's direction. */
function findEdge(gx: Float32Array, gy: Float32Array, size: number, { x, y, across: [nx, ny] }: EdgePoint) {
  const rise = (offset: number) => {
    const at = Math.round(y + offset * ny) * size + Math.round(x + offset * nx);
    return gx[at]! * nx + gy[at]! * ny;
  };
  let [best, offset] = [0, 0];
  // Outwards from the middle, so that the nearest of equal edges wins.
  for (let step = 0; step <= reach; step++) {
    for (const candidate of step === 0 ? [0] : [step, -step]) {
      const steepness = rise(candidate);
      if (steepness > best) [best, offset] = [steepness, candidate];
    }
  }
  return { steepness: best, offset };
}

/**
 * Measures an image against an aligned scene. Shifting the whole image by a few pixels adds no wobble.
 * @param image, scene `[size, size, 3]` bytes
 */
export function measureOutlines(image: Uint8Array, scene: Uint8Array, size: number): OutlineMeasure {
  const points = edgePoints(scene, size);
  const { x: gx, y: gy } = planeGradients(luminancePlane(image, size));
  const edges = points.map((point) => ({ point, ...findEdge(gx, gy, size, point) }));
  const sharpness = mean(edges.map(({ point, steepness }) => Math.min(1, steepness / point.steepness)));
  const seen = edges.filter(({ point, steepness }) => steepness >= present * point.steepness);
  const byCell = new Map<string, (typeof seen)[number][]>();
  const cell = (value: number) => Math.floor(value / near);
  for (const edge of seen) {
    const key = `${cell(edge.point.x)},${cell(edge.point.y)}`;
    byCell.set(key, [...(byCell.get(key) ?? []), edge]);
  }
  const squares = seen.map(({ point, offset }) => {
    const around: number[] = [];
    for (let row = -1; row <= 1; row++) {
      for (let column = -1; column <= 1; column++) {
        const key = `${cell(point.x) + column},${cell(point.y) + row}`;
        for (const other of byCell.get(key) ?? []) {
          const close = Math.hypot(other.point.x - point.x, other.point.y - point.y) <= near;
          const turned = other.point.across[0] * point.across[0] + other.point.across[1] * point.across[1];
          if (close && turned > alike) around.push(other.offset);
        }
      }
    }
    return (offset - mean(around)) ** 2;
  });
  return { sharpness, wobble: Math.sqrt(mean(squares)), points: points.length };
}
