// From what a caller asks to settings that can be drawn: the declaration checks each setting, then defaults are filled in, then
// it is checked how the settings go together and whether the model takes them. All faults are reported at once.
import { parseSamplerName } from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import { getShape, parse } from "../schema/index.js";
import {
  type ImageRequest,
  type ImageSettings,
  imageRequestSchema,
  optionalSettings,
  upscaleNames,
} from "./image-request.js";
import { getEnlargingFactor, type ImageSizes, isSameSize, type RequestContext } from "./request-context.js";
import { formatSize, getScheduleName, type ImageSize, seedLimit } from "./request-values.js";

/** A request after its own checks, with nothing of the model's filled in. */
type CheckedRequest = ReturnType<typeof checkFields>;

const checkFields = (request: unknown) =>
  parse(imageRequestSchema, request, { name: "the request", noun: "setting" });

/** Seeds that are drawn for the caller are short enough to be typed again. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/**
 * Checks a request and fills in what it leaves open.
 * @throws NishikiError "usage" with a sentence for every fault: which setting, what was expected, what came.
 */
export function completeRequest(request: ImageRequest, context: RequestContext): ImageSettings {
  const checked = checkFields(request);
  const settings = fillIn(checked, context);
  const faults = [
    ...findUntaken(settings, context),
    ...findScheduleFaults(checked, settings),
    ...findImageFaults(settings),
    ...findSizeFaults(settings, context.sizes),
    ...findSeedFaults(settings),
  ];
  if (faults.length > 0) throw new NishikiError("usage", faults.join("\n"));
  context.check?.(settings);
  return settings;
}

/** The step schedule that a sampler's name includes: "DPM++ 2M Karras" → "karras". */
const getImpliedSchedule = (sampler: string | undefined) =>
  sampler === undefined ? undefined : parseSamplerName(sampler).schedule;

function fillIn(checked: CheckedRequest, context: RequestContext): ImageSettings {
  const { init, inpaint, variation, seamless, fast, ...given } = checked;
  const { sizes } = context;
  const suits = fast && context.fast ? context.fast : context.defaults;
  const schedule = given.schedule ?? getImpliedSchedule(given.sampler) ?? context.defaults.schedule;
  const size = given.size ?? getDefaultSize(checked, sizes);
  const isLarger = getEnlargingFactor(sizes, size) !== undefined;
  const rng = given.rng ?? context.defaults.rng;
  const upscale = given.upscale ?? (given.size && isLarger ? upscaleNames[0] : undefined);
  const isPainted = inpaint?.mask !== undefined || inpaint?.extend !== undefined;
  return inOrder({
    ...given,
    seed: given.seed ?? drawSeed(),
    steps: given.steps ?? suits.steps,
    guidance: given.guidance ?? suits.guidance,
    // A model may be published with a sampler that is not known; its family says so.
    sampler: given.sampler === undefined ? suits.sampler : parseSamplerName(given.sampler).sampler,
    schedule: schedule === undefined ? undefined : getScheduleName(schedule),
    size,
    rng,
    init: init && { ...init, strength: init.strength ?? (isPainted ? 1 : 0.8) },
    // A group without anything in it is not used, like a switch that is off.
    inpaint: isPainted ? dropUndefined({ ...inpaint, pasteBack: inpaint.pasteBack ?? true }) : undefined,
    variation: variation && { ...variation, seed: variation.seed ?? drawSeed() },
    seamless: seamless || undefined,
    upscale,
    upscaleSampler: given.upscaleSampler && parseSamplerName(given.upscaleSampler).sampler,
    fast: fast || undefined,
  });
}

/** Names of settings in the order in which they are declared. */
const names = Object.keys(getShape(imageRequestSchema)!);

/** The settings that are used, in the order of their declaration: equal requests are to have equal receipts. */
function inOrder<T extends object>(settings: T): T {
  const entries = Object.entries(dropUndefined(settings));
  return Object.fromEntries(entries.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b))) as T;
}

function dropUndefined<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;
}

/** The initial image's size with what it grows by; else the model's. */
function getDefaultSize({ init, inpaint }: CheckedRequest, { usual, range }: ImageSizes): ImageSize {
  if (!init || !range) return usual;
  const { left = 0, right = 0, top = 0, bottom = 0 } = inpaint?.extend ?? {};
  return { width: init.image.width + left + right, height: init.image.height + top + bottom };
}

function findUntaken(settings: ImageSettings, { takes }: RequestContext): string[] {
  const choices = takes.length === 0 ? "none" : `only ${takes.join(", ")}`;
  return optionalSettings
    .filter((name) => settings[name] !== undefined && !takes.includes(name))
    .map(
      (name) => `${name}: this model does not take that setting; of the optional ones it takes ${choices}.`,
    );
}

/** A sampler's name may include a schedule, and then no other may be asked for. */
function findScheduleFaults({ sampler }: CheckedRequest, { schedule }: ImageSettings): string[] {
  const implied = getImpliedSchedule(sampler);
  if (implied === undefined || implied === schedule) return [];
  return [`schedule: expected ${implied}, which the sampler "${sampler}" asks for, got ${schedule}.`];
}

/** The images of a request fit each other and the size. */
function findImageFaults({ init, inpaint, size, steps }: ImageSettings): string[] {
  if (!init) return inpaint ? ["inpaint: expected an init.image to go with it, got none."] : [];
  const { image, strength } = init;
  const faults: string[] = [];
  if (inpaint?.mask && !isSameSize(inpaint.mask, image)) {
    const [expected, got] = [formatSize(image), formatSize(inpaint.mask)];
    faults.push(`inpaint.mask: expected ${expected} pixels, the size of the image, got ${got}.`);
  }
  const { left = 0, right = 0, top = 0, bottom = 0 } = inpaint?.extend ?? {};
  const inner = { width: size.width - left - right, height: size.height - top - bottom };
  if (!isSameSize(inner, image)) {
    const how = inpaint?.extend ? `, which is ${formatSize(size)} without inpaint.extend` : "";
    faults.push(
      `init.image: expected an image of ${formatSize(inner)} pixels${how}, got ${formatSize(image)}.`,
    );
  }
  if (Math.trunc(steps * strength) < 1) {
    const least = `at least ${1 / steps}`;
    faults.push(`init.strength: expected ${least}, which is one of ${steps} steps, got ${strength}.`);
  }
  return faults;
}

function findSizeFaults({ size, upscale }: ImageSettings, sizes: ImageSizes): string[] {
  const { usual, range, enlarging } = sizes;
  const [asked, own] = [formatSize(size), formatSize(usual)];
  if (getEnlargingFactor(sizes, size) !== undefined) {
    const { ways } = enlarging!;
    if (upscale !== undefined && ways.includes(upscale)) return [];
    const choices = ways.join(" or ");
    return [`upscale: this model has no part for super-resolution; for ${asked} pixels it takes ${choices}.`];
  }
  if (upscale !== undefined) return [`upscale: expected a size above ${own} to go with it, got ${asked}.`];
  if (isSameSize(size, usual)) return [];
  if (!range) {
    const factors = [1, ...(enlarging?.factors ?? [])];
    const possible = factors.map((factor) => `${usual.width * factor}x${usual.height * factor}`).join(", ");
    return [`size: this model draws ${possible} pixels only, got ${asked}.`];
  }
  const { step, least, most } = range;
  const fits = [size.width, size.height].every((side) => side % step === 0 && side >= least && side <= most);
  if (fits) return [];
  const rule = `sides of ${least} to ${most} pixels that are multiples of ${step}`;
  return [`size: this model draws ${rule}, got ${asked}.`];
}

function findSeedFaults({ seed, count, variation }: ImageSettings): string[] {
  const most = seedLimit - (count - 1);
  const seeds = Object.entries({ seed, "variation.seed": variation?.seed ?? 0 });
  return seeds
    .filter(([, value]) => value > most)
    .map(([name, value]) => `${name}: expected a whole number from 0 to ${most}, got ${value}.`);
}
