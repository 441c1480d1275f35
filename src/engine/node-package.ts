// Finds the package's files (node): bundled weights and thread sources. They are usually above this file; if
// a bundler moved the code, they are still in the installed package.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NishikiError } from "../errors.js";

/** Names the package's folder if it cannot be found automatically. */
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

/** This file's folder; undefined if a bundler has made it a CommonJS file, which has no `import.meta.url`. */
function ownFolder(): string | undefined {
  const url = import.meta.url as string | undefined;
  return url?.startsWith("file:") ? dirname(fileURLToPath(url)) : undefined;
}

/** Finds the package as an import from a folder would. */
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

/** Gets the package's folder; undefined if it cannot be found. */
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
 * Gets a file of the package, by its path in the package.
 *
 * @throws NishikiError "file" if the package cannot be found, with the cure
 */
export function getPackageFile(...path: readonly string[]): string {
  const folder = findPackageRoot();
  if (folder !== undefined) return join(folder, ...path);
  const named = process.env[variable];
  const where = named ? `not in ${named}, which ${variable} names` : "not near this program";
  throw new NishikiError(
    "file",
    `The files of the package nishiki (weights, threads) are ${where}. If you bundled the program, keep nishiki out of ` +
      `the bundle (esbuild: --external:nishiki), or install nishiki too and set ${variable} to its folder.`,
  );
}

/**
 * Finds the source of a thread: beside its caller, or in the package if the caller was bundled.
 *
 * @param beside Makes its URL; throws if there is no `import.meta.url`.
 * @param inPackage Its path below `dist`.
 * @throws NishikiError "file" like `getPackageFile`
 */
export function findWorker(beside: () => URL, inPackage: string): URL {
  try {
    const url = beside();
    if (existsSync(url)) return url;
  } catch {} // The caller was bundled.
  const bundled = getPackageFile("dist", "bundle", basename(inPackage));
  return pathToFileURL(existsSync(bundled) ? bundled : getPackageFile("dist", inPackage));
}
