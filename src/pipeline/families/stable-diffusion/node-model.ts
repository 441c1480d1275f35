// Loads Stable Diffusion from published files into sessions on this machine's devices (node).
import { basename } from "node:path";
import {
  type ModelComponent,
  openAutoencoder,
  openStableDiffusion,
  type StableDiffusionFiles,
} from "../../../checkpoint/node.js";
import type { WeightPlace } from "../../../engine/index.js";
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
import { chunkPrompt } from "../../prompt/chunks.js";
import type { Environment } from "../../receipt.js";
import type { Runtime } from "../../runtime.js";
import { getBudget, SessionPool } from "../../session-pool.js";
import type { TokenCount } from "../../token-count.js";
import type { TextEmbedder } from "../../vision/text-embedding.js";
import type { OpenedModel } from "../node-family.js";
import type { TextEncoder } from "../unclip/text.js";
import { getTextOptions } from "./conditioning.js";
import { makeStableDiffusion } from "./family.js";
import { readModel, type StableDiffusionModel } from "./model.js";
import { openEmbeddings, teach } from "./node-embeddings.js";
import { type ImagePromptFiles, listImagePromptFiles, openImagePrompts } from "./node-image-prompts.js";
import { checkWeights, openNetworks } from "./node-networks.js";
import { withPrecision } from "./node-precision.js";
import { traceTextEncoder, traceUnet } from "./programs.js";
import { getStableDiffusionWork, type StoredBytes } from "./work.js";

/** Opens a model, as a diffusers folder or a single file, without loading weights. @throws NishikiError "file", "checkpoint" */
export async function openStableDiffusionModel(
  path: string,
  machine: CompleteLoadOptions,
): Promise<OpenedModel> {
  getBudget(machine, "cpu"); // rejects contradictory options before any file is read
  const published = await openFiles(path, machine);
  const { family, textEncoder, textEncoder2 } = published;
  const preview =
    machine.previewVae === undefined ? undefined : await openAutoencoder(machine.previewVae, family);
  const encoders = [textEncoder, ...(textEncoder2 ? [textEncoder2] : [])];
  const images = await openImagePrompts(published, path, machine);
  const files = withPriorFiles(published, images);
  const { imageEmbedding } = files;
  const text = images.clip?.text.config;
  const model = readModel({
    name: files.name,
    unet: files.unet.config,
    vae: files.vae.config,
    ...(preview && { previewVae: preview.config }),
    textEncoders: encoders.map(({ config }) => config),
    ...(imageEmbedding && {
      imageEmbedding: { ...imageEmbedding, ...(text && { text }), ...describePrior(images) },
    }),
    ...(images.ipAdapter && { ipAdapter: images.ipAdapter.model }),
    scheduler: files.scheduler,
    zerosForEmptyPrompt: files.zerosForEmptyPrompt,
  });
  return {
    context: model.context,
    countTokens: makeTokenCounter(files, model, machine),
    getWork: async (settings) =>
      getStableDiffusionWork(
        model,
        settings,
        await readTokenizers(files),
        sumStored(files, encoders, machine),
      ),
    load: (runtime = {}) => load({ files, encoders, model, preview, images }, machine, runtime),
  };
}

/** Bytes of the weights in memory: on the CPU, they stay as they are in their files. */
function sumStored(
  { unet }: StableDiffusionFiles,
  encoders: readonly ModelComponent[],
  { device, precision }: CompleteLoadOptions,
): StoredBytes | undefined {
  if (device !== "auto" && device !== "cpu") return undefined;
  const sum = ({ weights }: ModelComponent, of: (place: WeightPlace) => number = ({ length }) => length) =>
    [...weights.values()].reduce((bytes, place) => bytes + of(place), 0);
  const count = ({ shape }: WeightPlace) => shape.reduce((product, side) => product * side, 1);
  return {
    unet: sum(unet, precision === "int8" ? count : undefined),
    textEncoders: encoders.map((encoder) => sum(encoder)),
  };
}

/** Counts tokens with the tokenizer of the first text encoder, and the words that textual inversions add. */
function makeTokenCounter(
  files: StableDiffusionFiles,
  { textEncoders }: StableDiffusionModel,
  { embedding }: CompleteLoadOptions,
): (prompt: string) => Promise<TokenCount> {
  let tokenizer: Promise<ClipTokenizer> | undefined;
  const open = async () => {
    const { words } = await openEmbeddings(embedding ?? []);
    return teach(words, await readTokenizers(files), textEncoders).tokenizers[0]!;
  };
  return async (prompt) => {
    tokenizer ??= open();
    const { positions } = textEncoders[0]!;
    const { tokens, chunks } = chunkPrompt(await tokenizer, prompt, positions);
    return { tokens, parts: chunks.length, room: positions - 2 };
  };
}

/** Opens the model's files, with the replacements and additions that the options name. */
async function openFiles(
  path: string,
  { vae, base, prediction }: CompleteLoadOptions,
): Promise<StableDiffusionFiles> {
  const whole = base === undefined ? undefined : await resolveModel(base);
  return withPrediction(await openStableDiffusion(path, { vae, base: whole }), prediction);
}

/** The files of a prior affect pixels, too. */
function withPriorFiles(files: StableDiffusionFiles, { prior }: ImagePromptFiles): StableDiffusionFiles {
  return prior ? { ...files, files: new Map([...files.files, ...prior.files]) } : files;
}

function describePrior({ prior }: ImagePromptFiles) {
  if (!prior) return {};
  const { network, textEncoder, scheduler } = prior;
  return { prior: { network: network.config, text: textEncoder.config, scheduler } };
}

/** Overrides the prediction type in the model's files. */
function withPrediction(
  files: StableDiffusionFiles,
  prediction: CompleteLoadOptions["prediction"],
): StableDiffusionFiles {
  if (prediction === undefined) return files;
  return { ...files, scheduler: { ...files.scheduler, prediction_type: prediction } };
}

/** A model's opened files and configs. */
interface OpenedFiles {
  readonly files: StableDiffusionFiles;
  readonly encoders: readonly ModelComponent[];
  readonly model: StableDiffusionModel;
  readonly preview: ModelComponent | undefined;
  readonly images: ImagePromptFiles;
}

async function load(
  { files: published, encoders, model, preview, images }: OpenedFiles,
  options: CompleteLoadOptions,
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
  const imageEncoder = files.imageEmbedding?.encoder ?? images.ipAdapter?.encoder;
  const sources = {
    files,
    model,
    textEncoders: encoders,
    ...(imageEncoder && { imageEncoder }),
    ...images,
    adapters,
    vectors,
    preview,
  };
  checkWeights(sources);
  checkAborted(runtime.signal);
  const engine = makeEngine({ device, threads });
  const pool = runtime.sessions ?? new SessionPool({ budget: getBudget(options, engine.device) });
  const sessions = pool.forModel();
  const stop = new AbortController();
  const embeddings = learned.words.map(({ file }) => file);
  const added = { loras: opened.files, embeddings, ...listImagePromptFiles(images) };
  const hashes = hashAll(files, options, added, stop.signal);
  const environment = hashes.then((all) => readEnvironment(engine.device, all, { usualSizes: true }));
  environment.catch(() => {}); // reported where a receipt waits for it
  const close = async () => {
    stop.abort();
    await environment.catch(() => {});
    // Closing the engine first waits for the current run and prevents further ones.
    await engine.close();
    await sessions.close();
  };
  const notices = [...listUnknown(files), ...files.hints, ...opened.notices, ...adapters.notices];
  const loaded = makeStableDiffusion(
    model,
    tokenizers,
    (watch) => openNetworks(sources, engine, sessions, watch),
    learned.words.map(({ word, file }) => ({ word, name: basename(file) })),
    { embedder: await makeEmbedder(model, images), prior: await makePriorText(model, images) },
  );
  return { model: loaded, environment, sessions: pool, close, notices };
}

/** CLIP's text encoder, for texts that are blended with image prompts. */
async function makeEmbedder(
  { imageEmbedding }: StableDiffusionModel,
  { clip }: ImagePromptFiles,
): Promise<TextEmbedder | undefined> {
  const config = imageEmbedding?.text;
  return config && clip && { config, tokenizer: await loadClipFolder(clip.folder) };
}

/** The prior's text encoder. */
async function makePriorText(
  { imageEmbedding }: StableDiffusionModel,
  { prior }: ImagePromptFiles,
): Promise<TextEncoder | undefined> {
  const config = imageEmbedding?.prior?.text;
  return config && prior && { config, tokenizer: await loadClipFolder(prior.tokenizer) };
}

/** Hashes everything that was loaded. Gigabytes take seconds, so this runs alongside the first steps. */
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

/** A notice about unknown tensors, if any. */
function listUnknown({ name, unknown }: StableDiffusionFiles): readonly string[] {
  if (unknown.length === 0) return [];
  return [`Ignoring ${unknown.length} unknown tensors of ${name}: ${listSome(unknown.map(quote))}.`];
}

/** The weight file of a replacement autoencoder, and its name in the options. */
function getVaeFile(
  option: string,
  { vae }: StableDiffusionFiles,
): { readonly name: string; readonly file: string } {
  const [first] = vae.weights.values();
  return { name: basename(option), file: first!.file };
}

function readTokenizers({ tokenizers }: StableDiffusionFiles): Promise<ClipTokenizer[]> {
  return Promise.all(
    tokenizers.map((place) =>
      "folder" in place ? loadClipFolder(place.folder) : loadEmbeddedClip(place.padToken),
    ),
  );
}
