// A patch discriminator: distinguishes real images from decoded ones, patch by patch (PatchGAN; Isola et al. 2017,
// arXiv:1611.07004, section 3.2.2), at three scales, so that outlines and whole shapes count. Pixels are folded into
// channels, as in the autoencoder; images are channels-last.
import { foldPixels, layerNorm, type Scope, silu, type Tensor } from "../graph/index.js";
import { convLast, dense } from "../nn/index.js";
import { explain, z } from "../schema/index.js";
import { residualStage } from "./residual-stage.js";
import { size, tripleOf } from "./sizes.js";

/** The sizes of a discriminator. */
export const discriminatorSchema = z.strictObject({
  fold: explain(size, "pixels of a side that are folded into the first layer's channels"),
  widths: explain(tripleOf(size), "channels at 1/fold, 1/(2·fold) and 1/(4·fold) of the images' size"),
});

export type DiscriminatorConfig = z.infer<typeof discriminatorSchema>;

export const discriminatorConfigs = {
  /** For 256×256 images: 0.4 GFLOP an image. */
  small: { fold: 4, widths: [48, 80, 112] },
  /** For tests. */
  tiny: { fold: 4, widths: [8, 8, 8] },
} as const satisfies Record<string, DiscriminatorConfig>;

/**
 * Logits of pixels `[batch, h, w, 3]` in [-1, 1], from fine to coarse: `[batch, h/fold, w/fold, 1]`, then half and a
 * quarter of that size. Positive for real images; at first zero.
 */
export function discriminate(
  scope: Scope,
  pixels: Tensor,
  { fold, widths }: DiscriminatorConfig,
): readonly [Tensor, Tensor, Tensor] {
  const logits = (i: number, x: Tensor) =>
    dense(scope.child("logits").child(i), layerNorm(x), 1, { init: { kind: "zeros" } });
  const shrink = (i: number, x: Tensor, width: number) =>
    dense(scope.child("shrink").child(i), foldPixels(x, 2), width);
  const hidden = silu(convLast(scope.child("stem.0"), foldPixels(pixels, fold), widths[0]));
  const high = dense(scope.child("stem.2"), hidden, widths[0]); // [batch, 64, 64, 48]
  const middle = residualStage(scope.child("middle"), shrink(0, high, widths[1])); // [batch, 32, 32, 80]
  const low = residualStage(scope.child("low"), shrink(1, middle, widths[2])); // [batch, 16, 16, 112]
  return [logits(0, high), logits(1, middle), logits(2, low)];
}
