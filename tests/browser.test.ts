// Everything outside of the files marked (node) runs in a browser: its bundle must not reach for Node.
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Rooms without Node; the package exports each of them. */
const rooms = [
  "graph",
  "engine",
  "random",
  "checkpoint",
  "nn",
  "models",
  "tokenizer",
  "diffusion",
  "pipeline",
  "image",
  "inspect",
];

function entryText(): string {
  const entries = rooms.map((room) => `src/${room}/index.ts`).filter((path) => existsSync(join(root, path)));
  return entries.map((path, i) => `import * as part${i} from "./${path}"; console.log(part${i});`).join("\n");
}

async function bundle(contents: string): Promise<{ imports: string[]; metafile: Metafile }> {
  const imports: string[] = [];
  const { metafile } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
    plugins: [
      {
        name: "note imports of Node",
        setup({ onResolve }) {
          onResolve({ filter: /.*/ }, ({ path, importer }) => {
            const isNode =
              path.startsWith("node:") ||
              builtinModules.includes(path) ||
              path.startsWith("onnxruntime-node");
            if (!isNode) return undefined;
            imports.push(`${importer || "entry"} imports ${path}`);
            return { path, external: true };
          });
        },
      },
    ],
  });
  return { imports, metafile };
}

it("bundles for browsers without Node", async () => {
  const { imports, metafile } = await bundle(entryText());
  expect(imports).toEqual([]);
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.length).toBeGreaterThan(50);
  expect(inputs).toContain("src/graph/index.ts");
  expect(inputs.filter((path) => /\/node(-[^/]*)?\.ts$/.test(path))).toEqual([]);
  // Node's globals would be missing too. Packages ask whether they are there.
  const globals = /\bprocess\.|\bBuffer\b|\b__dirname\b|\bsetImmediate\b/;
  const own = inputs.filter((path) => path.startsWith("src/"));
  expect(own.filter((path) => globals.test(readFileSync(join(root, path), "utf8")))).toEqual([]);
});

it("would notice an import of Node", async () => {
  const { imports } = await bundle(
    'import { makeEngine } from "./src/engine/node.ts"; console.log(makeEngine);',
  );
  expect(imports.join("\n")).toContain("node:worker_threads");
});
