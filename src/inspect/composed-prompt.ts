// Prompts of several parts, looked at as one: the words of all parts, and where each went.
import {
  type AttentionRecord,
  type Conditionings,
  nameConditioning,
  type PromptTokens,
  splitComposition,
} from "../pipeline/index.js";
import { Attribution, type WordMap } from "./attribution.js";

/** The tokens of all parts, in their order, as those of one prompt. */
export function joinTokens(prompt: string, tokens: Conditionings<PromptTokens>): PromptTokens {
  const parts = splitComposition(prompt);
  if (parts.length === 1) return tokens.cond;
  const texts: string[] = [];
  const all: string[] = [];
  const words: PromptTokens["words"][number][] = [];
  for (const [i, { weight }] of parts.entries()) {
    const part = tokens[nameConditioning(i)];
    if (!part) continue;
    const start = all.length;
    texts.push(weight === 1 ? part.text : `${part.text} :${weight}`);
    all.push(...part.tokens);
    words.push(
      ...part.words.map(({ text, positions }) => ({ text, positions: positions.map((at) => at + start) })),
    );
  }
  return { text: texts.join(" AND "), tokens: all, words };
}

/** Collects the attention of each part of a prompt. */
export class ComposedAttribution {
  readonly #parts: readonly Attribution[];

  constructor(prompt: string) {
    this.#parts = splitComposition(prompt).map(
      (_, i) => new Attribution({ conditioning: nameConditioning(i) }),
    );
  }

  readonly add = (record: AttentionRecord): void => {
    for (const part of this.#parts) part.add(record);
  };

  /** The map of every word, numbered through all parts; parts share the attention equally. */
  wordMaps(tokens: Conditionings<PromptTokens>): readonly WordMap[] {
    let before = 0;
    return this.#parts.flatMap((part, i) => {
      const own = tokens[nameConditioning(i)];
      if (!own) return [];
      const first = before;
      before += own.words.length;
      return part.wordMaps(own).map((map) => ({
        ...map,
        index: first + map.index,
        share: map.share / this.#parts.length,
      }));
    });
  }
}
