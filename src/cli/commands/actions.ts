// Midjourney's way of working: nishiki vary, zoom, pan, upscale and remix PICTURE, blend PICTURES.
import { type Command, InvalidArgumentError, Option } from "commander";
import { NishikiError } from "../../errors.js";
import {
  completeLoadOptions,
  type FileRequest,
  fileRequestSchema,
  loadOptionsSchema,
  makeBlend,
  makePan,
  makeRemix,
  makeSquare,
  makeUpscale,
  makeVariation,
  makeZoom,
  type PanDirection,
  panDirections,
} from "../../pipeline/index.js";
import { openModel } from "../../pipeline/node.js";
import { drawPrepared, prepareDrawings } from "../draw-prepared.js";
import {
  type ActionCommandOptions,
  addActionOptions,
  changeable,
  runAction,
  withStrength,
} from "../run-action.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";

const about = `
The picture is one that nishiki drew: its receipt holds the request, and the model and its additions are found as for
nishiki verify. What results has a receipt too. Name files with -o; docs/actions.md says how each action works.
`;

function readFactor(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError("expected a number above 0.");
}

function addAction(program: Command, name: string, description: string, examples: string): Command {
  const command = program
    .command(name)
    .description(description)
    .argument("<picture>", "PNG drawn by nishiki");
  return command.addHelpText("after", `${about}\nExamples:\n${examples}`);
}

export function addActionCommands(program: Command): void {
  addVary(program);
  addZoom(program);
  addPan(program);
  addUpscale(program);
  addRemix(program);
  addBlend(program);
}

function addVary(program: Command): void {
  const examples =
    '  nishiki vary fox.png\n  nishiki vary fox.png --strong --count 8\n  nishiki vary fox.png --region mask.png --prompt "a fox with a hat"\n';
  const command = addAction(
    program,
    "vary",
    "draw variations of a picture: four, unless --count says otherwise",
    examples,
  )
    .option("--subtle", "a little different (default)")
    .option("--strong", "much different, of the same composition")
    .option(
      "--region <mask>",
      "draw only this area anew: an image of the same size, white where it is redrawn",
    );
  addActionOptions(command).action((file: string, options: ActionCommandOptions) => {
    if (options.subtle && options.strong)
      throw new NishikiError("usage", "vary: --subtle and --strong exclude each other; use one of them.");
    const mask = options.region as string | undefined;
    return runAction(file, options, (picture, context, more) =>
      makeVariation(picture, options.strong ? "strong" : "subtle", context, {
        ...more,
        ...(mask !== undefined && { mask }),
      }),
    );
  });
}

function addZoom(program: Command): void {
  const examples =
    '  nishiki zoom fox.png\n  nishiki zoom fox.png --factor 1.5 --prompt "a fox in a wide valley"\n  nishiki zoom fox.png --square\n';
  const command = addAction(program, "zoom", "draw more around a picture, which becomes smaller", examples)
    .addOption(
      new Option("--factor <number>", "how far to zoom out, above 1, up to 4")
        .default(2)
        .argParser(readFactor),
    )
    .option("--square", "make the picture square instead, by more on its shorter sides");
  addActionOptions(command).action((file: string, options: ActionCommandOptions) =>
    runAction(file, options, (picture, context, more) =>
      options.square
        ? makeSquare(picture, context, more)
        : makeZoom(picture, options.factor as number, context, more),
    ),
  );
}

function addPan(program: Command): void {
  const examples = "  nishiki pan fox.png --to right\n  nishiki pan fox.png --to up --share 0.25\n";
  const command = addAction(program, "pan", "draw more on one side of a picture", examples)
    .addOption(new Option("--to <direction>", "the side").choices(panDirections).makeOptionMandatory())
    .addOption(
      new Option("--share <number>", "how much more, of the picture's side, up to 1")
        .default(0.5)
        .argParser(readFactor),
    );
  addActionOptions(command).action((file: string, options: ActionCommandOptions) =>
    runAction(file, options, (picture, context, more) =>
      makePan(picture, options.to as PanDirection, options.share as number, context, more),
    ),
  );
}

function addUpscale(program: Command): void {
  const examples =
    '  nishiki upscale fox.png\n  nishiki upscale fox.png --creative --prompt "a fox, every hair of its fur"\n';
  const command = addAction(program, "upscale", "draw a picture larger", examples)
    .option("--subtle", "keep what it shows (default)")
    .option("--creative", "draw its details anew")
    .addOption(new Option("--factor <number>", "how many times as large").default(2).argParser(readFactor));
  addActionOptions(command).action((file: string, options: ActionCommandOptions) => {
    if (options.subtle && options.creative)
      throw new NishikiError(
        "usage",
        "upscale: --subtle and --creative exclude each other; use one of them.",
      );
    return runAction(file, options, (picture, context, more) =>
      makeUpscale(picture, options.creative ? "creative" : "subtle", options.factor as number, context, more),
    );
  });
}

function addRemix(program: Command): void {
  const examples = '  nishiki remix fox.png "a wolf in the snow"\n';
  const command = addAction(
    program,
    "remix",
    "draw with a picture's seed and settings, and another prompt",
    examples,
  ).argument("<prompt...>", "what it should show instead");
  addActionOptions(command).action((file: string, words: readonly string[], options: ActionCommandOptions) =>
    runAction(file, options, (picture, _, more) => makeRemix(picture, words.join(" "), more)),
  );
}

function addBlend(program: Command): void {
  const command = program
    .command("blend")
    .description("draw what several pictures have in common, by a model that takes images as prompts")
    .argument("<pictures...>", "two or more images, drawn by nishiki or not")
    .addHelpText(
      "after",
      '\nExamples:\n  nishiki blend fox.png house.jpg --model org/kandinsky-2-2-decoder --prompt "a painting"\n',
    );
  addSettingOptions(command, fileRequestSchema, ["size"]);
  addActionOptions(command).action(async (files: readonly string[], options: ActionCommandOptions) => {
    const load = completeLoadOptions(pickSettings(options, loadOptionsSchema));
    const opened = await openModel(load);
    const { prompt = "", count } = options;
    const { init, ...changes } = pickSettings(options, fileRequestSchema, [...changeable, "size"]);
    const blend = makeBlend(files, opened.context, { prompt, ...(count !== undefined && { count }) });
    const request = { ...blend, ...changes, ...withStrength(blend, init) } as unknown as FileRequest;
    const drawings = await prepareDrawings([request], [], opened.context, options);
    await drawPrepared({ opened, load }, drawings, options);
  });
}
