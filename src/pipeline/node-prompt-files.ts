// Files that prompts refer to by name: lists of wildcards, LoRAs, and names for models (node).
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { listSome, NishikiError, nearestName, quote } from "../errors.js";
import { nonEmptyText, parse, z } from "../schema/index.js";
import type { WeightedFile } from "./load-options.js";
import type { LoraTag } from "./prompt/lora-tags.js";
import type { Lists } from "./prompt/wildcards.js";

async function listFiles(folder: string, what: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw fileError(error, `read the folder of ${what} ${folder}`);
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/**
 * Reads the lists of wildcards in a folder and its subfolders: `animal.txt` is `__animal__`, `food/fruit.txt` is
 * `__food/fruit__`. One text per line; empty lines and those that begin with # are left out.
 * @throws NishikiError "file"
 *
 * @example
 * ```ts
 * import { mkdir, writeFile } from "node:fs/promises";
 * import { readWildcards } from "nishiki";
 *
 * await mkdir("lists", { recursive: true });
 * await writeFile("lists/animal.txt", "cat\nred fox\n");
 * console.log(await readWildcards("lists")); // → { animal: [ 'cat', 'red fox' ] }
 * ```
 */
export async function readWildcards(folder: string): Promise<Lists> {
  const lists: Record<string, readonly string[]> = {};
  for (const file of await listFiles(folder, "wildcards")) {
    if (!/\.txt$/i.test(file)) continue;
    const path = join(folder, file);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw fileError(error, `read ${path}`);
    });
    const lines = text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .map((line) => line.trim());
    lists[file.slice(0, -".txt".length)] = lines.filter((line) => line !== "" && !line.startsWith("#"));
  }
  return lists;
}

/** A name as people write it: without the ending of its file and without folders, in lower case. */
const simplify = (name: string) =>
  name
    .toLowerCase()
    .replace(/\.safetensors$/, "")
    .replace(/^.*\//, "");

/**
 * The files of LoRAs that a prompt names, in a folder and its subfolders.
 * @throws NishikiError "usage" for a name without a file, or with several
 */
export async function findLoras(tags: readonly LoraTag[], folder: string): Promise<readonly WeightedFile[]> {
  if (tags.length === 0) return [];
  const files = (await listFiles(folder, "LoRAs")).filter((file) => /\.safetensors$/i.test(file));
  return tags.map(({ name, weight }) => {
    const found = files.filter((file) => simplify(file) === simplify(name));
    if (found.length === 1) return { file: join(folder, found[0]!), weight };
    if (found.length > 1)
      throw new NishikiError(
        "usage",
        `The LoRA ${quote(name)} is one of ${listSome(found)}; use --lora FILE.`,
      );
    const near = nearestName(simplify(name), files.map(simplify));
    const cure = near === undefined ? "" : ` Did you mean <lora:${near}>?`;
    throw new NishikiError(
      "usage",
      `There is no LoRA ${quote(name)} in the folder ${folder}, as <lora:${name}> in the prompt asks for.${cure}`,
    );
  });
}

const aliasesSchema = z.record(nonEmptyText, nonEmptyText);

/** Reads the user's names for models: JSON such as { "niji 6": "org/name", "v 7": "folder" }. @throws NishikiError "file" */
export async function readModelAliases(file: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw fileError(error, `read the names of models ${file}`);
  });
  try {
    return parse(aliasesSchema, JSON.parse(text), { name: "the names of models", noun: "name" });
  } catch (error) {
    const reason = error instanceof NishikiError ? error.message : "it is not valid JSON.";
    throw new NishikiError("file", `${file}: ${reason}`, { cause: error });
  }
}
