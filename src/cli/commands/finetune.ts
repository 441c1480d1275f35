// nishiki finetune FOLDER: fine-tunes a model on images of one's own.
import type { Command } from "commander";
import { loadOptionsSchema } from "../../pipeline/index.js";
import type { FinetuneOptions } from "../finetune-run.js";
import { addSettingOptions } from "../setting-options.js";
import { numberFromTo, wholeNumberFrom } from "./number-options.js";

const help = `
The folder holds png, jpg or webp images, each with its caption in a .txt file of the same name, or all captions in a
metadata.jsonl with "file_name" and "text". Half of every step repeats what the model draws already, so that other prompts
stay as they are (--prior-share). Beside the output stands the run, OUTPUT.run, with samples.png: rows before and after,
at the end two prompts that have nothing to do with the images and should not have changed.

Examples:
  nishiki finetune my-pictures --output mine.safetensors
  nishiki "a cat in my style" --lora mine.safetensors
  nishiki finetune my-pictures --output mine.safetensors --resume --steps 600
  nishiki finetune my-pictures --output my-model               changes the whole model
`;

export function addFinetuneCommand(program: Command): void {
  const command = program
    .command("finetune")
    .description("fine-tune a model on captioned images")
    .argument("<folder>", "images with captions; see below")
    .requiredOption(
      "-o, --output <path>",
      "a .safetensors file for a LoRA, any other name for a folder with the whole model",
    )
    .option("-m, --model <folder>", "the model that is fine-tuned (default: the embedded model)")
    .option("--rank <number>", "rank of a LoRA's matrices (default: 16)", wholeNumberFrom(1))
    .option(
      "--steps <number>",
      "steps in all (default: 10 for each image, from 80 to 400)",
      wholeNumberFrom(1),
    )
    .option(
      "--prior-share <number>",
      "share of each step that repeats what the model draws already; 0: none (default: 0.5)",
      numberFromTo(0, 0.9),
    )
    .option("-r, --resume", "continue from the run's last checkpoint, if there is one");
  addSettingOptions(command, loadOptionsSchema, ["device", "threads"]);
  command
    .option("--json", "print a line of JSON for every step and event")
    .option("-q, --quiet", "no progress")
    .addHelpText("after", help)
    .action(async (folder: string, options: FinetuneOptions) => {
      const { runFinetuneCommand } = await import("../finetune-run.js");
      await runFinetuneCommand(folder, options);
    });
}
