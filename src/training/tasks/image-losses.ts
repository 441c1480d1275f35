// Losses that compare images by more than their pixels: a perceptual and an adversarial loss, the pair with which the
// autoencoders of latent diffusion learn sharp images (Esser et al. 2021, arXiv:2012.09841, section 3.1).
import {
  add,
  cast,
  clamp,
  greater,
  layerNorm,
  mean,
  mul,
  relu,
  round,
  type Scope,
  square,
  stopGradient,
  sub,
  type Tensor,
} from "../../graph/index.js";
import {
  type ClassifierConfig,
  classifierMaps,
  type DiscriminatorConfig,
  discriminate,
} from "../../models/index.js";

/** A scope whose parameters receive no gradient. */
function constantScope(scope: Scope): Scope {
  return {
    ...scope,
    record: (_, tensor) => tensor,
    child: (name) => constantScope(scope.child(name)),
    parameter: (name, shape, init) => stopGradient(scope.parameter(name, shape, init)),
  };
}

const average = (terms: readonly Tensor[]) =>
  mul(
    terms.reduce((a, b) => add(a, b)),
    1 / terms.length,
  );

/**
 * Perceptual loss (Johnson et al. 2016, arXiv:1603.08155): mean squared difference of a classifier's features, normalised
 * at each position as in LPIPS (Zhang et al. 2018, arXiv:1801.03924), averaged over its maps.
 * @param image, target `[batch, size, size, 3]` in [-1, 1]
 * @param weights of the images, `[batch, 1, 1, 1]`. Default: 1
 */
export function perceptualLoss(
  scope: Scope,
  image: Tensor,
  target: Tensor,
  config: ClassifierConfig,
  weights?: Tensor,
): Tensor {
  const features = (pixels: Tensor) => classifierMaps(constantScope(scope), pixels, config);
  const expected = features(target);
  const distances = features(image).map((map, i) => {
    const squared = square(sub(layerNorm(map), layerNorm(expected[i]!)));
    return mean(weights ? mul(squared, weights) : squared);
  });
  return average(distances);
}

export interface AdversarialLosses {
  /** How much more real the discriminator finds the originals. Its gradient reaches the images alone. */
  readonly generator: Tensor;
  /** Hinge loss of the discriminator: 1 at first, 0 if it is sure. Its gradient reaches the discriminator alone. */
  readonly discriminator: Tensor;
  /** How much the discriminator heeds a little noise. Its gradient reaches the discriminator alone. */
  readonly gradientPenalty: Tensor;
  /** Share of the largest patches in which the discriminator recognises the original. */
  readonly accuracy: Tensor;
}

/** Standard deviation of the penalty's noise, for pixels in [-1, 1]. */
const penaltyNoise = 0.02;

/**
 * Adversarial losses: the relativistic hinge loss (Jolicoeur-Martineau 2018, arXiv:1807.00734) of patches at the same
 * place of an image and its original, averaged over the discriminator's scales. What a patch shows cancels, so the
 * discriminator learns within tens of steps how decoded patches differ; with a hinge loss for each alone it takes
 * hundreds. The penalty approximates that on the discriminator's gradient by a finite difference (Lin et al. 2025,
 * arXiv:2501.08316, section 3.3), at originals and images; without it the images learn faint gratings that deceive.
 * @param image, original `[batch, size, size, 3]` in [-1, 1]
 * @param signs of the penalty's noise, of the same shape: -1 or 1
 */
export function adversarialLosses(
  scope: Scope,
  { image, original, signs }: { readonly [name in "image" | "original" | "signs"]: Tensor },
  config: DiscriminatorConfig,
): AdversarialLosses {
  const bytes = asBytes(image);
  const noise = mul(signs, penaltyNoise);
  const learn = (pixels: Tensor) => discriminate(scope, pixels, config);
  const [real, noisyReal] = [learn(original), learn(add(original, noise))];
  const [fake, noisyFake] = [learn(stopGradient(bytes)), learn(stopGradient(add(bytes, noise)))];
  const judge = (pixels: Tensor) => discriminate(constantScope(scope), pixels, config);
  const [reference, judged] = [judge(original), judge(bytes)];
  const overScales = (of: (scale: number) => Tensor) => average(real.map((_, scale) => mean(of(scale))));
  const change = (a: Logits, b: Logits) => overScales((i) => square(sub(a[i]!, b[i]!)));
  return {
    generator: overScales((i) => sub(reference[i]!, judged[i]!)),
    discriminator: overScales((i) => relu(sub(1, sub(real[i]!, fake[i]!)))),
    gradientPenalty: add(change(real, noisyReal), change(fake, noisyFake)),
    accuracy: mean(cast(greater(real.at(-1)!, fake.at(-1)!), "f32")),
  };
}

type Logits = readonly Tensor[];

/**
 * Clips and rounds pixels as a saved image does, or the discriminator would learn to look for fractions. The gradient
 * passes the rounding straight through (Bengio et al. 2013, arXiv:1308.3432).
 */
function asBytes(pixels: Tensor): Tensor {
  const clipped = clamp(pixels, -1, 1);
  const rounded = sub(mul(round(mul(add(clipped, 1), 127.5)), 1 / 127.5), 1);
  return add(clipped, stopGradient(sub(rounded, clipped)));
}
