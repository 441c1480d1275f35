// Initial weights from a file (`initFrom`), to train a finished model further or to fine-tune it.
import { stat } from "node:fs/promises";
import { fileError, openSafetensors } from "../checkpoint/node.js";
import type { HostTensor, HostTensors } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { chooseAverages } from "./averages.js";
import { checkpointPath } from "./checkpoint.js";

/**
 * Reads a file's weights as float32, by name. For a run, reads the moving averages, which its model uses.
 * @param path a run's folder, its checkpoint, or any `.safetensors` file
 * @throws NishikiError "file", "checkpoint"
 */
export async function readStart(path: string): Promise<HostTensors> {
  const stats = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read the weights ${path}`);
  });
  const file = await openSafetensors(stats.isDirectory() ? checkpointPath(path) : path);
  const start: Record<string, HostTensor> = {};
  for (const [parameter, { name, shape }] of chooseAverages(file.tensors)) {
    start[parameter] = { dtype: "f32", shape, data: await file.readFloat32(name) };
  }
  return start;
}

/**
 * Checks that weights fit a network. A network that has grown may have parameters that the file lacks; these
 * keep their random initial values.
 * @returns names of the missing parameters
 * @throws NishikiError "usage" that lists parameters of another shape, and the missing ones if they are half
 * of the network or more
 */
export function checkStart(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  start: HostTensors,
  path: string,
): readonly string[] {
  const missing = parameters.map(({ name }) => name).filter((name) => !Object.hasOwn(start, name));
  const problems = parameters.flatMap(({ name, shape }) => {
    const there = start[name]?.shape;
    if (there?.join() === shape.join() || (!there && missing.length * 2 < parameters.length)) return [];
    return [
      `"${name}" is ${there ? `[${there.join(", ")}]` : "missing"} there and [${shape.join(", ")}] here`,
    ];
  });
  if (problems.length === 0) return missing;
  const most = 4;
  const more = problems.length > most ? ` (and ${problems.length - most} more)` : "";
  throw new NishikiError(
    "usage",
    `initFrom: the weights in ${path} do not fit the network: ${problems.slice(0, most).join("; ")}${more}. ` +
      "Set the config's network to the sizes that they were trained with.",
  );
}
