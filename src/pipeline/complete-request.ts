// From what a caller asked to settings that can be drawn: every field checked by the tables of request.ts, then how the
// fields go together, and whether the model takes them.
import { NishikiError } from "../errors.js";
import { reject } from "./check.js";
import { type MachineSettings, machineFields } from "./machine.js";
import {
  enlargingFactor,
  optionalSettings,
  type PictureRequest,
  type PictureSettings,
  pictureFields,
  type RequestContext,
  SEED_LIMIT,
} from "./request.js";
import { parseSize, scheduleOfSampler } from "./setting-checks.js";
import type { Fields } from "./setting-field.js";

/** Checks each field by itself and fills in what was left open. @throws NishikiError "usage" */
function completeFields<T, C>(fields: Fields<T, C>, given: object, context: C, kind: string): T {
  const names = Object.keys(fields) as (keyof T & string)[];
  const unknown = Object.keys(given).find((name) => !(names as string[]).includes(name));
  if (unknown !== undefined) {
    throw new NishikiError("usage", `Unknown setting "${unknown}". ${kind} takes: ${names.join(", ")}.`);
  }
  const values = given as Partial<Record<keyof T, unknown>>;
  const result: Partial<T> = {};
  for (const name of names) {
    const { check, fallback } = fields[name];
    const value = values[name];
    result[name] = value === undefined && fallback ? fallback(context, given) : check(value, name);
  }
  return result as T;
}

/** The fields of a request alone, for what was drawn already. @throws NishikiError "usage" */
export function completePictureFields(request: object, context: RequestContext): PictureSettings {
  return completeFields(pictureFields, request, context, "A request");
}

/**
 * Checks a request and fills in what was left open.
 * @throws NishikiError "usage" with one sentence: which setting, what was expected, what came.
 */
export function completeRequest(request: PictureRequest, context: RequestContext): PictureSettings {
  if (typeof request !== "object" || request === null) reject("request", "an object with a prompt", request);
  const settings = completePictureFields(request, context);
  checkTaken(settings, context);
  checkSchedule(request, settings);
  checkPictures(settings);
  checkSize(settings, context);
  checkSeeds(settings);
  context.check?.(settings);
  return settings;
}

/** Checks where to draw. @throws NishikiError "usage" */
export function completeMachine(settings: Partial<MachineSettings>): MachineSettings {
  return completeFields(machineFields, settings, undefined, "Loading a pipeline");
}

function refuse(message: string): never {
  throw new NishikiError("usage", message);
}

function checkTaken(settings: PictureSettings, { takes }: RequestContext): void {
  for (const name of optionalSettings) {
    const isGiven = settings[name] !== undefined && settings[name] !== false;
    if (!isGiven || takes.includes(name)) continue;
    const others = takes.length === 0 ? "none" : `only ${takes.join(", ")}`;
    refuse(`${name}: this model does not take that setting; of the optional ones it takes ${others}.`);
  }
}

/** A sampler's name may say a schedule, and then no other may be asked for. */
function checkSchedule({ sampler }: PictureRequest, { schedule }: PictureSettings): void {
  const said = scheduleOfSampler(sampler);
  if (said !== undefined && said !== schedule)
    refuse(`schedule: expected ${said}, which the sampler "${sampler}" asks for, got ${schedule}.`);
}

/** The pictures that are given fit to each other and to the size, and nothing is given that only acts with another. */
function checkPictures({ image, mask, extend, strength, size, steps, ...rest }: PictureSettings): void {
  for (const [name, value] of Object.entries({ mask, extend, strength })) {
    if (value !== undefined && !image) refuse(`${name}: expected an image to go with it, got none.`);
  }
  if (rest.variationSeed !== undefined && rest.variationStrength === undefined)
    refuse("variationSeed: expected a variationStrength to go with it, got none.");
  if (!image) return;
  const said = (picture: { width: number; height: number }) => `${picture.width}x${picture.height}`;
  if (mask && said(mask) !== said(image))
    refuse(`mask: expected ${said(image)} pixels, the size of the image, got ${said(mask)}.`);
  const { left = 0, right = 0, top = 0, bottom = 0 } = extend ?? {};
  const [width, height] = parseSize(size);
  const wanted = { width: width - left - right, height: height - top - bottom };
  if (said(wanted) !== said(image)) {
    const grown = extend ? `, which is ${size} without what it grows by` : "";
    refuse(`image: expected a picture of ${said(wanted)} pixels${grown}, got ${said(image)}.`);
  }
  if (Math.trunc(steps * strength!) < 1) {
    refuse(`strength: ${strength} of ${steps} steps is not one; expected at least ${1 / steps}.`);
  }
}

function checkSize({ size, upscale }: PictureSettings, { sizes }: RequestContext): void {
  const { usual, range, enlarging } = sizes;
  if (enlargingFactor(sizes, size) !== undefined) {
    if (upscale !== undefined && enlarging!.ways.includes(upscale)) return;
    refuse(
      `upscale: this model has no part for super-resolution; for ${size} pixels it takes ${enlarging!.ways.join(" or ")}.`,
    );
  }
  if (upscale !== undefined)
    refuse(`upscale: expected a size larger than ${usual.join("x")} to go with it, got ${size}.`);
  if (size === usual.join("x")) return;
  if (!range) {
    const larger = enlarging?.factors.map((factor) => usual.map((side) => side * factor).join("x")) ?? [];
    const possible = [usual.join("x"), ...larger].join(", ");
    refuse(`size: this model draws ${possible} pixels only, got ${size}.`);
  }
  const { step, least, most } = range;
  const fits = parseSize(size).every((side) => side % step === 0 && side >= least && side <= most);
  if (!fits) {
    refuse(
      `size: this model draws sides of ${least} to ${most} pixels that are multiples of ${step}, got ${size}.`,
    );
  }
}

function checkSeeds({ seed, count, variationSeed = 0 }: PictureSettings): void {
  const most = SEED_LIMIT - (count - 1);
  if (seed > most) reject("seed", `a whole number from 0 to ${most}`, seed);
  if (variationSeed > most) reject("variationSeed", `a whole number from 0 to ${most}`, variationSeed);
}

/** A command-line text as the value that a field's check expects: "7.5" → 7.5, "x" stays "x" and is refused there. */
export function valueOfText(field: { readonly numeric?: boolean }, given: string): unknown {
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(given.trim()) || given.trim() === "NaN";
  return field.numeric && isNumber ? Number(given) : given;
}
