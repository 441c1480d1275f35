// nishiki train CONFIG: trains what a config describes, or continues a run.
import { type Command, Option } from "commander";
import { loadOptionsSchema } from "../../pipeline/index.js";
import { addSettingOptions } from "../setting-options.js";
import { formatCommand } from "../shell.js";
import type { TrainCommandOptions } from "../training-run.js";
import { wholeNumberFrom } from "./number-options.js";

/** Loaded when asked for: the libraries of training would slow down every other command. */
const loadRun = () => import("../training-run.js");

/** Options that are commands of their own now. */
const former = [
  new Option("--pictures <folder>"),
  new Option("--lora <file>"),
  new Option("--full <folder>"),
  new Option("--rank <number>"),
  new Option("-m, --model <folder>"),
  new Option("--export <folder>"),
  new Option("--batches <number>"),
  new Option("--stream <step>"),
];

/** The present spelling of a former one: "nishiki finetune my-images --output mine.safetensors". */
export function respell(
  config: string | undefined,
  options: Readonly<Record<string, unknown>>,
): string | undefined {
  const asked = (name: string) => options[name] as string | undefined;
  const option = (name: string, value = asked(name)) => (value === undefined ? [] : [`--${name}`, value]);
  const steps = option("steps");
  if (asked("export") !== undefined)
    return formatCommand(
      "export",
      config ?? "CONFIG",
      "--output",
      asked("export"),
      ...option("batches"),
      ...steps,
    );
  if (asked("stream") !== undefined) return formatCommand("export", config ?? "CONFIG", ...option("stream"));
  if (asked("batches") !== undefined)
    return formatCommand("export", config ?? "CONFIG", "--output", "FOLDER", ...option("batches"));
  const tuned = ["pictures", "lora", "full", "rank", "model"].some((name) => asked(name) !== undefined);
  if (!tuned) return undefined;
  const output = asked("lora") ?? asked("full") ?? "mine.safetensors";
  const rest = [...option("rank"), ...option("model"), ...steps, ...(options.resume ? ["--resume"] : [])];
  return formatCommand("finetune", asked("pictures") ?? "FOLDER", "--output", output, ...rest);
}

const examples = `
Examples:
  nishiki train configs/autoencoder.json
  nishiki train configs/denoiser.json --resume
  nishiki train configs/denoiser.json --resume --steps 8000     prolong the run
`;

export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .description("train a network from a config")
    .argument("[config]", "JSON file; see below")
    .option("-r, --resume", "continue from the run's last checkpoint, if there is one")
    .option("--steps <number>", "total number of steps, overriding the config", wholeNumberFrom(1));
  addSettingOptions(command, loadOptionsSchema, ["device", "threads"]);
  for (const option of former) command.addOption(option.hideHelp());
  command
    .option("--json", "print a JSON line for every step and event")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", examples)
    .action(async (path: string | undefined, options: TrainCommandOptions) => {
      const { runTrainCommand } = await loadRun();
      await runTrainCommand(path, options, respell(path, options));
    });
  program.hook("preSubcommand", async (_program, chosen) => {
    if (chosen === command) command.addHelpText("after", (await loadRun()).trainingHelp());
  });
}
