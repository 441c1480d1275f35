// Where the package's own files lie (node): the weights that come with it, the sources of its threads.
// Usually above this file; a program that was bundled carries the code elsewhere, and the files stay in the
// installed package.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NishikiError } from "../errors.js";

/** Names the package's folder where it is not found by itself. */
const variable = "NISHIKI_ROOT";

function isPackage(folder: string): boolean {
  if (!existsSync(join(folder, "weights", "model.json"))) return false;
  try {
    const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name?: unknown };
    return name === "nishiki";
  } catch {
    return false;
  }
}

/**
 * This file's folder; undefined where a bundler has made a CommonJS file of it, which has no
 * `import.meta.url`.
 */
function ownFolder(): string | undefined {
  const url = import.meta.url as string | undefined;
  return url?.startsWith("file:") ? dirname(fileURLToPath(url)) : undefined;
}

/** The package as an import of it from a folder would find it. */
function resolveFrom(folder: string): string | undefined {
  try {
    return dirname(createRequire(join(folder, "noop.js")).resolve("nishiki/package.json"));
  } catch {
    return undefined;
  }
}

function findAbove(folder: string): string | undefined {
  for (let here = folder; ; here = dirname(here)) {
    if (isPackage(here)) return here;
    if (dirname(here) === here) return undefined;
  }
}

let root: string | undefined;

/** The package's folder; undefined where it is nowhere to be found. */
export function findPackageRoot(): string | undefined {
  if (root !== undefined) return root;
  const named = process.env[variable];
  if (named) return isPackage(named) ? named : undefined;
  const own = ownFolder();
  const script = process.argv[1];
  const near = [own, script && dirname(script), process.cwd()].filter((folder) => folder !== undefined);
  root = (own && findAbove(own)) || near.map((folder) => resolveFrom(folder || ".")).find((found) => found);
  return root;
}

/**
 * A file of the package, by its path inside of it.
 *
 * @throws NishikiError "file" where the package is not found, with the cure
 */
export function getPackageFile(...path: readonly string[]): string {
  const folder = findPackageRoot();
  if (folder !== undefined) return join(folder, ...path);
  const named = process.env[variable];
  const where = named ? `not in ${named}, which ${variable} names` : "not near this program";
  throw new NishikiError(
    "file",
    `The files of the package nishiki (weights, threads) are ${where}. If the program was bundled, keep nishiki out of ` +
      `the bundle (esbuild: --external:nishiki), or install nishiki too and set ${variable} to its folder.`,
  );
}

/**
 * The source of a thread: beside its caller, or, where the caller was bundled, in the package.
 *
 * @param beside Makes its address; throws where there is no `import.meta.url`.
 * @param inPackage Its path below `dist`.
 * @throws NishikiError "file" like `getPackageFile`
 */
export function findWorker(beside: () => URL, inPackage: string): URL {
  try {
    const url = beside();
    if (existsSync(url)) return url;
  } catch {} // The caller was bundled.
  return pathToFileURL(getPackageFile("dist", inPackage));
}
