// Every program in examples/ runs as a user would run it: against the built package, imported by its name.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng } from "../src/image/index.js";
import { writeTinyModel } from "./support/tiny-model.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const execute = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const examples = await readdir(join(root, "examples"));

let folder: string;
/** Inside the package, so that it finds itself by its name; git ignores it. */
let scripts: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-examples-"));
  await mkdir(join(root, "out"), { recursive: true });
  scripts = await mkdtemp(join(root, "out", "examples-"));
  await writeTinyModel(join(folder, "model"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(scripts, { recursive: true, force: true });
});

/** Strips the types, which Node does by itself only from 22.18 on, and runs the program in an empty folder. */
async function runExample(name: string, ...args: string[]): Promise<string> {
  const { code } = await transform(await readFile(join(root, "examples", name), "utf8"), { loader: "ts" });
  const script = join(scripts, `${basename(name, ".ts")}.mjs`);
  await writeFile(script, code);
  const env = { ...process.env, NISHIKI_MODEL: join(folder, "model") };
  const { stdout } = await execute(process.execPath, [script, ...args], { cwd: folder, env });
  return stdout;
}

describe("examples", () => {
  it("are all run here", () => {
    expect(examples.sort()).toEqual(["cancel.ts", "generate.ts", "steps.ts"]);
  });

  it("generate.ts draws a picture", async () => {
    expect(await runExample("generate.ts", "a cat", "cat.png")).toBe("cat.png\n");
    const { width, height, text } = decodePng(await readFile(join(folder, "cat.png")));
    expect([width, height]).toEqual([256, 256]);
    expect(JSON.parse(text.nishiki!).request).toMatchObject({ prompt: "a cat", seed: 0 });
  });

  it("steps.ts shows every step", async () => {
    const stdout = await runExample("steps.ts", "a cat", "steps.png");
    expect(stdout).toMatch(/^step 1 of 4, [\d.]+ s left\n(step \d of 4, .*\n){3}steps\.png\n$/);
    const sheet = decodePng(await readFile(join(folder, "steps.png")));
    expect([sheet.width, sheet.height]).toEqual([2 * 264 + 8, 2 * 264 + 8]);
  });

  it("cancel.ts stops after a picture", async () => {
    expect(await runExample("cancel.ts")).toBe("Cancelled after 1 of 100 images.\n");
  });
});

/** Programs in Markdown's fences; in docstrings every line begins with an asterisk. */
function codeIn(text: string): string[] {
  const plain = text.replace(/^ \* ?/gm, "");
  return [...plain.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
}

/** Runs code and compares what it prints with what its comments say: `// → text`. */
async function check(name: string, code: string): Promise<void> {
  const claims = [...code.matchAll(/\/\/ → (.*)$/gm)].map((match) => `${match[1]}\n`).join("");
  const script = join(scripts, `${name}.mjs`);
  await writeFile(script, (await transform(code, { loader: "ts" })).code);
  const { stdout } = await execute(process.execPath, [script], { cwd: folder });
  if (claims !== "") expect(stdout).toBe(claims);
}

describe("the main entry", async () => {
  const sources = await readdir(join(root, "src"), { recursive: true });
  const texts = await Promise.all(
    sources
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .map((path) => readFile(join(root, "src", path), "utf8")),
  );
  const docstringOf = (name: string) => {
    const declared = new RegExp(
      `/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\nexport (?:async )?(?:function|class|const) ${name}\\b`,
    );
    return texts.map((text) => declared.exec(text)?.[1]).find((found) => found !== undefined);
  };
  // In this order: the first draws the image that the others read.
  const names = [
    "loadPipeline",
    "Pipeline",
    "NishikiError",
    "openModel",
    "readInputImage",
    "readImages",
    "readMask",
  ].concat(
    ["encodeImage", "parseReceipt", "compareWithReceipt"],
    ["parsePromptParameters", "takeLoraTags", "readWildcards", "expandWildcards"],
  );

  it("has these functions and classes, and no more", async () => {
    expect(Object.keys(await import("../src/index.js")).sort()).toEqual([...names].sort());
  });

  it.each(names)("%s has an example that runs and prints what it says", async (name) => {
    const examples = codeIn(docstringOf(name)!.split("@example")[1] ?? "");
    expect(examples).toHaveLength(1);
    await check(name, examples[0]!);
  });
});

it("README's programs run, and print what they say", async () => {
  const programs = codeIn(await readFile(join(root, "README.md"), "utf8"));
  expect(programs.length).toBeGreaterThanOrEqual(2);
  for (const [i, code] of programs.entries()) await check(`readme-${i}`, code);
});

it("README's programs pass a strict type check", async () => {
  const programs = codeIn(await readFile(join(root, "README.md"), "utf8"));
  const files = programs.map((_, i) => join(scripts, `readme-${i}.mts`));
  await Promise.all(files.map((file, i) => writeFile(file, programs[i]!)));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const options =
    "--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --target es2023 --types node".split(
      " ",
    );
  // tsc prints what is wrong to standard output, and fails.
  const { stdout } = await execute(process.execPath, [tsc, ...options, ...files]).catch((error) => error);
  expect(stdout).toBe("");
});
