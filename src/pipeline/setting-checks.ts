// Checks of single settings that are more than a number or a text.
import { getStepSchedule, parseSamplerName, stepSchedules } from "../diffusion/index.js";
import { type Check, isRecord, reject, wholeNumber } from "./check.js";
import type { InputPicture } from "./pixels.js";

/** Two numbers from 0 to 1, the second above the first. */
export const interval: Check<readonly [number, number]> = (value, where) => {
  const expected = "two numbers from 0 to 1, the second above the first, such as 0,0.5";
  const parts: unknown = typeof value === "string" ? value.split(/[,-]/).map(Number) : value;
  if (!Array.isArray(parts) || parts.length !== 2) return reject(where, expected, value);
  const [from, to] = parts as [unknown, unknown];
  const within = (n: unknown): n is number => typeof n === "number" && n >= 0 && n <= 1;
  if (!within(from) || !within(to) || from >= to) return reject(where, expected, value);
  return [from, to];
};

/** "512x768", or "512" for a square. */
export const sizeText: Check<string> = (value, where) => {
  const match = typeof value === "string" ? /^(\d{1,5})(?:[x×](\d{1,5}))?$/i.exec(value.trim()) : null;
  if (!match) return reject(where, "width x height in pixels, such as 256x256", value);
  return `${Number(match[1])}x${Number(match[2] ?? match[1])}`;
};

/** A size that was checked, as numbers. */
export function parseSize(size: string): readonly [width: number, height: number] {
  const [width, height] = size.split("x").map(Number);
  return [width!, height!];
}

/** A sampler's own name, whatever name it was asked for by: "DPM++ 2M Karras" → "dpmpp-2m". */
export const samplerName: Check<string> = (value, where) =>
  typeof value === "string" ? parseSamplerName(value).sampler : reject(where, "the name of a sampler", value);

/** A step schedule's own name, whatever alias it was asked for by. */
export const scheduleName: Check<string> = (value, where) => {
  if (typeof value !== "string") return reject(where, "the name of a step schedule", value);
  const found = getStepSchedule(value);
  return Object.entries(stepSchedules).find(([, info]) => info === found)![0];
};

/** The step schedule that a sampler's name says: "DPM++ 2M Karras" → "karras". */
export function scheduleOfSampler(name: unknown): string | undefined {
  return typeof name === "string" ? parseSamplerName(name).schedule : undefined;
}

/** How many pixels a picture grows at each side. */
export interface Extension {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const sides = ["left", "right", "top", "bottom"] as const;

/** "left=128,top=64", or an object of the same. */
export const extension: Check<Extension> = (value, where) => {
  const expected = "pixels for some of left, right, top and bottom, such as left=128,top=64";
  const given: unknown =
    typeof value === "string"
      ? Object.fromEntries(value.split(",").map((part) => part.split("=").map((text) => text.trim())))
      : value;
  if (!isRecord(given)) return reject(where, expected, value);
  const unknown = Object.keys(given).some((side) => !(sides as readonly string[]).includes(side));
  const pixels = sides.map((side) => Number(given[side] ?? 0));
  const isRight = pixels.every((n) => Number.isSafeInteger(n) && n >= 0 && n <= 16_384);
  if (unknown || !isRight || pixels.every((n) => n === 0)) return reject(where, expected, value);
  const [left, right, top, bottom] = pixels as [number, number, number, number];
  return { left, right, top, bottom };
};

/** Pixels that were read from a file. */
export const inputPicture: Check<InputPicture> = (value, where) => {
  const expected = "a picture: { width, height, channels: 3, data }";
  if (!isRecord(value) || value.channels !== 3 || !(value.data instanceof Uint8Array))
    return reject(where, expected, value);
  const [width, height] = [value.width, value.height].map((side) => wholeNumber(1, 32_768)(side, where));
  const { data, name } = value;
  if (data.length !== width! * height! * 3)
    return reject(where, `${width! * height! * 3} bytes for ${width}x${height} pixels`, data.length);
  if (name !== undefined && typeof name !== "string") return reject(`${where}.name`, "a text", name);
  return { width: width!, height: height!, channels: 3, data, ...(name === undefined ? {} : { name }) };
};
