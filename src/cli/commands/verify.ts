// nishiki verify FILE.png: draws an image again from its receipt and says whether it is the same.
import { dirname } from "node:path";
import type { Command } from "commander";
import { NishikiError } from "../../errors.js";
import { decodePng, toRgb } from "../../image/index.js";
import { readImageFile } from "../../image/node.js";
import {
  type Comparison,
  compareWithReceipt,
  completeLoadOptions,
  type ImageReference,
  type InputImage,
  type LoadOptions,
  listImages,
  loadOptionsSchema,
  type Pipeline,
  type PipelineEvent,
  parseReceipt,
  type Receipt,
  type Runtime,
  receiptKey,
  receiptRequestSchema,
} from "../../pipeline/index.js";
import { besideImage, loadPipeline, readReferencedImage, restoreLoad } from "../../pipeline/node.js";
import { makeProgress } from "../progress.js";
import { exitCodes } from "../report.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { print } from "../terminal.js";

interface Options extends Readonly<Record<string, unknown>> {
  readonly json?: boolean;
}

/** The options that say where the images of a receipt are. */
const imagePaths = ["init.image", "inpaint.mask"];

export function addVerifyCommand(program: Command): void {
  const command = program
    .command("verify")
    .description("redraw an image from its receipt and compare every byte")
    .argument("<file>", "PNG drawn by nishiki");
  addSettingOptions(command, loadOptionsSchema);
  command
    .option("-i, --image <file>", "init image (default: the file of that name beside <file>)")
    .option("--mask <file>", "mask (default: the file of that name beside <file>)")
    .option("--json", "print the comparison as JSON")
    .addHelpText("after", help)
    .action(verify);
}

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
  const { text, ...image } = decode(file, await readImageFile(file));
  const json = text[receiptKey];
  if (json === undefined) {
    const message = `${file} has no receipt: only pictures that nishiki drew can be verified.`;
    throw new NishikiError("file", message);
  }
  const receipt = parseReceipt(json);
  const { width, height, data } = toRgb(image);
  const pixels = { width, height, channels: 3 as const, data: Uint8Array.from(data) };
  const images = await findImages(file, receipt, options);
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

/** @throws NishikiError "file" that names the file */
function decode(file: string, bytes: Uint8Array): ReturnType<typeof decodePng> {
  try {
    return decodePng(bytes);
  } catch (error) {
    if (!(error instanceof NishikiError)) throw error;
    throw new NishikiError(
      error.code,
      error.message.replace(/^This/, () => file),
      { cause: error },
    );
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

/** The images that a receipt names: where the options say, else beside the image, at the size that was drawn from. */
async function findImages(
  file: string,
  { request }: Receipt,
  options: Options,
): Promise<Record<string, InputImage>> {
  const images: Record<string, InputImage> = {};
  const named = await listImages(receiptRequestSchema, request);
  const find = (path: string) => {
    const reference = named.get(path) as ImageReference | undefined;
    const option = imagePaths.includes(path) ? options[path.split(".").at(-1)!] : undefined;
    return typeof option === "string" ? option : reference && besideImage(file, reference.name);
  };
  for (const [path, reference] of named) {
    const from = find(path);
    if (from === undefined) continue;
    images[path] = await readReferencedImage(from, path, reference as ImageReference, find("init.image"));
  }
  return images;
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
