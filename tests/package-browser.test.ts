// What is not marked as Node's own also runs in a browser: the entries that a browser program imports are bundled for one,
// and any import of a Node module, or of the Node engine, fails the bundle.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Rooms that run anywhere, as their index.ts exports them. */
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
];

async function bundle(contents: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
  });
  return { code: outputFiles[0]!.text, inputs: Object.keys(metafile.inputs) };
}

describe("the browser's side", () => {
  it.each(rooms)("%s imports nothing of Node's", async (room) => {
    const { inputs, code } = await bundle(`export * from "./src/${room}/index.ts";`);
    expect(inputs.filter((path) => /(^|\/)node[^/]*\.ts$|onnxruntime-node|sharp/.test(path))).toEqual([]);
    expect(code).not.toMatch(/from\s*"node:|require\("node:/);
  });

  it.each(["./src/index.ts", "./src/engine/node.ts"])("the check sees that %s needs Node", async (entry) => {
    await expect(bundle(`export * from "${entry}";`)).rejects.toThrow(/node:|Could not resolve/);
  });

  it("is every room but those that are Node's own", async () => {
    const { exports } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as { exports: object };
    const nodes = ["data", "training", "server", "cli"];
    const exported = Object.keys(exports).flatMap((name) => /^\.\/([a-z]+)$/.exec(name)?.[1] ?? []);
    expect(exported.filter((name) => !nodes.includes(name)).sort()).toEqual([...rooms].sort());
  });
});
