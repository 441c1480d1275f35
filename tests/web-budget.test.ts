// What a browser has to load before the page can be used: a budget, so that every feature pays for itself.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "dist/web");

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}
let manifest: Readonly<Record<string, Chunk>>;

beforeAll(async () => {
  // Not a static import: plain JavaScript, which the compiler does not know.
  const { build } = (await import(pathToFileURL(join(root, "scripts/prepare.mjs")).href)) as {
    build(): void;
  };
  build();
  manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as typeof manifest;
});

/** A chunk and everything that it imports at once. */
function collect(name: string, found = new Map<string, Chunk>()): ReadonlyMap<string, Chunk> {
  const chunk = manifest[name];
  if (chunk === undefined) throw new Error(`The build has no ${name}.`);
  if (found.has(name)) return found;
  found.set(name, chunk);
  for (const other of chunk.imports ?? []) collect(other, found);
  return found;
}

const sizeOf = (files: Iterable<string>) =>
  [...new Set(files)].reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0);

describe("the page's first load", () => {
  const first = (language: string) => [
    ...collect("index.html").values(),
    ...collect(`i18n/${language}.ts`).values(),
  ];

  it.each(["en", "de"])("has at most 60 kB of script, gzipped, in the language %s", (language) => {
    const size = sizeOf(first(language).map(({ file }) => file));
    expect(size).toBeGreaterThan(20_000);
    expect(size).toBeLessThanOrEqual(60_000);
  });

  it("has at most 12 kB of styles, gzipped", () => {
    const size = sizeOf(first("en").flatMap(({ css = [] }) => css));
    expect(size).toBeGreaterThan(2_000);
    expect(size).toBeLessThanOrEqual(12_000);
  });

  it("does not load the viewer, the palette or the editor", () => {
    const names = [...collect("index.html").keys()].join();
    expect(names).not.toMatch(/viewer\/viewer|palette|editor\/editor/);
    expect(Object.keys(manifest).join()).toMatch(/viewer\/viewer/);
  });

  it("comes with compressed forms of its files", () => {
    const { file } = manifest["index.html"]!;
    const script = readFileSync(join(folder, file));
    for (const extension of [".gz", ".br"])
      expect(readFileSync(join(folder, file + extension)).length).toBeLessThan(script.length / 2);
  });
});
