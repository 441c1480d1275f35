// Opens and loads Stable Diffusion's x4 upscaler from its published folder (node).
import {
  autoencoderName,
  openPublishedFolder,
  type PublishedPart,
  textEncoderName,
} from "../../../checkpoint/node.js";
import { makeEngine } from "../../../engine/node.js";
import { NishikiError } from "../../../errors.js";
import { loadClipFolder } from "../../../tokenizer/node.js";
import { checkAborted } from "../../cancel.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { readEnvironment } from "../../node-environment.js";
import { hashFiles, recordLoad } from "../../node-load-record.js";
import type { PipelineParts } from "../../pipeline.js";
import { chunkPrompt } from "../../prompt/chunks.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, SessionPool } from "../../session-pool.js";
import type { OpenedModel } from "../node-family.js";
import type { Tokenizers } from "../stable-diffusion/model.js";
import { makeUpscaler } from "./family.js";
import { readUpscaler } from "./model.js";
import { checkUpscaler, openUpscalerNetworks, type UpscalerFiles } from "./node-networks.js";
import { getUpscalerWork, type StoredBytes } from "./work.js";

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
export async function openUpscaler(path: string): Promise<UpscalerFiles> {
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
  const files = await openUpscaler(path);
  const { model } = files;
  const readTokenizers = () => loadUpscalerTokenizers(files);
  const { positions } = model.textEncoders[0];
  return {
    context: model.context,
    countTokens: async (prompt) => {
      const { tokens, chunks } = chunkPrompt((await readTokenizers())[0]!, prompt, positions);
      return { tokens, parts: chunks.length, room: positions - 2 };
    },
    getWork: async (settings) =>
      getUpscalerWork(model, settings, await readTokenizers(), { stored: sumUpscalerBytes(files, options) }),
    load: (runtime = {}) => load(files, options, runtime),
  };
}

/** Bytes of the weights in memory: on the CPU, they stay as they are in their files. */
export function sumUpscalerBytes(
  { folder: { networks } }: UpscalerFiles,
  { device }: Pick<CompleteLoadOptions, "device">,
): StoredBytes | undefined {
  if (device !== "auto" && device !== "cpu") return undefined;
  const sum = (name: string) =>
    [...networks[name]!.weights.values()].reduce((bytes, { length }) => bytes + length, 0);
  return { unet: sum("unet"), text: sum("text_encoder") };
}

async function load(
  files: UpscalerFiles,
  options: CompleteLoadOptions,
  runtime: Runtime,
): Promise<PipelineParts> {
  const { device, threads } = options;
  const { folder, model } = files;
  checkUpscaler(files);
  const tokenizers = await loadUpscalerTokenizers(files);
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
    openUpscalerNetworks(files, engine, sessions, watch),
  );
  return { model: loaded, environment, sessions: pool, close };
}

/** The tokenizer, whose ids must be rows of the text encoder's table. @throws NishikiError "file", "checkpoint" */
export async function loadUpscalerTokenizers({ folder, model }: UpscalerFiles): Promise<Tokenizers> {
  const path = folder.tokenizers.tokenizer!;
  const tokenizer = await loadClipFolder(path);
  const [text] = model.textEncoders;
  if (tokenizer.rows <= text.vocabulary) return [tokenizer];
  const message = `${path} is not the tokenizer of this model: it has ${tokenizer.rows} tokens, and the text encoder knows ${text.vocabulary}.`;
  throw new NishikiError("checkpoint", message);
}
