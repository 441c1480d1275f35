// Weights that a run begins with in place of random ones: to go on training a finished model, or to fine-tune
// it.
import { stat } from "node:fs/promises";
import { fileError, openSafetensors } from "../checkpoint/node.js";
import type { HostTensor, HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { chooseAverages } from "./averages.js";
import { checkpointPath } from "./checkpoint.js";

/**
 * The weights of a file by name, as float32. Of a run, the moving averages are taken: they are what its model
 * draws with.
 * @param path A run's folder, its checkpoint, or any `.safetensors` file.
 * @throws NishikiError "file", "checkpoint"
 */
export async function readStart(path: string): Promise<HostTensors> {
  const found = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read the weights ${path}`);
  });
  const file = await openSafetensors(found.isDirectory() ? checkpointPath(path) : path);
  const start: Record<string, HostTensor> = {};
  for (const [own, { name, shape }] of chooseAverages(file.tensors)) {
    start[own] = { dtype: "f32", shape, data: await file.readFloat32(name) };
  }
  return start;
}

/**
 * What a network has and the file has not begins as the network says: it grew since.
 * @returns The names of those.
 * @throws NishikiError "usage" that lists what the file has in another shape, and what it lacks where that is
 * half of the network or more.
 */
export function checkStart(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  start: HostTensors,
  path: string,
): readonly string[] {
  const grown = parameters.map(({ name }) => name).filter((name) => !Object.hasOwn(start, name));
  const problems = parameters.flatMap(({ name, shape }) => {
    const there = start[name]?.shape;
    if (there?.join() === shape.join() || (!there && grown.length * 2 < parameters.length)) return [];
    return [
      `"${name}" is ${there ? `[${there.join(", ")}]` : "missing"} there and [${shape.join(", ")}] here`,
    ];
  });
  if (problems.length === 0) return grown;
  const most = 4;
  const more = problems.length > most ? ` (and ${problems.length - most} more)` : "";
  throw new NishikiError(
    "usage",
    `initFrom: the weights in ${path} do not fit the network: ${problems.slice(0, most).join("; ")}${more}. ` +
      "Give the network of the config the sizes that they were trained with.",
  );
}
