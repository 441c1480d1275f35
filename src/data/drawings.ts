// Finds the drawings of one thing inside the installed packages: WebP files named by code point, or SVG
// bodies in an Iconify JSON file (https://iconify.design/docs/types/iconify-json.html) found through its
// table of code points.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileError } from "../checkpoint/node.js";
import { getPackageFile } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import type { SpriteSet } from "./sprite-sets.js";
import type { Thing } from "./vocabulary.js";

interface IconifyIcon {
  readonly body: string;
  readonly width?: number;
  readonly height?: number;
  readonly left?: number;
  readonly top?: number;
}

interface IconifyFile {
  readonly icons: Readonly<Record<string, IconifyIcon>>;
  readonly aliases?: Readonly<Record<string, { readonly parent: string }>>;
  readonly width?: number;
  readonly height?: number;
}

/** Finds a thing's drawing (the content of a WebP or SVG file); undefined if the set has none. */
export type DrawingSource = (thing: Thing) => Buffer | undefined;

/** Iconify sets without a table of code points use the same slugs as this one. */
const slugPackage = "@iconify-json/noto";

function resolveInPackage(packageName: string, file: string): string {
  try {
    return createRequire(getPackageFile("package.json")).resolve(`${packageName}/${file}`);
  } catch (cause) {
    throw new NishikiError(
      "data",
      `The drawings of ${packageName} are not installed. They are a development dependency: run "npm install" in a checkout of Nishiki.`,
      { cause },
    );
  }
}

function readJson<T>(packageName: string, file: string): T {
  const path = resolveInPackage(packageName, file);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (cause) {
    throw new NishikiError("data", `${path} cannot be read. Install the packages again: "npm ci".`, {
      cause,
    });
  }
}

/** Version of an installed package. */
export function packageVersion(packageName: string): string {
  return readJson<{ version: string }>(packageName, "package.json").version;
}

/** Opens a set. Throws `data` if its package is not installed. */
export function openDrawings(set: SpriteSet): DrawingSource {
  return set.kind === "webp" ? openWebp(set.packageName) : openIconify(set.packageName);
}

function openWebp(packageName: string): DrawingSource {
  const folder = join(dirname(resolveInPackage(packageName, "package.json")), "assets");
  return ({ codePoint }) => {
    // Some code points are stored only with the variation selector that asks for the coloured form.
    const path = [`${codePoint}.webp`, `${codePoint}-fe0f.webp`]
      .map((name) => join(folder, name))
      .find(existsSync);
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      throw fileError(error, `read the drawing ${path}`);
    }
  };
}

function openIconify(packageName: string): DrawingSource {
  const file = readJson<IconifyFile>(packageName, "icons.json");
  const own = readJson<Record<string, string>>(packageName, "chars.json");
  const slugs =
    Object.keys(own).length > 0 ? own : readJson<Record<string, string>>(slugPackage, "chars.json");
  return (thing) => {
    const slug = slugs[thing.codePoint] ?? slugs[`${thing.codePoint}-fe0f`];
    // Sets that follow no standard name their drawings plainly: "cat", not "cat-face".
    const plain = own === slugs ? [] : [thing.name, ...thing.synonyms];
    const icon = findIcon(file, slug === undefined ? plain : [slug, ...plain]);
    return icon === undefined ? undefined : Buffer.from(toSvg(icon, file));
  };
}

function findIcon(file: IconifyFile, names: readonly string[]): IconifyIcon | undefined {
  for (const name of names.flatMap((given) => [given, given.replaceAll(/[- ']/g, "")])) {
    const parent = file.aliases?.[name]?.parent;
    const icon = file.icons[name] ?? (parent === undefined ? undefined : file.icons[parent]);
    if (icon !== undefined) return icon;
  }
  return undefined;
}

/**
 * Completes an icon's body to an SVG file of 384 pixels' longer side, so that sprites are only scaled down.
 */
function toSvg(icon: IconifyIcon, file: IconifyFile): string {
  const width = icon.width ?? file.width ?? 16;
  const height = icon.height ?? file.height ?? 16;
  const scale = 384 / Math.max(width, height);
  const box = `${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="${box}" ` +
    `width="${width * scale}" height="${height * scale}">${icon.body.replaceAll("currentColor", "#1c1c22")}</svg>`
  );
}
