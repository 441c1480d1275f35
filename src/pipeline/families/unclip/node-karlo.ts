// Loads Karlo from published files into sessions on this machine's devices (node).
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  openImageEncoder,
  openPublishedFolder,
  type PublishedFolder,
  type PublishedPart,
  readJson,
  textEncoderName,
} from "../../../checkpoint/node.js";
import { traceAddedKvUnet, tracePriorTransformer, traceUnclipTextProjection } from "../../../models/index.js";
import { loadClipFolder } from "../../../tokenizer/node.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import { traceImageEncoder } from "../../vision/program.js";
import type { OpenedModel } from "../node-family.js";
import { traceTextEncoder } from "../stable-diffusion/programs.js";
import { makeKarlo } from "./karlo.js";
import { type KarloModel, readKarlo } from "./karlo-model.js";
import { getKarloWork } from "./karlo-work.js";
import type { NetworkKey } from "./networks.js";
import { openModelFiles } from "./node-model.js";
import type { NetworkSource, NetworkSources } from "./node-networks.js";

/** The pipelines whose folders these are. */
export const karloPipelines: readonly string[] = ["UnCLIPPipeline", "UnCLIPImageVariationPipeline"];

const network = (name: string, more: Partial<PublishedPart>): PublishedPart => ({
  name,
  kind: "network",
  ...more,
});

const shared: readonly PublishedPart[] = [
  network("text_encoder", { classes: ["CLIPTextModelWithProjection"], rename: textEncoderName }),
  { name: "tokenizer", kind: "tokenizer" },
  network("text_proj", { classes: ["UnCLIPTextProjModel"] }),
  network("decoder", { classes: ["UNet2DConditionModel"] }),
  network("super_res_first", { classes: ["UNet2DModel"] }),
  network("super_res_last", { classes: ["UNet2DModel"] }),
  { name: "decoder_scheduler", kind: "scheduler" },
  { name: "super_res_scheduler", kind: "scheduler" },
];

const forTexts: readonly PublishedPart[] = [
  network("prior", { classes: ["PriorTransformer"] }),
  { name: "prior_scheduler", kind: "scheduler" },
];

const imageEncoder = (optional: boolean) =>
  network("image_encoder", { classes: ["CLIPVisionModelWithProjection"], optional });

/** The files of a model. */
export interface KarloFiles extends PublishedFolder {
  /** An image encoder from another folder, by its name and its weights. */
  readonly otherEncoder?: { readonly name: string; readonly file: string };
  /** The image processor's config; empty where there is none. */
  readonly processor: Readonly<Record<string, unknown>>;
}

/**
 * Opens a folder; reads only configs and headers.
 * @param encoder A folder with an image encoder, in place of the model's own.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openKarloFiles(path: string, encoder?: string): Promise<KarloFiles> {
  const { _class_name: className } = await readJson(join(path, "model_index.json"));
  const drawsTexts = className === karloPipelines[0];
  const parts = [...shared, ...(drawsTexts ? forTexts : [])];
  if (encoder === undefined) parts.push(imageEncoder(drawsTexts));
  const folder = await openPublishedFolder(path, karloPipelines, parts);
  if (encoder !== undefined) return withEncoder(folder, encoder);
  const name = "feature_extractor/preprocessor_config.json";
  const file = join(path, name);
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return { ...folder, processor: {} };
  return { ...folder, files: new Map([...folder.files, [name, file]]), processor: await readJson(file) };
}

async function withEncoder(folder: PublishedFolder, encoder: string): Promise<KarloFiles> {
  const { config, weights, processor } = await openImageEncoder(encoder);
  const networks = { ...folder.networks, image_encoder: { config, weights } };
  const [first] = weights.values();
  return { ...folder, networks, processor, otherEncoder: { name: basename(encoder), file: first!.file } };
}

/** Reads the configs of opened files. @throws NishikiError "checkpoint" */
export function readKarloFiles({ name, networks, schedulers, processor }: KarloFiles): KarloModel {
  const config = (part: string) => networks[part]!.config;
  const { prior, image_encoder: images } = networks;
  return readKarlo({
    name,
    textEncoder: config("text_encoder"),
    ...(prior && { prior: { config: prior.config, scheduler: schedulers.prior_scheduler! } }),
    ...(images && { imageEncoder: { config: images.config, processor } }),
    textProjection: config("text_proj"),
    decoder: config("decoder"),
    decoderScheduler: schedulers.decoder_scheduler!,
    superResolution: {
      first: config("super_res_first"),
      last: config("super_res_last"),
      scheduler: schedulers.super_res_scheduler!,
    },
  });
}

/** Its folder, and its program. */
function getSource({ networks }: KarloFiles, model: KarloModel, key: NetworkKey): NetworkSource {
  const source = (name: string, trace: NetworkSource["trace"]): NetworkSource => ({
    component: networks[name]!,
    trace,
  });
  const { decoder, superResolution } = model;
  switch (key.part) {
    case "text encoder":
      return source("text_encoder", () => traceTextEncoder(model.text, { skip: 0, normalized: true }));
    case "image encoder":
      return source("image_encoder", () => traceImageEncoder(model.images!.config));
    case "prior":
      return source("prior", () => tracePriorTransformer(model.prior!.network));
    case "text projection":
      return source("text_proj", () => traceUnclipTextProjection(model.textProjection, key));
    case "super-resolution":
      return key.isLast
        ? source("super_res_last", () => traceAddedKvUnet(superResolution.last))
        : source("super_res_first", () => traceAddedKvUnet(superResolution.first));
    default:
      return source("decoder", () => traceAddedKvUnet(decoder.unet, { masked: true }));
  }
}

function listKeys({ prior, images }: KarloModel): readonly NetworkKey[] {
  return [
    { part: "text encoder" },
    ...(images ? [{ part: "image encoder" } as const] : []),
    ...(prior ? [{ part: "prior" } as const] : []),
    { part: "text projection", hasImage: false },
    { part: "text projection", hasImage: true },
    { part: "denoiser" },
    { part: "super-resolution", isLast: false },
    { part: "super-resolution", isLast: true },
  ];
}

/** Opens a model without loading weights. @throws NishikiError "file", "checkpoint" */
export async function openKarlo(path: string, options: CompleteLoadOptions): Promise<OpenedModel> {
  const files = await openKarloFiles(path, options.imageEncoder);
  const model = readKarloFiles(files);
  const networks: NetworkSources = {
    name: files.name,
    keys: listKeys(model),
    get: (key) => getSource(files, model, key),
  };
  return openModelFiles({
    context: model.context,
    files: files.files,
    networks,
    ...(files.otherEncoder && { added: { imageEncoder: files.otherEncoder } }),
    text: model.text,
    loadTokenizer: () => loadClipFolder(files.tokenizers.tokenizer!),
    getWork: (settings, stored) => getKarloWork(model, settings, stored),
    make: (text, open) => makeKarlo(model, text, open),
    options,
  });
}
