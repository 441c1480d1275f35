// Assigns words to parts of an image. For a caption with two things, the mean of all words does not tell a
// part of the image what to become; here every cell of a coarse grid has a separate mean, weighted by
// attention from the cell to the words. It starts as the plain mean (all scores are zero), so a network
// trained with that continues unchanged.
// A localisation loss can teach that a thing's words belong where the thing lies (Wang et al. 2023,
// "TokenCompose", arXiv:2312.03626).
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
  /** Image features so far, `[batch, size, size, channels]`. */
  readonly image: Tensor;
  /** Normalised token states, `[batch, tokens, textWidth]`. */
  readonly text: Tensor;
  /** `[batch, tokens]`, 1 for a token and 0 for padding. */
  readonly mask: Tensor;
  /** Time and the mean of the whole caption, `[batch, conditionWidth]`. */
  readonly condition: Tensor;
}

export interface WordRegions {
  /** The share of each token in every cell, row by row: `[batch, side², tokens]`; all 0 without a caption. */
  readonly shares: Tensor;
  /** The mean of the words in each cell, `[batch, side², textWidth]`. */
  readonly means: Tensor;
  /** The position of each cell, with the image and caption as a whole, `[batch, side², width]`. */
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
  // Initially a cell attends evenly.
  const queries = mlp(scope.child("cells.query"), cells, config.width * 2, config.width, silent);
  const scores = matmul(queries, keys, { transposeB: true, scale: 1 / Math.sqrt(config.width) });
  const weights = softmax(add(scores, unsqueeze(hidden, 1))); // [batch, side², tokens]
  const shares = scope.record("shares", mul(weights, unsqueeze(mask, 1)));
  return { shares, means: matmul(shares, text), cells };
}

/** Contextualises tokens: which of two things comes first, and what stands between them. */
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

/** Describes each cell: its position, its content, time and caption. */
function readCells(
  scope: Scope,
  { image, condition }: WordRegionsInputs,
  { side, width }: WordRegionsConfig,
): Tensor {
  const [batch, size] = image.shape as [number | string, number];
  // Stops the gradient: attention to words must not change what the image's layers learn.
  const parts = foldPixels(layerNorm(stopGradient(image)), size / side); // [batch, side, side, …]
  const seen = reshape(dense(scope.child("seen"), parts, width), [batch, side * side, width]);
  const known = unsqueeze(dense(scope.child("condition"), silu(condition), width), 1); // [batch, 1, width]
  const place = scope.parameter("position", [side * side, width], spread);
  return layerNorm(add(add(seen, known), expand(unsqueeze(place, 0), [1, side * side, width])));
}

/**
 * Attention-localisation loss: −log of the share of the cells' attention that is not on words for things
 * elsewhere; 0 at best.
 * @param elsewhere `[batch, side², tokens]`, 1 if a token names a thing outside the cell
 */
export function strayed(shares: Tensor, elsewhere: Tensor): Tensor {
  const lost = sum(mul(shares, elsewhere), -1); // [batch, side²]
  // Slightly less than all, so the gradient stays finite even if the whole share is elsewhere.
  return mean(neg(log(sub(1, mul(lost, 0.99)))));
}
