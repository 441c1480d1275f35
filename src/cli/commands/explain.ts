// nishiki explain PROMPT|PICTURE: a page that shows how a picture came about.
import { stat } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { type Command, Option } from "commander";
import { makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import type { Finding } from "../../inspect/index.js";
import {
  completeLoadOptions,
  completeRequest,
  type FileRequest,
  fileRequestSchema,
  type ImageRequest,
  type LoadOptions,
  loadOptionsSchema,
  restoreRequest,
} from "../../pipeline/index.js";
import { embeddedModel, loadPipeline, openModel, readImages, restoreLoad } from "../../pipeline/node.js";
import { nameOf } from "../image-files.js";
import { makeProgress, type Progress } from "../progress.js";
import { readPrompt } from "../read-prompt.js";
import { findReceiptImages, pickImagePaths, readReceiptFile } from "../receipt-file.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { printPath } from "../terminal.js";
import { wholeNumberFrom } from "./number-options.js";

interface Options extends Readonly<Record<string, unknown>> {
  readonly output?: string;
  readonly force?: boolean;
  readonly quiet?: boolean;
  readonly otherSeeds: number;
  readonly leaveOut: number;
  readonly scales: boolean;
  readonly autopsy: boolean;
  readonly devices?: boolean;
  readonly ordinary?: number;
  readonly sprites?: string;
}

const help = `
The page answers, for this one picture: where each word went, whether it is one thing or an average of many, what was read
from disk, how much computation it was, what the model read of the prompt, and how hard it listened. It is one file that
works without a server or a network. A name that ends in .json gets the data instead.

It draws the picture again, then some more: one for each word left out, for other seeds, and for other guidance scales. With
a large model, ask for less: --other-seeds 0 --leave-out 1 --no-scales --no-autopsy.

Examples:
  nishiki explain "blue cat against a sunset background"
  nishiki explain fox.png --output fox.html
  nishiki explain "a cat" --model org/name --other-seeds 3 --leave-out 2 --no-scales --no-autopsy
`;

export function addExplainCommand(program: Command): void {
  const command = program
    .command("explain")
    .description("show how a picture came about, as a page")
    .argument("<prompt or file...>", "a prompt, or a PNG drawn by nishiki");
  addSettingOptions(command, fileRequestSchema);
  addSettingOptions(command, loadOptionsSchema);
  // One picture is explained at a time.
  command.options.find(({ long }) => long === "--count")?.hideHelp();
  command
    .option("-o, --output <file>", ".html or .json file (default: named after the prompt)")
    .option("-f, --force", "replace an existing file")
    .addOption(
      new Option("--other-seeds <number>", "other seeds to draw").default(15).argParser(wholeNumberFrom(0)),
    )
    .addOption(
      new Option("--leave-out <number>", "the most words to leave out, one at a time")
        .default(5)
        .argParser(wholeNumberFrom(0)),
    )
    .addOption(
      new Option(
        "--ordinary <number>",
        "ordinary prompts whose pull is compared, one step each, once for a model (default: 24 for the embedded model)",
      ).argParser(wholeNumberFrom(0)),
    )
    .option(
      "--sprites <folder>",
      "drawings of `nishiki data build`, to look for the nearest training picture",
    )
    .option("--no-scales", "draw no other guidance scales")
    .option("--devices", "draw the same seed on every device that is there; each is loaded and draws twice")
    .option("--no-autopsy", "do not take the prompt apart word by word, which costs about eight drawings")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", help)
    .action(explainPicture);
}

interface Subject {
  readonly request: ImageRequest;
  readonly load: LoadOptions;
  readonly warnings: readonly string[];
}

/** A picture with its receipt, if the only word names a PNG file; else undefined. */
async function readPicture(words: readonly string[], options: Options): Promise<Subject | undefined> {
  const [file] = words;
  if (words.length !== 1 || !/\.png$/i.test(file!)) return undefined;
  const { receipt } = await readReceiptFile(file!, "explained");
  const images = await findReceiptImages(file!, receipt, pickImagePaths(options));
  const load = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const restored = await restoreLoad(receipt, load, { folders: [dirname(file!), process.cwd()] });
  return { request: await restoreRequest(receipt, images), load: restored, warnings: [] };
}

async function readRequest(words: readonly string[], options: Options): Promise<Subject> {
  const load = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const prompt = await readPrompt(words);
  const given = { ...pickSettings(options, fileRequestSchema), prompt } as FileRequest;
  const { context } = await openModel(load);
  const { request, notices } = await readImages(given, context);
  return {
    request: completeRequest({ ...request, seed: request.seed ?? 0, count: 1 }, context),
    load,
    warnings: notices,
  };
}

async function prepareOutput(output: string, force: boolean): Promise<string> {
  if (![".html", ".json"].includes(extname(output).toLowerCase()))
    throw new NishikiError("usage", `--output: expected a file that ends in .html or .json, got ${output}.`);
  const isThere = await stat(output).then(
    () => true,
    () => false,
  );
  if (isThere && !force) {
    const cure = "Choose another name, or add --force to replace it";
    throw new NishikiError("file", `--output: ${output} is already there. ${cure}.`);
  }
  await makeFolder(dirname(output));
  return output;
}

const stages: Readonly<Partial<Record<Finding["kind"], string>>> = {
  drawing: "Looking inside",
  words: "Leaving words out",
  without: "Leaving words out",
  seeds: "Guidance",
};

async function explainPicture(words: readonly string[], options: Options): Promise<void> {
  const { force = false, quiet = false } = options;
  const { request, load, warnings } =
    (await readPicture(words, options)) ?? (await readRequest(words, options));
  const output = await prepareOutput(options.output ?? `${nameOf(request.prompt)}-inside.html`, force);
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  try {
    for (const warning of warnings) progress.warn(warning);
    progress.show("Loading the model", 0, 1);
    const text = await write(output, request, load, { options, progress, signal: stop.signal });
    await writeFileAtomic(output, Buffer.from(text), { overwrite: force });
    progress.clear();
    await printPath(output);
  } finally {
    progress.clear();
    stop.release();
  }
}

async function write(
  output: string,
  request: ImageRequest,
  load: LoadOptions,
  { options, progress, signal }: { options: Options; progress: Progress; signal: AbortSignal },
): Promise<string> {
  const isEmbedded = load.model === undefined;
  const { findSprites, makeExplanation, makeExplanationPage, readSkills, usualOrdinary } = await import(
    "../../inspect/node.js"
  );
  const pipeline = await loadPipeline(load, { signal });
  try {
    const { otherSeeds: seeds, leaveOut, scales } = options;
    const total = 6 + leaveOut;
    let done = 0;
    const explanation = await makeExplanation(pipeline, request, {
      signal,
      seeds,
      words: leaveOut,
      ...(!scales && { scales: [] }),
      autopsy: options.autopsy,
      ...(options.devices && { devices: load }),
      isEmbedded,
      ordinaryPrompts: options.ordinary ?? (isEmbedded ? usualOrdinary : 0),
      sprites: options.sprites ?? findSprites(),
      ...(load.threads !== undefined && { threads: load.threads }),
      folder: load.model ?? embeddedModel,
      onFinding: (kind) => {
        done = Math.min(total, done + 1);
        progress.show(stages[kind] ?? "Looking inside", done, total);
      },
    });
    for (const warning of explanation.warnings) progress.warn(warning);
    const skills = isEmbedded ? await readSkills() : undefined;
    const whole = { ...explanation, ...(skills && { skills }) };
    return output.endsWith(".json") ? `${JSON.stringify(whole)}\n` : await makeExplanationPage(whole);
  } finally {
    await pipeline.dispose();
  }
}
