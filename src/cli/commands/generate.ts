// nishiki draw PROMPT, or nishiki PROMPT alone: draws images and prints their paths.
import type { Command } from "commander";
import { NishikiError } from "../../errors.js";
import {
  completeLoadOptions,
  type FileRequest,
  fileRequestSchema,
  type LoraTag,
  loadOptionsSchema,
  parsePromptParameters,
  readPromptParameters,
} from "../../pipeline/index.js";
import { openModel } from "../../pipeline/node.js";
import { ContactSheets, usualImages } from "../contact-sheets.js";
import { checkOutput, drawPrepared, makeWriter, prepareDrawings } from "../draw-prepared.js";
import { drawAll, printWarning } from "../drawing.js";
import { printForecasts } from "../forecast.js";
import { prepareImageFiles } from "../image-files.js";
import { addOptionHints } from "../option-hints.js";
import { loadPlanner, planRequests } from "../plan-requests.js";
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

interface Options extends PromptOptions, Readonly<Record<string, unknown>> {
  readonly output?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly force?: boolean;
  readonly preview?: string;
  readonly server?: string;
  readonly forecast?: boolean;
  readonly keepStages?: boolean;
  readonly grid?: boolean;
}

const examples = `
Examples:
  nishiki draw "a red fox in the snow" --count 4 --output foxes
  echo "a red fox" | nishiki draw - --output - > fox.png
  nishiki draw "a red fox" --image sketch.png --strength 0.6
  nishiki draw "a {red, grey} fox --no snow --quality 2" --grid
  nishiki draw "a fox" --model org/name --size 768x768 --forecast
  nishiki draw "a cozy cabin in the woods in winter" --plan
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
    .option(
      "--grid",
      "write the images of a prompt as one, too, as NAME-grid.png; draws 4 unless --count is given",
    )
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
  const { json = false, force = false, quiet = false, keepStages = false, grid = false, output } = options;
  const given = await readGiven(words, options);
  if (output === "-") checkStandardOutput(given, json);
  const read = await readPromptFiles(given, pickSettings(options, loadOptionsSchema), options);
  const preview = options.preview === undefined ? undefined : await preparePreview(options.preview, force);
  const { model: opened, load } = await openNamedModel(read, options);
  const listed = await listRequests(read, options, (prompt, more) =>
    parsePromptParameters(prompt, opened.context, more),
  );
  const { requests, notices } = await planRequests(listed, () => loadPlanner(opened), options);
  const drawings = await prepareDrawings(requests, notices, opened.context, options);
  if (options.forecast) {
    for (const message of drawings.flatMap((drawing) => drawing.notices))
      await printWarning(message, { json, progress: makeProgress(quiet) });
    return printForecasts(
      drawings.map(({ settings }) => ({ opened, load, settings })),
      json,
    );
  }
  await drawPrepared({ opened, load }, drawings, { quiet, json, preview, keepStages, grid });
}

/** The prompt and what the options say of the request. */
async function readGiven(words: readonly string[], options: Options): Promise<FileRequest> {
  const settings = pickSettings(options, fileRequestSchema);
  const count = options.grid && settings.count === undefined ? { count: usualImages } : {};
  return { ...settings, ...count, prompt: await readPrompt(words) } as FileRequest;
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

/** The server reads the prompt and checks the requests; what it draws is saved here. */
async function drawOnServer(link: string, words: readonly string[], options: Options): Promise<void> {
  const { json = false, force = false, quiet = false, output } = options;
  const given = await readGiven(words, options);
  if (output === "-") checkStandardOutput(given, json);
  const preview = options.preview === undefined ? undefined : await preparePreview(options.preview, force);
  const byName = async (tags: readonly LoraTag[]) => tags.map(({ name, weight }) => ({ file: name, weight }));
  const read = await readPromptFiles(given, pickSettings(options, loadOptionsSchema), options, byName);
  const { createRemoteJob, parseRemotely, planRemotely } = await import("../remote/draw-remotely.js");
  const listed = await listRequests(read, options, parseRemotely(link, read.load));
  const { requests, notices } = await planRequests(
    listed,
    async () => planRemotely(link, read.load),
    options,
  );
  checkOutput(requests.length, output);
  const counts = requests.map(({ count = 1 }) => count as number);
  const sheets = options.grid ? new ContactSheets(counts, { json }) : undefined;
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
        write: sheets?.keep(makeWriter(files), files) ?? makeWriter(files),
        preview: undefined,
        progress,
        signal,
        json,
      });
      await sheets?.finishDrawing();
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
