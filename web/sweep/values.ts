// The values of an axis, as people type them: "4, 8, 16", "1-10", "1-10 (+3)", "0-1 [5]" (as in stable-diffusion-webui),
// names separated by commas, or texts in quotes.
import { splitList } from "../presets/csv.js";

/** What an axis may vary: from the settings' JSON Schema, or the prompt. */
export type AxisType =
  | { readonly kind: "number"; readonly isWhole: boolean; readonly least?: number; readonly most?: number }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "flag" }
  | { readonly kind: "text" }
  /** The first text is searched for in the prompt and replaced by each of them. */
  | { readonly kind: "replace" }
  | { readonly kind: "size" };

export type Value = number | string | boolean;

export type ValueFault =
  | { readonly kind: "empty" }
  | { readonly kind: "not-a-number"; readonly text: string }
  | { readonly kind: "out-of-range"; readonly value: number; readonly least?: number; readonly most?: number }
  | { readonly kind: "unknown"; readonly text: string }
  | { readonly kind: "not-a-size"; readonly text: string }
  | { readonly kind: "too-many"; readonly most: number };

export type Values = { readonly values: readonly Value[] } | { readonly fault: ValueFault };

/** Cells of one axis; a grid with more is a mistake in typing. */
export const mostValues = 200;

const number = String.raw`(-?\d+(?:\.\d+)?)`;
const rangePattern = new RegExp(
  `^${number}\\s*-\\s*${number}(?:\\s*\\(\\s*\\+?${number}\\s*\\)|\\s*\\[\\s*(\\d+)\\s*\\])?$`,
);

/** Decimal places without the noise of binary fractions: 0.1 + 0.2 is 0.3. */
const round = (value: number) => Number(value.toPrecision(12));

/** "1-10", "1-10 (+3)", "0-1 [5]". */
function readRange(text: string): readonly number[] | undefined {
  const [, first, last, step, count] = rangePattern.exec(text) ?? [];
  if (first === undefined) return undefined;
  const [from, to] = [Number(first), Number(last)];
  if (count !== undefined) {
    const steps = Math.min(Math.max(Number(count), 1), mostValues + 1);
    return Array.from({ length: steps }, (_, i) => round(from + ((to - from) * i) / Math.max(steps - 1, 1)));
  }
  const size = Math.abs(step === undefined ? 1 : Number(step));
  if (size === 0) return [from];
  const length = Math.min(Math.floor(round(Math.abs(to - from) / size)) + 1, mostValues + 1);
  return Array.from({ length }, (_, i) => round(from + i * size * Math.sign(to - from)));
}

function readNumbers(items: readonly string[], type: AxisType & { kind: "number" }): Values {
  const values: number[] = [];
  for (const item of items) {
    const found = readRange(item) ?? (/^-?(\d+\.?\d*|\.\d+)$/.test(item) ? [Number(item)] : undefined);
    if (!found) return { fault: { kind: "not-a-number", text: item } };
    values.push(...(type.isWhole ? found.map(Math.round) : found));
  }
  const { least, most } = type;
  const outside = values.find((value) => value < (least ?? -Infinity) || value > (most ?? Infinity));
  if (outside !== undefined) return { fault: { kind: "out-of-range", value: outside, least, most } };
  return { values };
}

const plain = (name: string) => name.toLowerCase().replace(/[\s_-]/g, "");

function readChoices(items: readonly string[], choices: readonly string[]): Values {
  const values: string[] = [];
  for (const item of items) {
    const found = choices.find((choice) => plain(choice) === plain(item));
    if (found === undefined) return { fault: { kind: "unknown", text: item } };
    values.push(found);
  }
  return { values };
}

function readFlags(items: readonly string[]): Values {
  const unknown = items.find((item) => !/^(on|off|yes|no|true|false|ja|nein|an|aus)$/i.test(item));
  if (unknown !== undefined) return { fault: { kind: "unknown", text: unknown } };
  return { values: items.map((item) => /^(on|yes|true|ja|an)$/i.test(item)) };
}

function readSizes(items: readonly string[]): Values {
  const sizes = items.map((item) => /^(\d{1,5})(?:\s*[x×*]\s*(\d{1,5}))?$/i.exec(item));
  const wrong = sizes.findIndex((match) => !match);
  if (wrong >= 0) return { fault: { kind: "not-a-size", text: items[wrong]! } };
  return { values: sizes.map((match) => `${match![1]}x${match![2] ?? match![1]}`) };
}

function readItems(items: readonly string[], type: AxisType): Values {
  switch (type.kind) {
    case "number":
      return readNumbers(items, type);
    case "choice":
      return readChoices(items, type.choices);
    case "flag":
      return readFlags(items);
    case "size":
      return readSizes(items);
    default:
      return { values: items };
  }
}

/** Reads an axis's values; each of them once, in the order given. */
export function readValues(text: string, type: AxisType): Values {
  const items = splitList(text);
  if (items.length === 0) return { fault: { kind: "empty" } };
  const read = readItems(items, type);
  if ("fault" in read) return read;
  const values = [...new Set(read.values)];
  return values.length > mostValues ? { fault: { kind: "too-many", most: mostValues } } : { values };
}
