// Reads the sizes of a finished model's networks from its manifest, as strictly as from a config.
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
 * @param folder names the model in messages
 * @throws NishikiError "usage" if the denoiser's architecture cannot be trained, "checkpoint" for invalid
 * sizes
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
    `${folder}: expected a denoiser of architecture "unet", the only one that can be trained, got "${architecture}".`,
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
