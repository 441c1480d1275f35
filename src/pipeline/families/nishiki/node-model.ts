// Folders with a `model.json`, into sessions on this machine's devices (node).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileError, openSafetensors } from "../../../checkpoint/node.js";
import type { Engine, Session, WeightPlaces } from "../../../engine/index.js";
import { makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import type { Program, TraceOptions } from "../../../graph/index.js";
import { makeTokenizer } from "../../../tokenizer/index.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { hashFile, readEnvironment } from "../../node-environment.js";
import { recordLoad } from "../../node-load-record.js";
import { adaptDenoiser, openLoras } from "../../node-loras.js";
import type { PipelineParts } from "../../pipeline.js";
import type { RequestContext } from "../../request-context.js";
import { getNishikiContext, makeNishikiModel } from "./family.js";
import { type ModelManifest, type ModelPart, parseManifest } from "./manifest.js";
import type { NetworkSessions } from "./networks.js";
import { readKnownWords } from "./node-known-words.js";
import { readSuperResolution, traceEncoder, traceFast, traceNetworks } from "./programs.js";
import { type SuperResolution, traceSuperResolution } from "./super-resolution.js";

/** The folder of the model that comes with the package. */
export const embeddedModel = fileURLToPath(new URL("../../../../weights/", import.meta.url));

/** The class of a component of a published model, where a folder is one. */
async function nameOfPart(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, "config.json"), "utf8").catch(() => "");
  return /"_class_name":\s*"(\w{1,60})"/.exec(text)?.[1];
}

/** Says what is at a path where no model is. @throws NishikiError "file" */
export async function refuseFolder(path: string, cause?: unknown): Promise<never> {
  const part = await nameOfPart(path);
  const expected =
    part === undefined
      ? "expected a folder with a model.json or a model_index.json, or a .safetensors file"
      : `it holds a ${part}, one part of a model; expected the folder above it, with the model_index.json`;
  throw new NishikiError("file", `There is no model at ${path}: ${expected}.`, { cause });
}

/** Reads and checks a model folder's `model.json`. @throws NishikiError "file", "checkpoint" */
export async function readModelFolder(folder: string): Promise<ModelManifest> {
  const path = join(folder, "model.json");
  const json = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw fileError(error, `read ${path}`);
    return refuseFolder(folder, error);
  });
  return parseManifest(json, path);
}

/**
 * SHA-256 of every file that decides pixels, by name.
 * @throws NishikiError "checkpoint" for a file that is not the one that the manifest means.
 */
export async function hashModel(folder: string, manifest: ModelManifest): Promise<Record<string, string>> {
  const expected = new Map<string, string | undefined>([
    ["model.json", undefined],
    [manifest.tokenizer, undefined],
  ]);
  for (const { file, sha256 } of Object.values(manifest.parts)) expected.set(file, sha256);
  if (manifest.words) expected.set(manifest.words.file, manifest.words.sha256);
  const hashes: Record<string, string> = {};
  for (const [name, wanted] of expected) {
    const found = await hashFile(join(folder, name));
    if (wanted !== undefined && wanted !== found) {
      const reason = "its content is not what model.json says: it is damaged, or of another version";
      throw new NishikiError(
        "checkpoint",
        `${join(folder, name)} cannot be used: ${reason}. Copy the model anew.`,
      );
    }
    hashes[name] = found;
  }
  return hashes;
}

/** The weights of a part, checked to hold every parameter of its networks. */
async function openPart(
  folder: string,
  part: ModelPart,
  programs: readonly Program[],
): Promise<WeightPlaces> {
  const { path, tensors } = await openSafetensors(join(folder, part.file));
  const names = new Set(programs.flatMap(({ parameters }) => parameters.map(({ name }) => name)));
  const missing = [...names].filter((name) => !tensors.has(name));
  if (missing.length > 0) {
    const shown = missing.slice(0, 10).join(", ") + (missing.length > 10 ? ", …" : "");
    const text = `${path} does not hold the network "${part.architecture}": ${missing.length} of ${names.size} parameters are missing: ${shown}.`;
    throw new NishikiError("checkpoint", text);
  }
  return new Map([...tensors].map(([name, entry]) => [name, { ...entry, file: path }]));
}

/** The results of all, or the first failure; but only when none is under way any more. */
async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

type Sessions = Required<Pick<NetworkSessions, "textEncoder" | "denoiser" | "decoder">>;

/** Two engines, so that the text encoder and the others become ready at the same time. */
async function openSessions(
  folder: string,
  manifest: ModelManifest,
  [words, pictures]: readonly [Engine, Engine],
  adapt: TraceOptions["adapt"],
): Promise<Sessions> {
  const { textEncoder, denoiser, decoder } = traceNetworks(manifest, { adapt });
  const { parts } = manifest;
  const load = async (engine: Engine, part: ModelPart, program: Program): Promise<Session> =>
    engine.load(program, { weights: await openPart(folder, part, [program]) });
  const [encoding, denoising, decoding] = await settleAll([
    load(words, parts.textEncoder, textEncoder),
    load(pictures, parts.denoiser, denoiser),
    load(pictures, parts.autoencoder, decoder),
  ]);
  return { textEncoder: encoding!, denoiser: denoising!, decoder: decoding! };
}

async function readTokenizer(folder: string, { tokenizer, maxTokens }: ModelManifest) {
  const path = join(folder, tokenizer);
  const json = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  try {
    return makeTokenizer(JSON.parse(json), { maxTokens });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NishikiError("checkpoint", `${path} cannot be used: it is not valid JSON.`, { cause: error });
  }
}

/** Whether the weights hold the half of the autoencoder that pictures are read with. Loading tells what is damaged. */
async function hasEncoder(folder: string, { parts }: ModelManifest): Promise<boolean> {
  const file = await openSafetensors(join(folder, parts.autoencoder.file)).catch(() => undefined);
  return [...(file?.tensors.keys() ?? [])].some((name) => name.startsWith("encoder."));
}

/** A model folder, read but not loaded. @throws NishikiError "file", "checkpoint" */
export async function openNishikiModel(
  folder: string,
  options: CompleteLoadOptions,
): Promise<{
  readonly context: RequestContext;
  load(): Promise<PipelineParts>;
}> {
  const manifest = await readModelFolder(folder);
  const context = getNishikiContext(manifest, { hasEncoder: await hasEncoder(folder, manifest) });
  return { context, load: () => loadNishikiModel(folder, manifest, options, context) };
}

/** The network that doubles pictures, if there is one: loaded when it is first needed, for each size of tiles. */
function openSuperResolution(
  folder: string,
  { parts: { superResolution: part } }: ModelManifest,
  engine: Engine,
): { readonly network?: SuperResolution; readonly opened: readonly Promise<Session>[] } {
  if (!part) return { opened: [] };
  const config = readSuperResolution(part);
  const opened: Promise<Session>[] = [];
  const bySize = new Map<string, Promise<Session>>();
  const open = (height: number, width: number) => {
    const size = `${width}x${height}`;
    const found = bySize.get(size);
    if (found) return found;
    const program = traceSuperResolution(config, height, width);
    const session = openPart(folder, part, [program]).then((weights) => engine.load(program, { weights }));
    opened.push(session);
    bySize.set(size, session);
    return session;
  };
  return { network: { config, steps: part.steps, augmentation: part.augmentation, open }, opened };
}

async function loadNishikiModel(
  folder: string,
  manifest: ModelManifest,
  options: CompleteLoadOptions,
  context: RequestContext,
): Promise<PipelineParts> {
  const added = await openLoras(options.lora ?? [], options.allowPartialLora);
  const { adapt, notices } =
    added.loras.length === 0
      ? { notices: [] }
      : adaptDenoiser(added.loras, traceNetworks(manifest).denoiser, options.allowPartialLora);
  const engines = [makeEngine(options), makeEngine(options)] as const;
  const opening = openSessions(folder, manifest, engines, adapt);
  opening.catch(() => {}); // told below, where it is awaited
  let encoding: Promise<Session> | undefined;
  const encoder = () => {
    encoding ??= openPart(folder, manifest.parts.autoencoder, [traceEncoder(manifest)]).then((weights) =>
      engines[1].load(traceEncoder(manifest), { weights }),
    );
    return encoding;
  };
  let opened: Promise<Session> | undefined;
  const few = () => {
    const part = manifest.parts.fast!;
    const program = traceFast(manifest, { adapt })!;
    opened ??= openPart(folder, part, [program]).then((weights) => engines[1].load(program, { weights }));
    return opened;
  };
  const doubling = openSuperResolution(folder, manifest, engines[1]);
  // Closing a session waits for what it is doing; an engine's thread must not be ended in the middle of that.
  const close = async () => {
    const sessions: readonly Session[] = await opening.then(Object.values, () => []);
    const later = [encoding, opened, ...doubling.opened].map((session) => session?.catch(() => undefined));
    const all = [...sessions, ...(await Promise.all(later))];
    await Promise.all(all.map((session) => session?.close()));
    await Promise.all(engines.map((engine) => engine.close()));
  };
  try {
    // Damage is told as damage, whatever else it leads to: the hashes are awaited before the sessions.
    const weights = await hashModel(folder, manifest);
    const load = await recordLoad({ model: options.model }, { loras: added.files });
    // A LoRA brings words of its own, which no file names: then every word is taken as it is.
    const hasWords = manifest.words !== undefined && added.loras.length === 0;
    const [tokenizer, words, environment] = await Promise.all([
      readTokenizer(folder, manifest),
      hasWords ? readKnownWords(join(folder, manifest.words.file)) : undefined,
      readEnvironment(engines[0].device, { weights, load }),
    ]);
    const sessions = {
      ...(await opening),
      ...(context.takes.includes("init") && { encoder }),
      ...(manifest.parts.fast && { fast: few }),
      ...(doubling.network && { superResolution: doubling.network }),
    };
    const own = [...added.notices, ...notices];
    return {
      model: makeNishikiModel({ manifest, tokenizer, sessions, ...(words && { words }) }),
      environment,
      close,
      notices: own,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
