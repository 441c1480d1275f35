// nishiki explain PROMPT|PICTURE: a page that shows how a picture came about.
import { type Command, InvalidArgumentError, Option } from "commander";
import type { PanelName } from "../../inspect/index.js";
import { fileRequestSchema, loadOptionsSchema } from "../../pipeline/index.js";
import { panelTitles } from "../explain-prices.js";
import { addSettingOptions } from "../setting-options.js";
import { wholeNumberFrom } from "./number-options.js";

export interface ExplainCommandOptions extends Readonly<Record<string, unknown>> {
  readonly output?: string;
  readonly force?: boolean;
  readonly quiet?: boolean;
  readonly otherSeeds: number;
  readonly leaveOut: number;
  readonly panels?: readonly PanelName[];
  readonly scales: boolean;
  readonly autopsy: boolean;
  readonly devices?: boolean;
  readonly forecast?: boolean;
  readonly film?: string | true;
  readonly ordinary?: number;
  readonly sprites?: string;
}

const help = `
The page answers, for this one picture: where each word went, whether it is one thing or an average of many, what was read
from disk, how much computation it was, what the model read of the prompt, and how hard it listened. It is one file that
works without a server or a network. A name that ends in .json gets the data instead.

It draws the picture again, then some more, panel by panel: "pull" among ordinary prompts, "leave-out" of words, other
"seeds", "word-pull", the "arrow" of guidance, the "switch" to a word that joins later, other "scales", and "devices".
--forecast says what each of them costs; --panels chooses.

Examples:
  nishiki explain "blue cat against a sunset background"
  nishiki explain fox.png --output fox.html --film fox-steps.webp
  nishiki explain "a cat" --model org/name --forecast
  nishiki explain "a cat" --model org/name --panels leave-out,seeds --other-seeds 3 --leave-out 2
`;

/** Panels that may be chosen. */
const choices: readonly PanelName[] = (Object.keys(panelTitles) as PanelName[]).filter(
  (name) => name !== "drawing",
);

function readPanels(text: string): readonly PanelName[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !(choices as readonly string[]).includes(name));
  if (unknown === undefined) return names as PanelName[];
  throw new InvalidArgumentError(`There is no panel "${unknown}". Expected some of: ${choices.join(", ")}.`);
}

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
    .option("--forecast", "say how long each panel would take and how much memory, and draw nothing")
    .addOption(
      new Option(
        "--panels <names>",
        `panels beside the drawing itself, separated by commas: ${choices.join(", ")} (default: all but devices)`,
      ).argParser(readPanels),
    )
    .option("--no-scales", "draw no other guidance scales")
    .option("--devices", "draw the same seed on every device that is there; each is loaded and draws twice")
    .option("--no-autopsy", "do not take the prompt apart: no word-pull, arrow and switch")
    .option("--film [file]", "write the prediction at every step as a film, too (animated WebP)")
    .option("-q, --quiet", "print no progress")
    .addHelpText("after", help)
    .action(async (words: readonly string[], options: ExplainCommandOptions) => {
      const { runExplainCommand } = await import("../explain-run.js");
      await runExplainCommand(words, options);
    });
}
