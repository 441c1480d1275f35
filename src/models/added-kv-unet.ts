// The U-Net that Karlo, Kandinsky 2 and DeepFloyd IF share: residual blocks that the time scales and shifts and that also
// change the size (Dhariwal and Nichol 2021, arXiv:2105.05233, section 3), and attention in which the text's keys and
// values join those of the image under one softmax (GLIDE: Nichol et al. 2021, arXiv:2112.10741, section 3). Sizes and
// parameter names follow diffusers' UNet2DConditionModel with "SimpleCrossAttn" blocks; without attention, it is the
// UNet2DModel of Karlo's super-resolution. Height and width may be symbols. Channels-first.
import { NishikiError } from "../errors.js";
import {
  add,
  concat,
  type Dim,
  fill,
  fixedSize,
  mean,
  mul,
  type Program,
  reshape,
  type Scope,
  type Tensor,
  type TraceOptions,
  trace,
  transpose,
} from "../graph/index.js";
import {
  activations,
  attend,
  conv2d,
  dense,
  groupNorm,
  groupNormTokens,
  norm,
  sinusoidal,
} from "../nn/index.js";
import type {
  AddedEmbedding,
  AddedKvAttention,
  AddedKvLevel,
  AddedKvUnetConfig,
  AddedTokens,
} from "./added-kv-unet-config.js";
import { embedClass, embedTwice, getLabelInput } from "./class-embedding.js";
import { residualBlock } from "./residual-block.js";

export interface AddedKvUnetInputs {
  /** Noisy pixels or latents, and what joins them as further channels: `[batch, inChannels, height, width]`. */
  readonly sample: Tensor;
  /** Training timesteps, fractions allowed: `[batch]`. */
  readonly timestep: Tensor;
  /** The text states, of the width that the config's tokens take: `[batch, tokens, width]`. */
  readonly encoderStates?: Tensor;
  /** The pooled text embedding: `[batch, textWidth]`. */
  readonly pooledText?: Tensor;
  /** The image embedding: `[batch, imageWidth]`. */
  readonly imageEmbedding?: Tensor;
  /** The class, or what takes its place; its form depends on the kind of the embedding. */
  readonly classLabels?: Tensor;
  /** 1 where a token is seen, 0 where it is hidden: `[batch, tokens]`. */
  readonly mask?: Tensor;
}

/** Shared by all blocks. */
interface Context {
  readonly config: AddedKvUnetConfig;
  readonly time: Tensor; // [batch, timeWidth]
  readonly tokens: Tensor | undefined; // [batch, tokens, crossWidth]
  readonly mask: Tensor | undefined; // [batch, tokens]
}

/** Tokens that an image embedding becomes; fixed in the reference. */
const imageTokens = { image: 32, textImage: 10 } as const;

/** Fixed in the reference: the epsilon of attention's normalisations, and the groups of the added tokens'. */
const attentionEpsilon = 1e-5;
const crossGroups = 32;

/** Added to the scores of hidden tokens. */
const hidden = -10_000;

/**
 * Predicts noise, and variances where the network has learned them: `[batch, outChannels, height, width]`. Height and
 * width are multiples of {@link getUnetStep}.
 *
 * Records the "probabilities" of every attention under the attention's name: `[batch, heads, positions, keys]`, where
 * the keys are the tokens, then the positions.
 */
export function addedKvUnet(scope: Scope, config: AddedKvUnetConfig, inputs: AddedKvUnetInputs): Tensor {
  const { down, up, middleScale } = config;
  const context: Context = {
    config,
    time: embedTime(scope, config, inputs),
    tokens: config.tokens && makeTokens(scope, config.tokens, config.crossWidth, inputs),
    mask: inputs.mask,
  };
  let x = conv2d(scope.child("conv_in"), inputs.sample, down[0]!.width); // [batch, widths[0], height, width]
  const skips = [x];
  down.forEach((level, i) => {
    const block = scope.child("down_blocks").child(i);
    for (let layer = 0; layer < level.layers; layer++) {
      x = step(block, layer, x, level, context);
      skips.push(x);
    }
    if (i === down.length - 1) return;
    x = residual(block.child("downsamplers.0"), x, level.width, context, "half");
    skips.push(x);
  });
  x = inTheMiddle(scope.child("mid_block"), x, context, middleScale);
  up.forEach((level, i) => {
    const block = scope.child("up_blocks").child(i);
    for (let layer = 0; layer < level.layers; layer++)
      x = step(block, layer, concat([x, skips.pop()!], 1), level, context);
    if (i < up.length - 1) x = residual(block.child("upsamplers.0"), x, level.width, context, "double");
  });
  const { groups, epsilon, activation, outChannels } = config;
  const last = activations[activation](groupNorm(scope.child("conv_norm_out"), x, groups, epsilon));
  return conv2d(scope.child("conv_out"), last, outChannels);
}

/** The number that divides height and width. */
export const getUnetStep = ({ down }: Pick<AddedKvUnetConfig, "down">): number => 2 ** (down.length - 1);

/** Embeds the time, and everything that conditions the whole network: `[batch, timeWidth]`. */
function embedTime(scope: Scope, config: AddedKvUnetConfig, inputs: AddedKvUnetInputs): Tensor {
  const { down, activation, timeWidth, timeActivation, classEmbedding, addition } = config;
  const sinusoidWidth = down[0]!.width;
  const angles = sinusoidal(inputs.timestep, sinusoidWidth);
  let sum = embedTwice(scope.child("time_embedding"), angles, timeWidth, activation);
  if (classEmbedding) {
    const labels = requireInput(inputs.classLabels, "classLabels");
    const sizes = { timeWidth, sinusoidWidth, activation };
    sum = add(sum, embedClass(scope.child("class_embedding"), classEmbedding, labels, sizes));
  }
  if (addition) sum = add(sum, embedAddition(scope.child("add_embedding"), addition, timeWidth, inputs));
  return timeActivation ? activations[timeActivation](sum) : sum;
}

/** `→ [batch, timeWidth]` */
function embedAddition(
  scope: Scope,
  addition: AddedEmbedding,
  timeWidth: number,
  inputs: AddedKvUnetInputs,
): Tensor {
  const project = (name: string, x: Tensor) => dense(scope.child(name), x, timeWidth);
  const image = () => project("image_proj", requireInput(inputs.imageEmbedding, "imageEmbedding"));
  switch (addition.kind) {
    case "text": {
      const states = norm(scope.child("norm1"), requireInput(inputs.encoderStates, "encoderStates"));
      const pooled = poolByAttention(scope.child("pool"), states, addition.heads);
      return norm(scope.child("norm2"), project("proj", pooled));
    }
    case "text-image": {
      const text = project("text_proj", requireInput(inputs.pooledText, "pooledText"));
      return add(image(), norm(scope.child("text_norm"), text));
    }
    case "image":
      return norm(scope.child("image_norm"), image());
  }
}

/** The mean token looks at itself and all tokens: `x [batch, tokens, width] → [batch, width]`. */
function poolByAttention(scope: Scope, x: Tensor, heads: number): Tensor {
  const width = fixedSize(x, 2);
  const position = scope.parameter("positional_embedding", [1, width]);
  const query = add(mean(x, 1, { keepAxes: true }), position); // [batch, 1, width]
  const all = concat([query, x], 1); // [batch, 1 + tokens, width]
  const map = (name: string, from: Tensor) => dense(scope.child(name), from, width);
  const mixed = attend(scope, map("q_proj", query), map("k_proj", all), map("v_proj", all), { heads });
  return reshape(mixed, [x.shape[0]!, width]);
}

/** The tokens that attention adds: `[batch, tokens, crossWidth]`. */
function makeTokens(scope: Scope, tokens: AddedTokens, width: number, inputs: AddedKvUnetInputs): Tensor {
  const text = () => requireInput(inputs.encoderStates, "encoderStates");
  const network = scope.child("encoder_hid_proj");
  const image = (count: number) => {
    const embedding = requireInput(inputs.imageEmbedding, "imageEmbedding");
    const flat = dense(network.child("image_embeds"), embedding, count * width);
    return reshape(flat, [embedding.shape[0]!, count, width]);
  };
  switch (tokens.kind) {
    case "states":
      return text();
    case "text":
      return dense(network, text(), width);
    case "text-image":
      return concat([image(imageTokens.textImage), dense(network.child("text_proj"), text(), width)], 1);
    case "image":
      return norm(network.child("norm"), image(imageTokens.image));
  }
}

/** A residual block, and attention if the level has it. */
function step(block: Scope, layer: number, x: Tensor, level: AddedKvLevel, context: Context): Tensor {
  x = residual(block.child("resnets").child(layer), x, level.width, context);
  return level.attention
    ? joinTokens(block.child("attentions").child(layer), x, level.attention, context)
    : x;
}

function inTheMiddle(scope: Scope, x: Tensor, context: Context, outputScale: number): Tensor {
  const { config } = context;
  const middle = { ...context, config: { ...config, outputScale } };
  const { width } = config.down.at(-1)!;
  x = residual(scope.child("resnets.0"), x, width, middle);
  if (config.middle) x = joinTokens(scope.child("attentions.0"), x, config.middle, context);
  return residual(scope.child("resnets.1"), x, width, middle);
}

function residual(
  scope: Scope,
  x: Tensor,
  width: number,
  { config, time }: Context,
  resize?: "half" | "double",
): Tensor {
  const { groups, epsilon, activation, scaleShift, activatesTime, outputScale } = config;
  const options = { groups, epsilon, activation, scaleShift, activatesTime, outputScale, time };
  return residualBlock(scope, x, width, { ...options, ...(resize && { resize }) });
}

/** Every position looks at the tokens and at all positions: `x [batch, channels, height, width]` → the same shape. */
function joinTokens(
  scope: Scope,
  x: Tensor,
  { heads, crossOnly }: AddedKvAttention,
  context: Context,
): Tensor {
  const { config, mask } = context;
  const [batch, channels] = x.shape as [Dim, number];
  const flat = reshape(x, [batch, channels, -1]);
  const normed = groupNorm(scope.child("group_norm"), flat, config.groups, attentionEpsilon);
  const places = transpose(normed, [0, 2, 1]); // [batch, height·width, channels]
  const tokens = normalizeTokens(scope, requireInput(context.tokens, "tokens"), config);
  const map = (name: string, from: Tensor) => dense(scope.child(name), from, channels);
  const join = (name: "k" | "v") => {
    const added = map(`add_${name}_proj`, tokens);
    return crossOnly ? added : concat([added, map(`to_${name}`, places)], 1); // [batch, tokens + positions, channels]
  };
  const bias = mask && hideTokens(mask, crossOnly ? 0 : places.shape[1]!);
  const options = { heads, ...(bias && { bias }) };
  const mixed = attend(scope, map("to_q", places), join("k"), join("v"), options);
  const seen = map("to_out.0", mixed);
  return add(reshape(transpose(seen, [0, 2, 1]), x.shape), x);
}

/** Normalises over the channels of groups and all tokens, where the config asks for it. */
function normalizeTokens(scope: Scope, tokens: Tensor, { crossNorm }: AddedKvUnetConfig): Tensor {
  if (!crossNorm) return tokens;
  return groupNormTokens(scope.child("norm_cross"), tokens, crossGroups, attentionEpsilon);
}

/** The bias that hides tokens and no position: `[batch, 1, 1, tokens + positions]`. */
function hideTokens(mask: Tensor, positions: Dim): Tensor {
  const [batch, tokens] = mask.shape as [Dim, Dim];
  const bias = reshape(mul(add(mask, -1), -hidden), [batch, 1, 1, tokens]);
  if (positions === 0) return bias;
  return concat([bias, fill(mask.graph, [batch, 1, 1, positions], 0)], 3);
}

function requireInput(tensor: Tensor | undefined, name: string): Tensor {
  if (tensor) return tensor;
  throw new NishikiError("internal", `addedKvUnet: its config needs the input ${name}.`);
}

/**
 * Records the network. Its inputs, as far as the config needs them: "sample", "timestep", "states", "text" (the pooled
 * text), "image", "labels" and, if `masked`, "mask"; see {@link AddedKvUnetInputs}. Its output: "prediction".
 */
export function traceAddedKvUnet(
  config: AddedKvUnetConfig,
  { masked = false, ...options }: TraceOptions & { readonly masked?: boolean } = {},
): Program {
  const step = getUnetStep(config);
  const { addition, tokens, classEmbedding, timeWidth } = config;
  const statesWidth =
    tokens?.kind === "states" ? config.crossWidth : tokens?.kind !== "image" && tokens?.width;
  const image = [addition, tokens].find((part) => part && "imageWidth" in part);
  return trace((t) => {
    const inputs: AddedKvUnetInputs = {
      sample: t.input("sample", ["batch", config.inChannels, `height*${step}`, `width*${step}`]),
      timestep: t.input("timestep", ["batch"]),
      ...(statesWidth && { encoderStates: t.input("states", ["batch", "tokens", statesWidth]) }),
      ...(addition?.kind === "text-image" && {
        pooledText: t.input("text", ["batch", addition.textWidth]),
      }),
      ...(image &&
        "imageWidth" in image && { imageEmbedding: t.input("image", ["batch", image.imageWidth]) }),
      ...(classEmbedding && { classLabels: t.input("labels", ...getLabelInput(classEmbedding, timeWidth)) }),
      ...(masked && { mask: t.input("mask", ["batch", "tokens"]) }),
    };
    return { prediction: addedKvUnet(t.scope(), config, inputs) };
  }, options);
}
