// What a receipt was drawn with besides the model, found again (node): beside the image, in the current folder, in the hub's
// cache, or where the caller says. A receipt's names are base names; they are never paths.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { listSome, NishikiError, quote, showText } from "../errors.js";
import { getHubCache, isRepositoryName, resolveModel } from "../hub/index.js";
import type { CompleteLoadOptions, LoadOptions } from "./load-options.js";
import { hashFile } from "./node-environment.js";
import type { Receipt } from "./receipt.js";

/** Folders beside an image in which such files are often kept. */
const usualFolders = ["", "lora", "loras", "embeddings", "vae"];
/** How deep snapshots of the hub are looked through. */
const mostDepth = 3;

/** The last part of a name, whichever system's separators it has; undefined for what names no file. */
export function getBaseName(name: string): string | undefined {
  const base = name.split(/[\\/]/).at(-1) ?? "";
  return base === "" || base === "." || base === ".." || base.includes("\0") ? undefined : base;
}

interface Wanted {
  readonly file: string;
  readonly sha256: string;
}

/** A file's hash, undefined where it cannot be read. @throws NishikiError "aborted" */
const hashIfFile = (path: string, signal: AbortSignal | undefined) =>
  hashFile(path, signal).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    return undefined;
  });

/** The path itself, or the weight file in it where it is a folder. */
async function listWeightFiles(path: string): Promise<string[]> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isDirectory()) return entry ? [path] : [];
  const names = await readdir(path).catch(() => []);
  return names.filter((name) => /\.safetensors$/i.test(name)).map((name) => join(path, name));
}

async function isWanted(path: string, { sha256 }: Wanted, signal?: AbortSignal): Promise<boolean> {
  for (const file of await listWeightFiles(path))
    if ((await hashIfFile(file, signal)) === sha256) return true;
  return false;
}

/** Paths with this base name in the snapshots of the hub's cache. */
async function findInCache(name: string, cache: string): Promise<string[]> {
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.name === name) found.push(path);
      else if (entry.isDirectory() && depth < mostDepth) await look(path, depth + 1);
    }
  };
  for (const repository of await readdir(cache).catch(() => []))
    if (repository.startsWith("models--")) await look(join(cache, repository, "snapshots"), 0);
  return found;
}

class Finder {
  readonly #folders: readonly string[];
  readonly #cache: string;
  readonly #signal: AbortSignal | undefined;
  readonly missing: string[] = [];

  constructor(folders: readonly string[], cache: string, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#folders = [...new Set(folders.flatMap((folder) => usualFolders.map((name) => join(folder, name))))];
    this.#cache = cache;
  }

  /** The path of a file of that content; else one that the caller gave under its name. */
  async find(
    kind: string,
    option: string,
    wanted: Wanted,
    given: readonly string[],
  ): Promise<string | undefined> {
    for (const path of given) if (await isWanted(path, wanted, this.#signal)) return path;
    const name = getBaseName(wanted.file);
    const named = given.find((path) => basename(path) === name);
    if (named !== undefined) return named;
    if (name !== undefined) {
      const beside = this.#folders.map((folder) => join(folder, name));
      for (const path of beside) if (await isWanted(path, wanted, this.#signal)) return path;
      for (const path of await findInCache(name, this.#cache))
        if (await isWanted(path, wanted, this.#signal)) return path;
    }
    const hash = showText(wanted.sha256.slice(0, 12));
    this.missing.push(`the ${kind} ${quote(wanted.file)} (SHA-256 ${hash}…; ${option} says where it is)`);
    return undefined;
  }
}

/** Where files are looked for. */
export interface SearchOptions {
  readonly folders: readonly string[];
  /** The hub's cache. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/**
 * Load options that draw what a receipt was drawn with.
 * @param options What the caller says; LoRAs, embeddings and a VAE are taken for the receipt's by content, else by name.
 * @throws NishikiError "file" that lists what is not found
 */
export async function restoreLoad(
  { load }: Pick<Receipt, "load">,
  options: CompleteLoadOptions,
  { folders, cache = getHubCache(), signal }: SearchOptions,
): Promise<LoadOptions> {
  const { loras, embeddings, vae, allowPartialLora, precision, prediction } = load;
  const finder = new Finder(folders, cache, signal);
  const lora: { file: string; weight: number }[] = [];
  const loraFiles = (options.lora ?? []).map(({ file }) => file);
  for (const { weight, ...wanted } of loras ?? []) {
    const file = await finder.find("LoRA", "--lora", wanted, loraFiles);
    if (file !== undefined) lora.push({ file, weight });
  }
  const embedding: string[] = [];
  for (const wanted of embeddings ?? []) {
    const file = await finder.find("embedding", "--embedding", wanted, options.embedding ?? []);
    if (file !== undefined) embedding.push(file);
  }
  const givenVae = options.vae === undefined ? [] : [options.vae];
  const vaeFile = vae && (await finder.find("VAE", "--vae", vae, givenVae));
  if (finder.missing.length > 0) {
    const places = "beside it, in the current folder or in the hub's cache";
    const message = `Files that the picture was drawn with are not found ${places}: ${listSome(finder.missing)}.`;
    throw new NishikiError("file", message);
  }
  const model = options.model ?? (await findModel(load.model, cache));
  const base = options.base ?? (await findModel(load.base, cache));
  return dropUndefined({
    ...options,
    model,
    base,
    ...(loras && { lora }),
    ...(embeddings && { embedding }),
    ...(vaeFile !== undefined && { vae: vaeFile }),
    allowPartialLora: options.allowPartialLora ?? allowPartialLora,
    precision: options.precision ?? precision,
    prediction: options.prediction ?? prediction,
  });
}

/** A receipt's model of the hub, if its cache has it. */
async function findModel(name: string | undefined, cache: string): Promise<string | undefined> {
  if (name === undefined || !isRepositoryName(name)) return undefined;
  return resolveModel(name, cache);
}

function dropUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** A file of a receipt that lies beside the image. */
export const besideImage = (image: string, name: string): string | undefined => {
  const base = getBaseName(name);
  return base === undefined ? undefined : join(dirname(image), base);
};
