// The names that come nearest to words outside of a model's vocabulary, by its text encoder (node). They are only suggested: a likeness
// takes an ocean for a beach.
import { type EngineOptions, makeEngine } from "../../../../engine/node.js";
import type { Tokenizer } from "../../../../tokenizer/index.js";
import { findNearest, type KnownWords, meanState } from "../known-words.js";
import type { ModelManifest } from "../manifest.js";
import { encodePrompt } from "../networks.js";
import { openPart } from "../node-networks.js";
import { traceTextEncoder } from "../programs.js";

export interface SuggestOptions {
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly known: KnownWords;
  readonly tokenizer: Tokenizer;
  readonly engine: EngineOptions;
}

/** The nearest names of each of some words, which may be none. Loads the text encoder for the time being. */
export async function suggestNames(
  words: readonly string[],
  { folder, manifest, known, tokenizer, engine: options }: SuggestOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const engine = makeEngine(options);
  try {
    const program = traceTextEncoder(manifest);
    const weights = await openPart(folder, manifest.parts.textEncoder, program);
    const session = await engine.load(program, { weights });
    const embed = async (text: string) => {
      const { embeddings } = await encodePrompt(session, tokenizer, manifest, text);
      return meanState(embeddings.states, embeddings.mask);
    };
    const found = new Map<string, readonly string[]>();
    for (const word of words) found.set(word, await findNearest(word.toLowerCase(), known, embed));
    return found;
  } finally {
    await engine.close();
  }
}
