// nishiki morph PROMPT PROMPT: the way from one picture to another, as a strip and a film.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { makeFolder, writeFileAtomic } from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { joinGrid } from "../../image/index.js";
import {
  completeLoadOptions,
  drawSeed,
  type ImageRequest,
  imageRequestSchema,
  loadOptionsSchema,
  type Pixels,
} from "../../pipeline/index.js";
import { loadPipeline } from "../../pipeline/node.js";
import { nameOf } from "../image-files.js";
import { makeProgress } from "../progress.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { printPath } from "../terminal.js";
import { wholeNumberFrom } from "./number-options.js";

interface Options extends Readonly<Record<string, unknown>> {
  readonly frames: number;
  readonly toSeed?: number;
  readonly output?: string;
  readonly force?: boolean;
  readonly quiet?: boolean;
}

/** Settings that a morph takes; prompt, seeds and images are its own. */
const settings = [
  ...["negativePrompt", "steps", "guidance", "guidanceRescale", "guidanceInterval", "sampler", "schedule"],
  ...["size", "eta", "rng", "clipSkip", "seed"],
];

const help = `
Two prompts are mixed in guidance, two seeds in the noise that a drawing starts with; both at once work too. The result is
NAME-strip.webp, all frames side by side, and NAME-film.webp, which plays there and back.

Examples:
  nishiki morph "a cat" "a red house" --seed 4
  nishiki morph "a cat" --seed 4 --to-seed 11 --frames 24
`;

export function addMorphCommand(program: Command): void {
  const command = program
    .command("morph")
    .description("draw the way from one prompt or seed to another, as a strip and a film")
    .argument("<prompt>", "where it begins")
    .argument("[prompt]", "where it ends; left out, the same prompt with another seed");
  addSettingOptions(command, imageRequestSchema, settings);
  addSettingOptions(command, loadOptionsSchema);
  command
    .addOption(
      new Option("--to-seed <number>", "seed of the end (default: that of the beginning)").argParser(
        wholeNumberFrom(0),
      ),
    )
    .addOption(
      new Option("--frames <number>", "number of images, with both ends")
        .default(9)
        .argParser(wholeNumberFrom(2)),
    )
    .option("-o, --output <name>", "start of the files' names (default: named after the prompt)")
    .option("-f, --force", "replace existing files")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", help)
    .action(drawMorph);
}

async function drawMorph(first: string, second: string | undefined, options: Options): Promise<void> {
  const { frames, force = false, quiet = false, output = `${nameOf(first)}-morph` } = options;
  const { seed = drawSeed(), ...request } = pickSettings(
    options,
    imageRequestSchema,
    settings,
  ) as Partial<ImageRequest>;
  const from = { prompt: first, seed };
  const to = { prompt: second ?? first, seed: options.toSeed ?? seed };
  if (from.prompt === to.prompt && from.seed === to.seed) {
    const cure = "Give a second prompt, or another seed with --to-seed";
    throw new NishikiError("usage", `morph: both ends are the same. ${cure}.`);
  }
  const paths = await preparePaths(output, force);
  const progress = makeProgress(quiet);
  const stop = listenForStop();
  const load = completeLoadOptions(pickSettings(options, loadOptionsSchema));
  try {
    progress.show("Loading the model", 0, frames);
    await using pipeline = await loadPipeline(load, { signal: stop.signal });
    const { morph } = await import("../../inspect/index.js");
    const images: Pixels[] = [];
    for await (const { image } of morph(pipeline, { from, to, frames, request, signal: stop.signal })) {
      images.push(image);
      progress.show("Drawing", images.length, frames);
    }
    progress.say(`${frames} images: seed ${from.seed}${to.seed === from.seed ? "" : ` to ${to.seed}`}`);
    await write(paths, images, force);
  } finally {
    progress.clear();
    stop.release();
  }
}

interface Paths {
  readonly strip: string;
  readonly film: string;
}

/** Before anything is drawn. @throws NishikiError "file" if a file is there already */
async function preparePaths(output: string, force: boolean): Promise<Paths> {
  const name = join(dirname(output), basename(output).replace(/\.webp$/i, ""));
  const paths = { strip: `${name}-strip.webp`, film: `${name}-film.webp` };
  await makeFolder(dirname(name));
  for (const path of Object.values(paths)) {
    if (force || !existsSync(path)) continue;
    const cure = "Choose another name, or add --force to replace it";
    throw new NishikiError("file", `--output: ${path} is already there. ${cure}.`);
  }
  return paths;
}

async function write({ strip, film }: Paths, images: readonly Pixels[], overwrite: boolean): Promise<void> {
  const { encodeFilm, encodeWebp } = await import("../../image/node.js");
  const whole = joinGrid(images, { columns: images.length, spacing: 0 });
  await writeFileAtomic(strip, await encodeWebp(whole, { quality: 88 }), { overwrite });
  await printPath(strip);
  await writeFileAtomic(film, await encodeFilm(images, { returns: true, endMilliseconds: 800 }), {
    overwrite,
  });
  await printPath(film);
}
