// Which words belong to which part of a picture. Of a caption with two things, the mean of all words tells no part what it shall
// become; here every cell of a coarse grid has a mean of its own, weighted by attention from the cell to the words. It begins
// as the plain mean (all scores are zero), so that a network that was trained with that goes on from where it was.
// That a thing's words belong where the thing lies can be taught (Wang et al. 2023, "TokenCompose", arXiv:2312.03626): `strayed`.
import {
  add,
  attentionParts,
  expand,
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

export interface WordRegionsConfig {
  /** Cells along a side of the grid; a divisor of half the latents' size. */
  readonly side: number;
  /** Width of cells and words while they are compared. */
  readonly width: number;
}

export interface WordRegionsInputs {
  /** What is known of the picture so far, `[batch, size, size, channels]`. */
  readonly picture: Tensor;
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
}

const silent = { kind: "zeros" } as const;
const spread = { kind: "normal", deviation: 1 } as const;

export function wordRegions(scope: Scope, inputs: WordRegionsInputs, config: WordRegionsConfig): WordRegions {
  const { text, mask } = inputs;
  const hidden = mul(sub(mask, 1), 1e4); // [batch, tokens]: 0 at tokens, −10⁴ at padding
  const keys = readTokens(scope.child("words"), text, unsqueeze(unsqueeze(hidden, 1), 1), config.width);
  const queries = readCells(scope.child("cells"), inputs, config);
  const scores = matmul(queries, keys, { transposeB: true, scale: 1 / Math.sqrt(config.width) });
  const weights = softmax(add(scores, unsqueeze(hidden, 1))); // [batch, side², tokens]
  const shares = mul(weights, unsqueeze(mask, 1));
  return { shares, means: matmul(shares, text) };
}

/** Tokens that know of each other: which of two things was said first, and what stands between them. */
function readTokens(scope: Scope, text: Tensor, hidden: Tensor, width: number): Tensor {
  const tokens = text.shape[1] as number;
  let x = add(dense(scope.child("in"), text, width), scope.parameter("position", [tokens, width], spread));
  const seen = layerNorm(x);
  const project = (name: string) => dense(scope.child(name), seen, width, { bias: false });
  const { mixed } = attentionParts(project("q"), project("k"), project("v"), { heads: 4, bias: hidden });
  x = add(x, dense(scope.child("out"), mixed, width)); // [batch, tokens, width]
  x = add(x, mlp(scope.child("mlp"), layerNorm(x), width * 2, width));
  return dense(scope.child("key"), layerNorm(x), width, { bias: false });
}

/** What each cell asks for: by its place, by what is seen there, by time and caption. At first nothing. */
function readCells(
  scope: Scope,
  { picture, condition }: WordRegionsInputs,
  { side, width }: WordRegionsConfig,
): Tensor {
  const [batch, size] = picture.shape as [number | string, number];
  // What the words shall attend to must not change what the picture's layers are for.
  const parts = foldPixels(layerNorm(stopGradient(picture)), size / side); // [batch, side, side, …]
  const seen = reshape(dense(scope.child("seen"), parts, width), [batch, side * side, width]);
  const known = unsqueeze(dense(scope.child("condition"), silu(condition), width), 1); // [batch, 1, width]
  const place = scope.parameter("position", [side * side, width], spread);
  const cells = layerNorm(add(add(seen, known), expand(unsqueeze(place, 0), [1, side * side, width])));
  return mlp(scope.child("query"), cells, width * 2, width, silent); // [batch, side², width]
}

/**
 * How much of the cells' attention lies on words for what is elsewhere, as −log of the share that does not: 0 at best.
 * @param elsewhere `[batch, side², tokens]`, 1 where a token names a thing that does not lie in the cell
 */
export function strayed(shares: Tensor, elsewhere: Tensor): Tensor {
  const lost = sum(mul(shares, elsewhere), -1); // [batch, side²]
  // A little more than 1, so that a share of all has a finite gradient.
  return mean(neg(log(sub(1.01, lost))));
}
