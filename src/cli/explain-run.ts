// Runs `nishiki explain`: prices the panels, draws them, and writes the page.
import { stat } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { makeFolder, writeFileAtomic } from "../checkpoint/node.js";
import { NishikiError } from "../errors.js";
import { resolveModel } from "../hub/index.js";
import {
  type Explanation,
  type ExplanationPart,
  makeStepFilm,
  mergeParts,
  type PanelName,
  usualPanels,
} from "../inspect/index.js";
import {
  type ExplanationPrice,
  explainInParts,
  findSprites,
  makeExplanationPage,
  priceExplanation,
  usualOrdinary,
} from "../inspect/node.js";
import {
  completeLoadOptions,
  completeRequest,
  type FileRequest,
  fileRequestSchema,
  type ImageRequest,
  type LoadOptions,
  loadOptionsSchema,
  restoreRequest,
} from "../pipeline/index.js";
import {
  embeddedModel,
  loadPipeline,
  type OpenedModel,
  openModel,
  readImages,
  restoreLoad,
} from "../pipeline/node.js";
import type { ExplainCommandOptions } from "./commands/explain.js";
import { formatPrices, panelLabels } from "./explain-prices.js";
import { nameOf } from "./image-files.js";
import { makeProgress, type Progress } from "./progress.js";
import { readPrompt } from "./read-prompt.js";
import { findReceiptImages, pickImagePaths, readReceiptFile } from "./receipt-file.js";
import { pickSettings } from "./setting-options.js";
import { listenForStop } from "./stop.js";
import { print, printPath } from "./terminal.js";

interface Subject {
  readonly request: ImageRequest;
  readonly load: LoadOptions;
  readonly warnings: readonly string[];
}

/** A picture with its receipt, if the only word names a PNG file; else undefined. */
async function readPicture(
  words: readonly string[],
  options: ExplainCommandOptions,
): Promise<Subject | undefined> {
  const [file] = words;
  if (words.length !== 1 || !/\.png$/i.test(file!)) return undefined;
  const { receipt } = await readReceiptFile(file!, "explained");
  const images = await findReceiptImages(file!, receipt, pickImagePaths(options));
  const load = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  const restored = await restoreLoad(receipt, load, { folders: [dirname(file!), process.cwd()] });
  return { request: await restoreRequest(receipt, images), load: restored, warnings: [] };
}

async function readRequest(words: readonly string[], options: ExplainCommandOptions): Promise<Subject> {
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

async function prepareOutput(output: string, force: boolean, endings: readonly string[]): Promise<string> {
  const option = endings.includes(".html") ? "--output" : "--film";
  if (!endings.includes(extname(output).toLowerCase())) {
    const expected = `expected a file that ends in ${endings.join(" or ")}`;
    throw new NishikiError("usage", `${option}: ${expected}, got ${output}.`);
  }
  const isThere = await stat(output).then(
    () => true,
    () => false,
  );
  if (isThere && !force) {
    const cure = "Choose another name, or add --force to replace it";
    throw new NishikiError("file", `${option}: ${output} is already there. ${cure}.`);
  }
  await makeFolder(dirname(output));
  return output;
}

/** The panels that the options choose. */
function choosePanels({
  panels = usualPanels,
  scales,
  autopsy,
  devices,
}: ExplainCommandOptions): readonly PanelName[] {
  const parts: readonly PanelName[] = ["word-pull", "arrow", "switch"];
  const chosen = panels.filter((name) => (scales || name !== "scales") && (autopsy || !parts.includes(name)));
  return devices && !chosen.includes("devices") ? [...chosen, "devices"] : chosen;
}

/** How much is drawn. */
const readAmounts = (options: ExplainCommandOptions, isEmbedded: boolean) => ({
  panels: choosePanels(options),
  seeds: options.otherSeeds,
  words: options.leaveOut,
  ordinaryPrompts: options.ordinary ?? (isEmbedded ? usualOrdinary : 0),
});

/** @throws NishikiError as drawing does, and "file" or "usage" for an output that cannot be written */
export async function runExplainCommand(
  words: readonly string[],
  options: ExplainCommandOptions,
): Promise<void> {
  const { force = false, quiet = false } = options;
  const { request, load, warnings } =
    (await readPicture(words, options)) ?? (await readRequest(words, options));
  const isEmbedded = load.model === undefined;
  const amounts = readAmounts(options, isEmbedded);
  const opened = await openModel(load);
  const settings = completeRequest({ ...request, seed: request.seed ?? 0, count: 1 }, opened.context);
  // Counting takes a second with large models, which is nothing beside what they draw; the embedded one takes seconds in all.
  const prices =
    options.forecast || !isEmbedded
      ? await priceExplanation({ settings, load, opened }, amounts).catch((error: unknown) => {
          if (options.forecast) throw error;
          return undefined; // A forecast that fails is no reason not to draw.
        })
      : undefined;
  if (options.forecast) {
    const lines = prices ? formatPrices(prices) : ["This kind of model does not say what it takes."];
    return print(`${lines.join("\n")}\n`);
  }
  const name = nameOf(request.prompt);
  const output = await prepareOutput(options.output ?? `${name}-inside.html`, force, [".html", ".json"]);
  const film =
    options.film === undefined
      ? undefined
      : await prepareOutput(options.film === true ? `${name}-steps.webp` : options.film, force, [".webp"]);
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  try {
    for (const warning of warnings) progress.warn(warning);
    for (const line of prices ? formatPrices(prices) : []) progress.say(line);
    progress.show("Loading the model", 0, 100);
    const subject = { request, load, opened, ...(prices && { prices }) };
    const explanation = await look(subject, amounts, { options, progress, signal: stop.signal });
    await write({ output, film, force }, explanation);
    progress.clear();
    await printPath(output);
    if (film !== undefined) await printPath(film);
  } finally {
    progress.clear();
    stop.release();
  }
}

interface LookSubject {
  readonly request: ImageRequest;
  readonly load: LoadOptions;
  readonly opened: OpenedModel;
  readonly prices?: ExplanationPrice;
}

async function look(
  { request, load, opened, prices }: LookSubject,
  amounts: ReturnType<typeof readAmounts>,
  { options, progress, signal }: { options: ExplainCommandOptions; progress: Progress; signal: AbortSignal },
): Promise<Explanation> {
  await using pipeline = await loadPipeline(load, { signal });
  const parts: ExplanationPart[] = [];
  const began = performance.now();
  for await (const part of explainInParts(pipeline, request, {
    ...amounts,
    ...{ signal, load, opened, isEmbedded: load.model === undefined },
    sprites: options.sprites ?? findSprites(),
    ...(load.threads !== undefined && { threads: load.threads }),
    ...(prices && { prices: prices.panels }),
    folder: load.model === undefined ? embeddedModel : await resolveModel(load.model),
    onProgress: ({ panel, fraction }) => {
      const seconds = (performance.now() - began) / 1000;
      const left = fraction > 0 ? [(seconds / fraction) * (1 - fraction)] : [];
      progress.show(panelLabels[panel], Math.round(100 * fraction), 100, ...left);
    },
  })) {
    for (const warning of part.warnings ?? []) progress.warn(warning);
    parts.push(part);
  }
  return mergeParts(parts);
}

interface Outputs {
  readonly output: string;
  readonly film: string | undefined;
  readonly force: boolean;
}

async function write({ output, film, force }: Outputs, explanation: Explanation): Promise<void> {
  const text = output.toLowerCase().endsWith(".json")
    ? `${JSON.stringify(explanation)}\n`
    : await makeExplanationPage(explanation);
  await writeFileAtomic(output, Buffer.from(text), { overwrite: force });
  if (film !== undefined)
    await writeFileAtomic(film, makeStepFilm(explanation.stepImages), { overwrite: force });
}
