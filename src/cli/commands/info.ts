// nishiki info FILE: what an image, a model, what is added to one, or a weight file says of itself.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import {
  fileError,
  isDiffusersFolder,
  isEmbedding,
  isIpAdapter,
  isLora,
  openSafetensors,
} from "../../checkpoint/node.js";
import { NishikiError } from "../../errors.js";
import { resolveModel } from "../../hub/index.js";
import { FORMAT_BYTES, getImageFormat, readableFormats } from "../../image/index.js";
import { describeModel } from "../../pipeline/node.js";
import { describeEmbedding, describeIpAdapter, describeLora } from "../describe-additions.js";
import { describeImage } from "../describe-image.js";
import { describeWeights } from "../describe-weights.js";
import type { Description } from "../description.js";
import { formatDescription } from "../description.js";
import { readStart } from "../read-bytes.js";
import { print } from "../terminal.js";

const examples = `
Examples:
  nishiki info fox.png
  nishiki info style.safetensors
  nishiki info org/name --json
`;

export function addInfoCommand(program: Command): void {
  program
    .command("info")
    .description("describe an image, model or weight file")
    .argument("<file>", "image, model (a folder, or org/name in the hub's cache) or .safetensors file")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action(async (file: string, { json }: { json?: boolean }) => {
      const description = await describe(file);
      await print(json ? `${JSON.stringify(description)}\n` : formatDescription(description));
    });
}

/** What lies at a path, or a model of the hub's cache by its name. Looks at the content, not at the name. */
async function describe(name: string): Promise<Description> {
  const file = await resolveModel(name);
  const found = await stat(file).catch((error: unknown) => {
    throw fileError(error, `read ${file}`);
  });
  if (found.isDirectory()) return describeFolder(file);
  // Opening a named pipe would wait for somebody to write into it.
  if (!found.isFile()) throw new NishikiError("file", `Cannot read ${file}: it is not a regular file.`);
  const start = await readStart(file, FORMAT_BYTES);
  const isNamedWeights = /\.safetensors$/i.test(file);
  const isWeights = isSafetensors(start, found.size);
  if (!isWeights && getImageFormat(start)) return describeImage(file);
  if (isNamedWeights || isWeights) {
    const missing = await findMissing(file);
    if (missing?.length) return describePartial(file, missing);
    if (missing) return (await describeModel(file)).description;
    if (isIpAdapter((await openSafetensors(file)).tensors.keys())) return describeIpAdapter(file);
    if (await isLora(file)) return describeLora(file);
    if (await isEmbedding(file)) return describeEmbedding(file);
    return describeWeights(file);
  }
  if (/\.index(\.\w+)?\.json$/.test(file)) return describeWeights(file);
  throw new NishikiError(
    "file",
    `${file} is neither a picture (${readableFormats}) nor a model: nothing is known about such files.`,
  );
}

async function describeFolder(folder: string): Promise<Description> {
  if (await isDiffusersFolder(folder)) return (await describeModel(folder)).description;
  if (await isLora(folder)) return describeLora(folder);
  const isModel = await stat(join(folder, "model.json")).catch(() => undefined);
  return isModel ? (await describeModel(folder)).description : describeWeights(folder);
}

/** A safetensors file begins with the length of its header in 8 bytes; then comes the header, which is JSON. */
function isSafetensors(start: Uint8Array, size: number): boolean {
  if (start.length < 9 || start[8] !== 0x7b) return false;
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  return length <= BigInt(size - 8);
}

/** What a single-file checkpoint lacks beside its denoiser; undefined where it has none. */
async function findMissing(file: string): Promise<readonly string[] | undefined> {
  const { tensors } = await openSafetensors(file);
  if (!tensors.has("model.diffusion_model.out.2.weight")) return undefined;
  const names = [...tensors.keys()];
  return [
    ...(names.some((name) => /^(cond_stage_model|conditioner)\./.test(name)) ? [] : ["text encoders"]),
    ...(tensors.has("first_stage_model.decoder.conv_in.weight") ? [] : ["autoencoder"]),
  ];
}

async function describePartial(file: string, missing: readonly string[]): Promise<Description> {
  const { values, ...rest } = await describeWeights(file);
  const use = "--base MODEL, a whole model that has them";
  return {
    ...rest,
    title: `${file}: checkpoint without parts`,
    values: { ...values, lacks: missing.join(", "), use },
  };
}
