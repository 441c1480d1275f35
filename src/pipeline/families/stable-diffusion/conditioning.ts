// Encodes Stable Diffusion's prompts: picks the encoders' layers, handles empty prompts, and warns about lengths.

import { checkAborted } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import type { PromptTokens } from "../../probe.js";
import { mostChunks } from "../../prompt/chunks.js";
import { type Conditionings, nameParts, splitComposition } from "../../prompt/composition.js";
import type { ClipEncoder, PromptLength, TextConditioning } from "../../prompt/encode-clip.js";
import { encodePrompts } from "../../prompt/encode-clip.js";
import { type Scheduled, schedulePrompt } from "../../prompt/prompt-editing.js";
import {
  findUnsupportedSyntax,
  findUnusedWords,
  type LearnedWordName,
} from "../../prompt/unsupported-syntax.js";
import { f32, floats } from "../../tensors.js";
import type { StableDiffusionModel, Tokenizers } from "./model.js";
import type { Networks } from "./networks.js";
import type { TextProgramOptions } from "./programs.js";

/** The encoder layers that the denoiser was trained on; for XL, the second-to-last ones without the final normalisation. */
export function getTextOptions(
  { textEncoders }: Pick<StableDiffusionModel, "textEncoders">,
  clipSkip = 0,
): TextProgramOptions {
  const isDouble = textEncoders.length > 1;
  return isDouble ? { skip: clipSkip + 1, normalized: false } : { skip: clipSkip, normalized: true };
}

/** The position of the token whose state is pooled: the first end token, or, in old configs, the largest id. */
export function findEnd(ids: Int32Array, endToken: number): number {
  const at =
    endToken === 2 ? ids.indexOf(ids.reduce((most, id) => Math.max(most, id))) : ids.indexOf(endToken);
  return Math.max(0, at);
}

function makeEncoder(
  model: TextModel,
  tokenizers: Tokenizers,
  networks: Networks,
  index: number,
  options: TextProgramOptions,
): ClipEncoder {
  const { positions, width, projection, endToken } = model.textEncoders[index]!;
  const key = { part: "text encoder", index, skip: options.skip } as const;
  const run = async (ids: Int32Array) => {
    checkAborted(networks.signal);
    const texts = ids.length / positions;
    const ends = Int32Array.from({ length: texts }, (_, i) => {
      const row = ids.subarray(i * positions, (i + 1) * positions);
      return i * positions + findEnd(row, endToken);
    });
    const inputs = {
      ids: { dtype: "i32" as const, shape: [texts, positions], data: ids },
      ...(projection !== undefined && { ends: { dtype: "i32" as const, shape: [texts], data: ends } }),
    };
    const outputs = await networks.use(key, (session) => session.run(inputs));
    return {
      states: floats(outputs, "states"),
      ...(projection !== undefined && { vectors: floats(outputs, "vectors") }),
    };
  };
  return { tokenizer: tokenizers[index]!, positions, width, run };
}

function warn(name: string, { tokens, dropped, chunks }: PromptLength, room: number): string[] {
  if (dropped > 0) {
    const limit = `limit of ${tokens - dropped} (${mostChunks} parts of ${room})`;
    return [`The ${name} has ${tokens} tokens, over the ${limit}; the last ${dropped} are ignored.`];
  }
  return chunks > 1
    ? [`The ${name} has ${tokens} tokens; it is encoded in ${chunks} parts of up to ${room}.`]
    : [];
}

/** An inpainting network also draws without a mask, but was not trained for it. */
function warnWithoutMask({ unet, autoencoder }: TextModel, isInpainting: boolean): string[] {
  if (isInpainting || unet.inChannels !== 2 * autoencoder.latentChannels + 1) return [];
  const kind = `This is an inpainting model: its denoiser takes ${unet.inChannels} channels, including a mask`;
  return [
    `${kind}. Without --image and --mask (init and inpaint), it draws the whole image, and worse than a plain model.`,
  ];
}

/** What encoding needs to know of a model. */
export type TextModel = Pick<
  StableDiffusionModel,
  "unet" | "autoencoder" | "textEncoders" | "zerosForEmptyPrompt"
>;

/** A request's prompts, encoded, over the steps in which they change. */
export interface EncodedConditioning {
  readonly conditioning: ConditioningSchedule;
  /** Those of the first step. */
  readonly tokens: Conditionings<PromptTokens>;
  readonly warnings: readonly string[];
}

export type ConditioningSchedule = Conditionings<Scheduled<TextConditioning>>;

/** The prompt or a part of it, or the negative prompt, over the steps. */
interface Side {
  readonly name: "prompt" | "negative prompt";
  readonly parts: Scheduled<string>;
  readonly encoders: readonly ClipEncoder[];
}

/**
 * Encodes the prompt and the negative prompt, once for all images of a request; a prompt that changes while it is drawn, once
 * per variant. As in diffusers, clip skip applies to the prompt only.
 * @param steps The steps that are taken.
 */
export async function encodeConditioning(
  model: TextModel,
  tokenizers: Tokenizers,
  networks: Networks,
  settings: ImageSettings,
  learned: readonly LearnedWordName[],
  steps: number,
): Promise<EncodedConditioning> {
  const encodersWith = (skip: number | undefined) => {
    const options = getTextOptions(model, skip);
    return model.textEncoders.map((_, index) => makeEncoder(model, tokenizers, networks, index, options));
  };
  const { clipSkip, inpaint } = settings;
  const forPrompt = encodersWith(clipSkip);
  const negative: Side = {
    name: "negative prompt",
    parts: schedulePrompt(settings.negativePrompt, steps),
    encoders: encodersWith(0),
  };
  const prompts = splitComposition(settings.prompt).map(
    ({ text }): Side => ({ name: "prompt", parts: schedulePrompt(text, steps), encoders: forPrompt }),
  );
  const sides = [...prompts, negative];
  const texts = sides.flatMap(({ name, parts, encoders }) =>
    [...new Set(parts.map(({ value }) => value))].map((text) => ({ name, text, encoders })),
  );
  const { conditionings, lengths, tokens } = await encodePrompts(texts);
  const at = (side: Side, text: string) =>
    texts.findIndex((one) => one.name === side.name && one.text === text);
  const hasZeros = model.textEncoders.length > 1 && model.zerosForEmptyPrompt;
  const schedule = (side: Side): Scheduled<TextConditioning> =>
    side.parts.map(({ until, value }) => {
      const encoded = conditionings[at(side, value)]!;
      return { until, value: side.name !== "prompt" && value === "" && hasZeros ? zero(encoded) : encoded };
    });
  const room = model.textEncoders[0]!.positions - 2;
  const firstTokens = (side: Side) => tokens[at(side, side.parts[0]!.value)]!;
  return {
    conditioning: nameParts(prompts.map(schedule), schedule(negative)),
    tokens: nameParts(prompts.map(firstTokens), firstTokens(negative)),
    warnings: unique([
      ...warnWithoutMask(model, inpaint !== undefined),
      ...texts.flatMap(({ name, text }) => findUnsupportedSyntax(text, "weights", name, name === "prompt")),
      ...findUnusedWords(
        learned,
        texts.map(({ text }) => text),
      ),
      ...texts.flatMap(({ name }, i) => warn(name, lengths[i]!, room)),
    ]),
  };
}

const unique = (messages: readonly string[]) => [...new Set(messages)];

/** Zeros in place of an empty prompt, for models trained that way. */
function zero({ states, tokens, vector }: TextConditioning): TextConditioning {
  return {
    states: new Float32Array(states.length),
    tokens,
    ...(vector && { vector: new Float32Array(vector.length) }),
  };
}

/** Embeds a distilled network's guidance scale as sines and cosines (Meng et al. 2023, arXiv 2210.03142). */
export function embedGuidance(scale: number, width: number): Float32Array {
  const half = Math.floor(width / 2);
  return Float32Array.from({ length: width }, (_, i) => {
    if (i >= 2 * half) return 0;
    const angle = (scale - 1) * 1000 * Math.exp((-Math.log(10_000) * (i % half)) / Math.max(1, half - 1));
    return i < half ? Math.sin(angle) : Math.cos(angle);
  });
}

/** A float32 tensor with one row per condition of an evaluation. */
export function makeRows<C>(
  conditions: readonly C[],
  getRow: (condition: C) => Float32Array,
  ...shape: number[]
) {
  const { length } = getRow(conditions[0]!);
  const data = new Float32Array(conditions.length * length);
  conditions.forEach((condition, i) => {
    data.set(getRow(condition), i * length);
  });
  return f32(data, conditions.length, ...shape);
}
