// The embedded model's denoiser: a small U-Net over 16×16×16 latents, folded to 8×8 at once, with attention
// to the words at 8×8 and 4×4. The shape follows Ho et al. 2020 (arXiv:2006.11239), the zero-initialised
// modulation Peebles and Xie 2023 (arXiv:2212.09748), the joint attention of text and image tokens with
// normalised queries and keys Esser et al. 2024 (arXiv:2403.03206). It predicts velocity: noise − latents
// (Liu et al. 2022, arXiv:2209.03003).
import {
  add,
  concat,
  div,
  fixedSize,
  foldPixels,
  layerNorm,
  maximum,
  mul,
  reshape,
  rsqrt,
  type Scope,
  silu,
  square,
  sub,
  type Tensor,
  unfoldPixels,
  unsqueeze,
} from "../graph/index.js";
import { attend, convLast, dense, mlp, sinusoidal } from "../nn/index.js";
import { explain, flag, oneOf, z } from "../schema/index.js";
import { hidePadding, meanOfTokens, perHeadNorm } from "./caption.js";
import { modulate, modulation } from "./modulation.js";
import { readPlacement } from "./placement.js";
import { modulatedStage } from "./residual-stage.js";
import { pairOf, repeats, size, stageList } from "./sizes.js";
import { wordRegions, wordRegionsSchema } from "./word-regions.js";

const blockList = stageList(["conv", "attention"]);

/**
 * Stages at the latents' full size. The trunk folds 2×2 cells into one at once and decides the composition;
 * these stages see every cell before and after it, and draw the outlines. Their output starts at zero, so a
 * network trained without them continues unchanged.
 */
export const fineStagesSchema = z.strictObject({
  width: explain(size, "channels at the latents' own size"),
  down: explain(repeats, "convolutions there before the trunk"),
  up: explain(repeats, "convolutions there after it, on the sum of what both know"),
});

export type FineStagesConfig = z.infer<typeof fineStagesSchema>;

/** The sizes of a denoiser. */
export const denoiserSchema = z.strictObject({
  latentSize: explain(size, "height and width of the latents"),
  latentChannels: explain(size, "channels of the latents"),
  widths: explain(pairOf(size), "channels at 1/2 and at 1/4 of the latents' size"),
  down: explain(blockList, "blocks on the way down, at each of the two sizes"),
  middle: explain(blockList, "blocks in the middle"),
  up: explain(blockList, "blocks on the way up"),
  headWidth: explain(size, "channels of an attention head"),
  textWidth: explain(size, "width of the text encoder's states"),
  wordWidth: explain(size, "width of the words inside the denoiser"),
  conditionWidth: explain(size, "width of the vector that modulates all blocks"),
  /** See {@link precondition}. */
  preconditioned: explain(
    flag.optional(),
    "scale the input, and add what a linear guess knows of the velocity (default: false)",
  ),
  regions: explain(
    wordRegionsSchema.optional(),
    "give every cell of a grid its own mean of the words (default: one for the whole image)",
  ),
  fine: explain(
    fineStagesSchema.optional(),
    "convolutions at the latents' own size, which draw the outlines (default: none)",
  ),
  placement: explain(flag.optional(), "see where each thing lies, where that is known (default: false)"),
  predicts: explain(
    oneOf(["velocity", "clean"]).optional(),
    'what the network gives: "velocity" or the "clean" latents (default: "velocity")',
  ),
});

export type DenoiserConfig = z.infer<typeof denoiserSchema>;
type Stage = DenoiserConfig["down"][number];

export const denoiserConfigs = {
  /** The embedded model's: 9 million parameters, 0.44 GFLOP an evaluation. */
  small: {
    latentSize: 16,
    latentChannels: 16,
    widths: [128, 384],
    down: ["conv", "attention", "conv", "conv"],
    middle: ["conv", "attention", "conv"],
    up: ["conv", "attention", "conv", "attention", "conv"],
    headWidth: 32,
    textWidth: 384,
    wordWidth: 192,
    conditionWidth: 384,
    regions: { side: 4, width: 128 },
  },
  /** For tests. */
  tiny: {
    latentSize: 16,
    latentChannels: 4,
    widths: [16, 32],
    down: ["conv", "attention"],
    middle: ["conv", "attention"],
    up: ["attention", "conv"],
    headWidth: 8,
    textWidth: 384,
    wordWidth: 16,
    conditionWidth: 32,
  },
} as const satisfies Record<string, DenoiserConfig>;

export interface DenoiserInputs {
  /** `[batch, size, size, channels]` */
  readonly latents: Tensor;
  /** `[batch]`, 0 for a clean image to 1 for noise. */
  readonly time: Tensor;
  /** Token states of the text encoder, `[batch, tokens, textWidth]`. */
  readonly text: Tensor;
  /** `[batch, tokens]`, 1 for a token and 0 for padding; all 0 means no caption. */
  readonly mask: Tensor;
  /**
   * For networks with placement, `[batch, size, size, placementChannels]`: see `placement.ts`. If omitted,
   * unknown.
   */
  readonly placement?: Tensor | undefined;
}

interface Words {
  readonly tokens: Tensor; // [batch, tokens, wordWidth]
  readonly mask: Tensor; // [batch, tokens]
}

const silent = { kind: "zeros" } as const;

/**
 * Predicts velocity `[batch, size, size, channels]`.
 *
 * Records the regions' word weights, if the network has regions: "regions.shares" `[batch, side², tokens]`;
 * and the "probabilities" of every attention `[batch, heads, positions, positions + tokens]`, as
 * "middle.1.probabilities".
 */
export function denoise(scope: Scope, inputs: DenoiserInputs, config: DenoiserConfig): Tensor {
  const { mask } = inputs;
  const { latents, velocity } = frame(inputs, config);
  const [width, middleWidth] = config.widths;
  const side = config.latentSize / 2;
  const words = readWords(scope.child("words"), inputs, config);

  let x = convLast(scope.child("stem"), foldPixels(latents, 2), width); // [batch, 8, 8, width]
  x = add(x, scope.parameter("position", [side, side, width], { kind: "normal", deviation: 0.02 }));
  const { placement } = config.placement ? inputs : {};
  if (placement) x = add(x, readPlacement(scope.child("placement.trunk"), placement, 2, width));
  const condition = makeCondition(scope, x, inputs, config);
  const context = { words: { tokens: words, mask }, condition, headWidth: config.headWidth };
  const fine = config.fine && readFine(scope.child("fine"), { latents, placement }, config.fine, context);
  if (fine) x = add(x, dense(scope.child("fine.fold"), foldPixels(fine, 2), width, { init: silent }));
  const skip = stages(scope.child("down"), x, config.down, context);

  x = dense(scope.child("shrink"), foldPixels(skip, 2), middleWidth); // [batch, 4, 4, middleWidth]
  x = stages(scope.child("middle"), x, config.middle, context);
  x = unfoldPixels(dense(scope.child("grow"), x, width * 4), 2); // [batch, 8, 8, width]

  x = dense(scope.child("merge"), concat([x, skip], -1), width);
  x = stages(scope.child("up"), x, config.up, context);
  const coarse = unfoldPixels(readOut(scope, x, config.latentChannels * 4, condition), 2);
  const output = fine
    ? add(coarse, drawFine(scope.child("fine"), fine, x, config.fine!, config.latentChannels, context))
    : coarse;
  return velocity(output);
}

/** Modulates, normalises, and applies a zero-initialised convolution. */
function readOut(scope: Scope, x: Tensor, channels: number, condition: Tensor): Tensor {
  const width = fixedSize(x, 3);
  const [scale, shift] = modulation(scope.child("last.modulation"), condition, width, 2);
  return convLast(scope.child("velocity"), modulate(layerNorm(x), scale, shift), channels, { init: silent });
}

/** Latents `[batch, size, size, channels]` → `[batch, size, size, width]`, before the trunk. */
function readFine(
  scope: Scope,
  { latents, placement }: { readonly latents: Tensor; readonly placement?: Tensor | undefined },
  { width, down }: FineStagesConfig,
  context: Context,
): Tensor {
  const side = fixedSize(latents, 1);
  const position = scope.parameter("position", [side, side, width], { kind: "normal", deviation: 0.02 });
  let x = add(convLast(scope.child("stem"), latents, width), position);
  if (placement) x = add(x, readPlacement(scope.child("placement"), placement, 1, width));
  return stages(scope.child("down"), x, new Array<Stage>(down).fill("conv"), context);
}

/** Decodes the trunk's features `[batch, size/2, size/2, …]` at the latents' full size. */
function drawFine(
  scope: Scope,
  fine: Tensor,
  trunk: Tensor,
  { width, up }: FineStagesConfig,
  channels: number,
  context: Context,
): Tensor {
  const known = unfoldPixels(dense(scope.child("grow"), layerNorm(trunk), width * 4), 2);
  const x = stages(scope.child("up"), add(fine, known), new Array<Stage>(up).fill("conv"), context);
  return readOut(scope, x, channels, context.condition);
}

/** The network's input, and the meaning of its output. */
interface Framed {
  readonly latents: Tensor;
  readonly velocity: (output: Tensor) => Tensor;
}

function frame(inputs: DenoiserInputs, { preconditioned, predicts }: DenoiserConfig): Framed {
  if (preconditioned) return precondition(inputs);
  if (predicts === "clean") return towardsClean(inputs);
  return { latents: inputs.latents, velocity: (output) => output };
}

/**
 * Lower bound of the time, below which an error in the clean image would grow without bound in the velocity.
 */
const leastTime = 0.05;

/**
 * The network predicts clean latents, and the velocity follows: a narrow network need not carry all the noise
 * through (Li and He 2025, "Back to basics: let denoising generative models denoise", arXiv:2511.13720).
 */
function towardsClean({ latents, time }: DenoiserInputs): Framed {
  const t = maximum(reshape(time, [latents.shape[0]!, 1, 1, 1]), leastTime);
  return { latents, velocity: (clean) => div(sub(latents, clean), t) };
}

/**
 * The network sees latents of unit variance and predicts only what a linear guess of the velocity lacks, also
 * at unit variance (Karras et al. 2022, arXiv:2206.00364, section 5, for the path (1−t)·x0 + t·noise with
 * standardised x0):
 *
 *     s² = (1−t)² + t²     velocity = (2t−1)/s² · latents + output/s
 *
 * At t = 1 the output is −x0: noise need not pass through the narrow network.
 */
function precondition({ latents, time }: DenoiserInputs): Framed {
  const t = reshape(time, [latents.shape[0]!, 1, 1, 1]);
  const variance = add(square(t), square(sub(1, t)));
  const scale = rsqrt(variance);
  const known = mul(latents, div(sub(mul(t, 2), 1), variance));
  return { latents: mul(latents, scale), velocity: (output) => add(known, mul(output, scale)) };
}

interface Context {
  readonly words: Words;
  readonly condition: Tensor;
  readonly headWidth: number;
}

function stages(scope: Scope, x: Tensor, list: readonly Stage[], context: Context): Tensor {
  list.forEach((stage, i) => {
    x =
      stage === "conv"
        ? modulatedStage(scope.child(i), x, context.condition)
        : attentionStage(scope.child(i), x, context);
  });
  return x;
}

/** Computes x + W·attention of image tokens to image tokens and words together. */
function attentionStage(scope: Scope, x: Tensor, { words, condition, headWidth }: Context): Tensor {
  const [batch, height, width, channels] = x.shape as [number | string, number, number, number];
  const heads = channels / headWidth;
  const [scale, shift] = modulation(scope.child("modulation"), condition, channels, 2);
  const tokens = reshape(modulate(layerNorm(x), scale, shift), [batch, height * width, channels]);
  const project = (name: string, from: Tensor) => dense(scope.child(name), from, channels, { bias: false });
  const q = perHeadNorm(project("q", tokens), heads);
  const k = concat(
    [perHeadNorm(project("k", tokens), heads), perHeadNorm(project("wordsK", words.tokens), heads)],
    1,
  );
  const v = concat([project("v", tokens), project("wordsV", words.tokens)], 1);
  const mixed = attend(scope, q, k, v, { heads, bias: hidePadding(words.mask, height * width) });
  const out = dense(scope.child("out"), mixed, channels, { init: silent });
  return add(x, reshape(out, x.shape));
}

function readWords(scope: Scope, { text }: DenoiserInputs, { wordWidth }: DenoiserConfig): Tensor {
  return dense(scope.child("in"), layerNorm(text), wordWidth);
}

/**
 * Time and the mean of the words, each through a two-layer network: the modulation of all blocks, `[batch,
 * conditionWidth]`, or of every cell: `[batch, side, side, conditionWidth]`.
 */
function makeCondition(
  scope: Scope,
  image: Tensor,
  { time, text, mask }: DenoiserInputs,
  { conditionWidth: width, regions: grid }: DenoiserConfig,
): Tensor {
  const inner = scope.child("condition");
  const fromTime = mlp(inner.child("time"), sinusoidal(time, 128, { scale: 1000 }), width, width);
  const normal = layerNorm(text);
  const fromText = (mean: Tensor) => mlp(inner.child("text"), mean, width, width);
  const whole = add(fromTime, fromText(meanOfTokens(normal, mask))); // [batch, width]
  if (!grid) return whole;
  const regions = wordRegions(scope.child("regions"), { image, text: normal, mask, condition: whole }, grid);
  // Words alone do not reveal that they describe only half of the image, nor how large that makes a thing.
  const fromPlace = dense(inner.child("place"), silu(regions.cells), width, { init: silent });
  const cells = add(add(unsqueeze(fromTime, 1), fromText(regions.means)), fromPlace); // [batch, side², width]
  return reshape(cells, [cells.shape[0]!, grid.side, grid.side, width]);
}
