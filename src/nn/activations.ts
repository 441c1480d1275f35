// Activations by the names that published configs use (`act_fn` in diffusers: models/activations.py).
import { gelu, mul, relu, silu, softplus, type Tensor, tanh } from "../graph/index.js";

/** x · tanh(softplus(x)) (Misra 2019, arXiv:1908.08681). */
function mish(x: Tensor): Tensor {
  return mul(x, tanh(softplus(x)));
}

/** The activation for each name; "swish" is an older name of "silu". */
export const activations = { silu, swish: silu, mish, gelu, relu } as const;

export type ActivationName = keyof typeof activations;
