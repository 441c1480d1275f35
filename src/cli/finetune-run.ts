// Runs `nishiki finetune`: makes a config for a folder of images, trains, and copies the result to the output path.
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { openFolder } from "../data/index.js";
import { NishikiError } from "../errors.js";
import { chooseFineTuningSteps, copyModel, loraFile, makeFineTuningConfig } from "../training/index.js";
import type { Progress } from "./progress.js";
import { formatCommand } from "./shell.js";
import { type FollowOptions, followTraining } from "./training-run.js";

export interface FinetuneOptions extends FollowOptions {
  readonly output: string;
  readonly model?: string;
  readonly rank?: number;
  readonly steps?: number;
  readonly priorShare?: number;
}

/** @throws NishikiError "usage", "file" for options that cannot be right, what `train` throws, "aborted" */
export async function runFinetuneCommand(folder: string, options: FinetuneOptions): Promise<void> {
  const { output, model, rank, priorShare, resume } = options;
  const isLora = output.endsWith(".safetensors");
  if (/\.\w{2,11}$/.test(output) && !isLora)
    throw new NishikiError(
      "usage",
      `--output: expected a name that ends in .safetensors, for a LoRA, or a folder's name without an ending, for a whole model; got ${output}.`,
    );
  if (rank !== undefined && !isLora)
    throw new NishikiError(
      "usage",
      "--rank: expected a .safetensors file as the output, for only a LoRA has a rank.",
    );
  if (existsSync(output) && !resume)
    throw new NishikiError("file", `${output} is already there. Choose another name, or delete it.`);
  const { entries } = await openFolder(folder, { size: 8 });
  const steps = options.steps ?? chooseFineTuningSteps(entries.length);
  const run = `${output.replace(/\.safetensors$/, "")}.run`;
  const method = isLora ? "lora" : "full";
  const config = makeFineTuningConfig({ images: folder, run, method, steps, rank, model, priorShare });
  const command = formatCommand(
    ...["finetune", folder, "--output", output],
    ...(model === undefined ? [] : ["--model", model]),
    ...(rank === undefined ? [] : ["--rank", rank]),
    ...["--steps", steps],
    ...(priorShare === undefined ? [] : ["--prior-share", priorShare]),
  );
  await followTraining(config, options, command, async (progress) => {
    await deliver(join(run, isLora ? loraFile : "model"), output, isLora);
    explain(progress, { output, run, isLora, model, prompt: entries[0]?.caption ?? "a cat" });
    return output;
  });
}

async function deliver(from: string, output: string, isLora: boolean): Promise<void> {
  if (!isLora) return copyModel(from, output);
  await copyFile(from, resolve(output)).catch((error: unknown) => {
    throw fileError(error, `write ${output}`);
  });
}

interface Result {
  readonly output: string;
  readonly run: string;
  readonly isLora: boolean;
  readonly model: string | undefined;
  readonly prompt: string;
}

/** Says what to look at, and how to draw with the result. */
function explain(progress: Progress, { output, run, isLora, model, prompt }: Result): void {
  const load = isLora
    ? ["--lora", output, ...(model === undefined ? [] : ["--model", model])]
    : ["--model", output];
  progress.say(`Before and after: ${join(run, "samples.png")}`);
  progress.say(`Draw with it: ${formatCommand(prompt, ...load)}`);
}
