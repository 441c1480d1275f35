// CLIP's embedding of a text, which lies in the same space as those of images (Radford et al. 2021, arXiv:2103.00020).

import type { Session } from "../../engine/index.js";
import { NishikiError, quote } from "../../errors.js";
import { type Program, trace } from "../../graph/index.js";
import { type ClipTextConfig, clipText, projectText } from "../../models/index.js";
import type { ClipTokenizer } from "../../tokenizer/index.js";
import { floats } from "../tensors.js";

/** A text encoder without its weights. */
export interface TextEmbedder {
  readonly config: ClipTextConfig;
  readonly tokenizer: ClipTokenizer;
}

/** ids `[texts, positions]`, ends `[texts]` → embedding `[texts, projection]`. */
export function traceTextEmbedding(config: ClipTextConfig): Program {
  return trace((tracer) => {
    const ids = tracer.input("ids", ["texts", config.positions], "i32");
    const ends = tracer.input("ends", ["texts"], "i32");
    const { last } = clipText(tracer.scope(), config, { ids });
    return { embedding: projectText(tracer.scope(), config, last, ends) };
  });
}

/** @throws NishikiError "usage" for a text that is longer than the encoder reads */
function tokenize({ config, tokenizer }: TextEmbedder, text: string): { ids: Int32Array; end: number } {
  const tokens = tokenizer.encode(text);
  const room = config.positions - 2;
  if (tokens.length > room) {
    const message = `The text ${quote(text)} has ${tokens.length} tokens; CLIP's embedding is of at most ${room}. Shorten it.`;
    throw new NishikiError("usage", message);
  }
  const ids = new Int32Array(config.positions).fill(tokenizer.pad);
  ids.set([tokenizer.start, ...tokens, tokenizer.end]);
  return { ids, end: tokens.length + 1 };
}

/** Texts at a time: enough to keep a machine busy, and little memory. */
const batch = 16;

/**
 * Embeds texts.
 * @param use Runs work with a session of {@link traceTextEmbedding}.
 * @returns `[projection]` for each text, not normalised.
 * @throws NishikiError "usage" for a text that is too long
 */
export async function embedTexts(
  embedder: TextEmbedder,
  texts: readonly string[],
  use: <T>(work: (session: Session) => Promise<T>) => Promise<T>,
): Promise<Float32Array[]> {
  const { positions, projection } = embedder.config;
  const tokens = texts.map((text) => tokenize(embedder, text));
  return use(async (session) => {
    const all: Float32Array[] = [];
    for (let from = 0; from < tokens.length; from += batch) {
      const part = tokens.slice(from, from + batch);
      const ids = new Int32Array(part.length * positions);
      for (const [i, { ids: own }] of part.entries()) ids.set(own, i * positions);
      const ends = Int32Array.from(part, ({ end }, i) => i * positions + end);
      const outputs = await session.run({
        ids: { dtype: "i32", shape: [part.length, positions], data: ids },
        ends: { dtype: "i32", shape: [part.length], data: ends },
      });
      const values = floats(outputs, "embedding");
      for (const i of part.keys()) all.push(values.slice(i * projection!, (i + 1) * projection!));
    }
    return all;
  });
}
