// Runs elementwise programs over kept tensors piece by piece: intermediate results stay in the processor's
// cache, where a pass costs a fraction of one over main memory. Runs in the engine's thread.
import * as ort from "onnxruntime-node";
import type { TypedArray } from "../graph/index.js";
import type { KeptPieces } from "./engine.js";

function partOf({ type, data }: ort.Tensor, from: number, to: number): ort.Tensor {
  return new ort.Tensor(type, (data as TypedArray).subarray(from, to) as ort.Tensor.DataType, [to - from]);
}

/**
 * Runs a session over all pieces of all sets.
 * @param given Additional inputs of every piece.
 * @throws Error if a set's tensors differ in size.
 */
export async function runInPieces(
  session: ort.InferenceSession,
  { size, sets }: KeptPieces,
  given: Readonly<Record<string, ort.Tensor>>,
  find: (name: string) => ort.Tensor,
): Promise<void> {
  for (const { reads, writes } of sets) {
    const inputs = Object.entries(reads).map(([input, name]) => [input, find(name)] as const);
    const outputs = Object.entries(writes).map(([output, name]) => [output, find(name)] as const);
    const length = inputs[0]?.[1].size ?? 0;
    const odd = [...inputs, ...outputs].find(([, tensor]) => tensor.size !== length);
    if (odd) throw new Error(`Kept tensors of one set have ${length} and ${odd[1].size} elements.`);
    for (let from = 0; from < length; from += size) {
      const part = ([name, tensor]: readonly [string, ort.Tensor]) =>
        [name, partOf(tensor, from, Math.min(length, from + size))] as const;
      const feeds = Object.fromEntries(inputs.map(part));
      await session.run({ ...feeds, ...given }, Object.fromEntries(outputs.map(part)));
    }
  }
}
