// Prompts of several parts, each with a weight of its own in guidance (composable diffusion: Liu et al. 2022, arXiv
// 2206.01714), in the syntax of stable-diffusion-webui:
//
//     a forest AND a red fox :1.4 AND fog :-0.5
//
// A part is a prompt like any other. Within brackets, and in a text that is all capitals and
// has no weights, AND is a word.
import { NishikiError, quote } from "../../errors.js";
import type { Conditioning } from "../plan.js";

export interface PromptPart {
  readonly text: string;
  /** 1 unless the prompt says otherwise. */
  readonly weight: number;
}

/** Each part costs a row of every evaluation. */
const mostParts = 12;
const mostWeight = 100;

const and = /(?<![\p{L}\p{N}_])AND(?![\p{L}\p{N}_])/gu;
/** A weight at the end of a part. "12:30" is a time of day. */
const weightAtEnd = /^([\s\S]*?(?:[^\d\s:]|\d(?=\s)))\s*:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$/;

/** In a text that is all capitals, AND is a word like any other. */
function isAllCapitals(text: string): boolean {
  const others = text.replace(and, "");
  return /\p{Lu}/u.test(others) && !/\p{Ll}/u.test(others);
}

/** The places of ANDs outside of brackets. A bracket without its partner is a sign like any other. */
function findJoints(prompt: string): number[] {
  const open: { readonly sign: string; readonly joints: number }[] = [];
  const count: Record<string, number> = { "(": 0, "[": 0 };
  const ands = [...prompt.matchAll(and)].map(({ index }) => index);
  const joints: number[] = [];
  let next = 0;
  for (let i = 0; i < prompt.length && ands.length > 0; i++) {
    const sign = prompt[i]!;
    if (i === ands[next]) {
      joints.push(i);
      next++;
    } else if (sign === "\\") i++;
    else if (sign === "(" || sign === "[") {
      open.push({ sign, joints: joints.length });
      count[sign]!++;
    } else if (sign === ")" || sign === "]") {
      const partner = sign === ")" ? "(" : "[";
      while (count[partner]! > 0) {
        const bracket = open.pop()!;
        count[bracket.sign]!--;
        if (bracket.sign !== partner) continue;
        joints.length = bracket.joints;
        break;
      }
    }
  }
  return joints;
}

function splitAtAnd(prompt: string): string[] {
  const joints = findJoints(prompt);
  return [...joints, prompt.length].map((end, i) =>
    prompt.slice(i === 0 ? 0 : joints[i - 1]! + "AND".length, end),
  );
}

/**
 * The parts of a prompt, in their order; a plain prompt is one part of weight 1, whatever it contains.
 * @throws NishikiError "usage" for more than 12 parts, a weight beyond 100, or no part with a weight above 0
 */
export function splitComposition(prompt: string): readonly PromptPart[] {
  const plain = [{ text: prompt, weight: 1 }];
  const pieces = splitAtAnd(prompt);
  if (pieces.length === 1) return plain;
  const texts = pieces
    .map((text) => text.trim())
    // A part without words says nothing, also if it has a weight.
    .filter((text) => !/^(?::\s*[+-]?[\d.]+)?$/.test(text));
  // In "AND a cat", AND joins nothing.
  if (texts.length < 2) return texts.length === 0 ? plain : [{ text: texts[0]!, weight: 1 }];
  if (texts.length > mostParts)
    throw new NishikiError(
      "usage",
      `The prompt has ${texts.length} parts joined by AND; use at most ${mostParts}.`,
    );
  if (isAllCapitals(prompt) && !texts.some((text) => weightAtEnd.test(text))) return plain;
  const parts = texts.map((text) => {
    const [, inner, weight] = weightAtEnd.exec(text) ?? [];
    return inner === undefined ? { text, weight: 1 } : { text: inner.trim(), weight: Number(weight) };
  });
  const heavy = parts.find(({ weight }) => Math.abs(weight) > mostWeight);
  if (heavy)
    throw new NishikiError(
      "usage",
      `The part ${quote(heavy.text)} has the weight ${heavy.weight}; use ${-mostWeight} to ${mostWeight}.`,
    );
  if (parts.some(({ weight }) => weight > 0)) return parts;
  throw new NishikiError("usage", "No part of the prompt has a weight above 0: there is nothing to draw.");
}

/** The name of a part's conditioning: "cond", "cond 2", "cond 3", … */
export const nameConditioning = (part: number): Exclude<Conditioning, "uncond"> =>
  part === 0 ? "cond" : `cond ${part + 1}`;

/** One value for each conditioning of a request. */
export type Conditionings<T> = Readonly<Record<Conditioning, T>>;

/** The values of a prompt's parts, and that of the negative prompt, by their conditionings. */
export const nameParts = <T>(parts: readonly T[], uncond: T): Conditionings<T> => ({
  ...(Object.fromEntries(parts.map((value, i) => [nameConditioning(i), value])) as { cond: T }),
  uncond,
});

/** The value of a conditioning that a request has. */
export function getOf<T>(values: Conditionings<T>, conditioning: Conditioning): T {
  const value = values[conditioning];
  if (value !== undefined) return value;
  throw new NishikiError("internal", `The request has no conditioning "${conditioning}".`);
}

/** The weights of a prompt's parts, for guidance; undefined for a plain prompt. */
export function getPartWeights(prompt: string): readonly number[] | undefined {
  const parts = splitComposition(prompt);
  return parts.length === 1 ? undefined : parts.map(({ weight }) => weight);
}
