// nishiki train CONFIG: trains an autoencoder or a denoiser, or goes on with one.
import { type Command, InvalidArgumentError } from "commander";
import { loadOptionsSchema } from "../../pipeline/index.js";
import { addSettingOptions } from "../setting-options.js";
import type { TrainCommandOptions } from "../training-run.js";

/** Loaded when asked for: the libraries of training would slow down every other command. */
const loadRun = () => import("../training-run.js");

function steps(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 1.");
}

function fromStep(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 0.");
}

export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .description("train an autoencoder, a denoiser or a judge on scenes or on a folder of captioned pictures")
    .argument("[config]", "a JSON file; see below")
    .option(
      "--pictures <folder>",
      "in place of a config: fine-tune a model on pictures of your own, with --lora or --full",
    )
    .option("--lora <file>", "with --pictures: learn a small .safetensors file that --lora draws with")
    .option("--full <folder>", "with --pictures: change the whole model, and write it to a folder")
    .option("--rank <number>", "with --lora: the rank of its matrices (default: 16)", steps)
    .option("-m, --model <folder>", "with --pictures: the model that learns (default: the embedded model)")
    .option("-r, --resume", "go on from the run's last checkpoint, if there is one")
    .option(
      "--export <folder>",
      "write the step as an ONNX program with its state, for other machines, and do not train",
    )
    .option(
      "--batches <number>",
      "with --export: so many batches too; without them, they are streamed",
      steps,
    )
    .option(
      "--stream <step>",
      "write the batches from this step on to standard output, and do not train",
      fromStep,
    )
    .option("--steps <number>", "train this many steps in all, whatever the config says", steps);
  addSettingOptions(command, loadOptionsSchema, ["device", "threads"]);
  command
    .option("--json", "print a line of JSON for every step and event")
    .option("-q, --quiet", "no progress")
    .action(async (path: string | undefined, options: TrainCommandOptions) => {
      const { runTrainCommand } = await loadRun();
      await runTrainCommand(path, options);
    });
  program.hook("preSubcommand", async (_program, chosen) => {
    if (chosen === command) command.addHelpText("after", (await loadRun()).trainingHelp());
  });
}
