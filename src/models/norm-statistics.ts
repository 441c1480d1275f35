// Group normalisation with statistics that are known beforehand. A picture that is worked on in tiles needs those of the
// whole: with statistics of their own, tiles get tones of their own, and seams show.
import {
  add,
  concat,
  expand,
  mean,
  mul,
  reshape,
  rsqrt,
  type Scope,
  slice,
  square,
  sub,
  type Tensor,
} from "../graph/index.js";
import type { GroupNormLayer } from "../nn/index.js";

function affine(scope: Scope, x: Tensor, center: Tensor, inverse: Tensor, groups: number): Tensor {
  const channels = x.shape[1] as number;
  const perChannel = (values: Tensor) =>
    reshape(expand(reshape(values, [groups, 1]), [groups, channels / groups]), [channels]);
  const weight = scope.parameter("weight", [channels], { kind: "ones" });
  const scale = mul(weight, perChannel(inverse));
  const shift = sub(scope.parameter("bias", [channels]), mul(perChannel(center), scale));
  return add(mul(x, reshape(scale, [channels, 1, 1])), reshape(shift, [channels, 1, 1]));
}

/**
 * Normalises by a picture's own statistics, and keeps them: `read()` gives those of all normalisations so far, in order,
 * `[norms, 2, groups]`: means and inverse deviations. One picture at a time.
 */
export function recordStatistics(): { readonly normalize: GroupNormLayer; readonly read: () => Tensor } {
  const found: Tensor[] = [];
  const normalize: GroupNormLayer = (scope, x, groups, epsilon) => {
    const grouped = reshape(x, [groups, -1]);
    const center = mean(grouped, -1, { keepAxes: true }); // [groups, 1]
    const inverse = rsqrt(add(mean(square(sub(grouped, center)), -1, { keepAxes: true }), epsilon));
    found.push(concat([reshape(center, [1, 1, groups]), reshape(inverse, [1, 1, groups])], 1));
    return affine(scope, x, center, inverse, groups);
  };
  return { normalize, read: () => concat(found, 0) };
}

/** Normalises by statistics `[norms, 2, groups]`, one after the other, in the order in which they were recorded. */
export function applyStatistics(statistics: Tensor): GroupNormLayer {
  let index = 0;
  return (scope, x, groups) => {
    const pair = reshape(slice(statistics, 0, index, ++index), [2, groups]);
    return affine(scope, x, slice(pair, 0, 0, 1), slice(pair, 0, 1, 2), groups);
  };
}
