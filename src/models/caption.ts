// Common parts of denoisers that read caption tokens together with image tokens.
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
 * Unit mean square within every head, which bounds the attention scores (Dehghani et al. 2023,
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
 * Makes the bias of scores that hides a caption's padding from joint attention over image tokens and words.
 * @param mask `[batch, tokens]`, 1 for a token and 0 for padding
 * @returns `[batch, 1, 1, imageTokens + tokens]`: 0 at tokens, −10⁴ at padding
 */
export function hidePadding(mask: Tensor, imageTokens: number): Tensor {
  const batch = mask.shape[0]!;
  const words = mul(sub(mask, 1), 1e4);
  const image = expand(mul(slice(words, 1, 0, 1), 0), [batch, imageTokens]);
  return unsqueeze(unsqueeze(concat([image, words], 1), 1), 1);
}

/** The mean of the unmasked tokens: `text [batch, tokens, width]` → `[batch, width]`, 0 without a caption. */
export function meanOfTokens(text: Tensor, mask: Tensor): Tensor {
  const count = sum(mask, 1, { keepAxes: true }); // [batch, 1]
  // Sums over tokens with a product: a reduction over a middle axis has different last bits with three
  // threads than with two.
  const total = reshape(matmul(unsqueeze(mask, 1), text), [text.shape[0]!, text.shape[2]!]);
  return div(total, maximum(count, 1));
}
