// Threads run plain JavaScript, and tests load TypeScript: where a source starts `new URL("./x-worker.js",
// import.meta.url)`, the thread's own source is bundled, so that tests see the code as it is and not the last
// build.
import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

/** Below node_modules, so that the bundles find packages as the sources do. */
const folder = fileURLToPath(new URL("../../node_modules/.cache/nishiki-workers/", import.meta.url));

const worker = /new URL\("(\.\/[\w-]+-worker)\.js", import\.meta\.url\)/g;

function bundle(source: string): string {
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(source, ".ts")}-${process.pid}.mjs`);
  buildSync({
    entryPoints: [source],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
  process.once("exit", () => rmSync(outfile, { force: true }));
  return pathToFileURL(outfile).href;
}

/** A plugin for Vitest. */
export function workersFromSource() {
  return {
    name: "workers-from-source",
    enforce: "pre" as const,
    transform(code: string, id: string) {
      if (!id.endsWith(".ts") || !code.includes("-worker.js")) return undefined;
      return code.replace(worker, (_, path: string) => {
        return `new URL(${JSON.stringify(bundle(join(dirname(id), `${path}.ts`)))})`;
      });
    },
  };
}
