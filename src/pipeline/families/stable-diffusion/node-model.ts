// Stable Diffusion from its own files, into sessions on this machine's devices (node).
import { basename } from "node:path";
import {
  type ModelComponent,
  openAutoencoder,
  openStableDiffusion,
  type StableDiffusionFiles,
} from "../../../checkpoint/node.js";
import { makeEngine } from "../../../engine/node.js";
import { listSome, quote } from "../../../errors.js";
import { resolveModel } from "../../../hub/index.js";
import type { ClipTokenizer } from "../../../tokenizer/index.js";
import { loadClipFolder, loadEmbeddedClip } from "../../../tokenizer/node.js";
import { checkAborted } from "../../cancel.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { readEnvironment } from "../../node-environment.js";
import { type AddedFiles, hashFiles, recordLoad } from "../../node-load-record.js";
import { adaptNetworks, openLoras } from "../../node-loras.js";
import type { PipelineParts } from "../../pipeline.js";
import type { Environment } from "../../receipt.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, SessionPool } from "../../session-pool.js";
import type { OpenedModel } from "../node-family.js";
import { getTextOptions } from "./conditioning.js";
import { makeStableDiffusion } from "./family.js";
import { readModel, type StableDiffusionModel } from "./model.js";
import { openEmbeddings, teach } from "./node-embeddings.js";
import { checkWeights, openNetworks } from "./node-networks.js";
import { withPrecision } from "./node-precision.js";
import { traceTextEncoder, traceUnet } from "./programs.js";

/** A folder as diffusers lays it out, looked at but not loaded. @throws NishikiError "file", "checkpoint" */
export async function openStableDiffusionModel(
  path: string,
  machine: CompleteLoadOptions,
): Promise<OpenedModel> {
  getBudget(machine, "cpu"); // refuses what contradicts itself, before files are read
  const files = await openFiles(path, machine);
  const preview =
    machine.previewVae === undefined ? undefined : await openAutoencoder(machine.previewVae, files.family);
  const encoders = [files.textEncoder, ...(files.textEncoder2 ? [files.textEncoder2] : [])];
  const model = readModel({
    name: files.name,
    unet: files.unet.config,
    vae: files.vae.config,
    ...(preview && { previewVae: preview.config }),
    textEncoders: encoders.map(({ config }) => config),
    scheduler: files.scheduler,
    zerosForEmptyPrompt: files.zerosForEmptyPrompt,
  });
  return {
    context: model.context,
    load: (runtime = {}) => load(files, encoders, model, machine, preview, runtime),
  };
}

/** The model's files, with others in place of its own or of missing ones where that is asked for. */
async function openFiles(
  path: string,
  { vae, base, prediction }: CompleteLoadOptions,
): Promise<StableDiffusionFiles> {
  const whole = base === undefined ? undefined : await resolveModel(base);
  return withPrediction(await openStableDiffusion(path, { vae, base: whole }), prediction);
}

/** The model with what its denoiser predicts in place of what its files say. */
function withPrediction(
  files: StableDiffusionFiles,
  prediction: CompleteLoadOptions["prediction"],
): StableDiffusionFiles {
  if (prediction === undefined) return files;
  return { ...files, scheduler: { ...files.scheduler, prediction_type: prediction } };
}

async function load(
  published: StableDiffusionFiles,
  encoders: readonly ModelComponent[],
  model: StableDiffusionModel,
  options: CompleteLoadOptions,
  preview: ModelComponent | undefined,
  runtime: Runtime,
): Promise<PipelineParts> {
  const { device, threads, lora, allowPartialLora, embedding, precision } = options;
  const files = await withPrecision(published, precision, runtime.signal);
  const opened = await openLoras(lora ?? [], allowPartialLora);
  const textOptions = { ...getTextOptions(model), skip: 0 };
  const adapters = adaptNetworks(
    opened.loras,
    traceUnet(model.unet),
    model.textEncoders.map((config) => traceTextEncoder(config, textOptions)),
    allowPartialLora,
  );
  const learned = await openEmbeddings(embedding ?? []);
  const { tokenizers, vectors } = teach(learned.words, await readTokenizers(files), model.textEncoders);
  const sources = { files, model, textEncoders: encoders, adapters, vectors, preview };
  checkWeights(sources);
  checkAborted(runtime.signal);
  const engine = makeEngine({ device, threads });
  const pool = runtime.sessions ?? new SessionPool({ budget: getBudget(options, engine.device) });
  const sessions = pool.forModel();
  const stop = new AbortController();
  const embeddings = learned.words.map(({ file }) => file);
  const hashes = hashAll(files, options, { loras: opened.files, embeddings }, stop.signal);
  const environment = hashes.then((all) => readEnvironment(engine.device, all));
  environment.catch(() => {}); // reported where a receipt waits for it
  const close = async () => {
    stop.abort();
    await environment.catch(() => {});
    // An engine that is closed begins nothing more; what it is computing is finished first.
    await engine.close();
    await sessions.close();
  };
  const notices = [...listUnknown(files), ...files.hints, ...opened.notices, ...adapters.notices];
  const loaded = makeStableDiffusion(
    model,
    tokenizers,
    (watch) => openNetworks(sources, engine, sessions, watch),
    learned.words.map(({ word, file }) => ({ word, name: basename(file) })),
  );
  return { model: loaded, environment, sessions: pool, close, notices };
}

/** Hashes of everything that was loaded. Gigabytes take seconds, which go by beside the first steps. */
async function hashAll(
  files: StableDiffusionFiles,
  options: CompleteLoadOptions,
  added: AddedFiles,
  signal: AbortSignal,
): Promise<Pick<Environment, "weights" | "load">> {
  const vae = options.vae === undefined ? undefined : getVaeFile(options.vae, files);
  const weights = await hashFiles(files.files, signal);
  return { weights, load: await recordLoad(options, { ...added, ...(vae && { vae }) }, signal) };
}

/** A sentence about tensors that nobody knows, where there are such. */
function listUnknown({ name, unknown }: StableDiffusionFiles): readonly string[] {
  if (unknown.length === 0) return [];
  return [
    `${unknown.length} tensors of ${name} are not known and not used: ${listSome(unknown.map(quote))}.`,
  ];
}

/** The weight file of an autoencoder that stands in for the model's own, and what it was given as. */
function getVaeFile(
  given: string,
  { vae }: StableDiffusionFiles,
): { readonly name: string; readonly file: string } {
  const [first] = vae.weights.values();
  return { name: basename(given), file: first!.file };
}

function readTokenizers({ tokenizers }: StableDiffusionFiles): Promise<ClipTokenizer[]> {
  return Promise.all(
    tokenizers.map((place) =>
      "folder" in place ? loadClipFolder(place.folder) : loadEmbeddedClip(place.padToken),
    ),
  );
}
