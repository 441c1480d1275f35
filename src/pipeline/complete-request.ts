// Turns a request into complete settings: validates each setting against the schema, fills in defaults, then checks that
// the settings fit together and that the model supports them. Reports all faults at once.
import { parseSamplerName, type SamplerName, samplers } from "../diffusion/index.js";
import { NishikiError } from "../errors.js";
import { getShape, parse } from "../schema/index.js";
import { findCascadeFaults } from "./cascade-schema.js";
import { completeHires, findHiresFaults } from "./complete-hires.js";
import {
  type ImageRequest,
  type ImageSettings,
  imageRequestSchema,
  optionalSettings,
  upscaleNames,
} from "./image-request.js";
import { drawSeed } from "./image-seeds.js";
import {
  getDrawnSize,
  getEnlargingFactor,
  getInitScale,
  getStageSizes,
  type ImageSizes,
  isSameSize,
  type RequestContext,
} from "./request-context.js";
import { formatSize, getScheduleName, type ImageSize, seedLimit } from "./request-values.js";

/** A request that passed the schema, before the model's defaults are filled in. */
type CheckedRequest = ReturnType<typeof checkFields>;

const checkFields = (request: unknown) =>
  parse(imageRequestSchema, request, { name: "the request", noun: "setting" });

/**
 * Checks a request and fills in the defaults.
 * @throws NishikiError "usage" with one sentence per fault: the setting, the expected value and the actual one.
 */
export function completeRequest(request: ImageRequest, context: RequestContext): ImageSettings {
  const checked = checkFields(request);
  const settings = fillIn(checked, context);
  const sizes = getStageSizes(context, settings.stages);
  const faults = [
    ...findUnsupported(settings, context),
    ...findPromptFaults(settings, context),
    ...findScheduleFaults(checked, settings),
    ...findEtaFaults(settings),
    ...findImageFaults(settings, context, sizes),
    ...findSizeFaults(settings, sizes),
    ...findHiresFaults(settings, sizes),
    ...findCascadeFaults(settings, context),
    ...findSeedFaults(settings),
    ...findCombinationFaults(settings),
  ];
  if (faults.length > 0) throw new NishikiError("usage", faults.join("\n"));
  context.check?.(settings);
  return settings;
}

/** The step schedule that a sampler's name includes: "DPM++ 2M Karras" → "karras". */
const getImpliedSchedule = (sampler: string | undefined) =>
  sampler === undefined ? undefined : parseSamplerName(sampler).schedule;

function fillIn(checked: CheckedRequest, context: RequestContext): ImageSettings {
  const { init, inpaint, variation, hires, seamless, fast, cads, ...rest } = checked;
  const sizes = getStageSizes(context, checked.stages);
  const defaults = fast && context.fast ? context.fast : context.defaults;
  const schedule = rest.schedule ?? getImpliedSchedule(rest.sampler) ?? context.defaults.schedule;
  const size = rest.size ?? getDefaultSize(checked, sizes);
  const isLarger = getEnlargingFactor(sizes, size) !== undefined;
  const rng = rest.rng ?? context.defaults.rng;
  const upscale = rest.upscale ?? (rest.size && isLarger ? upscaleNames[0] : undefined);
  const isPainted = inpaint?.mask !== undefined || inpaint?.extend !== undefined;
  const steps = rest.steps ?? rest.timesteps?.length ?? defaults.steps;
  return inOrder({
    ...rest,
    seed: rest.seed ?? drawSeed(),
    steps,
    guidance: rest.guidance ?? defaults.guidance,
    // Not parsed: a model may be published with an unknown sampler, which its family reports.
    sampler: rest.sampler === undefined ? defaults.sampler : parseSamplerName(rest.sampler).sampler,
    schedule: schedule === undefined ? undefined : getScheduleName(schedule),
    size,
    rng,
    init: init && { ...init, strength: init.strength ?? (isPainted || context.needsInit ? 1 : 0.8) },
    // An empty group counts as unset, like a flag that is off.
    inpaint: isPainted ? dropUndefined({ ...inpaint, pasteBack: inpaint.pasteBack ?? true }) : undefined,
    variation: variation && { ...variation, seed: variation.seed ?? drawSeed() },
    // Settings without effect are left out, so that equal images have equal receipts.
    stopAt: rest.stopAt === 1 ? undefined : rest.stopAt,
    promptSpread: rest.promptSpread || undefined,
    cads: cads && cads.scale > 0 ? { tau1: 0.6, tau2: 0.9, mixing: 1, ...dropUndefined(cads) } : undefined,
    hires: hires && completeHires(hires, steps),
    seamless: seamless || undefined,
    upscale,
    upscaleSampler: rest.upscaleSampler && parseSamplerName(rest.upscaleSampler).sampler,
    fast: fast || undefined,
  });
}

/** Setting names in declaration order. */
const names = Object.keys(getShape(imageRequestSchema)!);

/** The settings in use, in declaration order, so that equal requests have equal receipts. */
function inOrder<T extends object>(settings: T): T {
  const entries = Object.entries(dropUndefined(settings));
  return Object.fromEntries(entries.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b))) as T;
}

function dropUndefined<T extends object>(settings: T): T {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as T;
}

/** The size of the init image plus its extension; without an init image, the model's default. */
function getDefaultSize({ init, inpaint, superResolution }: CheckedRequest, sizes: ImageSizes): ImageSize {
  const { usual, range } = sizes;
  const initScale = getInitScale(sizes, { inpaint, superResolution });
  if (!init || !range || inpaint?.onlyMasked !== undefined) return usual;
  const { left = 0, right = 0, top = 0, bottom = 0 } = inpaint?.extend ?? {};
  return {
    width: initScale * (init.image.width + left + right),
    height: initScale * (init.image.height + top + bottom),
  };
}

function findUnsupported(settings: ImageSettings, { takes, cures }: RequestContext): string[] {
  const choices = takes.length === 0 ? "none" : `only ${takes.join(", ")}`;
  return optionalSettings
    .filter((name) => settings[name] !== undefined && !takes.includes(name))
    .map(
      (name) =>
        `${name}: this model does not support this setting; ${cures?.[name] ?? `of the optional settings it supports ${choices}`}.`,
    );
}

/** An image prompt may stand in the place of a text. Weights are those of the images and texts, one each. */
function findPromptFaults(settings: ImageSettings, { needsInit }: RequestContext): string[] {
  const { prompt, imagePrompt } = settings;
  const faults: string[] = [];
  if (prompt.trim() === "" && !imagePrompt && !needsInit)
    faults.push(`prompt: expected text that is not empty, got ${JSON.stringify(prompt)}.`);
  for (const group of ["imagePrompt", "styleReference", "layoutReference"] as const)
    faults.push(...findWeightFaults(`${group}.weights`, settings[group]?.weights, settings[group]?.images));
  faults.push(...findWeightFaults("imagePrompt.textWeights", imagePrompt?.textWeights, imagePrompt?.texts));
  return faults;
}

function findWeightFaults(
  name: string,
  weights: readonly number[] | undefined,
  items: readonly unknown[] = [],
): string[] {
  if (!weights || weights.length === items.length) return [];
  const expected = items.length === 1 ? "one weight, as there is one of them" : `${items.length} weights`;
  return [`${name}: expected ${expected}, got ${weights.length}.`];
}

/** A sampler's name may imply a schedule, which then excludes every other. */
function findScheduleFaults({ sampler }: CheckedRequest, { schedule }: ImageSettings): string[] {
  const implied = getImpliedSchedule(sampler);
  if (implied === undefined || implied === schedule) return [];
  return [`schedule: expected ${implied}, which the sampler name "${sampler}" implies, got ${schedule}.`];
}

/** Only samplers that can add noise have an eta. */
function findEtaFaults({ sampler, eta }: ImageSettings): string[] {
  const known = Object.hasOwn(samplers, sampler) ? samplers[sampler as SamplerName] : undefined;
  if (eta === undefined || known?.takesEta !== false) return [];
  const choices = Object.values(samplers).filter(({ takesEta }) => takesEta);
  return [`eta: the sampler ${sampler} has none; these do: ${choices.map(({ name }) => name).join(", ")}.`];
}

/** Checks that the images of a request match each other and the size. */
function findImageFaults(
  { init, inpaint, size, steps, superResolution }: ImageSettings,
  { needsInit }: RequestContext,
  sizes: ImageSizes,
): string[] {
  if (!init) {
    if (needsInit) return ["init.image: this model enlarges an image; expected one, got none."];
    return inpaint ? ["inpaint: requires an init.image, got none."] : [];
  }
  const { image, strength } = init;
  const faults: string[] = [];
  if (inpaint?.mask && !isSameSize(inpaint.mask, image)) {
    const [expected, got] = [formatSize(image), formatSize(inpaint.mask)];
    faults.push(`inpaint.mask: expected ${expected} pixels, the size of init.image, got ${got}.`);
  }
  const { left = 0, right = 0, top = 0, bottom = 0 } = inpaint?.extend ?? {};
  const drawn = getDrawnSize(sizes, size, { inpaint, superResolution });
  const inner = { width: drawn.width - left - right, height: drawn.height - top - bottom };
  if (inpaint?.onlyMasked !== undefined) faults.push(...findCropFaults(inpaint));
  else if (!isSameSize(inner, image)) {
    const enlarged = isSameSize(drawn, size) ? "" : `, which is enlarged to ${formatSize(size)}`;
    const how = inpaint?.extend ? `, which is ${formatSize(drawn)} without inpaint.extend` : enlarged;
    faults.push(
      `init.image: expected an image of ${formatSize(inner)} pixels${how}, got ${formatSize(image)}.`,
    );
  }
  if (needsInit && strength !== 1)
    faults.push(
      `init.strength: this model enlarges the image, and has no strength; omit it, got ${strength}.`,
    );
  else if (Math.trunc(steps * strength) < 1) {
    const least = `at least ${1 / steps}`;
    faults.push(`init.strength: expected ${least}, which is one step of ${steps}, got ${strength}.`);
  }
  return faults;
}

/** Checks what cannot be combined with drawing the masked area alone. */
function findCropFaults({ mask, extend, pasteBack }: NonNullable<ImageSettings["inpaint"]>): string[] {
  const faults: string[] = [];
  if (!mask) faults.push("inpaint.onlyMasked: requires an inpaint.mask, got none.");
  if (extend) faults.push("inpaint.onlyMasked: cannot be combined with inpaint.extend; omit one of them.");
  if (pasteBack === false)
    faults.push("inpaint.onlyMasked: cannot be combined with inpaint.pasteBack false.");
  return faults;
}

function findSizeFaults({ size, upscale }: ImageSettings, sizes: ImageSizes): string[] {
  const { usual, range, enlarging } = sizes;
  const [requested, native] = [formatSize(size), formatSize(usual)];
  if (getEnlargingFactor(sizes, size) !== undefined) {
    const { ways } = enlarging!;
    if (upscale !== undefined && ways.includes(upscale)) return [];
    const choices = ways.join(" or ");
    return [`upscale: this model has no super-resolution network; for ${requested} pixels, use ${choices}.`];
  }
  const isUsual = isSameSize(size, usual);
  if (upscale !== undefined && (isUsual || !enlarging))
    return [`upscale: requires a size above ${native}, got ${requested}.`];
  if (isUsual) return [];
  if (!range) {
    const factors = [1, ...(enlarging?.factors ?? [])];
    const possible = factors.map((factor) => `${usual.width * factor}x${usual.height * factor}`).join(", ");
    return [`size: this model only draws ${possible} pixels, got ${requested}.`];
  }
  const { step, least, most } = range;
  const fits = [size.width, size.height].every((side) => side % step === 0 && side >= least && side <= most);
  if (fits) return [];
  const rule = `sides of ${least} to ${most} pixels that are multiples of ${step}`;
  return [`size: this model draws ${rule}, got ${requested}.`];
}

function findCombinationFaults({ stopAt, hires, cads }: ImageSettings): string[] {
  const faults: string[] = [];
  if (stopAt !== undefined && hires) faults.push("stopAt: cannot be combined with hires; omit one of them.");
  if (cads && cads.tau1 >= cads.tau2)
    faults.push(`cads.tau1: expected a number below cads.tau2, which is ${cads.tau2}, got ${cads.tau1}.`);
  return faults;
}

function findSeedFaults({ seed, count, variation }: ImageSettings): string[] {
  const most = seedLimit - (count - 1);
  const seeds = Object.entries({ seed, "variation.seed": variation?.seed ?? 0 });
  return seeds
    .filter(([, value]) => value > most)
    .map(([name, value]) => `${name}: expected a whole number from 0 to ${most}, got ${value}.`);
}
