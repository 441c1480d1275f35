// Wildcards in prompts: {a cat|a dog} and {3::often|rarely} choose one of several texts, {2$$red|green|blue} two of them,
// __animal__ a line of the list with that name. They are filled in before a job is created, so that the job's prompt is
// what was drawn, and never a riddle.
import { random } from "../../random/index.js";

/** Lists of texts by name: __name__ stands for one of them. */
export type Lists = Readonly<Record<string, readonly string[]>>;

/** A number in [0, 1). */
export type Random = () => number;

export interface Expansion {
  readonly text: string;
  /** Names of lists that the prompt asks for and that there are not. They stay in the text as they were. */
  readonly unknown: readonly string[];
}

const listName = /__([\p{L}\p{N}](?:[\p{L}\p{N} /.-]|_(?!_))*?)__/gu;
/** The innermost choice: braces with a bar inside and no braces. */
const choice = /(?<!\\)\{((?:[^{}\\]|\\.)*\|(?:[^{}\\]|\\.)*)\}/;
/** Choices and lists within lists end somewhere; a list that names itself does not. */
const mostRounds = 1000;
/** More than any model reads; lists that name themselves twice would grow without end. */
const mostCharacters = 100_000;

export const hasWildcards = (prompt: string): boolean => choice.test(prompt) || prompt.search(listName) >= 0;

interface Weighted {
  readonly text: string;
  readonly weight: number;
}

function readOption(option: string): Weighted {
  const [, weight, text] = /^\s*(\d+(?:\.\d+)?)::(.*)$/s.exec(option) ?? [];
  return weight === undefined ? { text: option, weight: 1 } : { text: text!, weight: Number(weight) };
}

function pick(options: readonly Weighted[], random: Random): number {
  const all = options.reduce((sum, { weight }) => sum + weight, 0);
  if (all <= 0) return Math.floor(random() * options.length);
  let rest = random() * all;
  for (const [i, { weight }] of options.entries()) {
    rest -= weight;
    if (rest < 0) return i;
  }
  return options.findLastIndex(({ weight }) => weight > 0);
}

function choose(body: string, random: Random): string {
  const [, least, most, listed] = /^\s*(\d+)(?:-(\d+))?\$\$(.*)$/s.exec(body) ?? [];
  const options = (listed ?? body).split("|").map(readOption);
  if (least === undefined) return options[pick(options, random)]!.text.trim();
  const [from, to] = [Number(least), Number(most ?? least)];
  const count = Math.min(from + Math.floor(random() * (Math.max(to - from, 0) + 1)), options.length);
  const picked: string[] = [];
  for (let i = 0; i < count; i++) picked.push(options.splice(pick(options, random), 1)[0]!.text.trim());
  return picked.join(", ");
}

/** Fills in every wildcard of a prompt. */
export function expandPrompt(prompt: string, lists: Lists, random: Random): Expansion {
  const unknown = new Set<string>();
  let text = prompt;
  for (let round = 0; round < mostRounds && text.length <= mostCharacters; round++) {
    let isChanged = false;
    text = text.replace(listName, (whole, name: string) => {
      const list = lists[name.trim()];
      if (!list || list.length === 0) {
        unknown.add(name);
        return whole;
      }
      isChanged = true;
      return list[Math.floor(random() * list.length)]!;
    });
    const found = choice.exec(text);
    if (found) {
      const end = found.index + found[0].length;
      text = text.slice(0, found.index) + choose(found[1]!, random) + text.slice(end);
      isChanged = true;
    }
    if (!isChanged) break;
  }
  return { text: text.replace(/\\([{}|])/g, "$1"), unknown: [...unknown] };
}

/**
 * Fills in every wildcard of a prompt, by a seed: the same one gives the same prompt.
 * @param lists Texts by name, as `readWildcards` reads them from a folder.
 *
 * @example
 * ```ts
 * import { expandWildcards } from "nishiki";
 *
 * const { text } = expandWildcards("a {red|blue} __animal__", { animal: ["cat", "dog"] }, 7);
 * console.log(/^a (red|blue) (cat|dog)$/.test(text)); // → true
 * ```
 */
export function expandWildcards(prompt: string, lists: Lists, seed: number): Expansion {
  const numbers = random(seed, "wildcards");
  return expandPrompt(prompt, lists, () => numbers.uniform());
}

/** The texts of an image. */
export interface PromptTexts {
  readonly prompt: string;
  readonly negativePrompt: string;
}

export interface FilledTexts {
  /** One for each image. */
  readonly images: readonly PromptTexts[];
  /** Whether all images have the same texts. */
  readonly isSame: boolean;
  readonly unknown: readonly string[];
}

/** Fills in the wildcards of each image of a request by its seed, which counts up from the first one's. */
export function fillWildcards(
  { prompt, negativePrompt }: PromptTexts,
  lists: Lists,
  { seed, count }: { readonly seed: number; readonly count: number },
): FilledTexts {
  const unknown = new Set<string>();
  const fill = (text: string, imageSeed: number) => {
    const filled = expandWildcards(text, lists, imageSeed);
    for (const name of filled.unknown) unknown.add(name);
    return filled.text;
  };
  const images = Array.from({ length: count }, (_, i) => ({
    prompt: fill(prompt, seed + i),
    negativePrompt: fill(negativePrompt, seed + i),
  }));
  const isSame = images.every(
    (texts) => texts.prompt === images[0]!.prompt && texts.negativePrompt === images[0]!.negativePrompt,
  );
  return { images, isSame, unknown: [...unknown] };
}

/** How many different prompts the wildcards can give, as far as that is worth counting; for "1 of 24". */
export function countExpansions(prompt: string, lists: Lists): number {
  let count = 1;
  const withoutLists = prompt.replace(listName, (_, name: string) => {
    count *= Math.max(lists[name.trim()]?.length ?? 1, 1);
    return "";
  });
  let text = withoutLists;
  for (let found = choice.exec(text); found; found = choice.exec(text)) {
    count *= found[1]!.split("|").length;
    text = text.slice(0, found.index) + text.slice(found.index + found[0].length);
  }
  return count;
}
