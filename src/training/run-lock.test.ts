import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { withFolder } from "../../tests/training/regression.js";
import { lockRun } from "./run-lock.js";

const dead = () => spawnSync(process.execPath, ["-e", ""]).pid;

async function claimOf(folder: string): Promise<{ path: string; claim: Record<string, unknown> }> {
  const name = (await readdir(folder)).find((each) => each.endsWith(".lock"))!;
  return { path: join(folder, name), claim: JSON.parse(await readFile(join(folder, name), "utf8")) };
}

describe("lockRun", () => {
  it("lets one in at a time, and the next one after it", async () => {
    await withFolder(async (folder) => {
      const release = await lockRun(folder);
      await expect(lockRun(folder)).rejects.toThrow(/^Process \d+ is training in/);
      release();
      (await lockRun(folder))();
      expect(await readdir(folder)).toEqual([]);
    });
  });

  it("never lets two in of many that find a dead owner together", async () => {
    await withFolder(async (folder) => {
      const claim = { pid: dead(), machine: "" };
      const release = await lockRun(folder);
      const { machine } = (await claimOf(folder)).claim;
      release();
      await writeFile(join(folder, "running-1-dead.lock"), JSON.stringify({ ...claim, machine }));
      const module = fileURLToPath(new URL("../../dist/training/run-lock.js", import.meta.url));
      const script = `import { lockRun } from ${JSON.stringify(module)};
        try { await lockRun(${JSON.stringify(folder)}); process.stdout.write("in"); } catch { process.stdout.write("out"); }
        process.stdin.resume(); process.stdin.on("end", () => process.exit());`;
      const children = Array.from({ length: 5 }, () =>
        spawn(process.execPath, ["--input-type=module", "-e", script], {
          stdio: ["pipe", "pipe", "inherit"],
        }),
      );
      const answers = await Promise.all(
        children.map(async (child) => String(await once(child.stdout!, "data"))),
      );
      for (const child of children) child.stdin!.end();
      await Promise.all(children.map((child) => once(child, "close")));
      expect(answers.filter((answer) => answer === "in").length).toBeLessThanOrEqual(1);
    });
  });

  it("takes over from a dead process whose id another program has", async () => {
    await withFolder(async (folder) => {
      const release = await lockRun(folder);
      const { path, claim } = await claimOf(folder);
      release();
      // This process's own id, as in a container whose only process is always number 1, but begun at another
      // moment.
      if (claim.started === undefined) return; // the system does not say when processes began
      await writeFile(path, JSON.stringify({ ...claim, started: "1" }));
      (await lockRun(folder))();
      expect(await readdir(folder)).toEqual([]);
    });
  });

  it("believes a claim of another machine for as long as it shows signs of life", async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "running-7-far.lock");
      await writeFile(path, JSON.stringify({ pid: 7, machine: "elsewhere" }));
      await expect(lockRun(folder)).rejects.toThrow(/Process 7 on another machine/);
      const old = new Date(Date.now() - 3_600_000);
      await utimes(path, old, old);
      (await lockRun(folder))();
    });
  });
});
