// The networks of a config: a name of a table of sizes, or all sizes of one.
import {
  type AutoencoderConfig,
  autoencoderConfigs,
  type DenoiserConfig,
  denoiserConfigs,
  type FineStagesConfig,
  type JudgeConfig,
  judgeConfigs,
  type SuperResolutionConfig,
  superResolutionConfigs,
  type WordRegionsConfig,
} from "../models/index.js";
import {
  type Check,
  flag,
  isRecord,
  listOf,
  oneOf,
  optional,
  reject,
  wholeNumber,
} from "../pipeline/check.js";
import { pair, positive, size } from "./config-fields.js";
import { field, needed, recordWith, type Table } from "./fields.js";

/** A name of a table of networks, or all sizes of one. */
function networkOf<T>(presets: Readonly<Record<string, T>>, table: Table<T>): Check<T> {
  const names = Object.keys(presets);
  const explicit = recordWith(table);
  return (value, where) => {
    if (isRecord(value)) return explicit(value, where);
    const name = names.find((preset) => preset === value);
    return name === undefined
      ? reject(
          where,
          `one of ${names.map((each) => `"${each}"`).join(", ")}, or an object with all sizes`,
          value,
        )
      : presets[name]!;
  };
}

const triple = <T>(check: Check<T>): Check<readonly [T, T, T]> => {
  return (value, where) => listOf(check, 3)(value, where) as unknown as readonly [T, T, T];
};

const stages = listOf(oneOf(["conv", "attention"]));

export const autoencoderNetwork = networkOf<AutoencoderConfig>(autoencoderConfigs, {
  fold: needed(size, "pixels of a side that are folded into channels"),
  widths: needed(pair(size), "channels at 1/fold and 1/(2·fold) of the size"),
  encoderBlocks: needed(pair(wholeNumber(0, 1000)), "blocks of the encoder at each size"),
  decoderBlocks: needed(pair(wholeNumber(0, 1000)), "blocks of the decoder at each size"),
  latentChannels: needed(size, "channels of the latents"),
  positions: field(
    optional(size),
    "side at 1/fold of the size, for a decoder that knows where it is",
    undefined,
    "it does not",
  ),
});

export const denoiserNetwork = networkOf<DenoiserConfig>(denoiserConfigs, {
  latentSize: needed(size, "side of the latents"),
  latentChannels: needed(size, "channels of the latents"),
  widths: needed(pair(size), "channels at 1/2 and 1/4 of the latents' size"),
  down: needed(stages, "stages on the way down"),
  middle: needed(stages, "stages in the middle"),
  up: needed(stages, "stages on the way up"),
  headWidth: needed(size, "channels of an attention head"),
  textWidth: needed(size, "width of the text encoder's states"),
  wordWidth: needed(size, "width of words inside"),
  conditionWidth: needed(size, "width of the vector that modulates the blocks"),
  preconditioned: field(
    optional(flag),
    "true: the network gives only what a linear guess lacks",
    undefined,
    "false",
  ),
  regions: field(
    optional(
      recordWith<WordRegionsConfig>({
        side: needed(size, "cells along a side of the grid"),
        width: needed(size, "width of cells and words while they are compared"),
      }),
    ),
    "gives every cell of a grid its own mean of the words",
    undefined,
    "one for the whole picture",
  ),
  fine: field(
    optional(
      recordWith<FineStagesConfig>({
        width: needed(size, "channels at the latents' own size"),
        down: needed(wholeNumber(0, 1000), "convolutions there before the trunk"),
        up: needed(wholeNumber(0, 1000), "convolutions there after the trunk"),
      }),
    ),
    "convolutions at the latents' own size, which draw the outlines",
    undefined,
    "none",
  ),
  placement: field(
    optional(flag),
    "true: the network sees where each thing lies, where that is known",
    undefined,
    "false",
  ),
  predicts: field(
    optional(oneOf(["velocity", "clean"])),
    '"clean": the network gives the clean latents, from which the velocity follows',
    undefined,
    '"velocity"',
  ),
});

export const superResolutionNetwork = networkOf<SuperResolutionConfig>(superResolutionConfigs, {
  fold: needed(size, "pixels of a side that are folded into channels, an even number"),
  width: needed(size, "channels"),
  blocks: needed(wholeNumber(0, 1000), "blocks"),
  residualScale: needed(positive, "about the deviation of what is learned"),
});

export const judgeNetwork = networkOf<JudgeConfig>(judgeConfigs, {
  pictureSize: needed(size, "side of pictures in pixels"),
  fold: needed(size, "pixels of a side that are folded into channels"),
  widths: needed(triple(size), "channels at 1/fold, 1/(2·fold) and 1/(4·fold) of the size"),
  blocks: needed(triple(wholeNumber(0, 1000)), "blocks at each of them"),
  headWidth: needed(size, "channels of a head of the pooling attention, a divisor of the last width"),
});
