// nishiki export CONFIG: a training run for other machines.
import type { Command } from "commander";
import { loadOptionsSchema } from "../../pipeline/index.js";
import type { ExportCommandOptions } from "../export-run.js";
import { addSettingOptions } from "../setting-options.js";
import { wholeNumberFrom } from "./number-options.js";

const examples = `
The output folder holds the training step as an ONNX program, its state, its rates and, with --batches, its batches: all that
engines/xla needs to train on an accelerator. Its checkpoint.safetensors goes on here with: nishiki train CONFIG --resume

Examples:
  nishiki export configs/denoiser.json --output exported --batches 200
  nishiki export configs/denoiser.json --output exported --resume      from the run's own checkpoint
  nishiki export configs/denoiser.json --stream 0                      batches on standard output
`;

export function addExportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("write a training run for other machines")
    .argument("<config>", "a JSON file, as nishiki train takes it")
    .option("-o, --output <folder>", "where to write the run")
    .option(
      "--batches <number>",
      "write this many batches too (default: none, they are streamed)",
      wholeNumberFrom(1),
    )
    .option(
      "--stream <step>",
      "write the batches from this step on to standard output, and nothing else",
      wholeNumberFrom(0),
    )
    .option("-r, --resume", "begin where the run's own checkpoint stands, if there is one")
    .option("--steps <number>", "steps of the whole run, whatever the config says", wholeNumberFrom(1));
  addSettingOptions(command, loadOptionsSchema, ["device", "threads"]);
  command
    .option("--json", "print what was written as JSON")
    .option("-q, --quiet", "no progress")
    .addHelpText("after", examples)
    .action(async (config: string, options: ExportCommandOptions) => {
      const { runExportCommand } = await import("../export-run.js");
      await runExportCommand(config, options);
    });
}
