// nishiki info FILE: what a picture, a model, what is added to one, or a weight file says of itself.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { fileError, isDiffusersFolder, isEmbedding, isLora, openSafetensors } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { describeModel } from "../../pipeline/node.js";
import { describeEmbedding, describeLora } from "../describe-additions.js";
import { describePicture } from "../describe-picture.js";
import { describeWeights } from "../describe-weights.js";
import type { Description } from "../description.js";
import { formatDescription } from "../description.js";
import { readStart } from "../read-bytes.js";
import { print } from "../terminal.js";

export function addInfoCommand(program: Command): void {
  program
    .command("info")
    .description("explain a picture, a model, a LoRA, a textual inversion or any other .safetensors file")
    .argument("<file>", "a PNG, a folder with a model (also diffusers'), or a .safetensors file")
    .option("--json", "print it as JSON")
    .action(async (file: string, { json }: { json?: boolean }) => {
      const description = await describe(file);
      await print(json ? `${JSON.stringify(description)}\n` : formatDescription(description));
    });
}

/** Looks at the content, not at the name. */
async function describe(file: string): Promise<Description> {
  const found = await stat(file).catch((error: unknown) => {
    throw fileError(error, `read ${file}`);
  });
  if (found.isDirectory()) {
    if (await isDiffusersFolder(file)) return (await describeModel(file)).description;
    if (await isLora(file)) return describeLora(file);
    const isModel = await stat(join(file, "model.json")).catch(() => undefined);
    return isModel ? (await describeModel(file)).description : describeWeights(file);
  }
  const start = await readStart(file, 9);
  if (start[0] === 0x89 && start[1] === 0x50) return describePicture(file);
  // A safetensors file: the length of its header in 8 bytes, then the header, which is JSON.
  if (file.endsWith(".safetensors")) {
    if (await isWholeModel(file)) return (await describeModel(file)).description;
    if (await isLora(file)) return describeLora(file);
    if (await isEmbedding(file)) return describeEmbedding(file);
  }
  if (start[8] === 0x7b || file.endsWith(".safetensors") || /\.index(\.\w+)?\.json$/.test(file))
    return describeWeights(file);
  throw new NishikiError(
    "file",
    `${file} is neither a PNG picture nor a model: nothing is known about such files.`,
  );
}

/** Whether a weight file has the denoiser of a single-file checkpoint. */
async function isWholeModel(file: string): Promise<boolean> {
  const { tensors } = await openSafetensors(file);
  return (
    tensors.has("model.diffusion_model.out.2.weight") &&
    tensors.has("first_stage_model.decoder.conv_in.weight")
  );
}
