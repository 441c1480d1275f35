// Reads a single-file checkpoint of Stable Diffusion 1.x, 2.x or XL: identifies the family by names and
// shapes, and returns the parts with diffusers' configs and names. Loads nothing.
import { listSome, NishikiError, quote } from "../../errors.js";
import { nameOtherFile, nameOtherModel } from "./strangers.js";
import { CheckpointTensors, type Place, type Renamed } from "./tensors.js";
import { readHuggingFaceText, readOpenClipText } from "./text.js";
import { readUnet } from "./unet.js";
import { readVae, scalingFactorOf } from "./vae.js";
import { hasImageEmbedding, notOfImages, readImageEmbedding } from "./vision.js";

type Json = Readonly<Record<string, unknown>>;

/** A network: its config as diffusers or transformers would publish it, and its tensors by their names. */
export interface SingleFilePart {
  readonly config: Json;
  readonly weights: ReadonlyMap<string, Place>;
}

export interface SingleFile {
  readonly family: "sd1" | "sd2" | "sdxl";
  readonly unet: SingleFilePart;
  /** Undefined if the file has none and may lack it. */
  readonly vae: SingleFilePart | undefined;
  readonly textEncoders: readonly SingleFilePart[];
  /** Stable unCLIP: its image encoder, and the mean and deviation of the embeddings. */
  readonly imageEmbedding?: {
    readonly encoder: SingleFilePart;
    readonly mean: Place;
    readonly std: Place;
  };
  /** The padding token of each text encoder. */
  readonly pads: readonly string[];
  /** As in the family's `scheduler_config.json`. */
  readonly scheduler: Json;
  /** Unrecognised tensors. */
  readonly unknown: readonly string[];
  /** Advice for the user that follows from the file's name but not from its content. */
  readonly hints: readonly string[];
}

const unetRoot = "model.diffusion_model.";
const firstText = "cond_stage_model.transformer.";
const openText = "cond_stage_model.model.";
const xlTexts = ["conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."] as const;
const endOfText = "<|endoftext|>";

/**
 * Recognised but unused tensors: schedules that configs define more exactly, averages from training, the loss
 * network.
 */
export const notNeeded =
  /^(model_ema\.|alphas_cumprod|betas$|(log|sqrt)_|posterior_|lvlb_weights|logvar$|scale_factor$|denoiser\.|first_stage_model\.loss\.|global_step$|ztsnr$|v_pred$)|\.(position_ids|logit_scale|attn_mask)$/;

function detectFamily(tensors: CheckpointTensors, path: string): SingleFile["family"] {
  const has = (prefix: string) => tensors.under(prefix).length > 0;
  const names = tensors.under("");
  const other = has(unetRoot) ? nameOtherModel(names) : nameOtherFile(names);
  if (other) throw refuse(path, `it is ${other}`);
  if (has(unetRoot)) {
    if (has(xlTexts[1]) && has(xlTexts[0])) return "sdxl";
    if (has("conditioner.embedders.0.model."))
      throw refuse(path, "it is the refiner of XL, which does not work alone");
    if (has(openText)) {
      if (has(`${unetRoot}label_emb.`) && !hasImageEmbedding(tensors))
        throw refuse(
          path,
          "it is a variant of 2.x that takes an image beside the prompt (unCLIP without its image encoder, upscaling); use the folder of it in diffusers' layout",
        );
      return "sd2";
    }
    if (has(firstText)) return "sd1";
    throw refuse(path, "it has a denoiser but no text encoder: name a model that has one with --base");
  }
  if (names.length === 0) throw refuse(path, "it is empty");
  const some = listSome(names.map(quote), 3);
  throw refuse(path, `its tensors (${some}) belong to no known model`);
}

function refuse(path: string, reason: string): NishikiError {
  const requirement = "A single file must be a whole checkpoint of Stable Diffusion 1.x, 2.x or XL";
  return new NishikiError("checkpoint", `${path} cannot be used: ${reason}. ${requirement}.`);
}

/** What a file records besides its tensors, and which parts it may lack. */
export interface SingleFileOptions {
  /** Whether another autoencoder replaces the file's, which may then be missing. */
  readonly withoutVae?: boolean;
  /** The number in the tensor `global_step`. */
  readonly steps?: number;
  /** The header's metadata; entries of Stability's ModelSpec 1.0 are evaluated. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Reads the parts. @throws NishikiError "checkpoint" that names what the file is instead, or lists what is
 * missing.
 */
export function readSingleFile(
  places: ReadonlyMap<string, Place>,
  path: string,
  { steps, metadata = {}, withoutVae = false }: SingleFileOptions = {},
): SingleFile {
  const tensors = new CheckpointTensors(places);
  const family = detectFamily(tensors, path);
  if (!withoutVae && !hasWholeVae(tensors))
    throw refuse(
      path,
      "its autoencoder is missing or incomplete: name one with --vae, or a model that has one with --base",
    );
  const images = family === "sd2" && hasImageEmbedding(tensors) ? readImageEmbedding(tensors) : undefined;
  const unet = part(readUnet(tensors, images !== undefined));
  const traits: Traits = {
    family,
    prediction: tensors.has("v_pred") ? "v_prediction" : saidPrediction(metadata),
    zeroTerminal: tensors.has("ztsnr"),
    // The base model of 2.x was saved after 875,000 steps, and its inpainting network was trained from it;
    // all other 2.x models predict velocity at 768 pixels.
    isBase2:
      family === "sd2" &&
      (steps === 875_000 ||
        unet.config.in_channels === 9 ||
        metadata["modelspec.architecture"] === "stable-diffusion-v2-512"),
  };
  const vae = withoutVae ? undefined : part(readVae(tensors, scalingFactorOf(family)));
  if (withoutVae) tensors.ignore(/^first_stage_model\./);
  const textEncoders = readTexts(tensors, family).map(part);
  tensors.ignore(notNeeded);
  if (images) tensors.ignore(notOfImages);
  return {
    family,
    unet: { ...unet, config: { ...unet.config, sample_size: sampleSize(traits) } },
    vae,
    textEncoders,
    ...(images && { imageEmbedding: { ...images, encoder: part(images.encoder) } }),
    pads: family === "sd1" ? [endOfText] : family === "sd2" ? ["!"] : [endOfText, "!"],
    scheduler: makeScheduler(traits),
    unknown: tensors.unused(),
    hints: makeHints(path, metadata, traits),
  };
}

export function hasWholeVae(tensors: CheckpointTensors): boolean {
  return ["decoder", "encoder"].every((half) => tensors.has(`first_stage_model.${half}.conv_in.weight`));
}

/** Names of models distilled to a few steps, which no tensor records. */
const fewSteps = /turbo|lightning|hyper[-_]?sd|(?<![a-z])lcm(?![a-z])/i;

function makeHints(path: string, metadata: Readonly<Record<string, string>>, { family, prediction }: Traits) {
  const name = path.replace(/^.*[/\\]/, "");
  const word = fewSteps.exec(name)?.[0] ?? fewSteps.exec(metadata["modelspec.title"] ?? "")?.[0];
  if (word === undefined) return [];
  const sampler = /lcm/i.test(word) ? "--sampler lcm" : "--sampler euler --schedule simple";
  const guess = family === "sd2" && prediction === undefined ? " --prediction epsilon" : "";
  const steps = /turbo/i.test(word) ? "1 (to 4)" : "4 (to 8)";
  return [
    `${name} is called ${quote(word)}, and a single file does not record how it was distilled: such models need few steps and ` +
      `little guidance, as in --steps ${steps} --guidance 1 ${sampler}${guess}.`,
  ];
}

function part({ config, tensors }: { readonly config: Json; readonly tensors: Renamed }): SingleFilePart {
  return { config, weights: new Map(tensors) };
}

function readTexts(tensors: CheckpointTensors, family: SingleFile["family"]) {
  switch (family) {
    case "sd1":
      return [readHuggingFaceText(tensors, firstText)];
    case "sd2":
      return [readOpenClipText(tensors, openText, { most: 23, projected: false })];
    case "sdxl":
      return [
        readHuggingFaceText(tensors, xlTexts[0]),
        readOpenClipText(tensors, xlTexts[1], { projected: true }),
      ];
  }
}

function saidPrediction(metadata: Readonly<Record<string, string>>): Traits["prediction"] {
  const metadataValue = metadata["modelspec.prediction_type"];
  if (metadataValue === "v" || metadataValue === "v_prediction") return "v_prediction";
  return metadataValue === "epsilon" ? metadataValue : undefined;
}

/** Traits that affect sampling but not the networks. */
interface Traits {
  readonly family: SingleFile["family"];
  /** What the network predicts, if the file records it. */
  readonly prediction: "epsilon" | "v_prediction" | undefined;
  readonly zeroTerminal: boolean;
  readonly isBase2: boolean;
}

function sampleSize({ family, isBase2 }: Traits): number {
  if (family === "sdxl") return 128;
  return family === "sd2" && !isBase2 ? 96 : 64;
}

const training = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
};

/** The scheduler configs of the families' published folders. */
function makeScheduler({ family, prediction, zeroTerminal, isBase2 }: Traits): Json {
  if (family === "sdxl") {
    return {
      _class_name: "EulerDiscreteScheduler",
      ...training,
      prediction_type: prediction ?? "epsilon",
      timestep_spacing: "leading",
      steps_offset: 1,
      ...(zeroTerminal && { rescale_betas_zero_snr: true }),
    };
  }
  const usual = family === "sd2" && !isBase2 ? "v_prediction" : "epsilon";
  return {
    _class_name: family === "sd1" ? "PNDMScheduler" : "DDIMScheduler",
    ...training,
    prediction_type: prediction ?? usual,
    steps_offset: 1,
    set_alpha_to_one: false,
    clip_sample: false,
    ...(family === "sd1" && { skip_prk_steps: true }),
  };
}
