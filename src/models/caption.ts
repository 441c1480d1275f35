// What denoisers share that read a caption's tokens beside an image's.
import {
  concat,
  div,
  expand,
  fixedSize,
  matmul,
  maximum,
  mul,
  reshape,
  rmsNorm,
  slice,
  sub,
  sum,
  type Tensor,
  unsqueeze,
} from "../graph/index.js";

/**
 * Unit mean square within every head, so that scores cannot run away (Dehghani et al. 2023,
 * arXiv:2302.05442).
 */
export function perHeadNorm(
  x: Tensor,
  heads: number,
  options: { readonly weight?: Tensor; readonly epsilon?: number } = {},
): Tensor {
  const [batch, tokens] = x.shape;
  return reshape(rmsNorm(reshape(x, [batch!, tokens!, heads, fixedSize(x, 2) / heads]), options), x.shape);
}

/**
 * The bias of scores that hides a caption's padding from attention to image tokens and words together.
 * @param mask `[batch, tokens]`, 1 for a token and 0 for padding
 * @returns `[batch, 1, 1, imageTokens + tokens]`: 0 where there is something to see, −10⁴ at padding
 */
export function hidePadding(mask: Tensor, imageTokens: number): Tensor {
  const batch = mask.shape[0]!;
  const words = mul(sub(mask, 1), 1e4);
  const image = expand(mul(slice(words, 1, 0, 1), 0), [batch, imageTokens]);
  return unsqueeze(unsqueeze(concat([image, words], 1), 1), 1);
}

/**
 * The mean of the tokens that are there: `text [batch, tokens, width]` → `[batch, width]`, 0 without a
 * caption.
 */
export function meanOfTokens(text: Tensor, mask: Tensor): Tensor {
  const count = sum(mask, 1, { keepAxes: true }); // [batch, 1]
  // The sum over tokens as a product: a reduction over a middle axis gives other last bits with three threads
  // than with two.
  const total = reshape(matmul(unsqueeze(mask, 1), text), [text.shape[0]!, text.shape[2]!]);
  return div(total, maximum(count, 1));
}
