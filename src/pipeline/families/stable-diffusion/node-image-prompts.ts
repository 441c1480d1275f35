// What a Stable Diffusion model needs for image prompts beside its own parts: an IP-Adapter with its image encoder, or the CLIP
// whose texts are blended with images (node).
import { basename, dirname } from "node:path";
import {
  type ImagePriorFiles,
  type OpenedClip,
  type OpenedImageEncoder,
  openClip,
  openImagePrior,
  type StableDiffusionFiles,
} from "../../../checkpoint/node.js";
import { NishikiError } from "../../../errors.js";
import { resolveFile, resolveModel } from "../../../hub/index.js";
import { readConditionalUnetConfig } from "../../../models/index.js";
import type { CompleteLoadOptions } from "../../load-options.js";
import type { AddedFiles } from "../../node-load-record.js";
import { type IpAdapterFiles, openAdapter } from "./node-ip-adapter.js";

export interface ImagePromptFiles {
  readonly ipAdapter?: IpAdapterFiles;
  readonly clip?: OpenedClip;
  /** What draws the embedding of an image from a text. */
  readonly prior?: ImagePriorFiles;
}

/**
 * Opens the files that the options name.
 * @throws NishikiError "usage" for options that the model does not take, "file", "checkpoint"
 */
export async function openImagePrompts(
  { unet, imageEmbedding, name }: StableDiffusionFiles,
  path: string,
  { ipAdapter, imageEncoder, clip, prior }: CompleteLoadOptions,
): Promise<ImagePromptFiles> {
  const refuse = (message: string): never => {
    throw new NishikiError("usage", message);
  };
  if (imageEncoder !== undefined && ipAdapter === undefined)
    refuse("imageEncoder: requires ipAdapter, whose images it encodes.");
  if (clip !== undefined && !imageEmbedding)
    refuse(`clip: ${name} has no image embedding to blend with texts; only Stable unCLIP has. Omit it.`);
  if (prior !== undefined && !imageEmbedding)
    refuse(`prior: ${name} draws from the prompt itself; only Stable unCLIP takes a prior. Omit it.`);
  if (ipAdapter !== undefined && imageEmbedding)
    refuse(`ipAdapter: ${name} is conditioned on images already, and takes none; omit it.`);
  // A StableUnCLIPPipeline has a prior in place of an image encoder.
  const ownPrior = imageEmbedding && !imageEmbedding.encoder ? path : undefined;
  const priorFolder = prior === undefined ? ownPrior : await resolveModel(prior);
  const config = readConditionalUnetConfig(unet.config);
  return {
    ...(ipAdapter !== undefined && {
      ipAdapter: await openAdapter(await resolveFile(ipAdapter), imageEncoder, path, config),
    }),
    ...(clip !== undefined && { clip: await openClip(await resolveModel(clip)) }),
    ...(priorFolder !== undefined && { prior: await openImagePrior(priorFolder) }),
  };
}

/** The files for the load record. */
export function listImagePromptFiles({
  ipAdapter,
  clip,
}: ImagePromptFiles): Pick<AddedFiles, "ipAdapter" | "imageEncoder" | "clip"> {
  // A folder is named by its own name, a file by its.
  const toNamed = ({ files, weightFiles: [weights] }: OpenedImageEncoder) => {
    const isFolder = files[0] !== weights;
    return { name: basename(isFolder ? dirname(weights!) : weights!), file: weights! };
  };
  return {
    ...(ipAdapter && {
      ipAdapter: { name: basename(ipAdapter.adapter.file), file: ipAdapter.adapter.file },
      imageEncoder: toNamed(ipAdapter.encoder),
    }),
    ...(clip && { clip: toNamed(clip.encoder) }),
  };
}
