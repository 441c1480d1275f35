import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeLock } from "./folder-lock.js";
import { getOwnIdentity } from "./process-identity.js";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-lock-"));
  path = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that has ended. */
async function getDeadPid(): Promise<number> {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  return child.pid!;
}

const write = (holder: object) =>
  writeFile(path, JSON.stringify({ ...getOwnIdentity(), url: null, ...holder }));

describe("takeLock", () => {
  it("refuses a second holder, with the first one's process and address", async () => {
    const lock = await takeLock(path);
    await lock.setUrl("http://127.0.0.1:7860");
    await expect(takeLock(path)).rejects.toThrow(
      new RegExp(`already uses this folder at http://127.0.0.1:7860 \\(process ${process.pid}, lock`),
    );
    await lock.release();
    await (await takeLock(path)).release();
  });

  it("is taken over from a process that has ended", async () => {
    await write({ pid: await getDeadPid() });
    await (await takeLock(path)).release();
  });

  it("is taken over from a process whose id another one has now", async () => {
    await write({ started: "1" });
    const lock = await takeLock(path);
    // Without the system's start times, the living process would be believed.
    expect(JSON.parse(await readFile(path, "utf8")).started).toBe(getOwnIdentity().started);
    await lock.release();
  });

  it("is taken by one of many that try at once", async () => {
    await write({ pid: await getDeadPid() });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path)));
    const locks = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(locks).toHaveLength(1);
    await locks[0]!.release();
  });

  it("stays with a process on another machine that shows that it lives", async () => {
    await write({ host: "elsewhere" });
    await expect(takeLock(path)).rejects.toMatchObject({ code: "database" });
    const longAgo = new Date(Date.now() - 600_000);
    await utimes(path, longAgo, longAgo);
    await (await takeLock(path)).release();
  });

  it("is taken over if it was cut off while it was written, after a while", async () => {
    await writeFile(path, '{"pid": 1');
    const before = new Date(Date.now() - 60_000);
    await utimes(path, before, before);
    await (await takeLock(path)).release();
  });
});
