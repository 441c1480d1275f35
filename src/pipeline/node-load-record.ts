// The load record of a receipt: hashes of the loaded files by base name (node).
import { basename, resolve } from "node:path";
import { isRepositoryName } from "../hub/index.js";
import type { CompleteLoadOptions } from "./load-options.js";
import { hashFile } from "./node-environment.js";
import type { LoadRecord } from "./receipt.js";

/** A LoRA's files; the first one holds its tensors. */
export interface LoraFiles {
  /** Base name of the path in the load options. */
  readonly name: string;
  readonly weight: number;
  readonly files: readonly string[];
}

/** A file that holds weights, and the base name of the path in the load options, which may be a folder. */
export interface NamedFile {
  readonly name: string;
  readonly file: string;
}

/** Paths of the files loaded in addition to the model. */
export interface AddedFiles {
  readonly loras: readonly LoraFiles[];
  readonly embeddings?: readonly string[];
  readonly vae?: NamedFile;
  readonly ipAdapter?: NamedFile;
  readonly imageEncoder?: NamedFile;
  readonly clip?: NamedFile;
}

async function hashLora({ name, weight, files: [first, ...others] }: LoraFiles, signal?: AbortSignal) {
  const beside = await hashFiles(new Map(others.map((path) => [basename(path), path])), signal);
  const sha256 = await hashFile(first!, signal);
  return { file: name, sha256, weight, ...(others.length > 0 && { beside }) };
}

/** SHA-256 of files, by their names in receipts. @throws NishikiError "file", "aborted" */
export async function hashFiles(
  files: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const [name, path] of files) hashes[name] = await hashFile(path, signal);
  return hashes;
}

async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

/** Records everything loaded in addition to the model's own files. @throws NishikiError "file", "aborted" */
export async function recordLoad(
  {
    model,
    base,
    prior,
    superResolution,
    allowPartialLora,
    precision,
    prediction,
  }: Pick<
    CompleteLoadOptions,
    "model" | "base" | "prior" | "superResolution" | "allowPartialLora" | "precision" | "prediction"
  >,
  { loras, embeddings = [], vae, ipAdapter, imageEncoder, clip }: AddedFiles,
  signal?: AbortSignal,
): Promise<LoadRecord> {
  const named = async (file: string, name = basename(file)) => ({
    file: name,
    sha256: await hashFile(file, signal),
  });
  return {
    ...(model !== undefined && isRepositoryName(model) && { model }),
    ...(base !== undefined && isRepositoryName(base) && { base }),
    ...(prior !== undefined && isRepositoryName(prior) && { prior }),
    ...(superResolution && {
      superResolution: superResolution.map((path) =>
        isRepositoryName(path) ? path : basename(resolve(path)),
      ),
    }),
    ...(loras.length > 0 && { loras: await inOrder(loras, (lora) => hashLora(lora, signal)) }),
    ...(embeddings.length > 0 && { embeddings: await inOrder(embeddings, (file) => named(file)) }),
    ...(vae && { vae: await named(vae.file, vae.name) }),
    ...(ipAdapter && { ipAdapter: await named(ipAdapter.file, ipAdapter.name) }),
    ...(imageEncoder && { imageEncoder: await named(imageEncoder.file, imageEncoder.name) }),
    ...(clip && { clip: await named(clip.file, clip.name) }),
    ...(loras.length > 0 && allowPartialLora && { allowPartialLora }),
    ...(precision !== undefined && { precision }),
    ...(prediction !== undefined && { prediction }),
  };
}
