// Residual stages over channels-last images (He et al. 2016, arXiv:1603.05027): normalise, convolve, add. The
// last product starts at zero, so a stage starts as the identity.
import { add, fixedSize, layerNorm, type Scope, silu, type Tensor } from "../graph/index.js";
import { convLast, dense } from "../nn/index.js";
import { gated, modulate, modulation } from "./modulation.js";

const zeroInit = { kind: "zeros" } as const;

/** x + W·silu(conv(norm(x))) */
export function residualStage(scope: Scope, x: Tensor): Tensor {
  const width = fixedSize(x, -1);
  const hidden = silu(convLast(scope.child("conv"), layerNorm(x), width));
  return add(x, dense(scope.child("out"), hidden, width, { init: zeroInit }));
}

/** x + gate · W·silu(conv(modulated norm(x))), under a condition: see `modulation`. */
export function modulatedStage(scope: Scope, x: Tensor, condition: Tensor): Tensor {
  const width = fixedSize(x, -1);
  const [scale, shift, gate] = modulation(scope.child("modulation"), condition, width, 3);
  const hidden = silu(convLast(scope.child("conv"), modulate(layerNorm(x), scale, shift), width));
  // The gate starts at one and the product at zero, so gradients reach the product from the first step.
  return add(x, gated(dense(scope.child("out"), hidden, width, { init: zeroInit }), gate));
}
