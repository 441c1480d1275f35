// Where a prompt ends and its parameters begin: "a cat --ar 3:2 --no grass". Prose may contain dashes, too.
import { editDistance } from "../../../errors.js";
import { isParameterName, parameterNames } from "./table.js";

export interface WrittenParameter {
  /** In lower case, without dashes. */
  readonly name: string;
  readonly value: string;
  /** As it stands in the prompt. */
  readonly source: string;
  /** Whether it begins with the one long dash that phones make of two. */
  readonly isLong: boolean;
}

export interface SplitPrompt {
  readonly text: string;
  readonly parameters: readonly WrittenParameter[];
  /** Words after two dashes that are no parameters, and stay in the text. */
  readonly strangers: readonly string[];
}

/** Two dashes, or one long dash, before a name; in Chinese and Japanese, there is no space before it. */
const dashes =
  /(?<=^|\s|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。，])(?:(--|－－)|[–—―](?=[a-z]+(?:[\s=:\d]|$)))(?=([a-z]+(?:[-'’][a-z]+)*))/giu;

/** What stands in quotation marks is text, unless they hold the whole prompt. */
const quoted = /"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』/g;

interface Candidate {
  readonly at: number;
  /** Length of the dashes. */
  readonly length: number;
  readonly isLong: boolean;
  readonly name: string;
}

function findCandidates(prompt: string): Candidate[] {
  const masked = prompt.replace(quoted, (whole) => "x".repeat(whole.length));
  return [...masked.matchAll(dashes)].map(({ index, 0: dash, 2: name = "" }) => ({
    at: index,
    length: dash.length,
    isLong: dash.length === 1,
    name: name.toLowerCase(),
  }));
}

/** "a cat --ar 3:2" in quotation marks, or after the command of a chat, as it is copied from a page. */
function unwrap(prompt: string): string {
  const [, inner] = /^\s*(?:"([^"]*)"|“([^”]*)”)\s*$/.exec(prompt)?.filter(Boolean) ?? [];
  return (inner ?? prompt).replace(/^\s*\/imagine\s+(?:prompt\s*:\s*)?/i, "");
}

/** A mistyped name of a parameter. */
const isNear = (name: string) =>
  name.length > 3 && parameterNames.some((known) => known.length > 3 && editDistance(known, name) <= 2);

/** Parameters stand at the end: from the first known one on, every name after two dashes is one. */
function chooseParameters(candidates: readonly Candidate[]): readonly Candidate[] {
  const first = candidates.findIndex(({ name }) => isParameterName(name));
  if (first < 0) return [];
  return candidates.filter(
    ({ name, isLong }, i) => isParameterName(name) || (!isLong && (i > first || isNear(name))),
  );
}

function readValue(written: string, isText: boolean): string {
  const value = written
    .trim()
    .replace(/^[=:]\s*/, "")
    .replace(/\s*(?:--|[–—―])$/, "");
  // A sentence that ends after a parameter; in a list of things, a full stop may belong to the last of them.
  return isText ? value.replace(/[\s,]+$/, "") : value.replace(/[\s.,;。、"”]+$/, "");
}

/** Splits the parameters off a prompt; without a known one, all of it is text. */
export function splitParameters(prompt: string): SplitPrompt {
  const inner = unwrap(prompt);
  const candidates = findCandidates(inner);
  const chosen = chooseParameters(candidates);
  const strangers = candidates
    .filter((candidate) => !candidate.isLong && !chosen.includes(candidate))
    .map(({ name }) => name);
  if (chosen.length === 0) return { text: prompt, parameters: [], strangers };
  const parameters = chosen.map(({ at, length, isLong, name }, i): WrittenParameter => {
    const source = inner.slice(at, chosen[i + 1]?.at ?? inner.length);
    const value = readValue(source.slice(length + name.length), name === "no");
    return { name, value, source: source.trim(), isLong };
  });
  return { text: inner.slice(0, chosen[0]!.at).trim(), parameters, strangers };
}
