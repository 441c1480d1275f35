// Loads a model and draws what was prepared, one drawing after another.
import { NishikiError } from "../errors.js";
import {
  completeRequest,
  type FileRequest,
  type ImageSettings,
  type LoadOptions,
  Pipeline,
  type ProgressEvent,
  type RequestContext,
  RunMeter,
  type StageImageEvent,
} from "../pipeline/index.js";
import { type OpenedModel, readImages } from "../pipeline/node.js";
import { ContactSheets } from "./contact-sheets.js";
import { drawAll } from "./drawing.js";
import { announce, learn } from "./forecast.js";
import { type ImageFiles, prepareImageFiles } from "./image-files.js";
import type { WritePreview } from "./preview-file.js";
import { makeProgress } from "./progress.js";
import { listenForStop } from "./stop.js";
import { printBytes } from "./terminal.js";

export interface PreparedDrawing {
  readonly settings: ImageSettings;
  readonly notices: readonly string[];
  readonly files: ImageFiles | undefined;
}

/** Where images go. */
export interface OutputOptions {
  readonly output?: string;
  readonly force?: boolean;
}

/** Checks requests and where their images go. @param notices Said before the first. */
export async function prepareDrawings(
  requests: readonly FileRequest[],
  notices: readonly string[],
  context: RequestContext,
  { output, force = false }: OutputOptions,
): Promise<readonly PreparedDrawing[]> {
  checkOutput(requests.length, output);
  const drawings: PreparedDrawing[] = [];
  for (const [i, whole] of requests.entries()) {
    const { request, notices: own } = await readImages(whole, context);
    const settings = completeRequest(request, context);
    const where = { ...settings, force, ...(output !== undefined && { output }) };
    const files = output === "-" ? undefined : await prepareImageFiles(where);
    drawings.push({ settings, notices: i === 0 ? [...notices, ...own] : own, files });
  }
  return drawings;
}

/** Several drawings need several files. */
export function checkOutput(drawings: number, output: string | undefined): void {
  if (drawings === 1 || (output !== "-" && !/\.png$/i.test(output ?? ""))) return;
  const several = `expected a folder for the ${drawings} drawings of this prompt`;
  throw new NishikiError("usage", `--output: ${several}, got ${output}.`);
}

/** Writes images to files, or to standard output. */
export const makeWriter =
  (files: ImageFiles | undefined) => async (index: number, seed: number, png: Uint8Array) => {
    if (files) return files.write(index, seed, png);
    await printBytes(png);
    return undefined;
  };

/** Writes the images of a cascade's stages to files beside the images, if they are to be kept. */
const makeStageWriter = (files: ImageFiles | undefined, keepStages: boolean) =>
  files && keepStages
    ? (event: StageImageEvent) => files.writeStage(event.index, event.seed, event.stages, event.png())
    : undefined;

export interface DrawOptions {
  /** Whether the images of a cascade's stages are written, too. */
  readonly keepStages?: boolean;
  /** Whether the images of a prompt are written as one, too. */
  readonly grid?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly preview?: WritePreview | undefined;
}

/** Draws everything with one model. */
export async function drawPrepared(
  { opened, load }: { readonly opened: OpenedModel; readonly load: LoadOptions },
  drawings: readonly PreparedDrawing[],
  { quiet = false, json = false, keepStages = false, grid = false, preview }: DrawOptions,
): Promise<void> {
  const counts = drawings.map(({ settings }) => settings.count);
  const sheets = grid ? new ContactSheets(counts, { json }) : undefined;
  const plan = (settings: ImageSettings) => ({ opened, load, settings });
  const { steps } = drawings[0]!.settings;
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  const { signal } = stop;
  progress.show("Loading the model", 0, steps);
  try {
    for (const { settings } of drawings) await announce(plan(settings), progress);
    const onProgress = (event: ProgressEvent) => {
      if (event.kind === "load") progress.show(`Loading the ${event.stage}`, 0, steps);
    };
    let meter = new RunMeter();
    const now = () => performance.now() / 1000;
    let start = now();
    const pipeline = new Pipeline(await opened.load({ signal, onProgress, onRun: meter.add }));
    try {
      for (const { settings, notices, files } of drawings) {
        const loaded = now();
        const common = { pipeline, settings, notices, preview, progress, signal, json };
        await drawAll({
          ...common,
          write: sheets?.keep(makeWriter(files), files) ?? makeWriter(files),
          writeStage: makeStageWriter(files, keepStages),
          onRun: meter.add,
        });
        await sheets?.finishDrawing();
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
