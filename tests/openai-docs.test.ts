// Every example of docs/api-openai.md runs against a running server, and prints what its comments say.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { encodePng } from "../src/image/index.js";
import { findCurl, readExamples } from "./support/doc-examples.js";
import { findPython } from "./support/find-python.js";
import { startServer, type TestServer } from "./support/start-server.js";

vi.setConfig({ testTimeout: 120_000 });

const execute = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const { text, codes } = await readExamples("docs/api-openai.md");

const python = findPython("openai");
const hasCurl = await findCurl();

let server: TestServer;
/** Where the examples' files are. */
let folder: string;
/** Inside the package, so that examples find packages; git ignores it. */
let scripts: string;

/** What an image or a mask of the examples may be. */
const makeImage = (alpha: number) => {
  const data = Uint8Array.from({ length: 256 * 256 * 4 }, (_, i) =>
    i % 4 < 3 ? 90 : (i >> 2) % 256 < 128 ? alpha : 255,
  );
  return encodePng({ width: 256, height: 256, channels: 4, data });
};

beforeAll(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), "nishiki-docs-"));
  await mkdir(join(root, "out"), { recursive: true });
  scripts = await mkdtemp(join(root, "out", "docs-"));
  await writeFile(join(folder, "fox.png"), makeImage(255));
  await writeFile(join(folder, "mask.png"), makeImage(0));
});

afterAll(async () => {
  await server?.close();
  for (const path of [folder, scripts]) if (path) await rm(path, { recursive: true, force: true });
});

/** Runs an example on the tests' server and compares what it prints with its comments: `→ text`. */
async function check(command: string, args: readonly string[], code: string): Promise<string> {
  const here = code.replaceAll("http://127.0.0.1:7860", server.url);
  const file = join(scripts, `example${command === python ? ".py" : command === "sh" ? ".sh" : ".mjs"}`);
  await writeFile(file, here);
  const { stdout } = await execute(command, [...args, file], { cwd: folder });
  const claims = [...code.matchAll(/(?:#|\/\/) → (.*)$/gm)].map((match) => match[1]!);
  if (claims.length > 0) expect(stdout.trimEnd().split("\n")).toEqual(claims);
  return stdout;
}

describe("the examples", () => {
  it("are in three languages", () => {
    expect(codes("sh").length).toBeGreaterThan(3);
    expect(codes("js").length).toBeGreaterThan(1);
    expect(codes("python").length).toBeGreaterThan(1);
  });

  it.skipIf(!hasCurl).each(codes("sh"))("of curl %i", async (_number, code) => {
    const answer = JSON.parse(await check("sh", [], code));
    if ("error" in answer) return;
    for (const { url } of answer.data)
      expect((await fetch(url)).headers.get("content-type")).toBe("image/png");
  });

  it.each(codes("js"))("of Node %i", async (_number, code) => {
    await check(process.execPath, [], code);
  });

  it.skipIf(python === undefined).each(codes("python"))("of Python %i", async (_number, code) => {
    await check(python!, [], code);
  });
});

it("the documentation lists every parameter", async () => {
  const response = await fetch(`${server.url}/v1/images/edits`, {
    method: "POST",
    body: (() => {
      const form = new FormData();
      form.append("unheard_of", "1");
      return form;
    })(),
  });
  const { error } = (await response.json()) as { error: { message: string } };
  const names = /unheard_of".*Known: (.*)\./.exec(error.message)![1]!.split(", ");
  expect(names.length).toBeGreaterThan(25);
  expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});
