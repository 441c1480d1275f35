// LoRA files on disk (node).
import { basename } from "node:path";
import { NishikiError } from "../errors.js";
import { type Lora, type LoraTensor, readLora } from "./lora/read.js";
import { openSafetensors } from "./node-file.js";

/**
 * Opens a LoRA in kohya's or diffusers' form.
 * @throws NishikiError "file", "checkpoint" where it is no LoRA, a pickle, or of a kind that is not read.
 */
export async function openLora(
  path: string,
): Promise<{ readonly lora: Lora; readonly unknown: readonly string[] }> {
  if (/\.(ckpt|pt|pth|bin)$/i.test(path)) {
    const message = `${path} is not read: it is a pickle, which can run any code when it is loaded. Use a .safetensors file.`;
    throw new NishikiError("checkpoint", message);
  }
  const file = await openSafetensors(path);
  const tensors = new Map(
    [...file.tensors].map(([name, { shape }]): [string, LoraTensor] => [
      name,
      { shape, read: () => file.readFloat32(name) },
    ]),
  );
  return readLora(tensors, basename(path));
}
