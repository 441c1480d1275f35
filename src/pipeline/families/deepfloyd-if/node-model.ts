// Loads DeepFloyd IF from published folders into sessions on this machine's devices (node).
import { openInt8Of, type Weights } from "../../../checkpoint/node.js";
import { makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import { splitT5Layers } from "../../../models/index.js";
import type { T5Tokenizer } from "../../../tokenizer/index.js";
import { loadT5Folder } from "../../../tokenizer/node.js";
import { checkAborted } from "../../cancel.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { hashFile, readEnvironment } from "../../node-environment.js";
import { hashFiles, recordLoad } from "../../node-load-record.js";
import type { PipelineParts } from "../../pipeline.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, SessionPool } from "../../session-pool.js";
import type { OpenedModel } from "../node-family.js";
import { checkRecipes, openRecipes } from "../node-recipes.js";
import { loadUpscalerTokenizers } from "../upscaler/node-model.js";
import { checkUpscaler, openUpscalerNetworks } from "../upscaler/node-networks.js";
import { PromptEncoder } from "./conditioning.js";
import { makeDeepFloydIf } from "./family.js";
import { type IfModel, readIfModel } from "./model.js";
import { type IfFiles, openIf } from "./node-files.js";
import { type IfWeights, listNetworks, makeIfRecipe } from "./node-networks.js";
import { promptTokens } from "./programs.js";
import { getIfWork, type StoredBytes } from "./work.js";

/** Opens a model without loading weights. @throws NishikiError "usage", "file", "checkpoint" */
export async function openIfModel(
  path: string,
  className: string,
  options: CompleteLoadOptions,
): Promise<OpenedModel> {
  getBudget(options, "cpu"); // rejects contradictory options before any file is read
  const files = await openIf(path, className, options.superResolution);
  const model = readIf(files);
  let encoder: Promise<PromptEncoder> | undefined;
  return {
    context: model.context,
    countTokens: async (prompt) => {
      encoder ??= loadTokenizer(files, model).then((tokenizer) => new PromptEncoder(model.text, tokenizer));
      return { tokens: (await encoder).count(prompt), parts: 1, room: promptTokens - 1 };
    },
    getWork: async (settings) => {
      const tokenizers = files.upscaler && (await loadUpscalerTokenizers(files.upscaler));
      return getIfWork(model, settings, { stored: sumStored(files, model, options), tokenizers });
    },
    load: (runtime = {}) => load(files, model, options, runtime),
  };
}

/** Bytes of the weights in memory: on the CPU, they stay as they are in their files. */
function sumStored(
  { textEncoder, stages }: IfFiles,
  { text }: IfModel,
  { device, precision }: CompleteLoadOptions,
): StoredBytes | undefined {
  if (device !== "auto" && device !== "cpu") return undefined;
  const count = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);
  const sum = (weights: Weights) =>
    [...weights.values()].reduce(
      (bytes, { length, shape }) => bytes + (precision === "int8" ? count(shape) : length),
      0,
    );
  const textParts = splitT5Layers(text).map(({ from, to }) => {
    const isPart = (name: string) => {
      const [, layer] = /^encoder\.block\.(\d+)\./.exec(name) ?? [];
      return layer === undefined ? from === 0 : Number(layer) >= from && Number(layer) < to;
    };
    return sum(new Map([...textEncoder.weights].filter(([name]) => isPart(name))));
  });
  return {
    text: Math.max(...textParts),
    denoisers: stages.map(({ networks }) => sum(networks.unet!.weights)),
  };
}

export function readIf({ name, textEncoder, stages, upscaler }: IfFiles): IfModel {
  const descriptions = stages.map(({ networks, schedulers }) => ({
    unet: networks.unet!.config,
    scheduler: schedulers.scheduler!,
    noising: schedulers.image_noising_scheduler,
  }));
  return readIfModel(name, textEncoder.config, descriptions, upscaler?.model);
}

/** The tokenizer, whose ids must be rows of the text encoder's table. @throws NishikiError "file", "checkpoint" */
async function loadTokenizer({ tokenizer: folder }: IfFiles, { text }: IfModel): Promise<T5Tokenizer> {
  const tokenizer = await loadT5Folder(folder);
  if (tokenizer.rows <= text.vocabulary) return tokenizer;
  const message = `${folder} is not the tokenizer of this model: it has ${tokenizer.rows} tokens, and the text encoder knows ${text.vocabulary}.`;
  throw new NishikiError("checkpoint", message);
}

async function load(
  files: IfFiles,
  model: IfModel,
  options: CompleteLoadOptions,
  runtime: Runtime,
): Promise<PipelineParts> {
  const { device, threads } = options;
  const published = {
    text: files.textEncoder.weights,
    denoisers: files.stages.map(({ networks }) => networks.unet!.weights),
  };
  checkRecipes(
    model.name,
    listNetworks(model).map((key) => makeIfRecipe(model, published, key)),
  );
  const tokenizer = await loadTokenizer(files, model);
  const { upscaler } = files;
  if (upscaler) checkUpscaler(upscaler);
  const tokenizers = upscaler && (await loadUpscalerTokenizers(upscaler));
  const weights = await withPrecision(published, options.precision, runtime.signal);
  checkAborted(runtime.signal);
  const engine = makeEngine({ device, threads });
  const pool = runtime.sessions ?? new SessionPool({ budget: getBudget(options, engine.device) });
  const sessions = pool.forModel();
  const stop = new AbortController();
  const hashes = Promise.all([
    hashFiles(files.files, stop.signal),
    recordLoad(options, { loras: [] }, stop.signal),
  ]);
  const environment = hashes.then(([all, record]) =>
    readEnvironment(engine.device, { weights: all, load: record }, { usualSizes: true }),
  );
  environment.catch(() => {}); // reported where a receipt waits for it
  const close = async () => {
    stop.abort();
    await environment.catch(() => {});
    // Closing the engine first waits for the current run and prevents further ones.
    await engine.close();
    await sessions.close();
  };
  const loaded = makeDeepFloydIf(
    model,
    tokenizer,
    (watch) => openRecipes((key) => makeIfRecipe(model, weights, key), engine, sessions, watch),
    upscaler &&
      ((watch) => {
        const networks = openUpscalerNetworks(upscaler, engine, sessions, watch);
        return { model: upscaler.model, tokenizers: tokenizers!, networks };
      }),
  );
  return { model: loaded, environment, sessions: pool, close };
}

/** The weights in the form that the options ask for: T5's, too, which are most of them. */
async function withPrecision(
  { text, denoisers }: { readonly text: Weights; readonly denoisers: readonly Weights[] },
  precision: CompleteLoadOptions["precision"],
  signal: AbortSignal | undefined,
): Promise<IfWeights> {
  if (precision !== "int8") return { text, denoisers };
  const open = (weights: Weights) => openInt8Of(weights, hashFile, signal);
  const narrow = { text: await open(text), denoisers: [] as Weights[] };
  for (const weights of denoisers) narrow.denoisers.push(await open(weights));
  return narrow;
}
