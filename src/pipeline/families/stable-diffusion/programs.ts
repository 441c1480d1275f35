// The programs of Stable Diffusion's networks. Batch and size are symbols: one session serves all sizes.
import {
  type Dim,
  type Program,
  reshape,
  slice,
  type Tensor,
  type TraceOptions,
  type Tracer,
  trace,
} from "../../../graph/index.js";
import type {
  ClipTextConfig,
  ConditionalUnetConfig,
  CrossAttention,
  IpAdapterConfig,
} from "../../../models/index.js";
import {
  type AttendedImage,
  clipText,
  conditionalUnet,
  getLabelInput,
  lookAtImage,
  projectImage,
  projectText,
} from "../../../models/index.js";
import { type AttentionLayer, summarizeAttention } from "../../probe.js";

export interface TextProgramOptions {
  /** How many of the last layers are left out. */
  readonly skip: number;
  /** Whether the states are normalised at the end, as those that SD 1.x and 2.x take. */
  readonly normalized: boolean;
  /** Vectors of learned words; see `clipText`. */
  readonly learned?: Float32Array;
}

/** ids `[texts, positions]` → states `[texts, positions, width]`; with ends `[texts]` → vectors where it projects. */
export function traceTextEncoder(
  config: ClipTextConfig,
  { skip, normalized, learned }: TextProgramOptions,
  { adapt }: TraceOptions = {},
): Program {
  return trace(
    (tracer): Readonly<Record<string, Tensor>> => {
      const ids = tracer.input("ids", ["texts", config.positions], "i32");
      const text = clipText(tracer.scope(), config, { ids }, { skip, ...(learned && { learned }) });
      const states = normalized ? text.normalized : text.states;
      if (config.projection === undefined) return { states };
      const ends = tracer.input("ends", ["texts"], "i32");
      return { states, vectors: projectText(tracer.scope(), config, text.last, ends) };
    },
    { ...(adapt && { adapt }) },
  );
}

/** How many sizes XL takes: the original's, what was cropped, the one to draw; two numbers each. */
export const sizeCount = 6;

/** Width of the text vector that XL takes. */
export function getVectorWidth({
  timeWidth,
  inputWidth,
}: NonNullable<ConditionalUnetConfig["addition"]>): number {
  return inputWidth - sizeCount * timeWidth;
}

/**
 * The denoiser as a whole; the whole that also gives its deep features; the part that takes them from another step; the
 * whole that also gives its attention to the prompt.
 */
export const unetForms = ["whole", "deep", "shallow", "observed"] as const;
export type UnetForm = (typeof unetForms)[number];

const formOptions: Readonly<Record<UnetForm, TraceOptions>> = {
  whole: {},
  deep: { outputs: ["prediction", "deep"] },
  shallow: {
    substitute: (name, tensor, tracer) => (name === "deep" ? tracer.input(name, tensor.shape) : tensor),
  },
  observed: {
    derive: (recorded) =>
      summarizeAttention(
        [...recorded]
          .filter(([name]) => name.endsWith("attn2.probabilities"))
          .map(([layer, probabilities]): AttentionLayer => ({ kind: "attention", layer, probabilities })),
      ),
  },
};

/** Images that a denoiser attends to: the tokens of each, and the blocks that see it, or all. */
export interface ImageSlots {
  readonly tokens: number;
  readonly blocks: readonly (string | undefined)[];
}

/** The input for an image's keys or values. */
export const getImageInput = (image: number, part: "keys" | "values", attention: string) =>
  `image.${image}.${part}.${attention}`;

/** Inputs of each image, as {@link getImageInput} names them, `[batch, tokens, width]`, and "imageWeights", `[batch, images]`. */
function addImages(tracer: Tracer, { tokens, blocks }: ImageSlots): AttendedImage[] {
  const weights = tracer.input("imageWeights", ["batch", blocks.length]);
  const [batch] = weights.shape as [Dim];
  return blocks.map((seen, i) => {
    const input = (part: "keys" | "values", attention: string, width: number) =>
      tracer.input(getImageInput(i, part, attention), ["batch", tokens, width]);
    return {
      look: (attention, width) => ({
        keys: input("keys", attention, width),
        values: input("values", attention, width),
      }),
      weight: reshape(slice(weights, 1, i, i + 1), [batch, 1, 1]),
      ...(seen !== undefined && { blocks: seen }),
    };
  });
}

/**
 * The program of an IP-Adapter: an image encoder's output → keys and values for each cross-attention, by their names.
 */
export function traceImageProjection(
  config: IpAdapterConfig,
  attentions: readonly CrossAttention[],
): Program {
  const { kind, inputWidth } = config;
  const shape = kind === "linear" ? ["batch", inputWidth] : ["batch", "states", inputWidth];
  return trace((tracer) => {
    const tokens = projectImage(tracer.scope("image_proj"), config, tracer.input("image", shape));
    const widths = attentions.map(({ width }) => width);
    const all = lookAtImage(tracer.scope("ip_adapter"), tokens, widths);
    const outputs = attentions.flatMap(({ name }, i) => [
      [`keys.${name}`, all[i]!.keys] as const,
      [`values.${name}`, all[i]!.values] as const,
    ]);
    return Object.fromEntries(outputs);
  });
}

/**
 * sample `[batch, channels, height, width]`, timestep, states and what else the config asks for → prediction.
 * Deep features are `[batch, width, height, width]`: an output of the form "deep", an input of "shallow".
 */
export function traceUnet(
  config: ConditionalUnetConfig,
  {
    wraps = false,
    adapt,
    form = "whole",
    images,
  }: TraceOptions & { readonly form?: UnetForm; readonly images?: ImageSlots | undefined } = {},
): Program {
  return trace(
    (tracer): Readonly<Record<string, Tensor>> => {
      const sample = tracer.input("sample", ["batch", config.inChannels, "height", "width"]);
      const timestep = tracer.input("timestep", ["batch"]);
      const encoderStates = tracer.input("states", ["batch", "tokens", config.crossWidth]);
      const { addition, timeConditionWidth, classEmbedding } = config;
      const inputs = {
        sample,
        timestep,
        encoderStates,
        ...(addition && {
          pooledText: tracer.input("vector", ["batch", getVectorWidth(addition)]),
          timeIds: tracer.input("sizes", ["batch", sizeCount]),
        }),
        ...(classEmbedding && {
          classLabels: tracer.input("labels", ...getLabelInput(classEmbedding, 4 * config.down[0]!.width)),
        }),
        ...(images && { images: addImages(tracer, images) }),
        ...(timeConditionWidth !== undefined && {
          timeCondition: tracer.input("guidance", ["batch", timeConditionWidth]),
        }),
      };
      return { prediction: conditionalUnet(tracer.scope(), config, inputs) };
    },
    { wraps, ...(adapt && { adapt }), ...formOptions[form] },
  );
}
