// `nishiki train --pictures FOLDER --lora FILE`: fine-tuning without a config.
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { completeTrainingConfig, copyModel, loraFile, type TrainingConfig } from "../training/index.js";

export interface FineTuningOptions {
  readonly steps?: number;
  readonly pictures?: string;
  readonly lora?: string;
  readonly full?: string;
  readonly rank?: number;
  readonly model?: string;
  readonly resume?: boolean;
}

export interface FineTuning {
  readonly config: TrainingConfig;
  /** The command that goes on, without --resume. */
  readonly command: string;
  /** Puts what was learned where it was asked for. */
  deliver(): Promise<void>;
}

const usage = (message: string) => new NishikiError("usage", message);

/** @returns undefined where a config is given. @throws NishikiError "usage", "file" for options that cannot be right */
export function describeFineTuning(
  path: string | undefined,
  { steps = 400, pictures, lora, full, rank, model, resume }: FineTuningOptions,
): FineTuning | undefined {
  if (path !== undefined) {
    const others = Object.entries({ pictures, lora, full, rank, model }).filter(
      ([, value]) => value !== undefined,
    );
    if (others.length === 0) return undefined;
    throw usage(`--${others[0]![0]}: expected no config beside it, got ${path}.`);
  }
  if (pictures === undefined)
    throw usage("Expected a config, or --pictures with a folder of your own; see nishiki train --help.");
  const output = lora ?? full;
  if (output === undefined || (lora !== undefined && full !== undefined))
    throw usage("--pictures: expected either --lora FILE or --full FOLDER to go with it.");
  if (lora !== undefined && !lora.endsWith(".safetensors"))
    throw usage(`--lora: expected the name of a .safetensors file to be written, got ${lora}.`);
  if (rank !== undefined && lora === undefined)
    throw usage("--rank: expected --lora to go with it, got none.");
  if (existsSync(output) && !resume)
    throw new NishikiError("file", `${output} is already there. Choose another name, or delete it.`);
  const folder = `${output.replace(/\.safetensors$/, "")}.run`;
  const config = completeTrainingConfig({
    kind: "fine-tuning",
    folder,
    data: { folder: pictures },
    method: lora === undefined ? "full" : "lora",
    ...(rank !== undefined && { rank }),
    ...(model !== undefined && { model }),
    optimizer: { kind: "adamw" },
    schedule: {
      steps,
      learningRate: lora === undefined ? 2e-4 : 2e-3,
      warmupSteps: Math.min(20, Math.floor(steps / 4)),
      decaySteps: Math.floor(steps / 2),
      emaDecay: 0.98,
      emaInterval: 1,
    },
    checkpointInterval: 50,
    sampleInterval: steps,
  });
  const named = lora === undefined ? `--full ${output}` : `--lora ${output}`;
  const command = `nishiki train --pictures ${pictures} ${named}${model === undefined ? "" : ` --model ${model}`} --steps ${steps}`;
  const deliver = async () => {
    if (lora === undefined) return copyModel(join(folder, "model"), output);
    await copyFile(join(folder, loraFile), resolve(lora)).catch((error: unknown) => {
      throw fileError(error, `write ${lora}`);
    });
  };
  return { config, command, deliver };
}
