// The model that a fine-tuning began with. A run goes on with no other: what it learned would be for neither.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { getBaseTitle, type LoraBase, openSafetensors, readLoraBase } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { isRecord } from "../schema/index.js";
import { readRunSettings } from "./checkpoint.js";

/** File name of the LoRA in its run's folder. */
export const loraFile = "lora.safetensors";

/**
 * Compares the model with the one in a run's checkpoint, before other differences that follow from it are found.
 * @throws NishikiError "training" if it has other weights, "checkpoint" for a damaged checkpoint
 */
export async function checkRunBase(folder: string, base: LoraBase): Promise<void> {
  const settings = await readRunSettings(folder);
  if (settings?.kind !== "fine-tuning") return; // loadCheckpoint tells what else it is
  const { model, frozen } = settings;
  const encoder = isRecord(frozen) ? frozen.encoder : undefined;
  const isSame = (there: unknown, here: string | undefined) => there === undefined || there === here;
  if (isSame(model, base.weights?.denoiser) && isSame(encoder, base.weights?.encoder)) return;
  const cure = "resume it with the model that it began with, or start again in another folder";
  throw new NishikiError(
    "training",
    `The training in ${folder} is of ${await nameFormer(folder)}, and this model is ${getBaseTitle(base)}, with other weights: ${cure}.`,
  );
}

/** What the run's LoRA says, if one was written. */
async function nameFormer(folder: string): Promise<string> {
  const path = join(folder, loraFile);
  const file = existsSync(path) ? await openSafetensors(path).catch(() => undefined) : undefined;
  const base = file && readLoraBase(file.metadata);
  return base ? getBaseTitle(base) : "another model";
}
