// The names that lie nearest to a prompt's names, for the model's text encoder (node).
import { join } from "node:path";
import { readCaption } from "../data/index.js";
import { embeddedModel, readKnownWords, readModelFolder } from "../pipeline/node.js";

const most = 5;

function cosine(vectors: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += vectors[a * width + i]! * vectors[b * width + i]!;
  return sum;
}

/** For each thing that a text of the embedded model names, the names that its text encoder takes to be most like it. */
export async function listNeighbours(
  text: string,
): Promise<readonly { readonly word: string; readonly names: readonly string[] }[]> {
  const { words } = await readModelFolder(embeddedModel);
  if (!words) return [];
  const { names, vectors } = await readKnownWords(join(embeddedModel, words.file));
  const width = vectors.length / names.length;
  return (readCaption(text)?.things ?? []).flatMap(({ name }) => {
    const own = names.findIndex((one) => one.name === name);
    if (own < 0) return [];
    const others = names
      .map((one, i) => ({ name: one.name, near: cosine(vectors, width, own, i), i }))
      .filter(({ i }) => i !== own)
      .sort((a, b) => b.near - a.near);
    return [{ word: name, names: others.slice(0, most).map((one) => one.name) }];
  });
}
