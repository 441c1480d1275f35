// nishiki draw PROMPT, or nishiki PROMPT alone: draws pictures and prints their paths.
import type { Command } from "commander";
import { writeFileAtomic } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { encodePng } from "../../image/index.js";
import {
  completeMachine,
  completeRequest,
  type ImageEvent,
  type MachineSettings,
  machineFields,
  type PictureSettings,
  pictureFields,
} from "../../pipeline/index.js";
import { loadPipeline, openModel, type RequestWithFiles, readPictures } from "../../pipeline/node.js";
import { type PictureFiles, preparePictureFiles } from "../picture-files.js";
import { formatSeconds, makeProgress, type Progress } from "../progress.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { print, printPath } from "../terminal.js";

interface Options extends Readonly<Record<string, unknown>> {
  readonly output?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly force?: boolean;
  readonly preview?: string;
}

export function addGenerateCommand(program: Command): void {
  const command = program
    .command("draw", { isDefault: true })
    .alias("generate")
    .description("draw pictures of a text (the word draw may be left out)")
    .argument("<prompt...>", pictureFields.prompt.help);
  addSettingOptions(command, pictureFields);
  addSettingOptions(command, machineFields);
  command
    .option("-o, --output <path>", "a file that ends in .png, or a folder (default: the current folder)")
    .option("-f, --force", "replace files that are already there")
    .option("--preview <file>", "write what the picture is coming to into this .png after every step")
    .option("--json", "print a line of JSON for each picture instead of its path")
    .option("-q, --quiet", "no progress")
    .action((words: string[], options: Options) => generate(words.join(" "), options));
}

/** Everything is checked before the model is loaded, and everything is loaded before anything is drawn. */
async function generate(prompt: string, options: Options): Promise<void> {
  const machine = completeMachine(pickSettings(options, machineFields));
  if (options.preview !== undefined && !/\.png$/i.test(options.preview))
    throw new NishikiError("usage", `--preview: expected a file that ends in .png, got ${options.preview}.`);
  const asked = { ...pickSettings(options, pictureFields), prompt } as RequestWithFiles;
  const { context } = await openModel(machine);
  const { request, notices } = await readPictures(asked, context);
  const settings = completeRequest(request, context);
  const files = await preparePictureFiles({ ...settings, output: options.output, force: options.force });
  const progress = makeProgress(options.quiet ?? false);
  for (const notice of notices) progress.warn(notice);
  const stop = listenForStop();
  try {
    const { json = false, preview } = options;
    await draw({ settings, machine, files, progress, signal: stop.signal, json, preview });
  } finally {
    progress.clear();
    stop.release();
  }
}

interface Work {
  readonly settings: PictureSettings;
  readonly machine: MachineSettings;
  readonly files: PictureFiles;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly preview: string | undefined;
}

async function draw({ settings, machine, files, progress, signal, json, preview }: Work): Promise<void> {
  const { steps, count } = settings;
  const label = (index: number) => (count === 1 ? "Drawing" : `Picture ${index + 1} of ${count}`);
  progress.show(label(0), 0, steps);
  const pipeline = await loadPipeline(machine);
  let started = performance.now();
  let finished = 0;
  try {
    for await (const event of pipeline.generate(settings, { signal })) {
      if (event.kind === "warning") progress.warn(event.message);
      if (event.kind === "step") {
        progress.show(label(event.index), event.step, event.steps, event.secondsLeft);
        if (preview !== undefined) await writeFileAtomic(preview, encodePng(await event.preview()));
      }
      if (event.kind !== "image") continue;
      const seconds = (performance.now() - started) / 1000;
      started = performance.now();
      const file = await files.write(event.index, event.seed, event.png());
      finished += 1;
      progress.say(`${label(event.index)}: seed ${event.seed}, ${steps} steps, ${formatSeconds(seconds)}`);
      await (json ? print(`${describe(file, event, seconds)}\n`) : printPath(file));
    }
  } catch (error) {
    if (!(error instanceof NishikiError) || error.code !== "aborted") throw error;
    const pictures = count === 1 ? "no picture is finished" : `${finished} of ${count} pictures are finished`;
    throw new NishikiError("aborted", `Stopped; ${pictures}.`, { cause: error });
  } finally {
    await pipeline.dispose();
  }
}

function describe(file: string, { seed, width, height, receipt }: ImageEvent, seconds: number): string {
  return JSON.stringify({ file, seed, width, height, seconds: Number(seconds.toFixed(3)), receipt });
}
