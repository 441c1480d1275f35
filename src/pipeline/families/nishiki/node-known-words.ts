// Known words in a file: `names` and `others`, unit vectors as float16, and the words as JSON beside it (node).

import { float32ToF16 } from "../../../checkpoint/index.js";
import { openSafetensors, writeSafetensors } from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";
import { nonEmptyText, oneOf, parse, z } from "../../../schema/index.js";
import type { KnownWords } from "./known-words.js";

const texts = z.array(nonEmptyText);
const contentsSchema = z.object({
  words: texts,
  nouns: texts,
  colours: texts,
  names: z.array(
    z.object({
      name: nonEmptyText,
      plural: nonEmptyText.nullable(),
      article: oneOf(["a", "an"]).nullable(),
    }),
  ),
});

/** @throws NishikiError "file", "checkpoint" */
export async function readKnownWords(path: string): Promise<KnownWords> {
  const file = await openSafetensors(path);
  const refuse = (reason: string, cause?: unknown): never => {
    throw new NishikiError("checkpoint", `${path} cannot be used: ${reason}`, { cause });
  };
  const read = () => {
    try {
      return parse(contentsSchema, JSON.parse(file.metadata.words ?? "null"), { name: "words" });
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error), error);
    }
  };
  const { words, nouns, colours, names } = read();
  const width = file.tensors.get("others")?.shape[1];
  const [rows, columns] = file.tensors.get("names")?.shape ?? [];
  if (width === undefined || rows !== names.length || columns !== width)
    refuse(`it holds no vectors of its ${names.length} names.`);
  return {
    words: new Set(words),
    nouns: new Set(nouns),
    colours: new Set(colours),
    names,
    vectors: await file.readFloat32("names"),
    others: await file.readFloat32("others"),
  };
}

export async function writeKnownWords(path: string, known: KnownWords): Promise<void> {
  const { words, nouns, colours, names, vectors, others } = known;
  const text = JSON.stringify({ words: [...words], nouns: [...nouns], colours: [...colours], names });
  const width = vectors.length / names.length;
  const rows = (name: string, data: Float32Array) => {
    return { name, dtype: "f16" as const, shape: [data.length / width, width], data: float32ToF16(data) };
  };
  await writeSafetensors(path, [rows("names", vectors), rows("others", others)], { words: text });
}
