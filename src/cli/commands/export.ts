// nishiki export CONFIG: a training run for other machines.
import type { Command } from "commander";
import { loadOptionsSchema } from "../../pipeline/index.js";
import type { ExportCommandOptions } from "../export-run.js";
import { addSettingOptions } from "../setting-options.js";
import { wholeNumberFrom } from "./number-options.js";

const examples = `
The output folder holds the training step as an ONNX program, its state, its rates and, with --batches, its batches:
everything that engines/xla needs to train on an accelerator. Copy its checkpoint.safetensors back into the run's folder
to continue here with nishiki train CONFIG --resume.

Examples:
  nishiki export configs/denoiser.json --output exported --batches 200
  nishiki export configs/denoiser.json --output exported --resume      from the run's last checkpoint
  nishiki export configs/denoiser.json --stream 0                      batches on standard output
`;

export function addExportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("export a training run to other machines")
    .argument("<config>", "JSON file, as for nishiki train")
    .option("-o, --output <folder>", "output folder")
    .option(
      "--batches <number>",
      "number of batches to write (default: none; they are streamed)",
      wholeNumberFrom(1),
    )
    .option(
      "--stream <step>",
      "step from which to write batches to standard output, and nothing else",
      wholeNumberFrom(0),
    )
    .option("-r, --resume", "continue from the run's last checkpoint, if there is one")
    .option("--steps <number>", "total number of steps, overriding the config", wholeNumberFrom(1));
  addSettingOptions(command, loadOptionsSchema, ["device", "threads"]);
  command
    .option("--json", "print the result as JSON")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", examples)
    .action(async (config: string, options: ExportCommandOptions) => {
      const { runExportCommand } = await import("../export-run.js");
      await runExportCommand(config, options);
    });
}
