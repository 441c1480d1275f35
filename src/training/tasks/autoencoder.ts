// The autoencoder's objective: reconstruct images from slightly noisy latents. A decoder that is trained alone can
// learn from a denoiser's latents, too, and with perceptual and adversarial losses.
import type { HostTensors } from "../../engine/index.js";
import {
  abs,
  add,
  cast,
  foldPixels,
  mean,
  mul,
  reshape,
  type Scope,
  square,
  stopGradient,
  sub,
  type Tensor,
  type Tracer,
} from "../../graph/index.js";
import {
  type AutoencoderConfig,
  type ClassifierConfig,
  type DiscriminatorConfig,
  decode,
  encode,
  pixelsFromBytes,
} from "../../models/index.js";
import { random } from "../../random/index.js";
import type { Objective } from "../step-program.js";
import type { BatchNumber } from "./batch-number.js";
import { adversarialLosses, perceptualLoss } from "./image-losses.js";

export interface AutoencoderLoss {
  /** Weight of the mean absolute error beside the mean squared error: keeps edges sharp. */
  readonly l1: number;
  /**
   * Standard deviation of the noise on latents in training, so that similar latents decode to similar images.
   */
  readonly latentNoise: number;
  /** Weight of the latents' mean square, which keeps them from outgrowing the noise. */
  readonly latentL2: number;
  /**
   * Weight of the error of half-size images decoded from half-size latents, which moves the latents' energy to coarse
   * structure (Skorokhodov et al. 2025, arXiv:2502.14831). Default 0.
   */
  readonly equivariance?: number | undefined;
}

export const defaultAutoencoderLoss: AutoencoderLoss = { l1: 0.5, latentNoise: 0.1, latentL2: 1e-3 };

/** What is trained, and by what besides the pixels. */
export interface AutoencoderTraining {
  /** "decoder" freezes the encoder. Default "both". */
  readonly part?: "both" | "decoder";
  readonly perceptual?: { readonly weight: number; readonly network: ClassifierConfig } | undefined;
  readonly adversarial?:
    | { readonly weight: number; readonly gradientPenalty: number; readonly network: DiscriminatorConfig }
    | undefined;
  /** Whether a denoiser's latents replace some of the encoder's: inputs of `addDenoised`. Default false. */
  readonly denoised?: boolean;
}

/** Scopes of the parameters: "encoder.", "decoder.", and those of the losses. */
export const autoencoderScopes = (root: Scope) => ({
  encoder: root.child("encoder"),
  decoder: root.child("decoder"),
});
export const classifierScope = "classifier";
export const discriminatorScope = "discriminator";

/** @param training what else the step needs; the frozen parameters are the encoder's and the classifier's */
export function autoencoderObjective(
  config: AutoencoderConfig,
  batch: number,
  size: number,
  loss: AutoencoderLoss = defaultAutoencoderLoss,
  training: AutoencoderTraining = {},
): Objective {
  return (tracer) => {
    const pixels = pixelsFromBytes(tracer.input("pixels", [batch, size, size, 3], "u8"));
    const { encoder, decoder } = autoencoderScopes(tracer.scope());
    const encoded = encode(encoder, pixels, config);
    const noise = tracer.input("noise", encoded.shape);
    const noisy = add(encoded, mul(noise, loss.latentNoise));
    const { latents, weights } = training.denoised ? replaceByDenoised(tracer, noisy) : { latents: noisy };
    const decoded = decode(decoder, latents, config);
    const difference = sub(decoded, pixels);
    const overImages = (errors: Tensor) => mean(weights ? mul(errors, weights) : errors);
    const squared = overImages(square(difference));
    const absolute = overImages(abs(difference));
    const latentSize = mean(square(encoded));
    const reconstruction = add(add(squared, mul(absolute, loss.l1)), mul(latentSize, loss.latentL2));
    const further = furtherLosses(tracer, { decoded, pixels, weights }, training);
    const coarse = loss.equivariance
      ? halfSizeError(decoder, { encoded: noisy, pixels }, config, loss)
      : undefined;
    if (coarse) further.terms.push(mul(coarse, loss.equivariance!));
    const metrics = { squared, absolute, latentSize, ...(coarse && { coarse }), ...further.metrics };
    const frozen = frozenNames(tracer, training);
    return {
      loss: further.terms.reduce((a, b) => add(a, b), reconstruction),
      metrics,
      ...(frozen.size > 0 && { frozen }),
    };
  };
}

/**
 * How far the image decoded from averages of 2×2 cells of latents is from the averages of 2×2 pixels. Positions do not
 * apply to it.
 */
function halfSizeError(
  decoder: Scope,
  { encoded, pixels }: { readonly encoded: Tensor; readonly pixels: Tensor },
  { positions: _, ...config }: AutoencoderConfig,
  { l1 }: AutoencoderLoss,
): Tensor {
  // Packing has already put the cells that are averaged beside each other.
  const latents = config.packed ? foldPixels(averageCells(encoded), 2) : averageCells(foldPixels(encoded, 2));
  const difference = sub(decode(decoder, latents, config), averageCells(foldPixels(pixels, 2)));
  return add(mean(square(difference)), mul(mean(abs(difference)), l1));
}

/** Averages of the 2×2 cells that `foldPixels` has put into the channels: `[batch, h, w, 4·c]` → `[batch, h, w, c]`. */
function averageCells(folded: Tensor): Tensor {
  const [batch, height, width, channels] = folded.shape as [number, number, number, number];
  return mean(reshape(folded, [batch, height, width, 4, channels / 4]), 3);
}

interface Compared {
  readonly decoded: Tensor;
  readonly pixels: Tensor;
  /** Of the images, `[batch, 1, 1, 1]`. */
  readonly weights?: Tensor | undefined;
}

/** Perceptual and adversarial terms of the loss, weighted. */
function furtherLosses(
  tracer: Tracer,
  { decoded, pixels, weights }: Compared,
  { perceptual, adversarial }: AutoencoderTraining,
): { readonly terms: Tensor[]; readonly metrics: Readonly<Record<string, Tensor>> } {
  const terms: Tensor[] = [];
  const metrics: Record<string, Tensor> = {};
  if (perceptual) {
    const scope = tracer.scope(classifierScope);
    metrics.perceptual = perceptualLoss(scope, decoded, pixels, perceptual.network, weights);
    terms.push(mul(metrics.perceptual, perceptual.weight));
  }
  if (adversarial) {
    const scope = tracer.scope(discriminatorScope);
    const signs = sub(mul(cast(tracer.input("signs", pixels.shape, "u8"), "f32"), 2), 1);
    const { generator, discriminator, gradientPenalty, accuracy } = adversarialLosses(
      scope,
      { image: decoded, original: pixels, signs },
      adversarial.network,
    );
    Object.assign(metrics, { adversarial: generator, discriminator });
    Object.assign(metrics, { gradientPenalty, discriminatorAccuracy: accuracy });
    const learning = add(discriminator, mul(gradientPenalty, adversarial.gradientPenalty));
    // The two networks share no gradient, so one backward pass serves both. The loss that is reported is the
    // generator's: the discriminator's adds its gradient and no value.
    terms.push(mul(generator, adversarial.weight), sub(learning, stopGradient(learning)));
  }
  return { terms, metrics };
}

function frozenNames(tracer: Tracer, { part, perceptual }: AutoencoderTraining): ReadonlySet<string> {
  const scopes = [
    ...(part === "decoder" ? ["encoder."] : []),
    ...(perceptual ? [`${classifierScope}.`] : []),
  ];
  const names = tracer.parameters.map(({ name }) => name);
  return new Set(names.filter((name) => scopes.some((scope) => name.startsWith(scope))));
}

/**
 * Replaces some latents by a denoiser's. Inputs: `denoised [batch, h, w, channels]`, `replaced [batch]`, 1 where they
 * apply and else 0, and `weights [batch]` of the images in what compares them with the originals.
 */
function replaceByDenoised(tracer: Tracer, encoded: Tensor): { latents: Tensor; weights: Tensor } {
  const denoised = tracer.input("denoised", encoded.shape);
  const perImage = (name: string) =>
    reshape(tracer.input(name, [encoded.shape[0]!]), [encoded.shape[0]!, 1, 1, 1]);
  const latents = add(encoded, mul(sub(denoised, encoded), perImage("replaced")));
  return { latents, weights: perImage("weights") };
}

/** Latents of a denoiser for some of a batch's images. */
export interface DenoisedBatch {
  /** By the image's position in the batch: `[h, w, channels]`, not standardised. */
  readonly latents: ReadonlyMap<number, Float32Array>;
  /** The time from which they were denoised: 0 for clean latents to 1 for noise. */
  readonly time: number;
}

/** Makes a step's batch from its images. The noise depends on (seed, step) alone. */
export function autoencoderBatch(
  images: readonly Uint8Array[],
  config: AutoencoderConfig,
  size: number,
  { seed, step }: BatchNumber,
  { denoised, adversarial = false }: { denoised?: DenoisedBatch; adversarial?: boolean } = {},
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
    ...(denoised && denoisedInputs(denoised, shape)),
    ...(adversarial && {
      signs: { dtype: "u8", shape: [batch, size, size, 3], data: bits(seed, step, pixels.length) },
    }),
  };
}

/** Random bits, each a byte. */
function bits(seed: number, step: number, count: number): Uint8Array {
  const numbers = random(seed, "discriminator noise", step);
  const all = new Uint8Array(count);
  for (let i = 0; i < count; i += 32) {
    const word = numbers.uint32();
    for (let j = i; j < Math.min(i + 32, count); j++) all[j] = (word >>> (j - i)) & 1;
  }
  return all;
}

function denoisedInputs({ latents, time }: DenoisedBatch, shape: readonly number[]): HostTensors {
  const [batch, ...latentShape] = shape as [number, ...number[]];
  const each = latentShape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(batch * each);
  const replaced = new Float32Array(batch);
  const weights = new Float32Array(batch).fill(1);
  for (const [i, values] of latents) {
    data.set(values, i * each);
    replaced[i] = 1;
    weights[i] = 1 - time; // what is lost in the noise cannot be reconstructed
  }
  return {
    denoised: { dtype: "f32", shape, data },
    replaced: { dtype: "f32", shape: [batch], data: replaced },
    weights: { dtype: "f32", shape: [batch], data: weights },
  };
}
