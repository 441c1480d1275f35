// Prompts that change while an image is drawn, in the syntax of stable-diffusion-webui:
//
//     [from:to:when]  from, and to after `when`      [to:when]  nothing, then to      [from::when]  from, then nothing
//     [a|b]           a and b in turn, step by step
//
// `when` is a share of the steps if it has a point (0.4), else a number of steps. Brackets may stand within each other. A bracket
// without its partner, or with anything else inside, is left to the syntax of weights.
import { NishikiError } from "../../errors.js";

/** What holds in part of the steps. */
export interface ScheduledPart<T> {
  /** The number of steps after which the next part begins; the last part's is the number of all steps. */
  readonly until: number;
  readonly value: T;
}

/** In the order of the steps; never empty. */
export type Scheduled<T> = readonly ScheduledPart<T>[];

type Piece =
  | string
  | { readonly kind: "switch"; readonly from: Text; readonly to: Text; readonly when: number }
  | { readonly kind: "alternate"; readonly options: readonly Text[] };
type Text = readonly Piece[];

/** More parts than this cost more to encode than anybody can see. */
const mostParts = 100;
/** Brackets within each other. */
const mostDepth = 50;

/** The index of the bracket that closes each opening one; those without a partner are left out. */
function findPartners(text: string): ReadonlyMap<number, number> {
  const partners = new Map<number, number>();
  const open: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "[") open.push(i);
    else if (text[i] === "]" && open.length > 0) partners.set(open.pop()!, i);
  }
  return partners;
}

/** Splits at signs that stand outside of all brackets. */
function split(text: string, sign: ":" | "|"): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if ("[(".includes(text[i]!)) depth++;
    else if ("])".includes(text[i]!)) depth--;
    else if (text[i] === sign && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** The number of steps that "0.4" or "8" means; undefined if it is no such number. */
function readWhen(text: string, steps: number): number | undefined {
  const number = text.trim();
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(number)) return undefined;
  const value = Number(number);
  return Math.min(steps, Math.trunc(number.includes(".") ? value * steps : value));
}

function readBracket(inner: string, steps: number, depth: number): Piece | undefined {
  const parts = split(inner, ":");
  const when = parts.length === 2 || parts.length === 3 ? readWhen(parts.at(-1)!, steps) : undefined;
  if (when !== undefined) {
    const [from, to] = parts.length === 3 ? [parts[0]!, parts[1]!] : ["", parts[0]!];
    return { kind: "switch", from: read(from, steps, depth), to: read(to, steps, depth), when };
  }
  const options = split(inner, "|");
  if (options.length < 2) return undefined;
  return { kind: "alternate", options: options.map((option) => read(option, steps, depth)) };
}

function read(text: string, steps: number, depth = 0): Text {
  if (depth > mostDepth) {
    const cure = "Write \\[ where a bracket is meant as a sign";
    throw new NishikiError(
      "usage",
      `The prompt has more than ${mostDepth} brackets within each other. ${cure}.`,
    );
  }
  const partners = findPartners(text);
  const pieces: Piece[] = [];
  let plain = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") {
      plain += text.slice(i, i + 2);
      i++;
      continue;
    }
    const end = partners.get(i);
    const piece = end === undefined ? undefined : readBracket(text.slice(i + 1, end), steps, depth + 1);
    if (piece === undefined) plain += text[i];
    else {
      pieces.push(plain, piece);
      plain = "";
      i = end!;
    }
  }
  return [...pieces, plain];
}

/** The text at a step, counted from 0. */
function textAt(text: Text, step: number): string {
  const parts = text.map((piece) => {
    if (typeof piece === "string") return piece;
    if (piece.kind === "switch") return textAt(step < piece.when ? piece.from : piece.to, step);
    return textAt(piece.options[step % piece.options.length]!, step);
  });
  return parts.join("");
}

/**
 * The prompt of every step.
 * @param steps The steps that are taken, at least 1.
 * @throws NishikiError "usage" for a prompt that changes more than 100 times, or has more than 50 brackets within each other
 */
export function schedulePrompt(prompt: string, steps: number): Scheduled<string> {
  if (!prompt.includes("[")) return [{ until: steps, value: prompt }];
  const text = read(prompt, steps);
  const parts: { until: number; value: string }[] = [];
  for (let step = 0; step < steps; step++) {
    const value = textAt(text, step);
    const last = parts.at(-1);
    if (last?.value === value) last.until = step + 1;
    else parts.push({ until: step + 1, value });
  }
  if (parts.length > mostParts && new Set(parts.map(({ value }) => value)).size > mostParts) {
    throw new NishikiError(
      "usage",
      `The prompt has more than ${mostParts} variants while it is drawn; use fewer.`,
    );
  }
  return parts;
}

/** The part that holds in a step, counted from 0. */
export function getScheduledPart<T>(schedule: Scheduled<T>, step: number): T {
  return (schedule.find(({ until }) => step < until) ?? schedule.at(-1)!).value;
}

/**
 * The step to which a noise level belongs, counted from 0.
 * @param sigmas In descending order, one more than there are steps.
 */
export function getStepAt(sigmas: readonly number[], sigma: number): number {
  const steps = sigmas.length - 1;
  // Samplers compute some levels, and the last bits of a computed one may differ.
  const reached = sigmas.findIndex((level) => level < sigma * (1 - 1e-6));
  return reached < 0 ? steps - 1 : Math.max(0, Math.min(steps, reached) - 1);
}

/** The distinct values of schedules, each encoded once. */
export async function mapSchedule<T>(
  schedule: Scheduled<string>,
  encode: (text: string) => Promise<T>,
): Promise<Scheduled<T>> {
  const encoded = new Map<string, T>();
  const parts: ScheduledPart<T>[] = [];
  for (const { until, value: text } of schedule) {
    const value = encoded.has(text) ? encoded.get(text)! : await encode(text);
    encoded.set(text, value);
    parts.push({ until, value });
  }
  return parts;
}
