// Builds and reads host tensors.
import type { HostTensor } from "../engine/index.js";
import { NishikiError } from "../errors.js";

/** A float32 tensor. */
export const f32 = (data: Float32Array, ...shape: number[]): HostTensor => ({ dtype: "f32", shape, data });

/** Reads a float32 output. */
export function floats(outputs: Readonly<Record<string, HostTensor>>, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new NishikiError("internal", `The network returned no float32 output "${name}".`);
}

/** Joins the inputs of several images along the batch axis. */
export function stack(parts: readonly Float32Array[]): Float32Array {
  const length = parts[0]?.length ?? 0;
  const all = new Float32Array(parts.length * length);
  parts.forEach((part, i) => {
    all.set(part, i * length);
  });
  return all;
}
