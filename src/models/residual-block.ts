// The residual block of Stable Diffusion's networks: two 3×3 convolutions, each after group normalisation and activation
// (He et al. 2016, arXiv:1603.05027; Dhariwal and Nichol 2021, arXiv:2105.05233, appendix A). Parameter names are those
// of diffusers (models/resnet.py, ResnetBlock2D). Images are channels-first.
import { add, type Scope, type Tensor, unsqueeze } from "../graph/index.js";
import {
  type ActivationName,
  activations,
  conv2d,
  dense,
  type GroupNormLayer,
  groupNorm,
} from "../nn/index.js";

export interface ResidualBlockOptions {
  /** Groups of the normalisations, which divide the channels. */
  readonly groups: number;
  /** Added to the variance. */
  readonly epsilon: number;
  readonly activation: ActivationName;
  /** Replaces group normalisation. */
  readonly normalize?: GroupNormLayer;
  /** The time embedding, which shifts every channel between the convolutions: `[batch, timeWidth]`. */
  readonly time?: Tensor;
}

/** `x [batch, in, height, width] → [batch, channels, height, width]`. */
export function residualBlock(
  scope: Scope,
  x: Tensor,
  channels: number,
  { groups, epsilon, activation, normalize = groupNorm, time }: ResidualBlockOptions,
): Tensor {
  const activate = activations[activation];
  const first = activate(normalize(scope.child("norm1"), x, groups, epsilon));
  let hidden = conv2d(scope.child("conv1"), first, channels); // [batch, channels, height, width]
  if (time) {
    const shift = dense(scope.child("time_emb_proj"), activate(time), channels);
    hidden = add(hidden, unsqueeze(unsqueeze(shift, -1), -1)); // [batch, channels, 1, 1]
  }
  const second = activate(normalize(scope.child("norm2"), hidden, groups, epsilon));
  const change = conv2d(scope.child("conv2"), second, channels);
  const skip = x.shape[1] === channels ? x : conv2d(scope.child("conv_shortcut"), x, channels, { kernel: 1 });
  return add(skip, change);
}
