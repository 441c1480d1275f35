// Opens textual inversions for a Stable Diffusion model (node).
import { basename } from "node:path";
import { type LearnedWord, openEmbedding } from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";
import type { ClipTextConfig } from "../../../models/index.js";
import type { ClipTokenizer } from "../../../tokenizer/index.js";

export interface OpenedEmbeddings {
  readonly words: readonly LearnedWord[];
}

/** @throws NishikiError "usage" for a duplicate word, "file", "checkpoint" */
export async function openEmbeddings(files: readonly string[]): Promise<OpenedEmbeddings> {
  const words: LearnedWord[] = [];
  for (const file of files) {
    const opened = await openEmbedding(file);
    if (words.some(({ word }) => word === opened.word)) {
      throw new NishikiError(
        "usage",
        `embedding: two files define the word "${opened.word}"; rename one of them.`,
      );
    }
    words.push(opened);
  }
  return { words };
}

/**
 * Adds learned words to tokenizers, and collects each encoder's vectors in the order of their ids.
 * @param textEncoders Ids of learned words follow each encoder's vocabulary.
 * @throws NishikiError "checkpoint" if a file was made for other text encoders
 */
export function teach(
  words: readonly LearnedWord[],
  tokenizers: readonly ClipTokenizer[],
  textEncoders: readonly Pick<ClipTextConfig, "width" | "vocabulary">[],
): {
  readonly tokenizers: readonly ClipTokenizer[];
  readonly vectors: readonly (Float32Array | undefined)[];
} {
  const widths = textEncoders.map(({ width }) => width);
  for (const { file, encoders } of words) {
    const vectorWidths = encoders.map(({ width }) => width);
    if (vectorWidths.join() === widths.join()) continue;
    const message = `The textual inversion ${basename(file)} was made for another model: its vectors are ${vectorWidths.join(" and ")} wide, and this model's text encoders take ${widths.join(" and ")}.`;
    throw new NishikiError("checkpoint", message);
  }
  if (words.length === 0) return { tokenizers, vectors: tokenizers.map(() => undefined) };
  return {
    tokenizers: tokenizers.map((tokenizer, i) =>
      tokenizer.withTokens(
        new Map(words.map(({ word, encoders }) => [word, encoders[i]!.rows])),
        textEncoders[i]!.vocabulary,
      ),
    ),
    vectors: tokenizers.map((_, i) =>
      Float32Array.from(words.flatMap(({ encoders }) => [...encoders[i]!.data])),
    ),
  };
}
