// The autoencoder's objective: reconstruct images from slightly noisy latents.
import type { HostTensors } from "../../engine/index.js";
import { abs, add, mean, mul, type Scope, square, sub } from "../../graph/index.js";
import { type AutoencoderConfig, decode, encode, pixelsFromBytes } from "../../models/index.js";
import { random } from "../../random/index.js";
import type { Objective } from "../step-program.js";
import type { BatchNumber } from "./batch-number.js";

export interface AutoencoderLoss {
  /** Weight of the mean absolute error beside the mean squared error: keeps edges sharp. */
  readonly l1: number;
  /**
   * Standard deviation of the noise on latents in training, so that similar latents decode to similar images.
   */
  readonly latentNoise: number;
  /** Weight of the latents' mean square, which keeps them from outgrowing the noise. */
  readonly latentL2: number;
}

export const defaultAutoencoderLoss: AutoencoderLoss = { l1: 0.5, latentNoise: 0.1, latentL2: 1e-3 };

/** Scopes of the parameters, "encoder." and "decoder.". */
export function autoencoderScopes(root: Scope): { encoder: Scope; decoder: Scope } {
  return { encoder: root.child("encoder"), decoder: root.child("decoder") };
}

/** @param part "decoder" freezes the encoder's parameters */
export function autoencoderObjective(
  config: AutoencoderConfig,
  batch: number,
  size: number,
  loss: AutoencoderLoss = defaultAutoencoderLoss,
  part: "both" | "decoder" = "both",
): Objective {
  return (tracer) => {
    const bytes = tracer.input("pixels", [batch, size, size, 3], "u8");
    const side = size / config.fold / 2;
    const noise = tracer.input("noise", [batch, side, side, config.latentChannels]);
    const { encoder, decoder } = autoencoderScopes(tracer.scope());
    const pixels = pixelsFromBytes(bytes);
    const latents = encode(encoder, pixels, config);
    const frozen = part === "decoder" ? new Set(tracer.parameters.map(({ name }) => name)) : undefined;
    const difference = sub(decode(decoder, add(latents, mul(noise, loss.latentNoise)), config), pixels);
    const squared = mean(square(difference));
    const absolute = mean(abs(difference));
    const latentSize = mean(square(latents));
    const total = add(add(squared, mul(absolute, loss.l1)), mul(latentSize, loss.latentL2));
    return { loss: total, metrics: { squared, absolute, latentSize }, ...(frozen && { frozen }) };
  };
}

/** Makes a step's batch from its images. The noise depends on (seed, step) alone. */
export function autoencoderBatch(
  images: readonly Uint8Array[],
  config: AutoencoderConfig,
  size: number,
  { seed, step }: BatchNumber,
): HostTensors {
  const batch = images.length;
  const pixels = new Uint8Array(batch * size * size * 3);
  for (const [i, image] of images.entries()) pixels.set(image, i * size * size * 3);
  const side = size / config.fold / 2;
  const shape = [batch, side, side, config.latentChannels];
  const noise = random(seed, "latent noise", step).normals(shape.reduce((a, b) => a * b, 1));
  return {
    pixels: { dtype: "u8", shape: [batch, size, size, 3], data: pixels },
    noise: { dtype: "f32", shape, data: noise },
  };
}
