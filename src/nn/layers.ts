// Layers: take a parameter scope, return a tensor. Names within a scope follow published checkpoints
// ("weight", "bias").
import {
  type AttentionOptions,
  attention,
  attentionParts,
  type ConvOptions,
  concat,
  constant,
  convChannelsLast,
  conv2d as convolve,
  cos,
  type Dim,
  exp,
  fixedSize,
  gather,
  groupNormLast,
  type Initializer,
  layerNorm,
  linear,
  mul,
  groupNorm as normalizeGroups,
  reshape,
  type Scope,
  silu,
  sin,
  slice,
  type Tensor,
  unsqueeze,
} from "../graph/index.js";

/** Initialises weights to preserve variance (LeCun et al. 1998): standard deviation gain / √fan-in. */
export function fanIn(size: number, gain = 1): Initializer {
  return { kind: "normal", deviation: gain / Math.sqrt(size) };
}

const zeros: Initializer = { kind: "zeros" };
const ones: Initializer = { kind: "ones" };

export interface DenseOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** Of the weight. The default preserves variance; { kind: "zeros" } starts a residual branch at zero. */
  readonly init?: Initializer;
}

/**
 * `x [..., in] → [..., width]`; weight `[width, in]`, or `[width, in, 1, 1]` if checkpoints store a 1×1
 * convolution.
 */
export function dense(
  scope: Scope,
  x: Tensor,
  width: number,
  {
    bias = true,
    init,
    stored = "matrix",
  }: DenseOptions & { readonly stored?: "matrix" | "convolution" } = {},
): Tensor {
  const inner = fixedSize(x, -1);
  const shape = stored === "matrix" ? [width, inner] : [width, inner, 1, 1];
  const weight = reshape(scope.parameter("weight", shape, init ?? fanIn(inner)), [width, inner]);
  return linear(x, weight, bias ? scope.parameter("bias", [width], zeros) : scope.addedBias(width));
}

/** Size-preserving 3×3 convolution (or k×k, k odd): `x [batch, h, w, in] → [batch, h, w, width]`. */
export function convLast(
  scope: Scope,
  x: Tensor,
  width: number,
  { bias = true, init, kernel = 3 }: DenseOptions & { readonly kernel?: number } = {},
): Tensor {
  const inner = fixedSize(x, -1);
  const weight = scope.parameter(
    "weight",
    [width, kernel, kernel, inner],
    init ?? fanIn(inner * kernel * kernel),
  );
  return convChannelsLast(x, weight, bias ? scope.parameter("bias", [width], zeros) : scope.addedBias(width));
}

/** Convolution of channels-first images: `x [batch, in, h, w]`, weight `[width, in/groups, k, k]`. */
export function conv2d(
  scope: Scope,
  x: Tensor,
  width: number,
  options: DenseOptions & {
    readonly kernel?: number;
    readonly stride?: number;
    /**
     * Zeros on every side, or [top, left, bottom, right]. The default preserves the size at a stride of 1.
     */
    readonly padding?: ConvOptions["padding"];
    readonly groups?: number;
  } = {},
): Tensor {
  const { bias = true, init, kernel = 3, stride = 1, groups = 1 } = options;
  const inner = fixedSize(x, 1) / groups;
  const weight = scope.parameter(
    "weight",
    [width, inner, kernel, kernel],
    init ?? fanIn(inner * kernel * kernel),
  );
  const border = options.padding ?? (kernel - 1) / 2;
  const goesOn = scope.wraps && typeof border === "number" && border > 0;
  return convolve(goesOn ? wrapAround(x, border) : x, weight, {
    bias: bias ? scope.parameter("bias", [width], zeros) : scope.addedBias(width),
    stride,
    padding: goesOn ? 0 : border,
    groups,
  });
}

/** Wraps an image around: adds `border` pixels on every side, copied from the opposite side. */
function wrapAround(x: Tensor, border: number): Tensor {
  return [2, 3].reduce((t, axis) => concat([slice(t, axis, -border), t, slice(t, axis, 0, border)], axis), x);
}

/** Layer normalisation with learned weight and bias over the last axis. */
export function norm(scope: Scope, x: Tensor, epsilon = 1e-5): Tensor {
  const width = fixedSize(x, -1);
  const weight = scope.parameter("weight", [width], ones);
  return layerNorm(x, { weight, bias: scope.parameter("bias", [width], zeros), epsilon });
}

/** Group normalisation of channels-first images with learned weight and bias. */
export function groupNorm(scope: Scope, x: Tensor, groups = 32, epsilon = 1e-5): Tensor {
  const channels = fixedSize(x, 1);
  const weight = scope.parameter("weight", [channels], ones);
  return normalizeGroups(x, groups, weight, scope.parameter("bias", [channels], zeros), epsilon);
}

/**
 * {@link groupNorm} over tokens `[batch, tokens, channels]`, whose means are taken first: those of an empty text are nearly the
 * same, and the runtime's kernel takes their variance as a difference of squares, which leaves little of it.
 */
export function groupNormTokens(scope: Scope, x: Tensor, groups: number, epsilon: number): Tensor {
  const [batch, tokens, channels] = x.shape as [Dim, Dim, number];
  const weight = scope.parameter("weight", [channels], ones);
  const bias = scope.parameter("bias", [channels], zeros);
  const columns = reshape(x, [batch, tokens, 1, channels]);
  return reshape(groupNormLast(columns, groups, weight, bias, epsilon), x.shape);
}

/** {@link groupNorm}, or its replacement. */
export type GroupNormLayer = (scope: Scope, x: Tensor, groups: number, epsilon: number) => Tensor;

/** Looks up rows of a learned table by id: `ids [...] → [..., width]`. */
export function embedding(scope: Scope, ids: Tensor, rows: number, width: number): Tensor {
  return gather(scope.parameter("weight", [rows, width], { kind: "normal", deviation: 0.02 }), ids);
}

/**
 * Sines and cosines of a number at geometrically spaced frequencies (Vaswani et al. 2017, section 3.5).
 * `x [batch]` → `[batch, width]`, cosines first as in published diffusion networks.
 */
export function sinusoidal(x: Tensor, width: number, { scale = 1, longest = 10_000 } = {}): Tensor {
  const half = width / 2;
  const steps = constant(
    x.graph,
    Float32Array.from({ length: half }, (_, i) => i / half),
    [half],
  );
  const frequencies = mul(exp(mul(steps, -Math.log(longest))), scale);
  const angles = mul(unsqueeze(x, -1), frequencies); // [batch, half]
  return concat([cos(angles), sin(angles)], -1);
}

/** Two layers with SiLU between: `x [..., in] → [..., width]`. */
export function mlp(scope: Scope, x: Tensor, hidden: number, width: number, last?: Initializer): Tensor {
  return dense(scope.child(2), silu(dense(scope.child(0), x, hidden)), width, { init: last });
}

/**
 * Attention that records its "probabilities" `[batch, heads, queries, keys]`. A program that requests them
 * decomposes attention; any other uses the device's kernel.
 */
export function attend(scope: Scope, q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  scope.record("probabilities", attentionParts(q, k, v, options).weights);
  return attention(q, k, v, options);
}
