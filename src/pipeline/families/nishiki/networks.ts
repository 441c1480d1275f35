// A model's three networks as this pipeline runs them: prompt → embeddings, noisy latents → velocity, latents → pixels.
import { type Denoiser, getDenoiser, getFlowSchedule, type NoiseSchedule } from "../../../diffusion/index.js";

import type { HostTensor } from "../../../engine/index.js";
import { NishikiError } from "../../../errors.js";
import { placementChannels } from "../../../models/index.js";
import type { Tokenizer } from "../../../tokenizer/index.js";
import { type CellRule, resizeMask } from "../../mask.js";
import { type Pixels, toBytes } from "../../pixels.js";
import { makePromptTokens, type PromptTokens } from "../../probe.js";
import type { LazySession } from "../../session-pool.js";
import { f32, floats, stack } from "../../tensors.js";
import type { ModelManifest } from "./manifest.js";
import type { SuperResolution } from "./super-resolution.js";

/** The sessions of a model's networks; programs.ts says what goes in and out of each. Each is loaded by its first run. */
export interface NetworkSessions {
  readonly textEncoder: LazySession;
  readonly denoiser: LazySession;
  /** The denoiser with its attention as further outputs: see `probe.ts`. */
  readonly observedDenoiser: LazySession;
  readonly decoder: LazySession;
  /** Undefined where the model's weights have none. */
  readonly encoder?: LazySession;
  /** A denoiser that was distilled to few steps. */
  readonly fewStep?: LazySession;
  /** Doubles images. */
  readonly superResolution?: SuperResolution;
}

/** A prompt as the denoiser takes it. */
export interface PromptEmbeddings {
  /** [tokens, width], zeros where there is no token. */
  readonly states: Float32Array;
  /** [tokens], 1 where there is a token. */
  readonly mask: Float32Array;
  /** Where its things lie, for denoisers that see it: `[height, width, placementChannels]` of the latents. Left out: unknown. */
  readonly placement?: Float32Array;
}

/** The prompt's token states, and the words that did not fit. */
export async function encodePrompt(
  session: LazySession,
  tokenizer: Tokenizer,
  { maxTokens }: ModelManifest,
  text: string,
): Promise<{ embeddings: PromptEmbeddings; dropped: readonly string[]; tokens: PromptTokens }> {
  const { ids, mask, encodings } = tokenizer.encodeBatch([text], { length: maxTokens });
  const inputs = {
    ids: { dtype: "i32" as const, shape: [1, maxTokens], data: ids },
    mask: f32(mask, 1, maxTokens),
  };
  const states = floats(await session.run(inputs), "states");
  const width = states.length / maxTokens;
  for (let token = 0; token < maxTokens; token++) {
    if (mask[token] === 0) states.fill(0, token * width, (token + 1) * width);
  }
  const [encoding] = encodings;
  return {
    embeddings: { states, mask },
    dropped: encoding!.dropped,
    tokens: makePromptTokens(text, encoding!.tokens, encoding!.words),
  };
}

/** No caption, as training dropped them: no token at all, not even those at the ends of every text. */
export function getNoPrompt({ states, mask }: PromptEmbeddings): PromptEmbeddings {
  return { states: new Float32Array(states.length), mask: new Float32Array(mask.length) };
}

/** The model's noise schedule, as its manifest describes it. */
export function getSchedule({ defaults }: ModelManifest): NoiseSchedule {
  return getFlowSchedule({ shift: defaults.shift ?? 1 });
}

/**
 * The model's denoiser over latents [batch, height, width, channels], standardised.
 * @param hasPlacement Whether this network takes a map of where things lie.
 * @param onOutputs Receives all outputs of every run, and the network's time.
 */
export function makeDenoiser(
  session: LazySession,
  manifest: ModelManifest,
  hasPlacement: boolean,
  onOutputs?: (outputs: Readonly<Record<string, HostTensor>>, time: number) => void,
): Denoiser<PromptEmbeddings> {
  const { shape } = manifest.latents;
  const unknown = new Float32Array(shape[0] * shape[1] * placementChannels);
  const placementMap = ({ placement = unknown }: PromptEmbeddings) => placement;
  const network = async (input: Float32Array, time: number, condition: readonly PromptEmbeddings[]) => {
    const batch = condition.length;
    const mask = stack(condition.map(({ mask }) => mask));
    const text = stack(condition.map(({ states }) => states));
    const tokens = mask.length / batch;
    const outputs = await session.run({
      latents: f32(input, batch, ...shape),
      time: f32(new Float32Array(batch).fill(time), batch),
      text: f32(text, batch, tokens, text.length / mask.length),
      mask: f32(mask, batch, tokens),
      ...(hasPlacement && {
        placement: f32(stack(condition.map(placementMap)), batch, shape[0], shape[1], placementChannels),
      }),
    });
    onOutputs?.(outputs, time);
    return floats(outputs, "velocity");
  };
  return getDenoiser(manifest.prediction, network, getSchedule(manifest));
}

/** Standardised latents [height, width, channels] of one image → its pixels. */
export async function decodePixels(
  session: LazySession,
  { latents: { shape, mean, std }, pictureSize: size }: ModelManifest,
  latents: Float32Array,
): Promise<Pixels> {
  const raw = latents.map((value, i) => value * std[i % shape[2]]! + mean[i % shape[2]]!);
  const decoded = floats(await session.run({ latents: f32(raw, 1, ...shape) }), "pixels");
  if (decoded.length !== size * size * 3) {
    const expected = `expected an image of ${size}x${size} pixels`;
    throw new NishikiError("checkpoint", `Decoder: ${expected}, got ${decoded.length} numbers.`);
  }
  return { width: size, height: size, channels: 3, data: toBytes(decoded) };
}

/** An image [size, size, 3] in [-1, 1] → its standardised latents [height, width, channels]. */
export async function encodePixels(
  session: LazySession,
  { latents: { shape, mean, std }, pictureSize: size }: ModelManifest,
  values: Float32Array,
): Promise<Float32Array> {
  const raw = floats(await session.run({ pixels: f32(values, 1, size, size, 3) }), "latents");
  return raw.map((value, i) => (value - mean[i % shape[2]]!) / std[i % shape[2]]!);
}

/** A mask of the image, [size, size], as one number for each of the latents'. */
export function resizeLatentMask(
  {
    latents: {
      shape: [height, width, channels],
    },
    pictureSize: size,
  }: ModelManifest,
  mask: Uint8Array,
  rule: CellRule,
): Float32Array {
  const cells = resizeMask(mask, { width: size, height: size }, { width, height }, rule);
  return Float32Array.from({ length: cells.length * channels }, (_, i) => cells[Math.floor(i / channels)]!);
}
