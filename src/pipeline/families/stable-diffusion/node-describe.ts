// What a published Stable Diffusion model is, folder or single file. Only headers are read.

import {
  type ModelComponent,
  openStableDiffusion,
  type StableDiffusionFiles,
} from "../../../checkpoint/node.js";
import { listSome, quote } from "../../../errors.js";
import { type Description, formatBytes, formatCount } from "../../description.js";
import type { ModelDescription } from "../node-family.js";

const families = {
  sd1: "Stable Diffusion 1.x",
  sd2: "Stable Diffusion 2.x",
  sdxl: "Stable Diffusion XL",
} as const;

/** How many numbers a network's weights are. */
export function countNumbers({ weights }: ModelComponent): number {
  return [...weights.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Bytes that the weights of each network take as float32. */
function listMemory({
  unet,
  vae,
  textEncoder,
  textEncoder2,
  imageEmbedding,
}: StableDiffusionFiles): number[] {
  const more = [
    ...(textEncoder2 ? [textEncoder2] : []),
    ...(imageEmbedding?.encoder ? [imageEmbedding.encoder] : []),
  ];
  const parts = [unet, vae, textEncoder, ...more];
  return parts.map((part) => 4 * countNumbers(part));
}

/** CLIP's text encoders read this many tokens at a time. */
const maxTokens = 77;

/** The size of a network. */
export function describeComponent(title: string, component: ModelComponent): Description {
  const { weights } = component;
  const places = [...weights.values()];
  const numbers = countNumbers(component);
  const bytes = places.reduce((sum, { length }) => sum + length, 0);
  const types = [...new Set(places.map(({ dtype }) => dtype))].join(", ");
  return {
    title,
    values: {
      tensors: `${weights.size} (${types}), ${formatCount(numbers)} numbers`,
      size: `${formatBytes(bytes)}, ${formatBytes(4 * numbers)} in memory`,
    },
  };
}

// What configs say is any JSON.
const numberOr = (value: unknown, usual: number) => (typeof value === "number" ? value : usual);
const textOr = (value: unknown, usual: string) => (typeof value === "string" ? value : usual);

/** @throws NishikiError "file", "checkpoint" */
export async function describeStableDiffusion(path: string): Promise<ModelDescription> {
  const files = await openStableDiffusion(path);
  const { unet, vae } = files;
  const inpaints = numberOr(unet.config.in_channels, 4) !== numberOr(vae.config.latent_channels, 4);
  const side = numberOr(unet.config.sample_size, Number.NaN);
  const memory = listMemory(files);
  return {
    what: `${getFamilyName(files)}${inpaints ? ", inpainting" : ""}`,
    ...(Number.isSafeInteger(side) && { size: 8 * side }),
    memory: memory.reduce((sum, bytes) => sum + bytes, 0),
    largest: Math.max(...memory),
    maxTokens,
    // A model that is conditioned on images has its own encoder of them, and the others have no embedding to blend.
    unusedLoadOptions: files.imageEmbedding ? ["ipAdapter", "imageEncoder"] : ["clip", "prior"],
    description: describeFiles(path, files),
  };
}

const getFamilyName = ({ family, imageEmbedding }: StableDiffusionFiles) =>
  imageEmbedding ? "Stable unCLIP 2.1" : families[family];

function getAbilities({ unet, vae, imageEmbedding }: StableDiffusionFiles): string {
  if (imageEmbedding && !imageEmbedding.encoder)
    return "from text, by a prior that draws CLIP's embedding first";
  if (imageEmbedding)
    return "variations of pictures, and blends of several (--image-prompt), with text or without";
  const isInpainting = numberOr(unet.config.in_channels, 4) !== numberOr(vae.config.latent_channels, 4);
  return isInpainting ? "inside masks (inpainting network)" : "from text, from pictures, and inside masks";
}

function describeFiles(path: string, files: StableDiffusionFiles): Description {
  const { name, unet, vae, textEncoder, textEncoder2, imageEmbedding, scheduler, unknown, hints } = files;
  return {
    title: `${path}: ${name}`,
    values: {
      family: getFamilyName(files),
      draws: getAbilities(files),
      predicts:
        scheduler.prediction_type === "v_prediction"
          ? "velocity"
          : textOr(scheduler.prediction_type, "epsilon"),
      scheduler: textOr(scheduler._class_name, "unnamed"),
      hint: hints.length > 0 ? hints.join(" ") : undefined,
      ...(unknown.length > 0 && {
        unknown: `${unknown.length} tensors are not used: ${listSome(unknown.map(quote), 5)}`,
      }),
    },
    parts: [
      describeComponent("Denoiser", unet),
      describeComponent("Autoencoder", vae),
      describeComponent("Text encoder", textEncoder),
      ...(textEncoder2 ? [describeComponent("Second text encoder", textEncoder2)] : []),
      ...(imageEmbedding?.encoder ? [describeComponent("Image encoder", imageEmbedding.encoder)] : []),
    ],
  };
}
