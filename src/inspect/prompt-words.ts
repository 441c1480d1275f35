// Prompts with a word left out.
import type { PromptTokens } from "../pipeline/index.js";
import type { WordMap } from "./attribution.js";

/** A prompt without one of its words. */
export interface PromptVariant {
  readonly word: string;
  /** Index among the prompt's words. */
  readonly index: number;
  readonly prompt: string;
}

/** Words that hold others together: leaving one out seldom says anything. */
const functionWords = new Set(
  (
    "a an the of to in on at by and or with without against from for as is are it its this that " +
    "some one's into over under beside behind before"
  ).split(" "),
);

/**
 * The prompt without each of its words that say something, strongest first, as many as there may be.
 * @param maps The words' attention, which ranks them; without maps, they come in the order of the prompt.
 */
export function withoutWord(
  prompt: string,
  { text, words }: PromptTokens,
  maps: readonly WordMap[],
  most: number,
): readonly PromptVariant[] {
  // Unknown words may have been replaced: then the text that was encoded is what has these words.
  const source = words.every(({ text: word }) => find(prompt, word, 0) !== undefined) ? prompt : text;
  const share = (index: number) => maps.find((map) => map.index === index)?.share ?? 0;
  let from = 0;
  const variants = words.flatMap(({ text: word }, index) => {
    const at = find(source, word, from);
    if (at === undefined) return [];
    from = at + word.length;
    if (functionWords.has(word.toLowerCase())) return [];
    const rest = `${source.slice(0, at)} ${source.slice(from)}`;
    const shorter = rest
      .replace(/\s+([,.;:)\]])/g, "$1")
      .replace(/\s+/g, " ")
      .trim();
    return shorter === "" ? [] : [{ word, index, prompt: shorter }];
  });
  return variants.sort((a, b) => share(b.index) - share(a.index)).slice(0, most);
}

/** Where a word stands in a text from some character on, ignoring case. */
function find(text: string, word: string, from: number): number | undefined {
  const at = text.toLowerCase().indexOf(word.toLowerCase(), from);
  return at < 0 ? undefined : at;
}
