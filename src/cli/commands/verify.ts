// nishiki verify FILE.png: draws a picture again from its receipt and says whether it is the same.
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { NishikiError } from "../../errors.js";
import { decodePng, toRgb } from "../../image/index.js";
import {
  type Comparison,
  compareWithReceipt,
  completeMachine,
  type GivenPictures,
  type InputPicture,
  machineFields,
  parseReceipt,
  type Receipt,
  receiptKey,
} from "../../pipeline/index.js";
import { loadPipeline, readInputPicture } from "../../pipeline/node.js";
import { readBytes } from "../read-bytes.js";
import { exitCodes } from "../report.js";
import { addSettingOptions, pickSettings } from "../setting-options.js";
import { listenForStop } from "../stop.js";
import { print } from "../terminal.js";

interface Options extends Readonly<Record<string, unknown>> {
  readonly json?: boolean;
  readonly image?: string;
  readonly mask?: string;
}

export function addVerifyCommand(program: Command): void {
  const command = program
    .command("verify")
    .description("draw a picture again from its receipt; exit code 0 if it is identical, 1 if not")
    .argument("<file>", "a PNG that nishiki drew");
  addSettingOptions(command, machineFields);
  command
    .option(
      "-i, --image <file>",
      "the picture that it was drawn from (default: the one of its name beside it)",
    )
    .option("--mask <file>", "the mask that it was drawn with (default: the one of its name beside it)")
    .option("--json", "print the comparison as JSON")
    .action(verify);
}

async function verify(file: string, options: Options): Promise<void> {
  const machine = completeMachine(pickSettings(options, machineFields));
  const { text, ...picture } = decodePng(await readBytes(file));
  const json = text[receiptKey];
  if (json === undefined) {
    throw new NishikiError(
      "file",
      `${file} has no receipt: only pictures that nishiki drew can be verified.`,
    );
  }
  const receipt = parseReceipt(json);
  const { width, height, data } = toRgb(picture);
  const pixels = { width, height, channels: 3 as const, data: Uint8Array.from(data) };
  const given = await findPictures(file, receipt, options);
  const stop = listenForStop();
  const pipeline = await loadPipeline(machine);
  try {
    const comparison = await compareWithReceipt(pixels, receipt, pipeline, { ...given, signal: stop.signal });
    await print(options.json ? `${JSON.stringify(comparison)}\n` : explain(file, comparison));
    if (!comparison.identical) process.exitCode = exitCodes.failure;
  } finally {
    await pipeline.dispose();
    stop.release();
  }
}

/** The pictures that a receipt names: where the options say, else beside the picture, at the size that was drawn from. */
async function findPictures(file: string, { request }: Receipt, options: Options): Promise<GivenPictures> {
  const found: { image?: InputPicture; mask?: InputPicture } = {};
  for (const name of ["image", "mask"] as const) {
    const wanted = request[name];
    if (!wanted) continue;
    const path = options[name] ?? (wanted.name && join(dirname(file), wanted.name));
    if (path) found[name] = await readInputPicture(path, wanted);
  }
  return found;
}

/** The comparison in words. */
export function explain(file: string, comparison: Comparison): string {
  const { identical, edited, differingPixels, totalPixels, maxDifference, changes } = comparison;
  const lines: string[] = [];
  if (identical) lines.push(`${file}: identical.`);
  else {
    const share = `${differingPixels} of ${totalPixels} pixels differ, by at most ${maxDifference} of 255`;
    lines.push(`${file}: differs. ${share}.`);
    if (edited) lines.push("The pixels of the file were changed after it was drawn.");
    else if (changes.length === 0) lines.push("Nothing is known that explains it.");
  }
  if (changes.length > 0) lines.push("Not as when it was drawn:", ...changes.map((change) => `  ${change}`));
  return `${lines.join("\n")}\n`;
}
