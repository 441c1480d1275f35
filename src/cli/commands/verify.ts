// nishiki verify FILE.png: draws an image again from its receipt and says whether it is the same.
import { dirname } from "node:path";
import type { Command } from "commander";
import {
  type Comparison,
  compareWithReceipt,
  completeLoadOptions,
  type LoadOptions,
  loadOptionsSchema,
  type Pipeline,
  type PipelineEvent,
  type Runtime,
} from "../../pipeline/index.js";
import { loadPipeline, restoreLoad } from "../../pipeline/node.js";
import { makeProgress } from "../progress.js";
import { findReceiptImages, pickImagePaths, readReceiptFile } from "../receipt-file.js";
import { exitCodes } from "../report.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { print } from "../terminal.js";

interface Options extends Readonly<Record<string, unknown>> {
  readonly json?: boolean;
}

export function addVerifyCommand(program: Command): void {
  const command = program
    .command("verify")
    .description("redraw an image from its receipt and compare every byte")
    .argument("<file>", "PNG drawn by nishiki");
  addSettingOptions(command, loadOptionsSchema);
  command
    .option("-i, --image <file>", "init image (default: the file of that name beside <file>)")
    .option("--mask <file>", "mask (default: the file of that name beside <file>)")
    .option("--image-prompt <file>", "image prompt; may be repeated (default: as for --image)", collect)
    .option("--style-image <file>", "style image; may be repeated (default: as for --image)", collect)
    .option("--layout-image <file>", "layout image; may be repeated (default: as for --image)", collect)
    .option("--json", "print the comparison as JSON")
    .addHelpText("after", help)
    .action(verify);
}

const collect = (file: string, before: readonly string[] = []) => [...before, file];

const help = `
The receipt restores LoRAs, embeddings, VAE, precision and prediction. Their files are looked up beside the image, in the
current folder and in the hub's cache; name them with the options above if they are elsewhere.

Exit codes: 0 identical, 3 different, 2 wrong usage, 130 stopped, 1 any other error.

Examples:
  nishiki verify fox.png
  nishiki verify lighthouse.png --model path/to/stable-diffusion-v1-5 --image sketch.png
`;

async function verify(file: string, options: Options): Promise<void> {
  const load = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const { receipt, pixels } = await readReceiptFile(file, "verified");
  const images = await findReceiptImages(file, receipt, pickImagePaths(options));
  const stop = listenForStop();
  const progress = makeProgress(false);
  const { signal } = stop;
  const onEvent = (event: PipelineEvent) => {
    if (event.kind === "load") progress.show(`Loading the ${event.stage}`, 0, receipt.request.steps);
    if (event.kind === "step")
      progress.show("Drawing again", event.step, event.steps, event.totalSecondsLeft);
  };
  try {
    const restored = await restoreLoad(receipt, load, { folders: [dirname(file), process.cwd()], signal });
    const comparison = await withPipeline(restored, { signal, onProgress: onEvent }, (pipeline) =>
      compareWithReceipt(pixels, receipt, pipeline, { images, signal, onEvent }),
    );
    progress.clear();
    await print(options.json ? `${JSON.stringify(comparison)}\n` : explain(file, comparison));
    if (!comparison.identical) process.exitCode = exitCodes.differs;
  } finally {
    progress.clear();
    stop.release();
  }
}

async function withPipeline<T>(
  options: LoadOptions,
  runtime: Runtime,
  work: (pipeline: Pipeline) => Promise<T>,
): Promise<T> {
  const pipeline = await loadPipeline(options, runtime);
  try {
    return await work(pipeline);
  } finally {
    await pipeline.dispose();
  }
}

/** The comparison in words. */
export function explain(file: string, comparison: Comparison): string {
  const { identical, edited, differingPixels, totalPixels, maxDifference, changes } = comparison;
  const lines: string[] = [];
  if (identical) lines.push(`${file}: identical.`);
  else {
    const share = `${differingPixels} of ${totalPixels} pixels differ, by at most ${maxDifference} of 255`;
    lines.push(`${file}: differs. ${share}.`);
    if (edited) lines.push("The pixels of the file were changed after it was drawn.");
    else if (changes.length === 0) lines.push("Nothing is known that explains it.");
  }
  if (changes.length > 0) lines.push("Not as when it was drawn:", ...changes.map((change) => `  ${change}`));
  return `${lines.join("\n")}\n`;
}
