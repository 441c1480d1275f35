// nishiki draw PROMPT, or nishiki PROMPT alone: draws images and prints their paths.
import type { Command } from "commander";
import { NishikiError } from "../../errors.js";
import {
  completeLoadOptions,
  completeRequest,
  type FileRequest,
  fileRequestSchema,
  type ImageSettings,
  type LoraTag,
  loadOptionsSchema,
  Pipeline,
  type ProgressEvent,
  parsePromptParameters,
  type RequestContext,
  RunMeter,
  readPromptParameters,
  type StageImageEvent,
} from "../../pipeline/index.js";
import { openModel, readImages } from "../../pipeline/node.js";
import { drawAll } from "../drawing.js";
import { announce, learn, printForecasts } from "../forecast.js";
import { type ImageFiles, prepareImageFiles } from "../image-files.js";
import { addOptionHints } from "../option-hints.js";
import { preparePreview } from "../preview-file.js";
import { makeProgress } from "../progress.js";
import {
  addPromptOptions,
  listRequests,
  type PromptOptions,
  type ReadPrompt,
  readPromptFiles,
} from "../prompt-options.js";
import { readPrompt } from "../read-prompt.js";
import { addSettingOptions, nameOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { printBytes } from "../terminal.js";

interface Options extends PromptOptions, Readonly<Record<string, unknown>> {
  readonly output?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly force?: boolean;
  readonly preview?: string;
  readonly server?: string;
  readonly forecast?: boolean;
  readonly keepStages?: boolean;
}

const examples = `
Examples:
  nishiki draw "a red fox in the snow" --count 4 --output foxes
  echo "a red fox" | nishiki draw - --output - > fox.png
  nishiki draw "a red fox" --image sketch.png --strength 0.6
  nishiki draw "a {red, grey} fox --no snow --quality 2"
  nishiki draw "a fox" --model org/name --size 768x768 --forecast
  nishiki draw "a __animal__ in the {snow|rain}" --wildcards lists --count 4
  nishiki draw "a forest AND a red fox :1.4 <lora:ink:0.8>" --lora-folder loras
  nishiki draw "a fox" --model org/name --lora ink.safetensors:0.8 --lora file=snow.safetensors,weight=0.5
`;

export function addGenerateCommand(program: Command): void {
  const command = program
    .command("draw", { isDefault: true })
    .alias("generate")
    .description("draw images from a prompt")
    .argument("<prompt...>", 'what the image should show; "-" reads it from standard input');
  addSettingOptions(command, fileRequestSchema);
  addSettingOptions(command, loadOptionsSchema);
  addOptionHints(command);
  addPromptOptions(command)
    .option(
      "-o, --output <path>",
      '.png file, folder, or "-" for standard output (default: the current folder)',
    )
    .option("-f, --force", "replace existing files")
    .option("--keep-stages", "write the smaller images of a cascade's stages, too, as NAME-stage-1.png")
    .option("--preview <file>", ".png file that receives a preview after every step")
    .option("--server <url>", "draw on a running server (nishiki serve); models are named by their ids there")
    .option("--forecast", "say how long it would take and how much memory, and draw nothing")
    .option("--json", "print a JSON line for the model, each warning and each image instead of paths")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", examples)
    .action((words: readonly string[], options: Options) => generate(words, options).catch(renameSettings));
}

/** Library names of settings in an error become option names. */
function renameSettings(error: unknown): never {
  if (!(error instanceof NishikiError) || error.code !== "usage") throw error;
  const message = nameOptions(nameOptions(error.message, fileRequestSchema), loadOptionsSchema);
  throw new NishikiError("usage", message, { cause: error });
}

/** Everything is checked before the model is loaded, and everything is loaded before anything is drawn. */
async function generate(words: readonly string[], options: Options): Promise<void> {
  if (options.server !== undefined) return drawOnServer(options.server, words, options);
  const { json = false, force = false, quiet = false, output } = options;
  const given = {
    ...pickSettings(options, fileRequestSchema),
    prompt: await readPrompt(words),
  } as FileRequest;
  if (output === "-") checkStandardOutput(given, json);
  const read = await readPromptFiles(given, pickSettings(options, loadOptionsSchema), options);
  const preview = options.preview === undefined ? undefined : await preparePreview(options.preview, force);
  const { model, load } = await openNamedModel(read, options);
  const drawings = await prepareDrawings(read, model.context, options);
  const plan = (settings: ImageSettings) => ({ opened: model, load, settings });
  if (options.forecast)
    return printForecasts(
      drawings.map(({ settings }) => plan(settings)),
      json,
    );
  const { steps } = drawings[0]!.settings;
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  progress.show("Loading the model", 0, steps);
  const { signal } = stop;
  try {
    for (const { settings } of drawings) await announce(plan(settings), progress);
    const onProgress = (event: ProgressEvent) => {
      if (event.kind === "load") progress.show(`Loading the ${event.stage}`, 0, steps);
    };
    let meter = new RunMeter();
    const now = () => performance.now() / 1000;
    let start = now();
    const pipeline = new Pipeline(await model.load({ signal, onProgress, onRun: meter.add }));
    try {
      for (const { settings, notices, files } of drawings) {
        const write = makeWriter(files);
        const loaded = now();
        await drawAll({
          pipeline,
          settings,
          notices,
          write,
          writeStage: makeStageWriter(files, options),
          preview,
          progress,
          signal,
          json,
          onRun: meter.add,
        });
        const times = { start, loaded, end: now() };
        await learn(plan(settings), { meter, times, isAlone: drawings.length === 1 });
        [meter, start] = [new RunMeter(), now()];
      }
    } finally {
      await pipeline.dispose();
    }
  } finally {
    progress.clear();
    stop.release();
  }
}

/** The model of the options, or the one that the prompt asks for with --niji or --v, by a name of the user's. */
async function openNamedModel({ request, load: given, aliases }: ReadPrompt, { literal }: PromptOptions) {
  const load = completeLoadOptions(given);
  const model = await openModel(load);
  if (literal || load.model !== undefined || Object.keys(aliases).length === 0) return { model, load };
  const named = readPromptParameters(request.prompt, model.context, { aliases }).model;
  if (named === undefined) return { model, load };
  const other = { ...load, model: named };
  return { model: await openModel(other), load: other };
}

interface PreparedDrawing {
  readonly settings: ImageSettings;
  readonly notices: readonly string[];
  readonly files: ImageFiles | undefined;
}

async function prepareDrawings(
  read: ReadPrompt,
  context: RequestContext,
  options: Options,
): Promise<readonly PreparedDrawing[]> {
  const { output, force = false } = options;
  const { requests, notices: differences } = await listRequests(read, options, (prompt, more) =>
    parsePromptParameters(prompt, context, more),
  );
  checkOutput(requests.length, output);
  const drawings: PreparedDrawing[] = [];
  for (const [i, whole] of requests.entries()) {
    const { request, notices } = await readImages(whole, context);
    const settings = completeRequest(request, context);
    const files = output === "-" ? undefined : await prepareImageFiles({ ...settings, output, force });
    drawings.push({ settings, notices: i === 0 ? [...differences, ...notices] : notices, files });
  }
  return drawings;
}

/** Several drawings need several files. */
function checkOutput(drawings: number, output: string | undefined): void {
  if (drawings === 1 || (output !== "-" && !/\.png$/i.test(output ?? ""))) return;
  const several = `expected a folder for the ${drawings} drawings of this prompt`;
  throw new NishikiError("usage", `--output: ${several}, got ${output}.`);
}

/** Writes the images of a cascade's stages to files beside the images, if they are to be kept. */
const makeStageWriter = (files: ImageFiles | undefined, { keepStages }: Options) =>
  files && keepStages
    ? (event: StageImageEvent) => files.writeStage(event.index, event.seed, event.stages, event.png())
    : undefined;

/** Writes images to files, or to standard output. */
const makeWriter =
  (files: ImageFiles | undefined) => async (index: number, seed: number, png: Uint8Array) => {
    if (files) return files.write(index, seed, png);
    await printBytes(png);
    return undefined;
  };

/** The server reads the prompt and checks the requests; what it draws is saved here. */
async function drawOnServer(link: string, words: readonly string[], options: Options): Promise<void> {
  const { json = false, force = false, quiet = false, output } = options;
  const prompt = await readPrompt(words);
  const given = { ...pickSettings(options, fileRequestSchema), prompt } as FileRequest;
  if (output === "-") checkStandardOutput(given, json);
  const preview = options.preview === undefined ? undefined : await preparePreview(options.preview, force);
  const byName = async (tags: readonly LoraTag[]) => tags.map(({ name, weight }) => ({ file: name, weight }));
  const read = await readPromptFiles(given, pickSettings(options, loadOptionsSchema), options, byName);
  const { createRemoteJob, parseRemotely } = await import("../remote/draw-remotely.js");
  const { requests, notices } = await listRequests(read, options, parseRemotely(link, read.load));
  checkOutput(requests.length, output);
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  const { signal } = stop;
  try {
    for (const [i, request] of requests.entries()) {
      const files =
        output === "-" ? undefined : await prepareImageFiles({ count: 1, ...request, force, output });
      const { drawing, settings } = await createRemoteJob(link, { request, load: read.load, preview });
      await drawAll({
        pipeline: drawing,
        settings,
        notices: i === 0 ? notices : [],
        write: makeWriter(files),
        preview: undefined,
        progress,
        signal,
        json,
      });
    }
  } finally {
    progress.clear();
    stop.release();
  }
}

/** Standard output holds one PNG and nothing else. */
function checkStandardOutput({ count = 1 }: FileRequest, json: boolean): void {
  if (count !== 1)
    throw new NishikiError(
      "usage",
      `--output -: expected one picture for standard output, got --count ${count}.`,
    );
  if (json)
    throw new NishikiError("usage", "--output -: expected no --json, since the picture itself is printed.");
}
