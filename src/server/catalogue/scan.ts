// Looks into models folders, in the drawing process: what each file is says its header, whatever its folder is called.
import { readFile, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import {
  getBaseTitle,
  inspectLora,
  isEmbedding,
  isIpAdapter,
  isLora,
  openAutoencoder,
  openEmbedding,
  openIpAdapter,
  openSafetensors,
} from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { listCachedModels } from "../../hub/index.js";
import { describeModel, embeddedModel, getModelFamily, openModel } from "../../pipeline/node.js";
import type { Found, FoundAddition, FoundModel, ModelFacts, NamedModel } from "./found.js";
import { countBytes } from "./sizes.js";
import { walk } from "./walk.js";

/**
 * The embedded model, what the folders hold, and the hub's cache.
 * @param named Models under names of the user's, which come first; elsewhere they are left out.
 */
export async function scan(folders: readonly string[], named: readonly NamedModel[] = []): Promise<Found> {
  const cached = (await listCachedModels().catch(() => [])).map(({ repository, path }) => ({
    name: repository,
    path,
  }));
  const paths = (await Promise.all(folders.map(walk))).flat();
  const isNamed = ({ path }: NamedModel) => named.some((one) => resolve(one.path) === resolve(path));
  const others = [...paths.map((path) => ({ name: nameOf(path), path })), ...cached];
  const missing = await Promise.all(folders.map(findMissing));
  const own: FoundModel[] = [];
  for (const { name, path } of named) own.push(await identifyModel(name, path));
  const found: (FoundModel | FoundAddition)[] = [];
  for (const one of others) if (!isNamed(one)) found.push(await identify(one.name, one.path));
  const additions = found.filter((one): one is FoundAddition => "kind" in one);
  const models = found.filter((one): one is FoundModel => !("kind" in one));
  // Those that draw come first: a broken file should not have the name that a good one could have.
  const isBroken = ({ problem }: FoundModel) => Number(problem !== undefined);
  models.sort((a, b) => isBroken(a) - isBroken(b));
  return {
    models: [await readModel("Nishiki", undefined), ...own, ...models, ...missing.flat()],
    additions,
  };
}

const nameOf = (path: string) =>
  /\.(safetensors|ckpt|gguf)$/i.test(path) ? basename(path, extname(path)) : basename(path);

/** A folder that is not there is shown like a broken model: the user expects models from it. */
async function findMissing(folder: string): Promise<FoundModel[]> {
  const info = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (!(info instanceof Error)) return [];
  const reason = info.code === "ENOENT" ? "it does not exist" : "it cannot be read";
  return [
    {
      name: basename(folder) || folder,
      path: folder,
      bytes: 0,
      problem: `The models folder ${basename(folder) || folder}: ${reason}.`,
    },
  ];
}

async function identifyModel(name: string, path: string): Promise<FoundModel> {
  try {
    return await readModel(name, path);
  } catch (error) {
    return { name, path, bytes: await countBytes(path), problem: describeProblem(error, path) };
  }
}

/** What a path is. Whatever is wrong with one file, the others are listed. */
async function identify(name: string, path: string): Promise<FoundModel | FoundAddition> {
  try {
    return (await identifyAddition(name, path)) ?? (await readModel(name, path));
  } catch (error) {
    for (const read of [readAutoencoder, readEmbedding]) {
      const addition = await read(name, path).catch(() => undefined);
      if (addition) return addition;
    }
    return { name, path, bytes: await countBytes(path), problem: describeProblem(error, path) };
  }
}

/** Clients may be on other machines: where a file lies is no business of theirs. */
function describeProblem(error: unknown, path: string): string {
  const message = (error as Error).message.replaceAll(path, basename(path));
  return error instanceof NishikiError ? message : `${basename(path)} cannot be read: ${message}.`;
}

async function identifyAddition(name: string, path: string): Promise<FoundAddition | undefined> {
  const isFile = /\.safetensors$/i.test(path);
  const isFolder = !isFile && extname(path) === "" && (await stat(path)).isDirectory();
  if (isFile && isIpAdapter((await openSafetensors(path)).tensors.keys())) return readIpAdapter(name, path);
  if (isFile && (await isEmbedding(path))) return readEmbedding(name, path);
  if ((isFile || isFolder) && (await isLora(path))) return readLora(name, path);
  return undefined;
}

const embeddingFamilies: Readonly<Record<string, string>> = {
  "768": "Stable Diffusion 1.x",
  "1024": "Stable Diffusion 2.x",
  "768,1280": "Stable Diffusion XL",
};

/** @throws NishikiError "file", "checkpoint" */
async function readEmbedding(name: string, path: string): Promise<FoundAddition> {
  const { word, encoders } = await openEmbedding(path);
  const family = embeddingFamilies[encoders.map(({ width }) => width).join()] ?? null;
  return { kind: "embedding", name, path, bytes: await countBytes(path), family, words: [word] };
}

/** @throws NishikiError "file", "checkpoint" */
async function readLora(name: string, path: string): Promise<FoundAddition> {
  const { fits, notes, base } = await inspectLora(path);
  const trigger = notes["trigger words"];
  // "fox (12), snow (9)"
  const frequent = (notes["frequent words"] ?? "").split(", ").map((word) => word.replace(/ \(\d+\)$/, ""));
  const words = trigger === undefined ? frequent.filter(Boolean).slice(0, 5) : [trigger];
  return {
    kind: "lora",
    name,
    path,
    bytes: await countBytes(path),
    family: base ? getBaseTitle(base) : (fits ?? null),
    words: words.map((word) => word.slice(0, 200)),
  };
}

const adapterFamilies: Readonly<Record<number, string>> = {
  768: "Stable Diffusion 1.x",
  1024: "Stable Diffusion 2.x",
  2048: "Stable Diffusion XL",
};

/** @throws NishikiError "file", "checkpoint" */
async function readIpAdapter(name: string, path: string): Promise<FoundAddition> {
  const { weights } = await openIpAdapter(path);
  const family = adapterFamilies[weights.get("ip_adapter.1.to_k_ip.weight")?.shape[1] ?? 0] ?? null;
  return { kind: "ipAdapter", name, path, bytes: await countBytes(path), family, words: [] };
}

/** @throws NishikiError "file", "checkpoint" */
async function readAutoencoder(name: string, path: string): Promise<FoundAddition> {
  await openAutoencoder(path, "sd1");
  return { kind: "vae", name, path, bytes: await countBytes(path), family: null, words: [] };
}

/** @throws NishikiError "file", "checkpoint" */
async function readModel(name: string, path: string | undefined): Promise<FoundModel> {
  const load = path === undefined ? {} : { model: path };
  const { check: _, ...context } = (await openModel(load)).context;
  const facts = await readFacts(path ?? embeddedModel);
  return { name, path, bytes: await countBytes(path ?? embeddedModel), known: { facts, context } };
}

/** What an idle drawing process takes, and what a small model adds while it draws: measured with the embedded one. */
const baseMemory = 0.6e9;
/** Weights stay in their files and are widened as they are used: measured peaks of 1.5 and XL over their denoisers' size. */
const weightShare = 0.66;

/** The load options that clients of the server choose by ids. */
const offered = ["lora", "embedding", "vae", "ipAdapter", "precision"];

async function readFacts(path: string): Promise<ModelFacts> {
  const { id, loadOptions } = await getModelFamily(path);
  const { what, largest = 0, maxTokens = null, licence, unusedLoadOptions = [] } = await describeModel(path);
  return {
    family: id,
    what,
    memory: Math.round(baseMemory + weightShare * largest),
    loadOptions: loadOptions.filter((name) => offered.includes(name) && !unusedLoadOptions.includes(name)),
    tokenLimit: maxTokens,
    licence: licence ?? (await readLicence(path)),
  };
}

/** The licence that a model's card or header names. */
async function readLicence(path: string): Promise<string | null> {
  const card = await readFile(join(path, "README.md"), "utf8").catch(() => "");
  const [, front = ""] = /^---\r?\n([\s\S]{0,5000}?)\r?\n---/.exec(card) ?? [];
  const [, named] = /^licen[cs]e:\s*["']?([\w.+-]{1,60})/m.exec(front) ?? [];
  if (named !== undefined) return named;
  const file = /\.safetensors$/i.test(path) ? await openSafetensors(path).catch(() => undefined) : undefined;
  return file?.metadata["modelspec.license"]?.slice(0, 200) ?? null;
}
