// Loads folders with a `model.json` into sessions on this machine's devices (node).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withoutBom } from "../../../checkpoint/index.js";
import { fileError, openSafetensors, type WeightedLora } from "../../../checkpoint/node.js";
import { findPackageRoot, makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import { makeTokenizer } from "../../../tokenizer/index.js";
import { interruptible } from "../../cancel.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { readEnvironment } from "../../node-environment.js";
import { recordLoad } from "../../node-load-record.js";
import { adaptDenoiser, openLoras } from "../../node-loras.js";
import type { PipelineParts } from "../../pipeline.js";
import { getEnlargingFactor, type RequestContext } from "../../request-context.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, type ModelSessions, SessionPool } from "../../session-pool.js";
import type { OpenedModel } from "../node-family.js";
import { getNishikiContext, makeNishikiModel } from "./family.js";
import { type ModelManifest, parseManifest } from "./manifest.js";
import { hashModel, readModelBase } from "./node-hashes.js";
import { readKnownWords } from "./node-known-words.js";
import { checkLoraBases } from "./node-lora-bases.js";
import { describeNetworks, type NishikiNetworks } from "./node-networks.js";
import { suggestNames } from "./planner/node-suggest.js";
import { makePlanner } from "./planner/planner.js";
import { traceNetworks } from "./programs.js";
import { getNishikiWork } from "./work.js";

/** The folder of the model that comes with the package. */
export const embeddedModel = join(findPackageRoot() ?? "nishiki", "weights");

/** The class of a published model's component, if the folder is one. */
async function nameOfPart(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, "config.json"), "utf8").catch(() => "");
  return /"_class_name":\s*"(\w{1,60})"/.exec(text)?.[1];
}

/** Explains why a path is not a model. @throws NishikiError "file" */
export async function refuseFolder(path: string, cause?: unknown): Promise<never> {
  const part = await nameOfPart(path);
  const expected =
    part === undefined
      ? "expected a folder with a model.json or a model_index.json, or a .safetensors file"
      : `it holds a ${part}, a single component; expected its parent folder, with the model_index.json`;
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

async function readTokenizer(folder: string, { tokenizer, maxTokens }: ModelManifest) {
  const path = join(folder, tokenizer);
  const json = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  try {
    return makeTokenizer(JSON.parse(withoutBom(json)), { maxTokens });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NishikiError("checkpoint", `${path} cannot be used: it is not valid JSON.`, { cause: error });
  }
}

/** Whether the weights include the autoencoder's encoder. Loading reports damaged files. */
async function hasEncoder(folder: string, { parts }: ModelManifest): Promise<boolean> {
  const file = await openSafetensors(join(folder, parts.autoencoder.file)).catch(() => undefined);
  return [...(file?.tensors.keys() ?? [])].some((name) => name.startsWith("encoder."));
}

/** Opens a model folder without loading its weights. @throws NishikiError "file", "checkpoint" */
export async function openNishikiModel(folder: string, options: CompleteLoadOptions): Promise<OpenedModel> {
  const manifest = await readModelFolder(folder);
  const context = getNishikiContext(manifest, { hasEncoder: await hasEncoder(folder, manifest) });
  const { words } = manifest;
  return {
    context,
    ...(words && {
      loadPlanner: async () => {
        const known = await readKnownWords(join(folder, words.file));
        return makePlanner(known, manifest.scenes, async (unknown) => {
          const tokenizer = await readTokenizer(folder, manifest);
          return suggestNames(unknown, { folder, manifest, known, tokenizer, engine: { device: "cpu" } });
        });
      },
    }),
    getWork: async (settings) =>
      getNishikiWork(manifest, settings, getEnlargingFactor(context.sizes, settings.size)),
    load: (runtime = {}) => loadNishikiModel({ folder, manifest, context, options }, runtime),
  };
}

interface Opened {
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly context: RequestContext;
  readonly options: CompleteLoadOptions;
}

/** Compares models before shapes, because that refusal says what helps. @throws NishikiError "checkpoint", "file" */
async function fitLoras(
  loras: readonly WeightedLora[],
  { folder, manifest, options }: Opened,
  signal: AbortSignal | undefined,
) {
  const base = await readModelBase(folder, manifest, signal);
  const ofBases = checkLoraBases(loras, base);
  const { denoiser } = traceNetworks(manifest);
  const { adapt, notices } = adaptDenoiser(loras, denoiser, options.allowPartialLora);
  return { adapt, notices: [...ofBases, ...notices] };
}

async function loadNishikiModel(opened: Opened, runtime: Runtime): Promise<PipelineParts> {
  const { folder, manifest, context, options } = opened;
  const added = await openLoras(options.lora ?? [], options.allowPartialLora);
  const { adapt, notices } =
    added.loras.length === 0 ? { notices: [] } : await fitLoras(added.loras, opened, runtime.signal);
  const engines = { text: makeEngine(options), image: makeEngine(options) };
  const pool = runtime.sessions ?? new SessionPool({ budget: getBudget(options, engines.image.device) });
  const sessions = pool.forModel();
  const close = async () => {
    // Closing the engines first waits for current runs and prevents further ones.
    await Promise.all([engines.text.close(), engines.image.close()]);
    await sessions.close();
  };
  try {
    const hasEncoder = context.takes.includes("init");
    const networks = describeNetworks(folder, manifest, engines, sessions, { adapt, hasEncoder });
    const loading = loadUsual(networks, pool, sessions, runtime);
    loading.catch(() => {}); // reported below, where it is awaited
    // Hashes come first, so that damage is reported as such, whatever errors it causes in the sessions.
    const weights = await hashModel(folder, manifest, runtime.signal);
    const load = await recordLoad(
      { model: options.model, allowPartialLora: options.allowPartialLora },
      { loras: added.files },
      runtime.signal,
    );
    // A LoRA may know new words that no file lists, so prompts are used unchanged with one.
    const hasWords = manifest.words !== undefined && added.loras.length === 0;
    const [tokenizer, words, environment] = await Promise.all([
      readTokenizer(folder, manifest),
      hasWords ? readKnownWords(join(folder, manifest.words.file)) : undefined,
      readEnvironment(engines.image.device, { weights, load }),
    ]);
    await interruptible(loading, runtime.signal);
    const { open } = networks;
    return {
      model: makeNishikiModel({ manifest, tokenizer, open, hasEncoder, ...(words && { words }) }),
      environment,
      sessions: pool,
      close,
      notices: [...added.notices, ...notices],
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Preloads the networks that every image needs, if all of them fit the budget. */
async function loadUsual(
  { usual }: NishikiNetworks,
  pool: SessionPool,
  sessions: ModelSessions,
  runtime: Runtime,
): Promise<void> {
  if (!pool.hasRoom(usual)) return;
  // Nothing is run, so there is no run to tell of.
  const watch: Runtime = { ...runtime, onRun: (run) => run.kind === "load" && runtime.onRun?.(run) };
  const loads = usual.map((network) => sessions.use(network, async () => {}, watch));
  await Promise.allSettled(loads);
  await Promise.all(loads);
}
