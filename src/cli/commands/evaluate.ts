// nishiki evaluate [MODEL]: the scorecard.
import { type Command, Option } from "commander";
import { fileRequestSchema, loadOptionsSchema } from "../../pipeline/index.js";
import type { EvaluateCommandOptions } from "../evaluation-run.js";
import { addSettingOptions } from "../setting-options.js";
import { wholeNumberFrom } from "./number-options.js";

const examples = `
Examples:
  nishiki data build                          once: the drawings that scenes are composed of
  nishiki evaluate                            the embedded model, about 1,100 prompts
  nishiki evaluate runs/denoiser/model --prompts 300 --output runs/denoiser/scores
  nishiki evaluate --steps 8 --output scores-8
  nishiki evaluate --fast --output scores-fast

A classifier says what each picture shows; the report has its share of right answers on composed scenes of the same contents as
the ceiling. The output folder holds report.json, report.html with the best, worst and random pictures of each skill, card.md
and all pictures. Ctrl-C keeps what is drawn; the same command goes on.
`;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command("evaluate")
    .description("measure what a model can do: things, colours, counts, places, styles, copying")
    .argument("[model]", "a model's folder (default: the embedded model)")
    .option("-o, --output <folder>", "where the report and the pictures go", "evaluation")
    .option(
      "--prompts <number>",
      "about how many prompts, besides 100 words that training never showed",
      wholeNumberFrom(1),
      1104,
    )
    .option(
      "--evaluation-seed <number>",
      "decides the prompts and the seeds of pictures",
      wholeNumberFrom(0),
      0,
    )
    .option("--sprites <folder>", 'drawings that "nishiki data build" wrote', ".data/sprites")
    .option("--classifier <folder>", "a classifier's run (default: the one that comes with the package)")
    .addOption(new Option("--judge <folder>").hideHelp())
    .option(
      "--config <file>",
      "the config that the model was trained by (default: the embedded model's vocabulary)",
    );
  addSettingOptions(command, fileRequestSchema, ["steps", "guidance", "sampler", "schedule", "fast"]);
  addSettingOptions(command, loadOptionsSchema, [
    "device",
    "threads",
    "keepLoaded",
    "vae",
    "lora",
    "precision",
  ]);
  command
    .option("--json", "print the report as JSON instead of the files' names")
    .option("-q, --quiet", "no progress")
    .addHelpText("after", examples)
    .action(async (model: string | undefined, options: EvaluateCommandOptions) => {
      const { runEvaluateCommand } = await import("../evaluation-run.js");
      await runEvaluateCommand(model, options);
    });
}
