// Conditions a channels-last image: scales and shifts its normalised channels (Perez et al. 2018,
// arXiv:1709.07871; in diffusion Dhariwal and Nichol 2021, arXiv:2105.05233), both from one zero-initialised
// dense map. A condition is one vector for the whole image, or a grid that conditions each part of the image
// separately.
import { add, mul, reshape, type Scope, silu, slice, type Tensor } from "../graph/index.js";
import { dense } from "../nn/index.js";

/** Tuples by their length. */
interface Parts {
  readonly 2: readonly [Tensor, Tensor];
  readonly 3: readonly [Tensor, Tensor, Tensor];
}

/**
 * Splits a zero-initialised dense map of a condition into parts.
 * @param condition `[batch, in]`, or a grid `[batch, rows, columns, in]`
 * @returns each `[batch, 1, 1, width]`, or `[batch, rows, columns, width]`
 */
export function modulation<N extends keyof Parts>(
  scope: Scope,
  condition: Tensor,
  width: number,
  parts: N,
): Parts[N] {
  const all = dense(scope, silu(condition), width * parts, { init: { kind: "zeros" } });
  const [batch, rows = 1, columns = 1] = condition.shape.slice(0, -1);
  const each = Array.from({ length: parts }, (_, i) =>
    reshape(slice(all, all.shape.length - 1, i * width, (i + 1) * width), [batch!, rows, columns, width]),
  );
  return each as unknown as Parts[N];
}

/** x · (scale + 1) + shift */
export function modulate(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  return overGrid(x, [add(scale, 1), shift], (x, scale, shift) => add(mul(x, scale!), shift!));
}

/** x · (gate + 1) */
export function gated(x: Tensor, gate: Tensor): Tensor {
  return overGrid(x, [add(gate, 1)], (x, gate) => mul(x, gate!));
}

/** Applies a formula to an image `[batch, h, w, channels]` and grids whose cells each cover a part of it. */
function overGrid(
  x: Tensor,
  grids: readonly Tensor[],
  formula: (x: Tensor, ...grids: Tensor[]) => Tensor,
): Tensor {
  const [batch, height, width, channels] = x.shape as [number | string, number, number, number];
  const [, rows, columns] = grids[0]!.shape as [number | string, number, number];
  const whole = rows === 1 && columns === 1;
  if (whole || (rows === height && columns === width)) return formula(x, ...grids);
  const cells = reshape(x, [batch, rows, height / rows, columns, width / columns, channels]);
  const spread = grids.map((grid) => reshape(grid, [grid.shape[0]!, rows, 1, columns, 1, channels]));
  return reshape(formula(cells, ...spread), x.shape);
}
