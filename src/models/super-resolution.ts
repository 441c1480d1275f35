// The second stage of a cascade: doubles an image's size by diffusion (Ho et al. 2021, arXiv:2106.15282;
// Imagen, Saharia et al. 2022, arXiv:2205.11487, section 2.3). It generates the residual between the large
// image and the small one enlarged with a Lanczos filter. The small image is noised to a known level
// (conditioning augmentation), so that the flaws of the first stage are not mistaken for content. Pixels are
// folded into channels at once, as in the autoencoder; no layer sees the whole image, so any size works, also
// in tiles. Images are channels-last.
import { concat, foldPixels, layerNorm, mul, type Scope, type Tensor, unfoldPixels } from "../graph/index.js";
import { convLast, mlp, sinusoidal } from "../nn/index.js";
import { explain, positiveNumber, z } from "../schema/index.js";
import { modulate, modulation } from "./modulation.js";
import { modulatedStage } from "./residual-stage.js";
import { repeats, size } from "./sizes.js";

/** The sizes of a super-resolution network. */
export const superResolutionSchema = z.strictObject({
  fold: explain(size, "pixels of a side of the large image that are folded into channels; an even number"),
  width: explain(size, "channels"),
  blocks: explain(repeats, "residual blocks"),
  /** Scales the network's input and output to about unit size. */
  residualScale: explain(
    positiveNumber(1e6),
    "about the standard deviation of residuals, of pixels in [-1, 1]",
  ),
});

export type SuperResolutionConfig = z.infer<typeof superResolutionSchema>;

export const superResolutionConfigs = {
  /** The embedded model's. */
  small: { fold: 4, width: 48, blocks: 4, residualScale: 0.12 },
  /** For tests. */
  tiny: { fold: 4, width: 8, blocks: 1, residualScale: 0.12 },
} as const satisfies Record<string, SuperResolutionConfig>;

export interface SuperResolutionInputs {
  /** The residual in units of residualScale, at time t: (1 − t)·residual + t·noise; `[batch, 2h, 2w, 3]` */
  readonly noisy: Tensor;
  /** The small image, in [-1, 1] and noised, `[batch, h, w, 3]` */
  readonly small: Tensor;
  /** `[batch]`, 0 for a clean residual to 1 for noise. */
  readonly time: Tensor;
  /** Standard deviation of the noise on the small image, `[batch]`. */
  readonly augmentation: Tensor;
}

const frequencies = 32;

/** The receptive field in folded pixels: the 3×3 convolutions at the start, in the blocks, and at the end. */
export function superResolutionReach({ blocks }: SuperResolutionConfig): number {
  return blocks + 2;
}

/** Predicts the clean residual `[batch, 2h, 2w, 3]`, in units of residualScale. */
export function superResolve(
  scope: Scope,
  inputs: SuperResolutionInputs,
  config: SuperResolutionConfig,
): Tensor {
  const { fold, width, blocks } = config;
  const condition = makeCondition(scope.child("condition"), inputs, width); // [batch, width]
  const seen = concat([foldPixels(inputs.noisy, fold), foldPixels(inputs.small, fold / 2)], -1);
  let x = convLast(scope.child("stem"), seen, width); // [batch, 2h/fold, 2w/fold, width]
  for (let i = 0; i < blocks; i++) x = modulatedStage(scope.child("blocks").child(i), x, condition);
  const [scale, shift] = modulation(scope.child("last.modulation"), condition, width, 2);
  const last = modulate(layerNorm(x), scale, shift);
  const residual = convLast(scope.child("residual"), last, fold * fold * 3, { init: { kind: "zeros" } });
  return unfoldPixels(residual, fold);
}

/** Embeds both noise levels as one vector. */
function makeCondition(scope: Scope, { time, augmentation }: SuperResolutionInputs, width: number): Tensor {
  const levels = [time, mul(augmentation, 4)].map((level) => sinusoidal(level, frequencies, { scale: 100 }));
  return mlp(scope, concat(levels, -1), width, width);
}
