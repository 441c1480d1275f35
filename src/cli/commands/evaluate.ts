// nishiki evaluate [MODEL]: the scorecard.
import { type Command, Option } from "commander";
import { fileRequestSchema, loadOptionsSchema } from "../../pipeline/index.js";
import type { EvaluateCommandOptions } from "../evaluation-run.js";
import { addSettingOptions } from "../setting-options.js";
import { wholeNumberFrom } from "./number-options.js";

const examples = `
Examples:
  nishiki data build                          needed once, for composed scenes
  nishiki evaluate                            the embedded model, about 1,100 prompts
  nishiki evaluate runs/denoiser/model --prompts 300 --output runs/denoiser/scores
  nishiki evaluate --steps 8 --output scores-8
  nishiki evaluate --fast --output scores-fast

A classifier decides what each image shows. Its accuracy on composed scenes of the same contents is reported as the
ceiling. The output folder holds report.json, report.html with the best, worst and random images of each skill, card.md
and all images. Ctrl-C keeps the images drawn so far; the same command continues.
`;

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command("evaluate")
    .description("score a model: things, colours, counts, styles")
    .argument("[model]", "model folder (default: the embedded model)")
    .option("-o, --output <folder>", "output folder for the report and the images", "evaluation")
    .option(
      "--prompts <number>",
      "approximate number of prompts, besides 100 words that training never showed",
      wholeNumberFrom(1),
      1104,
    )
    .option("--evaluation-seed <number>", "seed of the prompts and images", wholeNumberFrom(0), 0)
    .option("--sprites <folder>", "folder written by nishiki data build", ".data/sprites")
    .option("--classifier <folder>", "run folder of a classifier (default: the embedded one)")
    .addOption(new Option("--judge <folder>").hideHelp())
    .option(
      "--clip <path>",
      "CLIP that scores how like images are to their prompts: a CLIPModel's folder, or org/name in the hub's cache",
    )
    .option("--config <file>", "training config of the model (default: the embedded model's vocabulary)");
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
    .option("--json", "print the report as JSON instead of its file names")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", examples)
    .action(async (model: string | undefined, options: EvaluateCommandOptions) => {
      const { runEvaluateCommand } = await import("../evaluation-run.js");
      await runEvaluateCommand(model, options);
    });
}
