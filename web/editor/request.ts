// The job that the editor asks for.
import type { DrawJobRequest, ModelInfo } from "../api/types.js";
import { isExtended, type Sizes } from "./frame.js";
import type { Sides } from "./history.js";
import type { Size } from "./viewport.js";

type Settings = Readonly<Record<string, unknown>>;

/** Settings of the picture that do not fit one that starts from a picture. */
const left = new Set([
  "seed",
  "count",
  "variation",
  "init",
  "inpaint",
  "size",
  "upscale",
  "upscaleSampler",
  "fast",
  "prompt",
  "negativePrompt",
]);

const isSize = (value: unknown): value is Size =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as Size).width === "number" &&
  typeof (value as Size).height === "number";

/** The sizes of a model's catalogue entry. */
export function readSizes({ sizes }: Pick<ModelInfo, "sizes">): Sizes {
  const usual = isSize(sizes.usual) ? sizes.usual : { width: 512, height: 512 };
  const range = sizes.range as Partial<NonNullable<Sizes["range"]>> | undefined;
  if (!range || typeof range.step !== "number") return { usual, range: null };
  return { usual, range: { step: range.step, least: range.least ?? range.step, most: range.most ?? 4096 } };
}

/**
 * A model of one size draws its own shape, whatever the frame: what the frame lacks is added where it grows already, or on
 * both sides. So the frame shows what will be drawn.
 */
export function completeSides(image: Size, sides: Sides, { usual, range }: Sizes): Sides {
  if (range || !isExtended(sides)) return sides;
  const width = image.width + sides.left + sides.right;
  const height = image.height + sides.top + sides.bottom;
  const aspect = usual.width / usual.height;
  const [missingWidth, missingHeight] = [
    Math.round(height * aspect) - width,
    Math.round(width / aspect) - height,
  ];
  const share = (first: number, second: number, more: number): [number, number] => {
    if (more <= 0) return [first, second];
    if (first > 0 === second > 0) return [first + Math.floor(more / 2), second + Math.ceil(more / 2)];
    return first > 0 ? [first + more, second] : [first, second + more];
  };
  const [left, right] = share(sides.left, sides.right, missingWidth);
  const [top, bottom] = share(sides.top, sides.bottom, missingHeight);
  return { left, right, top, bottom };
}

const round = (value: number, { step, least, most }: NonNullable<Sizes["range"]>) =>
  Math.min(Math.max(Math.round(value / step) * step, least), most);

/** The size to ask for, and the sides in the pixels of that size. */
export function getTarget(image: Size, sides: Sides, { usual, range }: Sizes): { size: Size; sides: Sides } {
  const width = image.width + sides.left + sides.right;
  const height = image.height + sides.top + sides.bottom;
  if (range) return { size: { width: round(width, range), height: round(height, range) }, sides };
  const factor = Math.min(usual.width / width, usual.height / height);
  const scale = (length: number) => Math.round(length * factor);
  return {
    size: usual,
    sides: {
      left: scale(sides.left),
      right: scale(sides.right),
      top: scale(sides.top),
      bottom: scale(sides.bottom),
    },
  };
}

export interface EditRequest {
  readonly image: Size & { readonly id: string; readonly settings: Settings };
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly strength: number | null;
  readonly feather: number | null;
  /** The uploaded mask; null: nothing is painted. */
  readonly mask: string | null;
  readonly sides: Sides;
  readonly count: number;
}

/** Without a mask and without a larger frame, the whole picture is drawn again from itself. */
export function makeEditJob(
  edit: EditRequest,
  model: Pick<ModelInfo, "id" | "sizes" | "takes">,
): DrawJobRequest {
  const { image, mask, feather, strength, count } = edit;
  const kept = Object.entries(image.settings).filter(
    ([name]) => !left.has(name) && !(name === "schedule" && !model.takes.includes(name)),
  );
  const { size, sides } = getTarget(image, edit.sides, readSizes(model));
  const extend = isExtended(sides) ? sides : undefined;
  const isPainted = mask !== null || extend !== undefined;
  const inpaint = {
    ...(mask !== null && { mask }),
    ...(extend && { extend }),
    ...(feather !== null && { feather }),
  };
  const request = {
    ...Object.fromEntries(kept),
    prompt: edit.prompt.trim(),
    ...(edit.negativePrompt !== "" && { negativePrompt: edit.negativePrompt }),
    count,
    size,
    init: { image: image.id, strength: strength ?? (isPainted ? 1 : 0.6) },
    ...(isPainted && { inpaint }),
  };
  return {
    kind: "draw",
    request: request as DrawJobRequest["request"],
    model: model.id,
    parent: { image: image.id, action: extend ? "extend" : "edit" },
  };
}
