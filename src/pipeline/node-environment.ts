// The environment that receipts record: versions of this program and its runtime, and file hashes (node).
import { createHash } from "node:crypto";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { getPackageFile } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { convolutionArithmetic } from "../graph/index.js";
import type { Environment } from "./receipt.js";

/** SHA-256 of a file's content. @throws NishikiError "file", "aborted" */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  // One buffer for all pieces: new memory for each costs as much time as the hash.
  const buffer = Buffer.allocUnsafe(2 ** 20);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    if (signal?.aborted) throw new NishikiError("aborted", "Hashing was stopped.", { cause: error });
    throw fileError(error, `read ${path}`);
  } finally {
    await file?.close();
  }
}

/** The version field of a package.json. */
async function versionIn(path: string): Promise<string> {
  const { version } = JSON.parse(await readFile(path, "utf8")) as { version: string };
  return version;
}

/** This program's version. */
export function ownVersion(): Promise<string> {
  return versionIn(getPackageFile("package.json"));
}

async function runtimeVersion(): Promise<string> {
  const entry = createRequire(getPackageFile("package.json")).resolve("onnxruntime-node");
  return `onnxruntime-node ${await versionIn(join(dirname(dirname(entry)), "package.json"))}`;
}

/**
 * Describes the environment of images drawn on `device` from files with these hashes.
 * @param options.usualSizes Whether the networks are loaded for usual sizes, which changes the CPU's arithmetic.
 */
export async function readEnvironment(
  device: string,
  { weights, load }: Pick<Environment, "weights" | "load">,
  { usualSizes = false }: { readonly usualSizes?: boolean } = {},
): Promise<Environment> {
  const [version, runtime] = await Promise.all([ownVersion(), runtimeVersion()]);
  const platform = `${process.platform}-${process.arch}`;
  const arithmetic = usualSizes && device === "cpu" ? { arithmetic: convolutionArithmetic } : {};
  return { version, device, runtime, platform, ...arithmetic, weights, load };
}
