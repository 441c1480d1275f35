// The sizes of a finished model's networks, read from its manifest as strictly as when they are built.
import { NishikiError } from "../errors.js";
import {
  type AutoencoderConfig,
  autoencoderSchema,
  type DenoiserConfig,
  denoiserSchema,
} from "../models/index.js";
import type { ModelManifest } from "../pipeline/index.js";
import { parse } from "../schema/index.js";

/**
 * @param folder Names the model in messages.
 * @throws NishikiError "usage" for a model whose denoiser is not trained here, "checkpoint" for sizes that
 * cannot be
 */
export function readDenoiserConfig({ parts }: ModelManifest, folder: string): DenoiserConfig {
  const { architecture, config } = parts.denoiser;
  if (architecture === "unet")
    return parse(denoiserSchema, config, {
      code: "checkpoint",
      prefix: `${folder}: parts.denoiser.config: `,
    });
  throw new NishikiError(
    "usage",
    `${folder} has a denoiser "${architecture}"; expected "unet", the only one that can be trained further.`,
  );
}

/** @throws NishikiError "checkpoint" */
export function readAutoencoderConfig({ parts }: ModelManifest, folder: string): AutoencoderConfig {
  const { config } = parts.autoencoder;
  return parse(autoencoderSchema, config, {
    code: "checkpoint",
    prefix: `${folder}: parts.autoencoder.config: `,
  });
}
