// nishiki describe PICTURE: the words that a CLIP finds nearest to it, and how like it is to texts.
import { basename, extname } from "node:path";
import { type Command, Option } from "commander";
import { readTextFile } from "../../checkpoint/node.js";
import { deviceNames } from "../../engine/index.js";
import { NishikiError } from "../../errors.js";
import {
  type ClipScore,
  describePicture,
  getClipScores,
  type PictureDescription,
  type WordGroup,
  wordGroups,
} from "../../inspect/index.js";
import { loadClip, readInputImage } from "../../pipeline/node.js";
import { print } from "../terminal.js";
import { wholeNumberFrom } from "./number-options.js";

interface Options {
  readonly model?: string;
  readonly text?: readonly string[];
  readonly words?: readonly string[];
  readonly top: number;
  readonly device: (typeof deviceNames)[number];
  readonly threads?: number;
  readonly json?: boolean;
}

const help = `
A CLIP puts pictures and texts into one space, in which what belongs together is near. This command compares the picture
with lists of words and prints the nearest. It does not write captions: what is in no list is not found, small things and
counts are often wrong, and shares only weigh the words of a list against each other.

--text scores sentences of your own. The score is 100 times the cosine, as papers report it; sentences that fit have about
25 to 35, others about 10 to 20. It depends on the CLIP, so compare scores of the same one only.

Without --model, the classifier that scores the embedded model answers instead. It knows that model's things, colours,
styles and backgrounds, and answers in these words whatever the picture shows.

Examples:
  nishiki describe fox.png
  nishiki pull openai/clip-vit-large-patch14
  nishiki describe fox.png --model openai/clip-vit-large-patch14
  nishiki describe fox.png --model openai/clip-vit-large-patch14 --text "a red fox" --text "a blue cat"
  nishiki describe fox.png --model path/to/clip --words animals.txt --top 5
`;

const collect = (value: string, before: readonly string[] = []) => [...before, value];

export function addDescribeCommand(program: Command): void {
  program
    .command("describe")
    .description(
      "describe a picture: by a classifier, or by the nearest words of lists with a CLIP, which scores texts, too",
    )
    .argument("<picture>", "an image file")
    .option(
      "-m, --model <path>",
      "folder of a CLIPModel, or org/name in the hub's cache (default: the embedded model's own classifier)",
    )
    .option("--text <text>", "text to score, instead of the lists; may be repeated", collect)
    .option(
      "--words <file>",
      "list of words, one a line, instead of the program's own; may be repeated",
      collect,
    )
    .addOption(new Option("--top <number>", "words of each list").default(3).argParser(wholeNumberFrom(1)))
    .addOption(new Option("-d, --device <name>", "device").choices(deviceNames).default("auto"))
    .addOption(
      new Option("-t, --threads <number>", "number of threads on the CPU (default: one per core)").argParser(
        wholeNumberFrom(1),
      ),
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", help)
    .action(describe);
}

async function describe(file: string, options: Options): Promise<void> {
  const { text, words, model, top, device, threads, json } = options;
  if (text && words)
    throw new NishikiError(
      "usage",
      "--text and --words: expected one of them, since texts are scored as they are.",
    );
  if (model === undefined) {
    if (text || words)
      throw new NishikiError("usage", "--text and --words need a CLIP: name one with --model.");
    const { describeByClassifier } = await import("../describe-by-classifier.js");
    const more = { ...(threads !== undefined && { threads }), ...(json && { json }) };
    return describeByClassifier(file, { device, ...more });
  }
  const image = await readInputImage(file);
  const groups = words ? await Promise.all(words.map(readWords)) : wordGroups;
  const clip = await loadClip(model, { device, ...(threads !== undefined && { threads }) });
  try {
    const result = text
      ? await getClipScores(clip, image, text)
      : await describePicture(clip, image, groups, top);
    if (json) await print(`${JSON.stringify(result)}\n`);
    else await print("prompt" in result ? formatDescription(result) : formatScores(result));
  } finally {
    await clip.close();
  }
}

/** A list of words from a file; each is compared as it stands. */
async function readWords(file: string): Promise<WordGroup> {
  const lines = (await readTextFile(file)).split(/\r?\n/).map((line) => line.trim());
  const words = [...new Set(lines.filter((line) => line !== "" && !line.startsWith("#")))];
  if (words.length === 0)
    throw new NishikiError(
      "file",
      `${file} has no words; expected one a line, without lines that begin with #.`,
    );
  return { name: basename(file, extname(file)), template: "{}", words };
}

function formatDescription({ prompt, groups }: PictureDescription): string {
  const lines = groups.map(({ name, words }) => {
    const all = words.map(
      ({ word, share, cosine }) => `${word} (${Math.round(100 * share)}%, ${cosine.toFixed(3)})`,
    );
    return `${name}: ${all.join(", ")}`;
  });
  return `${[prompt, "", ...lines].join("\n")}\n`;
}

const formatScores = (scores: readonly ClipScore[]) =>
  scores.map(({ text, score }) => `${score.toFixed(2).padStart(6)}  ${text}\n`).join("");
