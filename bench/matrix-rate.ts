// The machine's matrix speed, measured by the same engine with the same settings.
import type { Engine, HostTensor } from "../src/engine/index.js";
import { matmul, mean, type Tensor, trace } from "../src/graph/index.js";
import { random } from "../src/random/index.js";
import { type Cost, timed } from "./cost.js";

const side = 1024;
/** Products in one run, each on the result of the one before: what a call costs besides does not show. */
const products = 8;

export interface MatrixRate {
  /** What one product of 1024×1024 matrices costs now. */
  measure(): Promise<Cost>;
}

export const matrixFlop = 2 * side ** 3;

export async function makeMatrixRate(engine: Engine): Promise<MatrixRate> {
  const program = trace((tracer) => {
    const [x, w] = [tracer.input("x", [side, side]), tracer.input("w", [side, side])];
    let y: Tensor = x;
    for (let i = 0; i < products; i++) y = matmul(y, w);
    return { mean: mean(y), "next:x": x, "next:w": w };
  });
  const numbers = random(0, "matrices");
  const initial = (): HostTensor => {
    // Deviation 1/√1024: products keep their size.
    const data = numbers.normals(side * side).map((value) => value / Math.sqrt(side));
    return { dtype: "f32", shape: [side, side], data };
  };
  // Both stay where the device works from run to run.
  const carried = {
    x: { output: "next:x", initial: initial() },
    w: { output: "next:w", initial: initial() },
  };
  const session = await engine.load(program, { carried });
  await session.run({});
  return {
    measure: async () => {
      const { seconds, processorSeconds } = await timed(() => session.run({}));
      return { seconds: seconds / products, processorSeconds: processorSeconds / products };
    },
  };
}
