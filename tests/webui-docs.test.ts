// Every example of docs/api-webui.md runs against a running server, and prints what its comments say.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { encodePng, inspectPng } from "../src/image/index.js";
import { findCurl, readExamples } from "./support/doc-examples.js";
import { findPython } from "./support/find-python.js";
import { startServer, type TestServer } from "./support/start-server.js";

vi.setConfig({ testTimeout: 120_000 });

const execute = promisify(execFile);
const { text, codes } = await readExamples("docs/api-webui.md");

const python = findPython("webuiapi");
const hasCurl = await findCurl();

let server: TestServer;
let folder: string;

beforeAll(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), "nishiki-docs-"));
  const image = { width: 64, height: 64, channels: 3 as const, data: new Uint8Array(64 * 64 * 3).fill(90) };
  await writeFile(join(folder, "fox.png"), encodePng(image));
});

afterAll(async () => {
  await server?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function run(command: string, name: string, code: string): Promise<string> {
  const { port } = new URL(server.url);
  const file = join(folder, name);
  await writeFile(
    file,
    code.replaceAll("127.0.0.1:7860", `127.0.0.1:${port}`).replaceAll("port=7860", `port=${port}`),
  );
  const { stdout } = await execute(command, [file], { cwd: folder, maxBuffer: 2 ** 26 });
  return stdout;
}

describe("the examples", () => {
  it("are in two languages", () => {
    expect([codes("sh").length, codes("python").length]).toEqual([3, 2]);
  });

  it.skipIf(!hasCurl).each(codes("sh"))("of curl %i", async (_number, code) => {
    const answer = JSON.parse(await run("sh", "example.sh", code));
    expect(answer).not.toHaveProperty("detail");
    const images = answer.images ?? (answer.image === undefined ? [] : [answer.image]);
    for (const image of images)
      expect(inspectPng(Buffer.from(image, "base64")).width).toBeGreaterThanOrEqual(128);
  });

  it.skipIf(python === undefined).each(codes("python"))("of Python %i", async (_number, code) => {
    const claims = [...code.matchAll(/# → (.*)$/gm)].map((match) => match[1]!);
    expect((await run(python!, "example.py", code)).trimEnd().split("\n")).toEqual(claims);
  });
});

it("the documentation names every field and every path", async () => {
  const fields = await readFile(new URL("../src/server/webui/fields.ts", import.meta.url), "utf8");
  const declared = fields.slice(fields.indexOf("const common"));
  const names = [...declared.matchAll(/^ {2}([a-z_0-9]+)(?::|,$)/gm)].map((match) => match[1]!);
  expect(names.length).toBeGreaterThan(50);
  const shortened = text
    .replaceAll("hr_resize_x/y", "hr_resize_x hr_resize_y")
    .replaceAll("/height", " firstphase_height");
  const isNamed = (name: string) =>
    shortened.includes(name) || (name.startsWith("seed_resize_from_") && text.includes("seed_resize_from_*"));
  expect(names.filter((name) => !isNamed(name))).toEqual([]);
});
