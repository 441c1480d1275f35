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
  /** Words after dashes that are no parameters and stay in the text, with their dashes. */
  readonly strangers: readonly string[];
  /** Names of parameters in the text that have one dash, a space behind two, or none before them. */
  readonly misdashed: readonly string[];
}

/** Two dashes, or one long dash, before a name, behind a space or a sign; in Chinese and Japanese, there is none before it. */
const dashes =
  /(?<=^|\s|[,.;:!?…'"”»)\]}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}、。，])(?:(--|－－)|[–—―](?=[a-z]+(?:[\s=:\d]|$)))(?=([a-z]+(?:[-'’][a-z]+)*))/giu;

/** What stands in quotation marks is text, unless they hold the whole prompt. */
const quoted =
  /"[^"]{0,500}"|“[^”]{0,500}”|„[^“”]{0,500}[“”]|«[^»]{0,500}»|「[^」]{0,500}」|『[^』]{0,500}』/g;
const maskQuotes = (text: string) =>
  text.replace(quoted, (whole) => whole[0] + "x".repeat(whole.length - 2) + whole.at(-1));

interface Candidate {
  readonly at: number;
  /** Length of the dashes. */
  readonly length: number;
  readonly isLong: boolean;
  readonly name: string;
}

function findCandidates(prompt: string): Candidate[] {
  return [...maskQuotes(prompt).matchAll(dashes)].map(({ index, 0: dash, 2: name = "" }) => ({
    at: index,
    length: dash.length,
    isLong: dash.length === 1,
    name: name.toLowerCase(),
  }));
}

/** What a chat's command draws, as it is copied from a page. */
const dropCommand = (prompt: string) => prompt.replace(/^\s*\/imagine\s+(?:prompt\s*:\s*)?/i, "");

/** A whole prompt in quotation marks: "a cat --ar 3:2". */
function unquote(prompt: string): string {
  const [, inner] = /^\s*(?:"([^"]*)"|“([^”]*)”)\s*$/.exec(prompt)?.filter(Boolean) ?? [];
  return inner === undefined ? prompt : dropCommand(inner);
}

const misdashed = /((?<=^|\s)-|(?<=^|\s)--[ \t]+|(?<=[\p{L}\p{N}])--)([a-z]+)(?:[=:]|(?=\s|$))[ \t]*(\d?)/giu;

/** A name of one letter is a parameter only before a number. */
function findMisdashed(text: string): string[] {
  const found = [...maskQuotes(text).matchAll(misdashed)];
  return found
    .filter(
      ([, , name = "", digit]) => isParameterName(name.toLowerCase()) && (name.length > 1 || digit !== ""),
    )
    .map(([, dash, name]) => `${dash}${name}`);
}

/** A mistyped name of a parameter. */
const isNear = (name: string) =>
  name.length > 3 && parameterNames.some((known) => known.length > 3 && editDistance(known, name) <= 2);

/** A word after a long dash is prose, unless it looks like a parameter, or a number stands behind it. */
const mayBeMeant = (prompt: string, { at, length, name }: Candidate) => {
  const end = at + length + name.length;
  return isNear(name) || /^[\s=:]?\d/.test(prompt.slice(end, end + 2));
};

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
  const bare = dropCommand(prompt);
  const inner = unquote(bare);
  const candidates = findCandidates(inner);
  const chosen = chooseParameters(candidates);
  const strangers = candidates
    .filter((candidate) => !chosen.includes(candidate) && (!candidate.isLong || mayBeMeant(inner, candidate)))
    .map(({ name, isLong }) => `${isLong ? "—" : "--"}${name}`);
  if (chosen.length === 0) return { text: bare, parameters: [], strangers, misdashed: findMisdashed(bare) };
  const parameters = chosen.map(({ at, length, isLong, name }, i): WrittenParameter => {
    const source = inner.slice(at, chosen[i + 1]?.at ?? inner.length);
    const value = readValue(source.slice(length + name.length), name === "no");
    return { name, value, source: source.trim(), isLong };
  });
  const text = inner.slice(0, chosen[0]!.at).trim();
  return { text, parameters, strangers, misdashed: findMisdashed(text) };
}
