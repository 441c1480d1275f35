// What a condition does to a channels-last picture: scales and shifts its normalised channels (Perez et al. 2018,
// arXiv:1709.07871; in diffusion Dhariwal and Nichol 2021, arXiv:2105.05233), both from one dense map that is zero at first.
import { add, mul, reshape, type Scope, silu, slice, type Tensor } from "../graph/index.js";
import { dense } from "../nn/index.js";

/** Parts of a dense map of the condition `[batch, in]`, each `[batch, 1, 1, width]`; zero at first. */
export function modulation(scope: Scope, condition: Tensor, width: number, parts: number): Tensor[] {
  const all = dense(scope, silu(condition), width * parts, { init: { kind: "zeros" } });
  const batch = condition.shape[0]!;
  return Array.from({ length: parts }, (_, i) =>
    reshape(slice(all, 1, i * width, (i + 1) * width), [batch, 1, 1, width]),
  );
}

/** x · (scale + 1) + shift */
export function modulate(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  return add(mul(x, add(scale, 1)), shift);
}
