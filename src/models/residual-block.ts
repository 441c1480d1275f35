// The residual block of Stable Diffusion's networks: two 3×3 convolutions, each after group normalisation and activation
// (He et al. 2016, arXiv:1603.05027; Dhariwal and Nichol 2021, arXiv:2105.05233, appendix A). Pixel-space networks also
// resize within it, and let the time scale it (Dhariwal and Nichol, section 3 and appendix A; Nichol and Dhariwal 2021,
// arXiv:2102.09672, appendix A). Parameter names are those of diffusers (models/resnet.py, ResnetBlock2D). Images are
// channels-first.
import {
  add,
  averagePool2d,
  div,
  mul,
  type Scope,
  split,
  type Tensor,
  unsqueeze,
  upsampleNearest2d,
} from "../graph/index.js";
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
  /** The time embedding, which changes every channel between the convolutions: `[batch, timeWidth]`. */
  readonly time?: Tensor;
  /** Whether the time scales and shifts the second normalisation, instead of shifting its input. Default false. */
  readonly scaleShift?: boolean;
  /** Whether the time embedding is activated first. Default true. */
  readonly activatesTime?: boolean;
  /** Halves (the mean of 2×2 pixels) or doubles (nearest) the size before the first convolution. */
  readonly resize?: "half" | "double";
  /** Divides the output. Default 1. */
  readonly outputScale?: number;
}

/** `x [batch, in, height, width] → [batch, channels, height, width]`, or half or double the size. */
export function residualBlock(
  scope: Scope,
  x: Tensor,
  channels: number,
  options: ResidualBlockOptions,
): Tensor {
  const { groups, epsilon, activation, normalize = groupNorm, outputScale = 1 } = options;
  const activate = activations[activation];
  const resize = resizers[options.resize ?? "none"];
  const first = resize(activate(normalize(scope.child("norm1"), x, groups, epsilon)));
  let hidden = conv2d(scope.child("conv1"), first, channels); // [batch, channels, height, width]
  const { scale, shift } = embedTime(scope, channels, options);
  if (shift && !scale) hidden = add(hidden, shift);
  hidden = normalize(scope.child("norm2"), hidden, groups, epsilon);
  if (shift && scale) hidden = add(mul(hidden, add(scale, 1)), shift);
  const change = conv2d(scope.child("conv2"), activate(hidden), channels);
  const resized = resize(x);
  const skip =
    x.shape[1] === channels
      ? resized
      : conv2d(scope.child("conv_shortcut"), resized, channels, { kernel: 1 });
  const sum = add(skip, change);
  return outputScale === 1 ? sum : div(sum, outputScale);
}

const resizers = {
  none: (x: Tensor) => x,
  half: (x: Tensor) => averagePool2d(x, 2),
  double: (x: Tensor) => upsampleNearest2d(x, 2),
} as const;

/** The change that the time makes to each channel: `[batch, channels, 1, 1]`. */
function embedTime(
  scope: Scope,
  channels: number,
  { time, activation, scaleShift = false, activatesTime = true }: ResidualBlockOptions,
): { readonly scale?: Tensor; readonly shift?: Tensor } {
  if (!time) return {};
  const active = activatesTime ? activations[activation](time) : time;
  const change = dense(scope.child("time_emb_proj"), active, (scaleShift ? 2 : 1) * channels);
  const perChannel = unsqueeze(unsqueeze(change, -1), -1);
  if (!scaleShift) return { shift: perChannel };
  const [scale, shift] = split(perChannel, 1, 2) as [Tensor, Tensor];
  return { scale, shift };
}
