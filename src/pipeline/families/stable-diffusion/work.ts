// What an image of a Stable Diffusion model costs, counted from its networks' programs.
import type { Program } from "../../../graph/index.js";
import { splitPasses } from "../../complete-hires.js";
import type { ImageSettings } from "../../image-request.js";
import { chunkPrompt } from "../../prompt/chunks.js";
import { splitComposition } from "../../prompt/composition.js";
import { forecastMemory, getTiling } from "../../tile-forecast.js";
import { traceImageEncoder } from "../../vision/program.js";
import { countEvaluations, countRows, countWork, type NetworkWork } from "../../work.js";
import { getPriorWork } from "../unclip/prior-work.js";
import { getTextOptions } from "./conditioning.js";
import type { StableDiffusionModel, Tokenizers } from "./model.js";
import { traceTextEncoder, traceUnet } from "./programs.js";

/** Bytes that weights take in memory. On the CPU, large ones stay as they are in their files. */
export interface StoredBytes {
  readonly unet: number;
  readonly textEncoders: readonly number[];
}

export function getStableDiffusionWork(
  model: StableDiffusionModel,
  settings: ImageSettings,
  tokenizers: Tokenizers,
  stored?: StoredBytes,
): readonly NetworkWork[] {
  const { textEncoders } = model;
  const { first } = splitPasses(settings);
  const { positions } = textEncoders[0]!;
  const count = (text: string) => chunkPrompt(tokenizers[0]!, text, positions).chunks.length;
  const parts = splitComposition(first.prompt);
  const chunks = Math.max(...parts.map(({ text }) => count(text)), count(first.negativePrompt));
  const rows = (parts.length + 1) * chunks;
  const texts = textEncoders.map((config, i) =>
    countWork(traceTextEncoder(config, { ...getTextOptions(model), skip: 0 }), {
      ...{ network: "text encoder", group: "text", batch: "texts" },
      ...{ evaluations: rows, rows },
      ...(stored && { weightBytes: stored.textEncoders[i]! }),
    }),
  );
  const denoising = countDenoising(model, settings, chunks * positions, stored);
  return [...texts, ...countImagePrompt(model, first), ...denoising, ...countPixels(model, settings)];
}

function countImagePrompt(
  { imageEmbedding, ipAdapter }: StableDiffusionModel,
  settings: ImageSettings,
): readonly NetworkWork[] {
  const { imagePrompt, styleReference, layoutReference } = settings;
  if (imageEmbedding?.prior && !imagePrompt) {
    const needs = { blendsPrompt: false, drawsNegative: false, needsUncond: false };
    return getPriorWork(imageEmbedding.prior, settings, needs, new Map());
  }
  const { encoder } = imageEmbedding ?? ipAdapter ?? {};
  const groups = [imagePrompt, styleReference, layoutReference];
  const evaluations = groups.reduce((sum, group) => sum + (group?.images.length ?? 0), 0);
  if (!encoder || evaluations === 0) return [];
  const program = traceImageEncoder(encoder.config);
  return [countWork(program, { network: "image encoder", group: "text", evaluations })];
}

function countDenoising(
  { unet, autoencoder: { scale } }: StableDiffusionModel,
  settings: ImageSettings,
  tokens: number,
  stored: StoredBytes | undefined,
): readonly NetworkWork[] {
  const { first, second } = splitPasses(settings);
  const { guidance, deepCache } = first;
  // A distilled network takes the scale as an input; a scale up to 1 is the plain model.
  const isGuided = unet.timeConditionWidth === undefined && guidance > 1;
  const denoise = (network: string, program: Program, pass: ImageSettings, evaluations: number) =>
    countWork(program, {
      ...{ network, group: "denoise", evaluations, rows: countRows(pass, isGuided) },
      sizes: { height: pass.size.height / scale, width: pass.size.width / scale, tokens },
      ...(stored && { weightBytes: stored.unet }),
    });
  const whole = traceUnet(unet, { form: "whole" });
  const rows = countEvaluations(first, { isGuided });
  const full = deepCache ? Math.ceil(rows / deepCache.interval) : rows;
  const shallow =
    rows > full
      ? [denoise("denoiser, shallow part", traceUnet(unet, { form: "shallow" }), first, rows - full)]
      : [];
  const again = second
    ? [denoise("denoiser, second pass", whole, second, countEvaluations(second, { isGuided }))]
    : [];
  return [denoise("denoiser", whole, first, full), ...shallow, ...again];
}

/** The autoencoder, whose memory is measured rather than counted: its kernels need as much as its values. */
function countPixels({ autoencoder }: StableDiffusionModel, settings: ImageSettings): readonly NetworkWork[] {
  const { size, init, hires } = settings;
  const { scale } = autoencoder;
  const latents = { height: size.height / scale, width: size.width / scale };
  const run = (network: string, program: Program, tiled: Parameters<typeof forecastMemory>[0]) => ({
    ...countWork(program, { network, group: "decode", evaluations: 1, sizes: latents }),
    weightBytes: 0,
    valueBytes: forecastMemory(tiled, latents, getTiling(tiled, latents)),
  });
  const usesEncoder = init !== undefined || hires?.method === "lanczos";
  return [
    ...(usesEncoder ? [run("encoder", autoencoder.traceEncoder(), autoencoder.traceLargeEncoder())] : []),
    run("decoder", autoencoder.traceDecoder(), autoencoder.traceLargeDecoder()),
  ];
}
