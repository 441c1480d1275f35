// Adds the words of the training captions to a model folder.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, writeFileAtomic } from "../checkpoint/node.js";
import { abstractWords, captionWords, peopleWords, type SceneMix } from "../data/index.js";
import type { Engine } from "../engine/index.js";
import { describeName, type KnownWords, meanState, parseManifest, wordsOf } from "../pipeline/index.js";
import { hashFile, writeKnownWords } from "../pipeline/node.js";
import { loadWords, readTokenizer } from "./frozen.js";
import { encodeCaptions } from "./tasks/encode-scenes.js";

const file = "words.safetensors";

/** The words of a mix's captions, with the text encoder's vectors of the things' names. */
export async function knowWords(engine: Engine, mix: SceneMix, tokens: number): Promise<KnownWords> {
  const { texts, nouns, colours, names } = captionWords(mix);
  const tokenizer = await readTokenizer(tokens);
  const words = await loadWords(engine);
  try {
    const vectorsOf = async (list: readonly string[]) => {
      const { text, textWidth, starts } = await encodeCaptions(
        { words, tokenizer },
        list.map(describeName),
        32,
      );
      const vectors = new Float32Array(list.length * textWidth);
      for (let i = 0; i < list.length; i++) {
        const states = text.subarray(starts[i]! * textWidth, starts[i + 1]! * textWidth);
        vectors.set(meanState(states, new Float32Array(states.length / textWidth).fill(1)), i * textWidth);
      }
      return vectors;
    };
    const vectors = await vectorsOf(names.map(({ name }) => name));
    const others = await vectorsOf([...peopleWords, ...abstractWords]);
    const each = (list: readonly string[]) => new Set([...new Set(list.flatMap(wordsOf))].sort());
    return { words: each(texts), nouns: each(nouns), colours: each(colours), names, vectors, others };
  } finally {
    await words.close();
  }
}

/**
 * Adds or replaces the file and its entry in the manifest.
 * @throws NishikiError "file", "checkpoint"
 */
export async function addWords(model: string, known: KnownWords): Promise<void> {
  const path = join(model, "model.json");
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  const manifest = parseManifest(text, path);
  await writeKnownWords(join(model, file), known);
  const words = { file, sha256: await hashFile(join(model, file)) };
  await writeFileAtomic(path, `${JSON.stringify({ ...manifest, words }, null, 2)}\n`);
}
