// The hub's cache in the layout of Python's huggingface_hub, so programs share downloads:
// models--org--name/{blobs/HASH, refs/main (the commit), snapshots/COMMIT/path → ../../blobs/HASH}.
import { copyFile, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileError, listNames, makeFolder } from "../checkpoint/node.js";
import { NishikiError, quote } from "../errors.js";
import { getHubCache } from "./environment.js";

const namePattern = /^\w[\w.-]*\/\w[\w.-]*$/;

/** Whether a text has the form of a repository name, "org/name". */
export function isRepositoryName(text: string): boolean {
  return namePattern.test(text) && !text.includes("..");
}

/** @throws NishikiError "usage" */
export function checkRepositoryName(text: string): string {
  if (isRepositoryName(text)) return text;
  throw new NishikiError("usage", `Expected a name such as org/name, got ${quote(text)}.`);
}

export interface CacheFolders {
  readonly root: string;
  readonly blobs: string;
  readonly refs: string;
  readonly snapshots: string;
}

export function getFolders(repository: string, cache: string): CacheFolders {
  const root = join(cache, `models--${repository.replaceAll("/", "--")}`);
  return { root, blobs: join(root, "blobs"), refs: join(root, "refs"), snapshots: join(root, "snapshots") };
}

export const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Links a blob into a snapshot; copies it if the file system has no links. */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  if (await isThere(pointer)) return;
  try {
    await makeFolder(dirname(pointer));
    await rm(pointer, { force: true }); // a dangling link to a removed blob
    try {
      await symlink(relative(dirname(pointer), blob), pointer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
      await copyFile(blob, pointer);
    }
  } catch (error) {
    throw fileError(error, `write ${pointer}`);
  }
}

/** Records the commit that a branch points to. */
export async function writeRef({ refs }: CacheFolders, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  try {
    await makeFolder(dirname(join(refs, revision)));
    await writeFile(join(refs, revision), commit);
  } catch (error) {
    throw fileError(error, `write ${join(refs, revision)}`);
  }
}

/** Finds the snapshot that a branch points to; undefined if the repository is not in the cache. */
export async function findSnapshot(
  repository: string,
  cache: string,
  revision = "main",
): Promise<string | undefined> {
  const { refs, snapshots } = getFolders(repository, cache);
  const commit = await readFile(join(refs, revision), "utf8").catch(() => revision);
  const path = join(snapshots, commit.trim());
  return (await isThere(path)) ? path : undefined;
}

/** Finds the model in a snapshot: the folder itself, or its only checkpoint. */
export async function modelInSnapshot(snapshot: string): Promise<string | undefined> {
  if (await isThere(join(snapshot, "model_index.json"))) return snapshot;
  const files = (await listNames(snapshot)).filter((name) => /^(?!\._).*\.safetensors$/i.test(name));
  return files.length === 1 ? join(snapshot, files[0]!) : undefined;
}

/** A model in the cache. */
export interface CachedModel {
  readonly repository: string;
  /** A folder or a file that `--model` accepts. */
  readonly path: string;
}

/** Lists everything in the cache that may be a model, by name. */
export async function listCachedModels(cache = getHubCache()): Promise<readonly CachedModel[]> {
  const folders = (await readdir(cache).catch(() => [])).filter((name) => name.startsWith("models--")).sort();
  const found: CachedModel[] = [];
  for (const folder of folders) {
    const repository = folder.slice("models--".length).replace("--", "/");
    const snapshot = await findSnapshot(repository, cache);
    const path = snapshot && (await modelInSnapshot(snapshot));
    if (path) found.push({ repository, path });
  }
  return found;
}

/**
 * Resolves a model's name: an existing path, else a repository in the hub's cache. Never uses the network.
 * @throws NishikiError "file" for a name that is neither, with the command that downloads it.
 */
export async function resolveModel(model: string, cache = getHubCache()): Promise<string> {
  if (!isRepositoryName(model) || (await isThere(model))) return model;
  const snapshot = await findSnapshot(model, cache);
  if (!snapshot) {
    const message = `There is no folder or file ${model}, and no such model in the hub's cache (${cache}). Download it with: nishiki pull ${model}`;
    throw new NishikiError("file", message);
  }
  const path = await modelInSnapshot(snapshot);
  if (path) return path;
  const message = `${model} is in the hub's cache, but the download is not a whole model. Download the rest with: nishiki pull ${model}`;
  throw new NishikiError("file", message);
}

/**
 * Resolves the name of a file: an existing path, else "org/name/path/in/it" in the hub's cache. Never uses the network.
 * @returns The path as it is if it is neither; whoever opens it says so.
 */
export async function resolveFile(file: string, cache = getHubCache()): Promise<string> {
  const [owner, name, ...path] = file.split("/");
  if (path.length === 0 || path.includes("..") || (await isThere(file))) return file;
  const repository = `${owner}/${name}`;
  if (!isRepositoryName(repository)) return file;
  const snapshot = await findSnapshot(repository, cache);
  const found = snapshot && join(snapshot, ...path);
  return found && (await isThere(found)) ? found : file;
}
