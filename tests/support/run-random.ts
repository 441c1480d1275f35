// Runs a program with random parameters, for tests of what it computes.
import type { Engine, HostTensors } from "../../src/engine/index.js";
import type { Program } from "../../src/graph/index.js";
import { initialValue } from "../../src/training/index.js";

/** The outputs of a program whose parameters are random, also where they would start at zero. */
export async function runRandom(
  engine: Engine,
  program: Program,
  inputs: HostTensors,
): Promise<Record<string, Float32Array>> {
  const init = { kind: "normal", deviation: 0.2 } as const;
  const weights = program.parameters.map(
    (parameter) => [parameter.name, initialValue({ ...parameter, init }, 2)] as const,
  );
  const session = await engine.load(program);
  try {
    const outputs = await session.run({ ...Object.fromEntries(weights), ...inputs });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]),
    );
  } finally {
    await session.close();
  }
}
