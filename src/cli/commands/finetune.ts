// nishiki finetune FOLDER: fine-tunes a model on images of one's own.
import type { Command } from "commander";
import { loadOptionsSchema } from "../../pipeline/index.js";
import type { FinetuneOptions } from "../finetune-run.js";
import { addSettingOptions } from "../setting-options.js";
import { numberFromTo, wholeNumberFrom } from "./number-options.js";

const help = `
The folder holds png, jpg or webp images. Captions are in a .txt file of the same name beside each image, or in one
metadata.jsonl with "file_name" and "text". Half of every step repeats images that the model itself drew, so that other
prompts keep their results (prior preservation, --prior-share). The run is kept beside the output, in OUTPUT.run. Its
samples.png shows prompts before and after training; the last two are unrelated to the images and should not change.

Examples:
  nishiki finetune my-pictures --output mine.safetensors
  nishiki "a cat in my style" --lora mine.safetensors
  nishiki finetune my-pictures --output mine.safetensors --resume --steps 600
  nishiki finetune my-pictures --output my-model               fine-tune the whole model
`;

export function addFinetuneCommand(program: Command): void {
  const command = program
    .command("finetune")
    .description("fine-tune a model on captioned images")
    .argument("<folder>", "captioned images; see below")
    .requiredOption("-o, --output <path>", ".safetensors file for a LoRA, or a folder for a whole model")
    .option("-m, --model <folder>", "model to fine-tune (default: the embedded model)")
    .option("--rank <number>", "rank of the LoRA (default: 16)", wholeNumberFrom(1))
    .option(
      "--steps <number>",
      "total number of steps (default: 10 per image, from 80 to 400)",
      wholeNumberFrom(1),
    )
    .option(
      "--prior-share <number>",
      "share of each step for prior preservation; 0 turns it off (default: 0.5)",
      numberFromTo(0, 0.9),
    )
    .option("-r, --resume", "continue from the run's last checkpoint, if there is one");
  addSettingOptions(command, loadOptionsSchema, ["device", "threads"]);
  command
    .option("--json", "print a JSON line for every step and event")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", help)
    .action(async (folder: string, options: FinetuneOptions) => {
      const { runFinetuneCommand } = await import("../finetune-run.js");
      await runFinetuneCommand(folder, options);
    });
}
