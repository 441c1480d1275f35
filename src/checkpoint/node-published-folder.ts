// Opens a published pipeline in diffusers' layout, whatever its parts (node): a folder with model_index.json and a subfolder per
// part. Loads nothing; weights stay in their files. All that is wrong is said at once.
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { listSome, NishikiError, showText } from "../errors.js";
import {
  checkReadable,
  type Json,
  type ModelComponent,
  openComponent,
  type Rename,
  readJson,
} from "./node-component.js";

/** A part of a pipeline that a model needs. */
export interface PublishedPart {
  /** Its folder, and its key in model_index.json. */
  readonly name: string;
  /** A network has config.json and weights; a scheduler only its config; a tokenizer is a folder of files. */
  readonly kind: "network" | "scheduler" | "tokenizer";
  /** The supported classes; schedulers and configs are checked by their readers. */
  readonly classes?: readonly string[];
  /** Renames a network's tensors. */
  readonly rename?: Rename;
  /** Whether the model works without it. */
  readonly optional?: boolean;
}

export interface PublishedFolder {
  /** The model's name in receipts. */
  readonly name: string;
  readonly path: string;
  /** The pipeline's class. */
  readonly className: string;
  readonly index: Json;
  readonly networks: Readonly<Record<string, ModelComponent>>;
  /** The content of each scheduler_config.json, with the class that model_index.json names. */
  readonly schedulers: Readonly<Record<string, Json>>;
  /** The folders of tokenizers. */
  readonly tokenizers: Readonly<Record<string, string>>;
  /** All files that affect pixels, by their names in receipts. */
  readonly files: ReadonlyMap<string, string>;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The class of a part; undefined where the pipeline names no such part. */
function getClass(index: Json, name: string): unknown {
  const entry = index[name];
  return Array.isArray(entry) && entry[0] !== null ? entry[1] : undefined;
}

/**
 * Opens a folder.
 * @param pipelines The supported pipelines.
 * @throws NishikiError "file" if something cannot be read, "checkpoint" if it is malformed, incomplete or another kind of model
 */
export async function openPublishedFolder(
  path: string,
  pipelines: readonly string[],
  parts: readonly PublishedPart[],
): Promise<PublishedFolder> {
  const index = await readJson(join(path, "model_index.json"));
  const className =
    typeof index._class_name === "string" ? showText(index._class_name) : "pipeline without a name";
  if (!pipelines.includes(className)) {
    const message = `${path} holds a ${className}, which is not supported here; expected ${pipelines.join(" or ")}.`;
    throw new NishikiError("checkpoint", message);
  }
  const problems: string[] = [];
  const present: PublishedPart[] = [];
  for (const part of parts) {
    const problem = await findProblem(path, index, part);
    if (problem !== undefined) problems.push(problem);
    else if (getClass(index, part.name) !== undefined && (await exists(join(path, part.name))))
      present.push(part);
  }
  const opened = await openParts(path, index, present, problems);
  if (problems.length > 0) {
    const message = `${path} is not a whole model: ${listSome(problems, 12, "; ")}.`;
    throw new NishikiError("checkpoint", message);
  }
  for (const [name, { weights }] of Object.entries(opened.networks))
    checkReadable(weights, `the ${name.replaceAll("_", " ")}`, path);
  return { name: basename(resolve(path)), path, className, index, ...opened };
}

async function findProblem(path: string, index: Json, part: PublishedPart): Promise<string | undefined> {
  const { name, classes, optional = false } = part;
  const actual = getClass(index, name);
  if (actual === undefined) return optional ? undefined : `its model_index.json names no ${name}`;
  if (!(await exists(join(path, name))))
    return optional ? undefined : `its model_index.json names ${name}, which is missing. Download it again`;
  if (!classes || (typeof actual === "string" && classes.includes(actual))) return undefined;
  const shown = typeof actual === "string" ? showText(actual) : "part without a name";
  return `its ${name} is a ${shown}, expected ${classes.join(" or ")}`;
}

type Opened = Pick<PublishedFolder, "networks" | "schedulers" | "tokenizers" | "files">;

async function openParts(
  path: string,
  index: Json,
  parts: readonly PublishedPart[],
  problems: string[],
): Promise<Opened> {
  const networks: Record<string, ModelComponent> = {};
  const schedulers: Record<string, Json> = {};
  const tokenizers: Record<string, string> = {};
  const files = new Map<string, string>();
  for (const { name, kind, rename } of parts) {
    const folder = join(path, name);
    try {
      if (kind === "network") {
        const network = await openComponent(folder, rename);
        networks[name] = network;
        files.set(`${name}/config.json`, join(folder, "config.json"));
        for (const { file } of network.weights.values()) files.set(`${name}/${basename(file)}`, file);
      } else if (kind === "scheduler") {
        const file = join(folder, "scheduler_config.json");
        schedulers[name] = { ...(await readJson(file)), _class_name: getClass(index, name) };
        files.set(`${name}/scheduler_config.json`, file);
      } else {
        tokenizers[name] = folder;
        for (const file of await listTokenizerFiles(folder)) files.set(`${name}/${file}`, join(folder, file));
      }
    } catch (error) {
      if (!(error instanceof NishikiError)) throw error;
      problems.push(error.message.replace(/\.$/, ""));
    }
  }
  return { networks, schedulers, tokenizers, files };
}

/** The files that decide a tokenizer's ids: of the forms that a folder may hold, the first. */
const tokenizerForms = [["vocab.json", "merges.txt"], ["tokenizer.json"], ["spiece.model"]];

async function listTokenizerFiles(folder: string): Promise<readonly string[]> {
  const names = new Set(await readdir(folder).catch(() => []));
  return tokenizerForms.find((form) => form.every((name) => names.has(name))) ?? [];
}
