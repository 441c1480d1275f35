// Golden files of networks: `weights.<name>` beside inputs and outputs, with the config in the metadata.
import { openSafetensors } from "../../src/checkpoint/node.js";
import type { Engine, HostTensor, HostTensors, WeightPlace, WeightPlaces } from "../../src/engine/index.js";
import type { Program } from "../../src/graph/index.js";

const prefix = "weights.";

export interface GoldenNetwork {
  /** The reference's config. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where the weights lie, by the reference's names. */
  readonly weights: WeightPlaces;
  /** The reference's inputs and outputs. */
  readonly tensors: HostTensors;
}

export async function openGolden(path: string): Promise<GoldenNetwork> {
  const file = await openSafetensors(path);
  const weights = new Map<string, WeightPlace>();
  const tensors: Record<string, HostTensor> = {};
  for (const [name, entry] of file.tensors) {
    if (name.startsWith(prefix)) weights.set(name.slice(prefix.length), { ...entry, file: file.path });
    else tensors[name] = { dtype: "f32", shape: [...entry.shape], data: await file.readFloat32(name) };
  }
  return { config: JSON.parse(file.metadata.config!), weights, tensors };
}

/** One run of a program whose weights lie in a file. */
export async function runOnce(
  engine: Engine,
  program: Program,
  weights: WeightPlaces,
  inputs: HostTensors,
  decompose = false,
): Promise<Record<string, HostTensor>> {
  const session = await engine.load(program, { weights, decompose });
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}

/** The largest difference as part of the largest expected number; infinite where shapes differ. */
export function relativeError(actual: HostTensor, expected: HostTensor): number {
  if (actual.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY;
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    difference = Math.max(difference, Math.abs(Number(actual.data[i]) - Number(expected.data[i])));
    size = Math.max(size, Math.abs(Number(expected.data[i])));
  }
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference / size;
}
