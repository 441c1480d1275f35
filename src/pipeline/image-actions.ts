// From one picture to the next, as Midjourney's users work: vary, zoom out, pan, make square, enlarge, remix, blend. Each function
// makes the request for it, out of the request that drew the picture; nothing is drawn here.
import { NishikiError } from "../errors.js";
// The page uses this file, too: it imports nothing that is large.
import {
  getDrawnSize,
  getEnlargingFactor,
  type ImageSizes,
  isSameSize,
  type RequestContext,
} from "./request-context.js";
import type { Extension, ImageSize } from "./request-values.js";

type Settings = Readonly<Record<string, unknown>>;

/** A request with images of some kind: pixels, files or ids. */
export type ActionRequest = Settings & { readonly prompt: string };

/** A picture that was drawn here. */
export interface DrawnPicture<I = unknown> extends ImageSize {
  readonly image: I;
  /** The request that drew it, as its receipt holds it, with its images as the caller has them. */
  readonly request: ActionRequest;
}

/** What an action may change beside what it is for. */
export interface ActionOptions {
  readonly prompt?: string;
  readonly count?: number;
  readonly seed?: number;
}

export const variationWays = ["subtle", "strong"] as const;
export type VariationWay = (typeof variationWays)[number];
export const upscaleWays = ["subtle", "creative"] as const;
export type UpscaleWay = (typeof upscaleWays)[number];
export const panDirections = ["left", "right", "up", "down"] as const;
export type PanDirection = (typeof panDirections)[number];

/** How far a variation moves: the share of another noise, and the share of the steps that start again from the picture. */
export const variationDistances = {
  subtle: { variation: 0.15, strength: 0.4 },
  strong: { variation: 0.45, strength: 0.7 },
} as const;

/** The share of the steps that draw an enlarged picture anew; a model that enlarges by itself needs none for the subtle way. */
const upscaleStrengths = { subtle: 0.2, creative: 0.45 } as const;

const without = (settings: Settings, ...names: readonly string[]): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)));

/** Settings of a picture that do not fit one that starts from it. */
const ofItsStart = ["seed", "count", "variation", "init", "inpaint", "fast", "hires", "stopAt"];

const formatSize = ({ width, height }: ImageSize) => `${width}x${height}`;

const refuse = (action: string, reason: string) => new NishikiError("usage", `${action}: ${reason}`);

function needs(takes: RequestContext["takes"], setting: "init" | "inpaint", action: string): void {
  if (!takes.includes(setting))
    throw refuse(action, "this model cannot start from an image. Draw with another model: --model.");
}

/** A request that starts from the picture, at a size of the model's. */
function startFrom(
  { image, request, width, height }: DrawnPicture,
  { prompt = request.prompt, count = 1, seed }: ActionOptions,
  more: { readonly strength?: number; readonly inpaint?: Settings; readonly size?: ImageSize },
): ActionRequest {
  const { strength, inpaint, size = { width, height } } = more;
  // Of few steps, one at least is drawn.
  const least = typeof request.steps === "number" ? Math.ceil(1000 / request.steps) / 1000 : 0;
  return {
    ...without(request, ...ofItsStart),
    prompt,
    count,
    size,
    ...(seed !== undefined && { seed }),
    init: { image, ...(strength !== undefined && { strength: Math.max(strength, least) }) },
    ...(inpaint && { inpaint }),
  };
}

/** The size at which a picture is drawn again: its own, or the model's usual one if it draws no such size. */
function chooseSize({ width, height }: ImageSize, sizes: ImageSizes): ImageSize {
  const { usual, range } = sizes;
  if (!range) {
    const own = { width, height };
    return getEnlargingFactor(sizes, own) === undefined ? usual : own;
  }
  const toStep = makeFit(range);
  return { width: toStep(width), height: toStep(height) };
}

const makeFit =
  ({ step, least, most }: NonNullable<ImageSizes["range"]>) =>
  (side: number) =>
    Math.min(most, Math.max(least, Math.round(side / step) * step));

/**
 * Variations of a picture: the same noise mixed with some of another, so that the composition stays. A picture that is a
 * variation already, that was painted into, gets another prompt, or whose model cannot mix noise, is drawn again from itself.
 * @param mask Only this area is drawn anew, all of it.
 */
export function makeVariation<I>(
  picture: DrawnPicture<I>,
  way: VariationWay,
  { takes, sizes }: RequestContext,
  options: ActionOptions & { readonly mask?: I } = {},
): ActionRequest {
  const { request } = picture;
  const { mask, count = 4, prompt = request.prompt, seed } = options;
  const size = chooseSize(picture, sizes);
  if (mask !== undefined) {
    needs(takes, "inpaint", "vary");
    return startFrom(picture, { ...options, count }, { inpaint: { mask }, size });
  }
  const { variation, strength } = variationDistances[way];
  const isPlain = ["variation", "inpaint"].every((name) => request[name] === undefined);
  if (isPlain && prompt === request.prompt && takes.includes("variation"))
    return { ...request, count, variation: { strength: variation, ...(seed !== undefined && { seed }) } };
  needs(takes, "init", "vary");
  return startFrom(picture, { ...options, count }, { strength, size });
}

/** The picture drawn smaller in a frame of the same size, with more around it. @param factor Above 1, up to 4. */
export function makeZoom(
  picture: DrawnPicture,
  factor: number,
  { takes, sizes }: RequestContext,
  options: ActionOptions = {},
): ActionRequest {
  if (!(factor > 1 && factor <= 4))
    throw refuse("zoom", `expected a factor above 1, up to 4, got ${factor}.`);
  needs(takes, "inpaint", "zoom");
  const size = chooseSize(picture, sizes);
  const { width, height } = getDrawnSize(sizes, size, { inpaint: {} });
  const [across, down] = [width, height].map((side) => side - Math.round(side / factor)) as [number, number];
  const extend = spread(across, down);
  return startFrom(picture, options, { inpaint: { extend }, size });
}

/** As many pixels on both sides of an axis. */
const spread = (across: number, down: number): Extension => ({
  left: Math.floor(across / 2),
  right: Math.ceil(across / 2),
  top: Math.floor(down / 2),
  bottom: Math.ceil(down / 2),
});

const none: Extension = { left: 0, right: 0, top: 0, bottom: 0 };
const sideOf = { left: "left", right: "right", up: "top", down: "bottom" } as const;

/**
 * The picture with more on one side. A model of one size draws the picture smaller instead, and, to keep its shape, more beside
 * it too.
 * @param share How much more, of the picture's side: above 0, up to 1.
 */
export function makePan(
  picture: DrawnPicture,
  direction: PanDirection,
  share: number,
  { takes, sizes }: RequestContext,
  options: ActionOptions = {},
): ActionRequest {
  if (!(share > 0 && share <= 1)) throw refuse("pan", `expected a share above 0, up to 1, got ${share}.`);
  needs(takes, "inpaint", "pan");
  const isAcross = direction === "left" || direction === "right";
  const size = chooseSize(picture, sizes);
  const name = isAcross ? "width" : "height";
  if (!sizes.range) {
    const side = getDrawnSize(sizes, size, { inpaint: {} })[name];
    const extend = { ...none, [sideOf[direction]]: side - Math.round(side / (1 + share)) };
    return startFrom(picture, options, { inpaint: { extend }, size });
  }
  const side = makeFit(sizes.range)(size[name] * (1 + share));
  const more = side - size[name];
  if (more <= 0)
    throw refuse("pan", `the picture is as large as this model draws, ${formatSize(size)} pixels.`);
  const extend = { ...none, [sideOf[direction]]: more };
  return startFrom(picture, options, { inpaint: { extend }, size: { ...size, [name]: side } });
}

/** The picture made square by more on its shorter sides. */
export function makeSquare(
  picture: DrawnPicture,
  { takes, sizes }: RequestContext,
  options: ActionOptions = {},
): ActionRequest {
  needs(takes, "inpaint", "zoom");
  const { width, height } = chooseSize(picture, sizes);
  if (width === height) throw refuse("zoom", "the picture is square already.");
  const side = Math.max(width, height);
  const extend = spread(side - width, side - height);
  return startFrom(picture, options, { inpaint: { extend }, size: { width: side, height: side } });
}

/**
 * The picture enlarged. "subtle" keeps what it shows: by the model's own enlargement where it has one, else drawn anew in a fifth
 * of the steps. "creative" draws details anew, in nearly half of them.
 */
export function makeUpscale(
  picture: DrawnPicture,
  way: UpscaleWay,
  factor: number,
  { takes, sizes }: RequestContext,
  options: ActionOptions = {},
): ActionRequest {
  const target = { width: picture.width * factor, height: picture.height * factor };
  const size = sizes.range ? chooseSize(target, sizes) : target;
  if (isSameSize(size, picture) || (!sizes.range && getEnlargingFactor(sizes, size) === undefined))
    throw refuse(
      "upscale",
      `this model cannot draw ${formatSize(picture)} pixels ${factor} times as large. Choose another factor or model.`,
    );
  const strength = upscaleStrengths[way];
  const isRedrawn = picture.request.prompt === (options.prompt ?? picture.request.prompt);
  if (!sizes.range && way === "subtle" && isRedrawn)
    return { ...without(picture.request, "upscale"), prompt: picture.request.prompt, count: 1, size };
  needs(takes, "init", "upscale");
  return startFrom(picture, options, { strength, size });
}

/** The same seed and settings with another prompt. */
export const makeRemix = (
  { request }: DrawnPicture,
  prompt: string,
  { count = 1, seed }: ActionOptions = {},
): ActionRequest => ({ ...request, prompt, count, ...(seed !== undefined && { seed }) });

/**
 * A picture of what several pictures have in common: their embeddings, blended.
 * @throws NishikiError "usage" if the model has no embeddings of images; mixing pixels or latents would blend no meanings
 */
export function makeBlend(
  images: readonly unknown[],
  { takes }: RequestContext,
  { prompt, count = 1, seed }: ActionOptions & { readonly prompt: string },
): ActionRequest {
  if (images.length < 2) throw refuse("blend", "expected at least two pictures.");
  if (!takes.includes("imagePrompt"))
    throw refuse(
      "blend",
      "this model has no embeddings of images, and mixing pixels blends no meanings. Draw with a model that takes image prompts (--model): one with an IP-Adapter, Kandinsky 2.2, Karlo or Stable unCLIP.",
    );
  return { prompt, count, ...(seed !== undefined && { seed }), imagePrompt: { images } };
}
