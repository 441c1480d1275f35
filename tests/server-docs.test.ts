// The examples of docs/api.md run, and print what they say; its list of routes is complete.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeRoutes, type RunningServer } from "../src/server/index.js";
import { openServed, type Served } from "./support/serve-application.js";

const execute = promisify(execFile);
const path = fileURLToPath(new URL("../docs/api.md", import.meta.url));
const page = await readFile(path, "utf8");

const hasCurl = await execute("curl", ["--version"]).then(
  () => execute("sh", ["-c", "exit 0"]).then(() => true),
  () => false,
);
if (!hasCurl) console.warn("The examples of docs/api.md are skipped: curl is not installed.");

let served: Served;
let server: RunningServer;
beforeAll(async () => {
  served = await openServed();
  server = await served.serve();
});
afterAll(async () => served?.close());

describe.skipIf(!hasCurl)("docs/api.md", () => {
  it("has examples that print what they say", async () => {
    const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
    expect(blocks.length).toBeGreaterThan(5);
    // One script: later examples use what earlier ones made. A line with a claim ends what prints it.
    const script = blocks.join("\n").replaceAll("http://127.0.0.1:7860", server.url);
    const claims = [...script.matchAll(/^# → (.*)$/gm)].map((match) => match[1]);
    await writeFile(join(served.folder, "examples.sh"), script.replace(/^# → .*$/gm, "echo"));
    const { stdout } = await execute("sh", ["-e", "examples.sh"], { cwd: served.folder });
    expect(stdout.split("\n").filter((line) => line !== "")).toEqual(claims);
  });
});

it("docs/api.md lists all routes: else run scripts/make-routes.mjs", () => {
  const [, listed] = /<!-- routes -->\n([\s\S]*?)<!-- \/routes -->/.exec(page) ?? [];
  expect(listed?.trim()).toBe(describeRoutes());
});
