// The house's rules: which room may import from which, what needs Node, how long files may be.
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const source = fileURLToPath(new URL("../src", import.meta.url));

/** From the foundation upwards: a room imports only from those before it. */
const rooms = [
  "errors.ts",
  "schema",
  "graph",
  "engine",
  "random",
  "checkpoint",
  "hub",
  "nn",
  "models",
  "tokenizer",
  "diffusion",
  "image",
  "pipeline",
  "data",
  "training",
  "evaluate",
  "inspect",
  "server",
  "cli",
];

/** Rooms that need Node as a whole; in the others only files called node.ts or node-*.ts may. */
const nodeRooms = ["hub", "data", "training", "evaluate", "server", "cli"];
const nodePackages = ["onnxruntime-node", "sharp", "commander"];

interface SourceFile {
  /** Relative to src, with slashes: "graph/ops/conv.ts". */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

/** Static, re-exporting, side-effect and dynamic imports. Comments are taken out first. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
  const forms = [
    /\b(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/g,
    /\bimport\s*["']([^"']+)["']/g,
    /\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]!));
}

function readSources(): SourceFile[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => {
      const text = readFileSync(join(source, path), "utf8");
      return { path: path.split(sep).join("/"), text, imports: importsOf(text) };
    });
}

const files = readSources();

const roomOf = (path: string) => path.split("/")[0]!;

/** The package's main entry stands above every room: no room may import it. */
const isEntry = (path: string) => path === "index.ts";

const rankOf = (path: string) => (isEntry(path) ? rooms.length : rooms.indexOf(roomOf(path)));

const needsNode = (path: string) =>
  isEntry(path) || nodeRooms.includes(roomOf(path)) || /(^|\/)node(-[a-z0-9-]+)?\.ts$/.test(path);

/** The file in src that a relative import means, or undefined for a package. */
function target(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const full = resolve(source, dirname(path), specifier.replace(/\.js$/, ".ts"));
  return relative(source, full).split(sep).join("/");
}

const isNodeModule = (specifier: string) =>
  specifier.startsWith("node:") ||
  builtinModules.includes(specifier) ||
  nodePackages.some((name) => specifier === name || specifier.startsWith(`${name}/`));

describe("importsOf", () => {
  it("finds every form of import, and none in comments", () => {
    const text = `
      import { a } from "./one.js"; import type { B } from './two.js';
      import "./three.js"; export * from "./four.js";
      export { c,
        d } from "./five.js";
      const e = await import("./six.js"); const f = require("seven");
      // import { g } from "./eight.js";
      /* export * from "./nine.js"; */
      const url = "https://example.org"; const h = "import x from y";
    `;
    const found = ["./one.js", "./two.js", "./three.js", "./four.js", "./five.js", "./six.js", "seven"];
    expect(importsOf(text).sort()).toEqual(found.sort());
  });
});

it("finds the sources", () => {
  expect(files.length).toBeGreaterThan(40);
  expect(files.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
});

it("has only rooms that are in the list", () => {
  const unknown = files
    .map(({ path }) => path)
    .filter((path) => !rooms.includes(roomOf(path)) && !isEntry(path));
  expect(unknown).toEqual([]);
});

it("imports only from rooms above", () => {
  const wrong = files.flatMap(({ path, imports }) => {
    const targets = imports.map((specifier) => target(path, specifier));
    const bad = targets.filter((to) => to !== undefined && rankOf(to) > rankOf(path));
    return bad.map((to) => `${path} imports ${to}`);
  });
  expect(wrong).toEqual([]);
});

it("reaches another room through its index.ts or node.ts only", () => {
  const wrong = files.flatMap(({ path, imports }) =>
    imports
      .map((specifier) => target(path, specifier))
      .filter((to) => to?.includes("/") && roomOf(to) !== roomOf(path))
      .filter((to) => !/^[^/]+\/(index|node)\.ts$/.test(to!))
      .map((to) => `${path} imports ${to}`),
  );
  expect(wrong).toEqual([]);
});

/** Files that reach themselves again by what they import when they run (Tarjan 1972). */
function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): number => {
    const index = order.size;
    order.set(path, index);
    lowest.set(path, index);
    stack.push(path);
    for (const to of edges.get(path) ?? []) {
      const reached = !order.has(to) ? visit(to) : stack.includes(to) ? order.get(to)! : index;
      lowest.set(path, Math.min(lowest.get(path)!, reached));
    }
    if (lowest.get(path) === index) {
      const component = stack.splice(stack.indexOf(path));
      if (component.length > 1) cycles.push(component.sort());
    }
    return lowest.get(path)!;
  };
  for (const path of edges.keys()) if (!order.has(path)) visit(path);
  return cycles;
}

describe("findCycles", () => {
  it("finds those that reach each other, and no others", () => {
    const edges = new Map([
      ["a", ["b", "d"]],
      ["b", ["c"]],
      ["c", ["b", "d"]],
      ["d", []],
    ]);
    expect(findCycles(edges)).toEqual([["b", "c"]]);
  });
});

it("has no import cycles, types apart", () => {
  const edges = new Map(
    files.map(({ path, text }) => {
      const running = text.replace(/\b(?:import|export)\s+type\b[^;]*;/g, "");
      return [path, importsOf(running).flatMap((specifier) => target(path, specifier) ?? [])];
    }),
  );
  expect(findCycles(edges)).toEqual([]);
});

it("imports files that exist, and nothing from outside of src", () => {
  const known = new Set(files.map(({ path }) => path));
  const wrong = files.flatMap(({ path, imports }) =>
    imports
      .filter((specifier) => specifier.startsWith(".") && !known.has(target(path, specifier)!))
      .map((specifier) => `${path} imports ${specifier}`),
  );
  expect(wrong).toEqual([]);
});

it("needs Node only in the files that are marked so", () => {
  const wrong = files
    .filter(({ path }) => !needsNode(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => {
          const to = target(path, specifier);
          return to === undefined ? isNodeModule(specifier) : needsNode(to);
        })
        .map((specifier) => `${path} imports ${specifier}`),
    );
  expect(wrong).toEqual([]);
});

it("has no file over 500 lines", () => {
  const long = files.filter(({ text }) => text.split("\n").length > 501).map(({ path }) => path);
  expect(long).toEqual([]);
});

it("has rooms whose index files only re-export", () => {
  const wrong = files
    .filter(({ path }) => /^([^/]+\/)?index\.ts$/.test(path))
    .filter(({ text }) => {
      const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
      return (
        code
          .replace(/export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s+"[^"]+";/g, "")
          .trim() !== ""
      );
    })
    .map(({ path }) => path);
  expect(wrong).toEqual([]);
});
