// LoRA files on disk (node).
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { NishikiError } from "../errors.js";
import { readScaleRule, type ScaleRule } from "./lora/adapter-config.js";
import { type LoraBase, readLoraBase } from "./lora/base.js";
import { describeLoraHeads, type LoraDescription, readLoraNotes } from "./lora/describe.js";
import {
  type LeftOver,
  type Lora,
  type LoraTensor,
  looksLikeLora,
  readLora,
  readLoraHeads,
} from "./lora/read.js";
import { fileError } from "./node-atomic.js";
import { openSafetensors, type SafetensorsFile } from "./node-file.js";
import { withoutBom } from "./text.js";

/** The file names that diffusers and PEFT use in a folder. */
const usualNames = ["pytorch_lora_weights.safetensors", "adapter_model.safetensors"];

/** @throws NishikiError "file", "checkpoint" */
async function findFile(path: string): Promise<string> {
  if (/\.(ckpt|pt|pth|bin)$/i.test(path)) {
    const message = `${path} is not supported: it is a pickle, which can run arbitrary code when loaded. Use a .safetensors file.`;
    throw new NishikiError("checkpoint", message);
  }
  const isFolder = await stat(path).then(
    (entryStats) => entryStats.isDirectory(),
    () => false, // told where it is read
  );
  if (!isFolder) return path;
  for (const name of usualNames) {
    const file = join(path, name);
    if (await stat(file).catch(() => undefined)) return file;
  }
  const message = `${path} holds no LoRA: expected ${usualNames.join(" or ")}, or a file's name.`;
  throw new NishikiError("checkpoint", message);
}

/** Finds scales that are not among the tensors: in the file's header, or in a config beside it. */
async function readRule({
  path,
  metadata,
}: SafetensorsFile): Promise<{ readonly rule?: ScaleRule; readonly beside?: string }> {
  const inside = metadata.lora_adapter_metadata;
  if (inside !== undefined) return { rule: parseRule(inside, `${path} (lora_adapter_metadata)`) };
  if (!basename(path).startsWith("adapter_model.")) return {};
  const beside = join(dirname(path), "adapter_config.json");
  const text = await readFile(beside, "utf8").catch((error: unknown) => {
    throw fileError(error, `read ${beside}, which sets the strength of the LoRA`);
  });
  return { rule: parseRule(text, beside), beside };
}

function parseRule(text: string, where: string): ScaleRule {
  let json: unknown;
  try {
    json = JSON.parse(withoutBom(text));
  } catch (cause) {
    throw new NishikiError("checkpoint", `${where} cannot be used: it is not valid JSON.`, { cause });
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return readScaleRule(json as Readonly<Record<string, unknown>>, where);
  throw new NishikiError("checkpoint", `${where} cannot be used: it is not a JSON object.`);
}

function listTensors(file: SafetensorsFile): ReadonlyMap<string, LoraTensor> {
  return new Map(
    [...file.tensors].map(([name, { shape }]): [string, LoraTensor] => [
      name,
      { shape, read: () => file.readFloat32(name) },
    ]),
  );
}

/**
 * Opens a LoRA of kohya, LyCORIS, ComfyUI, diffusers or PEFT: a file, or a folder with one.
 * @returns Also the tensors that belong to no layer, and all files that were read, the tensors' first.
 * @throws NishikiError "file", "checkpoint" if it is not a LoRA, a pickle, or of an unsupported kind.
 */
export async function openLora(
  path: string,
): Promise<{ readonly lora: Lora; readonly files: readonly string[] } & LeftOver> {
  const file = await openSafetensors(await findFile(path));
  const { rule, beside } = await readRule(file);
  const { lora, ...left } = await readLora(listTensors(file), basename(path), rule);
  const base = readLoraBase(file.metadata);
  return { lora: { ...lora, base }, ...left, files: [file.path, ...(beside === undefined ? [] : [beside])] };
}

export interface InspectedLora extends LoraDescription, LeftOver {
  readonly file: string;
  /** The model that it was trained for, if Nishiki trained it. */
  readonly base: LoraBase | undefined;
  /** The trainer's notes. */
  readonly notes: Readonly<Record<string, string>>;
}

/**
 * Describes a LoRA for people; reads only headers and alphas.
 * @throws NishikiError "file", "checkpoint" as {@link openLora}.
 */
export async function inspectLora(path: string): Promise<InspectedLora> {
  const file = await openSafetensors(await findFile(path));
  const { rule } = await readRule(file);
  const { heads, ...left } = await readLoraHeads(listTensors(file), basename(path), rule);
  const description = describeLoraHeads(heads, [...file.tensors.keys()]);
  const { metadata } = file;
  const base = readLoraBase(metadata);
  return { ...description, file: file.path, base, notes: readLoraNotes(metadata, base), ...left };
}

/**
 * Whether a path looks like a LoRA, even an unsupported one: by a file's tensors, or a folder's file names.
 */
export async function isLora(path: string): Promise<boolean> {
  const entryStats = await stat(path).catch(() => undefined);
  if (entryStats?.isDirectory()) {
    const there = await Promise.all(usualNames.map((name) => stat(join(path, name)).catch(() => undefined)));
    return there.some((file) => file !== undefined);
  }
  const { tensors } = await openSafetensors(path);
  return looksLikeLora([...tensors.keys()]);
}
