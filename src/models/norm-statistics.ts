// Group normalisation with exchangeable statistics. An image processed in tiles needs the statistics of the
// whole: with per-tile statistics, tones differ and seams show.
import {
  add,
  concat,
  expand,
  fixedSize,
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
  const channels = fixedSize(x, 1);
  const perChannel = (values: Tensor) =>
    reshape(expand(reshape(values, [groups, 1]), [groups, channels / groups]), [channels]);
  const weight = scope.parameter("weight", [channels], { kind: "ones" });
  const scale = mul(weight, perChannel(inverse));
  const shift = sub(scope.parameter("bias", [channels]), mul(perChannel(center), scale));
  return add(mul(x, reshape(scale, [channels, 1, 1])), reshape(shift, [channels, 1, 1]));
}

/** The value that {@link recordedGroupNorm} records for every normalisation, under its name. */
export const statisticsName = "statistics";

/** Whether a recorded value holds the statistics of a normalisation. */
export const isStatistics = (name: string): boolean => name.endsWith(`.${statisticsName}`);

/**
 * Normalises by the image's statistics and records them: "statistics" `[2, groups]`, means and inverse
 * deviations. A caller may replace them. One image at a time.
 */
export const recordedGroupNorm: GroupNormLayer = (scope, x, groups, epsilon) => {
  const grouped = reshape(x, [groups, -1]);
  const center = mean(grouped, -1, { keepAxes: true }); // [groups, 1]
  const inverse = rsqrt(add(mean(square(sub(grouped, center)), -1, { keepAxes: true }), epsilon));
  const pair = concat([reshape(center, [1, groups]), reshape(inverse, [1, groups])], 0);
  const used = scope.record(statisticsName, pair);
  return affine(scope, x, slice(used, 0, 0, 1), slice(used, 0, 1, 2), groups);
};
