// Opens and loads Stable Diffusion's x4 upscaler from its published folder (node).
import {
  autoencoderName,
  openPublishedFolder,
  type PublishedFolder,
  type PublishedPart,
  textEncoderName,
} from "../../../checkpoint/node.js";
import type { Engine } from "../../../engine/index.js";
import { makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import { loadClipFolder } from "../../../tokenizer/node.js";
import { checkAborted, type Watch } from "../../cancel.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { readEnvironment } from "../../node-environment.js";
import { hashFiles, recordLoad } from "../../node-load-record.js";
import type { PipelineParts } from "../../pipeline.js";
import { chunkPrompt } from "../../prompt/chunks.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, type ModelSessions, SessionPool } from "../../session-pool.js";
import type { OpenedModel } from "../node-family.js";
import { checkRecipes, openRecipes, type Recipe } from "../node-recipes.js";
import { getTextOptions } from "../stable-diffusion/conditioning.js";
import type { NetworkKey, Networks } from "../stable-diffusion/networks.js";
import { traceTextEncoder, traceUnet } from "../stable-diffusion/programs.js";
import { makeUpscaler } from "./family.js";
import { readUpscaler, type UpscalerModel } from "./model.js";
import { getUpscalerWork } from "./work.js";

export const upscalerPipelines: readonly string[] = ["StableDiffusionUpscalePipeline"];

const parts: readonly PublishedPart[] = [
  { name: "unet", kind: "network", classes: ["UNet2DConditionModel"] },
  { name: "vae", kind: "network", classes: ["AutoencoderKL"], rename: autoencoderName },
  { name: "text_encoder", kind: "network", classes: ["CLIPTextModel"], rename: textEncoderName },
  { name: "tokenizer", kind: "tokenizer" },
  { name: "scheduler", kind: "scheduler" },
  { name: "low_res_scheduler", kind: "scheduler" },
];

/** Opens the model's files and reads its configs. @throws NishikiError "file", "checkpoint" */
export async function openUpscaler(
  path: string,
): Promise<{ readonly folder: PublishedFolder; readonly model: UpscalerModel }> {
  const folder = await openPublishedFolder(path, upscalerPipelines, parts);
  const { networks, schedulers, name, index } = folder;
  const model = readUpscaler({
    name,
    unet: networks.unet!.config,
    vae: networks.vae!.config,
    textEncoder: networks.text_encoder!.config,
    scheduler: schedulers.scheduler!,
    noising: schedulers.low_res_scheduler!,
    mostNoise: index.max_noise_level,
  });
  return { folder, model };
}

/** Opens a model without loading weights. @throws NishikiError "usage", "file", "checkpoint" */
export async function openUpscalerModel(path: string, options: CompleteLoadOptions): Promise<OpenedModel> {
  getBudget(options, "cpu"); // rejects contradictory options before any file is read
  const { folder, model } = await openUpscaler(path);
  const readTokenizers = async () => [await loadClipFolder(folder.tokenizers.tokenizer!)];
  const { positions } = model.textEncoders[0];
  return {
    context: model.context,
    countTokens: async (prompt) => {
      const { tokens, chunks } = chunkPrompt((await readTokenizers())[0]!, prompt, positions);
      return { tokens, parts: chunks.length, room: positions - 2 };
    },
    getWork: async (settings) =>
      getUpscalerWork(model, settings, await readTokenizers(), { stored: sumStored(folder, options) }),
    load: (runtime = {}) => load(folder, model, options, runtime),
  };
}

/** Bytes of the weights in memory: on the CPU, they stay as they are in their files. */
function sumStored({ networks }: PublishedFolder, { device }: CompleteLoadOptions) {
  if (device !== "auto" && device !== "cpu") return undefined;
  const sum = (name: string) =>
    [...networks[name]!.weights.values()].reduce((bytes, { length }) => bytes + length, 0);
  return { unet: sum("unet"), text: sum("text_encoder") };
}

function makeRecipe({ networks }: PublishedFolder, model: UpscalerModel, key: NetworkKey): Recipe {
  switch (key.part) {
    case "text encoder": {
      const program = traceTextEncoder(model.textEncoders[0], { ...getTextOptions(model), skip: key.skip });
      return {
        title: key.part,
        program,
        places: networks.text_encoder!.weights,
        group: "text",
        inPlace: true,
      };
    }
    case "denoiser":
      return {
        title: key.part,
        program: traceUnet(model.unet),
        places: networks.unet!.weights,
        group: "denoise",
        inPlace: true,
        usualSizes: { batch: 2, height: 128, width: 128, tokens: 77 },
      };
    case "decoder":
      return {
        title: key.part,
        program: model.autoencoder.traceDecoder(),
        places: networks.vae!.weights,
        group: "decode",
        inPlace: false,
      };
    default:
      throw new NishikiError("internal", `The upscaler has no ${key.part}.`);
  }
}

const keys: readonly NetworkKey[] = [
  { part: "text encoder", index: 0, skip: 0 },
  { part: "denoiser", form: "whole", wraps: false },
  { part: "decoder", wraps: false },
];

function openNetworks(
  folder: PublishedFolder,
  model: UpscalerModel,
  engine: Engine,
  sessions: ModelSessions,
  watch: Watch,
): Networks {
  const { weights } = folder.networks.vae!;
  return {
    ...openRecipes<NetworkKey>((key) => makeRecipe(folder, model, key), engine, sessions, watch),
    exclusive: (work) => sessions.exclusive(() => work((program) => engine.load(program, { weights }))),
  };
}

async function load(
  folder: PublishedFolder,
  model: UpscalerModel,
  options: CompleteLoadOptions,
  runtime: Runtime,
): Promise<PipelineParts> {
  const { device, threads } = options;
  checkRecipes(
    model.name,
    keys.map((key) => makeRecipe(folder, model, key)),
  );
  const tokenizers = [await loadClipFolder(folder.tokenizers.tokenizer!)];
  checkTokenizer(tokenizers[0]!.rows, folder, model);
  checkAborted(runtime.signal);
  const engine = makeEngine({ device, threads });
  const pool = runtime.sessions ?? new SessionPool({ budget: getBudget(options, engine.device) });
  const sessions = pool.forModel();
  const stop = new AbortController();
  const hashes = Promise.all([
    hashFiles(folder.files, stop.signal),
    recordLoad(options, { loras: [] }, stop.signal),
  ]);
  const environment = hashes.then(([weights, record]) =>
    readEnvironment(engine.device, { weights, load: record }),
  );
  environment.catch(() => {}); // reported where a receipt waits for it
  const close = async () => {
    stop.abort();
    await environment.catch(() => {});
    // Closing the engine first waits for the current run and prevents further ones.
    await engine.close();
    await sessions.close();
  };
  const loaded = makeUpscaler(model, tokenizers, (watch) =>
    openNetworks(folder, model, engine, sessions, watch),
  );
  return { model: loaded, environment, sessions: pool, close };
}

/** @throws NishikiError "checkpoint" where the tokenizer has tokens that the text encoder does not know */
function checkTokenizer(
  rows: number,
  folder: PublishedFolder,
  { textEncoders: [text] }: UpscalerModel,
): void {
  if (rows <= text.vocabulary) return;
  const message = `${folder.tokenizers.tokenizer} is not the tokenizer of this model: it has ${rows} tokens, and the text encoder knows ${text.vocabulary}.`;
  throw new NishikiError("checkpoint", message);
}
