// nishiki data: the images that a model learns from, built and looked at.
import { stat } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { writeFileAtomic } from "../../checkpoint/node.js";
import type { CaptionedImage, FolderProblem, SceneOptions, SetName } from "../../data/index.js";
import { NishikiError } from "../../errors.js";
import { formatBytes } from "../description.js";
import { makeProgress, type Progress } from "../progress.js";
import { listenForStop } from "../stop.js";
import { print, printPath } from "../terminal.js";

const defaultSprites = ".data/sprites";

/** Loaded when asked for: drawing sprites needs a library that the other commands do without. */
const loadRoom = () => import("../../data/index.js");

interface BuildOptions {
  readonly output: string;
  readonly sets?: string[];
  readonly things?: string[];
  readonly size?: number;
  readonly quiet?: boolean;
}

interface PreviewOptions {
  readonly output: string;
  readonly sprites: string;
  readonly config?: string;
  readonly count: number;
  readonly seed: number;
  readonly force?: boolean;
  readonly quiet?: boolean;
}

function whole(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number from 0.");
}

const names = (text: string) => text.split(",").map((name) => name.trim());

const buildExamples = `
Examples:
  nishiki data build
  nishiki data build --sets 3d,flat,silhouette
`;

const previewExamples = `
Examples:
  nishiki data preview
  nishiki data preview --config configs/denoiser.json --count 64
  nishiki data preview my-images --output sheet.png
`;

export function addDataCommand(program: Command): void {
  const data = program.command("data").description("build and preview training images");
  data
    .command("list")
    .description("list the things that scenes can show")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nishiki data list\n")
    .action(list);
  data
    .command("build")
    .description("draw the sprites for scenes from the installed emoji packages")
    .option("-o, --output <folder>", "output folder", defaultSprites)
    .option("--sets <names>", "comma-separated sets of drawings (default: all)", names)
    .option("--things <names>", "comma-separated things (default: all)", names)
    .option("--size <pixels>", "longer side of a sprite in pixels (default: 224)", whole)
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", buildExamples)
    .action(build);
  data
    .command("preview")
    .description("draw a contact sheet of scenes, or of a folder of captioned images")
    .argument("[folder]", "your own images, with captions in .txt files or a metadata.jsonl")
    .option("-o, --output <file>", "output file, a PNG", "preview.png")
    .option("--sprites <folder>", "folder written by nishiki data build", defaultSprites)
    .option("--config <file>", "training config whose images to show")
    .option("-c, --count <number>", "number of images", whole, 32)
    .option("-s, --seed <number>", "seed of the scenes, or of the order of the folder's images", whole, 0)
    .option("-f, --force", "replace an existing file")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", previewExamples)
    .action(preview);
}

async function list({ json = false }: { readonly json?: boolean }): Promise<void> {
  const { vocabulary } = await loadRoom();
  const things = vocabulary.map(({ name }) => name);
  await print(json ? `${JSON.stringify(things)}\n` : `${things.join("\n")}\n`);
}

async function build({ output, sets, things, size, quiet = false }: BuildOptions): Promise<void> {
  const { buildSprites } = await loadRoom();
  const progress = makeProgress(quiet);
  const { signal, release } = listenForStop();
  const onProgress = (done: number, total: number) => progress.show("Drawing sprites", done, total);
  try {
    // Names are checked by the room, which lists the choices.
    const options = { output, sets: sets as SetName[] | undefined, things, size, onProgress, signal };
    const { sprites, bytes, missing } = await buildSprites(options);
    const left = missing.length > 0 ? `; ${missing.length} drawings do not exist in their sets` : "";
    progress.say(`${sprites} sprites, ${formatBytes(bytes)}${left}`);
    await printPath(output);
  } finally {
    progress.clear();
    release();
  }
}

async function preview(folder: string | undefined, options: PreviewOptions): Promise<void> {
  const { output, force = false, quiet = false } = options;
  if (!output.toLowerCase().endsWith(".png")) {
    throw new NishikiError("usage", `output: expected a file that ends in .png, got "${output}".`);
  }
  if (!force && (await stat(output).catch(() => undefined))) {
    throw new NishikiError(
      "file",
      `${output} is already there. Choose another name, or add --force to replace it.`,
    );
  }
  const { previewSheet } = await loadRoom();
  const progress = makeProgress(quiet);
  const { signal, release } = listenForStop();
  try {
    const images = await collect(folder, options, progress, signal);
    const { png, labelled } = await previewSheet({ images });
    await writeFileAtomic(output, png, { overwrite: force });
    if (!labelled) {
      progress.say("This machine has no fonts; the captions, row by row:");
      for (const { caption } of images) progress.say(`  ${caption}`);
    }
    await printPath(output);
  } finally {
    progress.clear();
    release();
  }
}

type Source =
  | { readonly folder: string }
  | { readonly scenes: { readonly sprites: string; readonly mix?: SceneOptions; readonly size?: number } };

/** What the command shows: a folder, a config's images, or the scenes of the default mix. */
async function chooseSource(
  folder: string | undefined,
  { config, sprites }: PreviewOptions,
): Promise<Source> {
  if (folder !== undefined && config !== undefined) {
    throw new NishikiError("usage", "A folder and --config were both given; a sheet shows one of them.");
  }
  if (folder !== undefined) return { folder };
  if (config === undefined) return { scenes: { sprites } };
  const { loadTrainingConfig } = await import("../../training/index.js");
  return (await loadTrainingConfig(config)).data;
}

async function collect(
  folder: string | undefined,
  options: PreviewOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<CaptionedImage[]> {
  const { count, seed } = options;
  if (count < 1 || count > 1000) {
    throw new NishikiError("usage", `count: expected a whole number from 1 to 1000, got ${count}.`);
  }
  const { openFolder, scenes } = await loadRoom();
  const images: CaptionedImage[] = [];
  const take = async (stream: AsyncIterable<CaptionedImage>, total: number) => {
    for await (const image of stream) {
      images.push(image);
      progress.show("Drawing", images.length, total);
    }
    return images;
  };
  const source = await chooseSource(folder, options);
  if ("scenes" in source) {
    const { mix, ...rest } = source.scenes;
    return take(scenes({ ...rest, options: mix, seed, count, signal }), count);
  }
  const onProgress = (done: number, total: number) => progress.show("Reading", done, total);
  const { entries, problems, ...opened } = await openFolder(source.folder, { onProgress, signal }).then(
    (found) => ({
      entries: found.entries,
      problems: found.problems,
      images: (total: number) => found.images({ seed, count: total, signal }),
    }),
  );
  tellProblems(problems, progress);
  const total = Math.min(count, entries.length);
  return take(opened.images(total), total);
}

function tellProblems(problems: readonly FolderProblem[], progress: Progress): void {
  if (problems.length === 0) return;
  progress.say(`${problems.length} of the folder's files cannot be used:`);
  for (const { file, reason } of problems.slice(0, 20)) progress.say(`  ${file}: ${reason}`);
  if (problems.length > 20) progress.say(`  and ${problems.length - 20} more`);
}
