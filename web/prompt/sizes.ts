// The sizes that a model draws, as buttons: a list of its own, or shapes with the area of its usual size.

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface ModelSizes {
  readonly usual: Size;
  readonly range?: { readonly step: number; readonly least: number; readonly most: number };
  readonly enlarging?: { readonly factors: readonly number[] };
}

export interface Shape extends Size {
  /** "3:2", or "" for a size of a list. */
  readonly ratio: string;
}

const ratios = [
  [1, 1],
  [4, 3],
  [3, 2],
  [16, 9],
  [3, 4],
  [2, 3],
  [9, 16],
] as const;

/** A model's sizes from the catalogue, where they are plain data. */
export function readModelSizes(sizes: unknown): ModelSizes | undefined {
  const { usual } = (sizes ?? {}) as Partial<ModelSizes>;
  return usual && usual.width > 0 && usual.height > 0 ? (sizes as ModelSizes) : undefined;
}

/** A side that the model takes: the nearest multiple of its step within its limits. */
export function fitSide(pixels: number, { range, usual }: ModelSizes): number {
  if (!range) return usual.width;
  const { step, least, most } = range;
  const lowest = Math.ceil(least / step) * step;
  const highest = Math.floor(most / step) * step;
  return Math.min(highest, Math.max(lowest, Math.round(pixels / step) * step));
}

/** The buttons for a model's sizes. */
export function getShapes(sizes: ModelSizes): readonly Shape[] {
  const { usual, range, enlarging } = sizes;
  if (!range)
    return [1, ...(enlarging?.factors ?? [])]
      .filter((factor, index, all) => all.indexOf(factor) === index)
      .map((factor) => ({ width: usual.width * factor, height: usual.height * factor, ratio: "" }));
  const area = usual.width * usual.height;
  return ratios.map(([across, down]) => {
    const height = Math.sqrt((area * down) / across);
    return {
      width: fitSide((height * across) / down, sizes),
      height: fitSide(height, sizes),
      ratio: `${across}:${down}`,
    };
  });
}

/** The other side after one was changed, so that the shape stays. */
export const keepShape = (
  side: number,
  { width, height }: Size,
  changed: "width" | "height",
  sizes: ModelSizes,
): Size =>
  changed === "width"
    ? { width: fitSide(side, sizes), height: fitSide((side * height) / width, sizes) }
    : { width: fitSide((side * width) / height, sizes), height: fitSide(side, sizes) };
