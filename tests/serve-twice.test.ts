// Two servers never share a folder; a server that was killed does not keep its folder locked.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cliPath, runCli } from "./support/run-cli.js";

let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-twice-"));
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

const parameters = () => ["serve", "--port", "0", "--no-open", "--folder", folder];

/** A server that listens, and its address. */
async function start(): Promise<{ readonly child: ChildProcess; readonly link: string }> {
  const child = spawn(process.execPath, [cliPath, ...parameters()], {
    env: { ...process.env, NISHIKI_DATABASE_URL: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let text = "";
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes("\n")) break;
  }
  return { child, link: text.trim() };
}

it("refuses a second server, with the first one's process and address, and starts again after a kill", async () => {
  const { child, link } = await start();
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
  const { code, stderr } = await runCli(parameters(), { env: { NISHIKI_DATABASE_URL: "" } });
  expect(code).not.toBe(0);
  const { origin } = new URL(link);
  expect(stderr).toContain(
    `A Nishiki server already uses this folder at ${origin} (process ${child.pid}, lock`,
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  const again = await start();
  const answer = await fetch(new URL("/api/v1/capabilities", again.link));
  expect(answer.status).toBe(200);
  again.child.kill("SIGINT");
  await once(again.child, "exit");
  expect(again.child.exitCode).toBe(0);
});
