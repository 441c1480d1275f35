// The classifier that scores generated images: a small convolutional network that says what an image shows.
// It pools by attention (after Lee et al. 2019, arXiv:1810.00825) with three queries computed from the image:
// one for the whole image, two for the first and second thing in image order (left before right, top before
// bottom). It uses the autoencoder's residual blocks; images are channels-last.
import {
  add,
  attention,
  foldPixels,
  layerNorm,
  mean,
  reshape,
  type Scope,
  silu,
  slice,
  type Tensor,
} from "../graph/index.js";
import { dense, mlp } from "../nn/index.js";
import { explain, z } from "../schema/index.js";
import { residualStage } from "./residual-stage.js";
import { repeats, size, tripleOf } from "./sizes.js";

/** Sizes of a classifier. */
export const classifierSchema = z.strictObject({
  pictureSize: explain(size, "side of images in pixels"),
  fold: explain(size, "pixels of a side that are folded into the first layer's channels"),
  widths: explain(tripleOf(size), "channels at 1/fold, 1/(2·fold) and 1/(4·fold) of the size"),
  blocks: explain(tripleOf(repeats), "residual blocks at each of the three sizes"),
  headWidth: explain(size, "channels of a head of the pooling attention; a divisor of the last width"),
});

export type ClassifierConfig = z.infer<typeof classifierSchema>;

export const classifierConfigs = {
  /** The one that ships: 0.45 GFLOP an image. */
  small: { pictureSize: 256, fold: 8, widths: [48, 128, 288], blocks: [0, 2, 2], headWidth: 48 },
  /** For tests. */
  tiny: { pictureSize: 256, fold: 16, widths: [16, 24, 32], blocks: [0, 0, 1], headWidth: 16 },
} as const satisfies Record<string, ClassifierConfig>;

/** What a question is about: the whole image, or the first or second thing in image order. */
export type ClassifierView = "whole" | "first" | "second";

export interface ClassifierQuestion {
  /** Number of answers. */
  readonly classes: number;
  readonly view: ClassifierView;
  /** Name of the output layer; questions about the first and the second thing share one. */
  readonly head: string;
}

/** Logits `[batch, classes]` for each question, and the image's features. */
export interface Classification<Q extends string> {
  readonly answers: Readonly<Record<Q, Tensor>>;
  /**
   * Last layer's tokens, normalised and averaged: `[batch, widths[2]]`. Use them for distances between
   * images.
   */
  readonly features: Tensor;
}

const zeros = { kind: "zeros" } as const;

/**
 * The feature maps whose layers do not depend on the image's size, from fine to coarse:
 * `[batch, size/fold, size/fold, widths[0]]` and half that size with `widths[1]`.
 */
export function classifierMaps(
  scope: Scope,
  pixels: Tensor,
  { fold, widths, blocks: counts }: Pick<ClassifierConfig, "fold" | "widths" | "blocks">,
): readonly [Tensor, Tensor] {
  const patch = silu(dense(scope.child("stem.0"), foldPixels(pixels, fold), widths[0] * 2));
  const high = blocks(scope.child("high"), dense(scope.child("stem.2"), patch, widths[0]), counts[0]);
  const middle = blocks(scope.child("middle"), shrink(scope.child("shrink.0"), high, widths[1]), counts[1]);
  return [high, middle];
}

/** Classifies pixels `[batch, size, size, 3]` in [-1, 1]. */
export function classify<Q extends string>(
  scope: Scope,
  pixels: Tensor,
  config: ClassifierConfig,
  questions: Readonly<Record<Q, ClassifierQuestion>>,
): Classification<Q> {
  const { pictureSize, fold, widths, blocks: counts, headWidth } = config;
  const [, middle] = classifierMaps(scope, pixels, config);
  let x = shrink(scope.child("shrink.1"), middle, widths[2]); // [batch, 8, 8, widths[2]]
  const side = pictureSize / fold / 4;
  const where = { kind: "normal", deviation: 0.02 } as const;
  x = add(x, scope.parameter("position", [side, side, widths[2]], where));
  x = blocks(scope.child("low"), x, counts[2]);
  const tokens = layerNorm(reshape(x, [x.shape[0]!, side * side, widths[2]]));
  const features = mean(tokens, 1); // [batch, widths[2]]
  const [whole, first, second] = pool(scope.child("pool"), tokens, features, headWidth);
  const views: Readonly<Record<ClassifierView, Tensor>> = { whole, first, second };
  const answers = Object.entries<ClassifierQuestion>(questions).map(([name, { classes, view, head }]) => {
    return [name, dense(scope.child(head), views[view], classes)];
  });
  return { answers: Object.fromEntries(answers) as Record<Q, Tensor>, features };
}

function shrink(scope: Scope, x: Tensor, width: number): Tensor {
  return dense(scope, foldPixels(layerNorm(x), 2), width);
}

function blocks(scope: Scope, x: Tensor, count: number): Tensor {
  for (let i = 0; i < count; i++) x = residualStage(scope.child(i), x);
  return x;
}

/**
 * Three views of the tokens `[batch, n, width]`, each `[batch, width]`: the whole, the first thing, the
 * second.
 */
function pool(scope: Scope, tokens: Tensor, mean: Tensor, headWidth: number): [Tensor, Tensor, Tensor] {
  const [batch, , width] = tokens.shape as [number | string, number, number];
  const queries = reshape(mlp(scope.child("queries"), mean, width, 3 * width), [batch, 3, width]);
  const keys = dense(scope.child("keys"), tokens, width, { bias: false });
  const values = dense(scope.child("values"), tokens, width, { bias: false });
  const seen = attention(queries, keys, values, { heads: width / headWidth });
  const mixed = layerNorm(add(seen, mlp(scope.child("mix"), layerNorm(seen), width, width, zeros)));
  const view = (i: number) => reshape(slice(mixed, 1, i, i + 1), [batch, width]);
  return [view(0), view(1), view(2)];
}
