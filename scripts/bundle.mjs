// Bundles the command line and its processes into dist/bundle: some thirty files in place of five hundred, so that the
// program starts in half the time. What it leaves out are native packages and those that few commands load.
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, "dist/bundle");

/** The program's modules that `cli/main.js` imports, and those that begin a process or a thread. */
const entries = [
  "cli/run.js",
  "cli/terminal.js",
  "data/scene-worker.js",
  "engine/node-worker.js",
  "server/database/create-worker.js",
  "server/drawing/drawer-process.js",
  "server/library/thumbnail-worker.js",
];

/** Packages that start as quickly from their own files. All others are bundled, with their licences. */
const external = [
  "@electric-sql/pglite",
  "@huggingface/hub",
  "onnxruntime-node",
  "pg",
  "pg-boss",
  "sharp",
  "undici",
];

/**
 * The house writes its own sentences, so the fifty languages of the schema library's messages are left out, except the one
 * that it sets by itself.
 */
const withoutLanguages = {
  name: "without-languages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /locales\/index\.js$/ }, ({ importer, resolveDir }) =>
      importer.includes("node_modules/zod/")
        ? { path: join(resolveDir, "../locales"), namespace: "languages" }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: "languages" }, ({ path }) => ({
      contents: 'export { default as en } from "./en.js";',
      resolveDir: path,
    }));
  },
};

/** The licences of the packages that are in the bundle. */
function collectLicences(inputs) {
  const folders = new Set(
    Object.keys(inputs).flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e/i.test(one));
    const text = file === undefined ? "" : `\n\n${readFileSync(join(root, folder, file), "utf8").trim()}`;
    return `${name} ${version} (${license})${text}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** Writes what changed, so that a program that is running keeps its files for as long as they hold. */
function write(files) {
  mkdirSync(output, { recursive: true });
  const names = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(output)) if (!names.has(name)) rmSync(join(output, name));
  const now = new Date();
  for (const { path, contents } of files) {
    const before = readdirSync(output).includes(basename(path)) ? readFileSync(path) : undefined;
    if (!before?.equals(contents)) writeFileSync(path, contents);
    utimesSync(path, now, now);
  }
}

/** Bundles what the compiler has written to dist. @throws where that is incomplete */
export async function bundle() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: join("dist", entry), out: basename(entry, ".js") })),
    outdir: output,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external,
    plugins: [withoutLanguages],
    // CommonJS packages in the bundle load Node's own modules with `require`.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  const contents = Buffer.from(collectLicences(metafile.inputs));
  write([...outputFiles, { path: join(output, "LICENCES.txt"), contents }]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
