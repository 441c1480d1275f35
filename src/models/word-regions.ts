// Which words belong to which part of an image. Of a caption with two things, the mean of all words tells no part what it shall
// become; here every cell of a coarse grid has a mean of its own, weighted by attention from the cell to the words. It begins
// as the plain mean (all scores are zero), so that a network that was trained with that goes on from where it was.
// That a thing's words belong where the thing lies can be taught (Wang et al. 2023, "TokenCompose", arXiv:2312.03626): `strayed`.
import {
  add,
  attentionParts,
  expand,
  fixedSize,
  foldPixels,
  layerNorm,
  log,
  matmul,
  mean,
  mul,
  neg,
  reshape,
  type Scope,
  silu,
  softmax,
  stopGradient,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from "../graph/index.js";
import { dense, mlp } from "../nn/index.js";
import { explain, z } from "../schema/index.js";
import { size } from "./sizes.js";

export const wordRegionsSchema = z.strictObject({
  side: explain(size, "cells along a side of the grid; a divisor of half the latents' size"),
  width: explain(size, "width of cells and words while they are compared"),
});

export type WordRegionsConfig = z.infer<typeof wordRegionsSchema>;

export interface WordRegionsInputs {
  /** What is known of the image so far, `[batch, size, size, channels]`. */
  readonly image: Tensor;
  /** Normalised token states, `[batch, tokens, textWidth]`. */
  readonly text: Tensor;
  /** `[batch, tokens]`, 1 for a token and 0 for padding. */
  readonly mask: Tensor;
  /** Time and the caption as a whole, `[batch, conditionWidth]`. */
  readonly condition: Tensor;
}

export interface WordRegions {
  /** Of every cell, row by row, the share of each token: `[batch, side², tokens]`; all 0 without a caption. */
  readonly shares: Tensor;
  /** The words' mean in each cell, `[batch, side², textWidth]`. */
  readonly means: Tensor;
  /** Where each cell lies, in what image and under what caption as a whole, `[batch, side², width]`. */
  readonly cells: Tensor;
}

const silent = { kind: "zeros" } as const;
const spread = { kind: "normal", deviation: 1 } as const;

/** Records "shares". */
export function wordRegions(scope: Scope, inputs: WordRegionsInputs, config: WordRegionsConfig): WordRegions {
  const { text, mask } = inputs;
  const hidden = mul(sub(mask, 1), 1e4); // [batch, tokens]: 0 at tokens, −10⁴ at padding
  const keys = readTokens(scope.child("words"), text, unsqueeze(unsqueeze(hidden, 1), 1), config.width);
  const cells = readCells(scope.child("cells"), inputs, config);
  // At first a cell asks for nothing.
  const queries = mlp(scope.child("cells.query"), cells, config.width * 2, config.width, silent);
  const scores = matmul(queries, keys, { transposeB: true, scale: 1 / Math.sqrt(config.width) });
  const weights = softmax(add(scores, unsqueeze(hidden, 1))); // [batch, side², tokens]
  const shares = scope.record("shares", mul(weights, unsqueeze(mask, 1)));
  return { shares, means: matmul(shares, text), cells };
}

/** Tokens that know of each other: which of two things was said first, and what stands between them. */
function readTokens(scope: Scope, text: Tensor, hidden: Tensor, width: number): Tensor {
  const tokens = fixedSize(text, 1);
  let x = add(dense(scope.child("in"), text, width), scope.parameter("position", [tokens, width], spread));
  const seen = layerNorm(x);
  const project = (name: string) => dense(scope.child(name), seen, width, { bias: false });
  const { mixed } = attentionParts(project("q"), project("k"), project("v"), { heads: 4, bias: hidden });
  x = add(x, dense(scope.child("out"), mixed, width)); // [batch, tokens, width]
  x = add(x, mlp(scope.child("mlp"), layerNorm(x), width * 2, width));
  return dense(scope.child("key"), layerNorm(x), width, { bias: false });
}

/** What is known of each cell: its place, what is seen there, time and caption. */
function readCells(
  scope: Scope,
  { image, condition }: WordRegionsInputs,
  { side, width }: WordRegionsConfig,
): Tensor {
  const [batch, size] = image.shape as [number | string, number];
  // What the words shall attend to must not change what the image's layers are for.
  const parts = foldPixels(layerNorm(stopGradient(image)), size / side); // [batch, side, side, …]
  const seen = reshape(dense(scope.child("seen"), parts, width), [batch, side * side, width]);
  const known = unsqueeze(dense(scope.child("condition"), silu(condition), width), 1); // [batch, 1, width]
  const place = scope.parameter("position", [side * side, width], spread);
  return layerNorm(add(add(seen, known), expand(unsqueeze(place, 0), [1, side * side, width])));
}

/**
 * How much of the cells' attention lies on words for what is elsewhere, as −log of the share that does not: 0 at best.
 * @param elsewhere `[batch, side², tokens]`, 1 where a token names a thing that does not lie in the cell
 */
export function strayed(shares: Tensor, elsewhere: Tensor): Tensor {
  const lost = sum(mul(shares, elsewhere), -1); // [batch, side²]
  // A little less than all, so that where all is lost there is a finite gradient.
  return mean(neg(log(sub(1, mul(lost, 0.99)))));
}
