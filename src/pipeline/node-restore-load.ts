// Locates the files that a receipt lists in addition to the model (node): beside the image, in the current folder, in the
// hub's cache, or at the caller's paths. Names in a receipt are base names, never paths.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { listEncoderPlaces } from "../checkpoint/node.js";
import { listSome, NishikiError, quote, showText } from "../errors.js";
import { getHubCache, isRepositoryName, resolveModel } from "../hub/index.js";
import type { CompleteLoadOptions, LoadOptions } from "./load-options.js";
import { hashFile } from "./node-environment.js";
import type { Receipt } from "./receipt.js";

/** Subfolders that often hold such files. */
const usualFolders = ["", "lora", "loras", "embeddings", "vae"];
/** Search depth within the hub's snapshots. */
const mostDepth = 3;

/** The last component of a name with any system's separators; undefined if it cannot be a file name. */
export function getBaseName(name: string): string | undefined {
  const base = name.split(/[\\/]/).at(-1) ?? "";
  return base === "" || base === "." || base === ".." || base.includes("\0") ? undefined : base;
}

/** A file that a receipt lists. */
interface RecordedFile {
  readonly file: string;
  readonly sha256: string;
}

/** A file's hash; undefined if it cannot be read. @throws NishikiError "aborted" */
const hashIfFile = (path: string, signal: AbortSignal | undefined) =>
  hashFile(path, signal).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    return undefined;
  });

/** The path itself, or the weight files in it if it is a folder. */
async function listWeightFiles(path: string): Promise<string[]> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isDirectory()) return entry ? [path] : [];
  const names = await readdir(path).catch(() => []);
  return names.filter((name) => /\.safetensors$/i.test(name)).map((name) => join(path, name));
}

async function hasContent(path: string, { sha256 }: RecordedFile, signal?: AbortSignal): Promise<boolean> {
  for (const file of await listWeightFiles(path))
    if ((await hashIfFile(file, signal)) === sha256) return true;
  return false;
}

/** Paths with this base name in the snapshots of the hub's cache. */
async function findInCache(name: string, cache: string): Promise<string[]> {
  const paths: string[] = [];
  const search = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.name === name) paths.push(path);
      else if (entry.isDirectory() && depth < mostDepth) await search(path, depth + 1);
    }
  };
  for (const repository of await readdir(cache).catch(() => []))
    if (repository.startsWith("models--")) await search(join(cache, repository, "snapshots"), 0);
  return paths;
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

  /** Finds a file by content; else takes the caller's path with the same base name. */
  async find(
    kind: string,
    option: string,
    recorded: RecordedFile,
    candidates: readonly string[],
  ): Promise<string | undefined> {
    for (const path of candidates) if (await hasContent(path, recorded, this.#signal)) return path;
    const name = getBaseName(recorded.file);
    const namesake = candidates.find((path) => basename(path) === name);
    if (namesake !== undefined) return namesake;
    if (name !== undefined) {
      const nearby = this.#folders.map((folder) => join(folder, name));
      for (const path of nearby) if (await hasContent(path, recorded, this.#signal)) return path;
      for (const path of await findInCache(name, this.#cache))
        if (await hasContent(path, recorded, this.#signal)) return path;
    }
    const hash = showText(recorded.sha256.slice(0, 12));
    this.missing.push(`the ${kind} ${quote(recorded.file)} (SHA-256 ${hash}…; name its path with ${option})`);
    return undefined;
  }

  /** Finds the models of further stages: in the hub's cache, or folders beside the image and in the current folder. */
  async findModels(names: readonly string[]): Promise<readonly string[]> {
    const paths: string[] = [];
    for (const name of names) {
      const path = isRepositoryName(name)
        ? await resolveModel(name, this.#cache).catch(() => undefined)
        : undefined;
      const near = path ?? (await this.#findFolder(name));
      if (near === undefined)
        this.missing.push(`the model ${quote(name)} (name its path with --super-resolution)`);
      else paths.push(near);
    }
    return paths;
  }

  async #findFolder(name: string): Promise<string | undefined> {
    const base = getBaseName(name);
    for (const folder of base === undefined ? [] : this.#folders) {
      const path = join(folder, base!);
      if (await stat(join(path, "model_index.json")).catch(() => undefined)) return path;
    }
    return undefined;
  }
}

/** Where to search for files. */
export interface SearchOptions {
  readonly folders: readonly string[];
  /** The hub's cache. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/**
 * Restores the load options that a receipt was drawn with.
 * @param options The caller's options; LoRAs, embeddings and a VAE are matched to the receipt's by content, else by name.
 * @throws NishikiError "file" that lists the missing files
 */
export async function restoreLoad(
  { load }: Pick<Receipt, "load">,
  options: CompleteLoadOptions,
  { folders, cache = getHubCache(), signal }: SearchOptions,
): Promise<LoadOptions> {
  const { loras, embeddings, vae, ipAdapter, imageEncoder, clip, superResolution } = load;
  const { allowPartialLora, precision, prediction } = load;
  const finder = new Finder(folders, cache, signal);
  const lora: { file: string; weight: number }[] = [];
  const loraFiles = (options.lora ?? []).map(({ file }) => file);
  for (const { weight, ...recorded } of loras ?? []) {
    const file = await finder.find("LoRA", "--lora", recorded, loraFiles);
    if (file !== undefined) lora.push({ file, weight });
  }
  const embedding: string[] = [];
  for (const recorded of embeddings ?? []) {
    const file = await finder.find("embedding", "--embedding", recorded, options.embedding ?? []);
    if (file !== undefined) embedding.push(file);
  }
  const vaeCandidates = options.vae === undefined ? [] : [options.vae];
  const vaeFile = vae && (await finder.find("VAE", "--vae", vae, vaeCandidates));
  const named = (path: string | undefined) => (path === undefined ? [] : [path]);
  const adapterFile =
    ipAdapter && (await finder.find("IP-Adapter", "--ip-adapter", ipAdapter, named(options.ipAdapter)));
  const encoders = [...named(options.imageEncoder), ...(adapterFile ? listEncoderPlaces(adapterFile) : [])];
  const encoderFile =
    imageEncoder && (await finder.find("image encoder", "--image-encoder", imageEncoder, encoders));
  const stages = options.superResolution ?? (superResolution && (await finder.findModels(superResolution)));
  const clipFile = clip && (await finder.find("CLIP", "--clip", clip, named(options.clip)));
  if (finder.missing.length > 0) {
    const searched = "beside the image, in the current folder and in the hub's cache";
    const message = `Cannot find files that the image was drawn with: ${listSome(finder.missing)}. Searched ${searched}.`;
    throw new NishikiError("file", message);
  }
  const model = options.model ?? (await findModel(load.model, cache));
  const base = options.base ?? (await findModel(load.base, cache));
  const prior = options.prior ?? (await findModel(load.prior, cache));
  return dropUndefined({
    ...options,
    model,
    base,
    prior,
    ...(loras && { lora }),
    ...(embeddings && { embedding }),
    ...(vaeFile !== undefined && { vae: vaeFile }),
    ...(adapterFile !== undefined && { ipAdapter: adapterFile }),
    ...(clipFile !== undefined && { clip: clipFile }),
    ...(encoderFile !== undefined && { imageEncoder: encoderFile }),
    superResolution: stages,
    allowPartialLora: options.allowPartialLora ?? allowPartialLora,
    precision: options.precision ?? precision,
    prediction: options.prediction ?? prediction,
  });
}

/** The path of a receipt's hub model, if the cache has it. */
async function findModel(name: string | undefined, cache: string): Promise<string | undefined> {
  if (name === undefined || !isRepositoryName(name)) return undefined;
  return resolveModel(name, cache);
}

function dropUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** The path beside an image of a file that its receipt names. */
export const besideImage = (image: string, name: string): string | undefined => {
  const base = getBaseName(name);
  return base === undefined ? undefined : join(dirname(image), base);
};
