// Runs that are killed, at any moment, go on bit for bit as if they had not been.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMetrics } from "../../src/training/metrics.js";
import { type Kill, leftUnfinished, runChild } from "./child.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-resume-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const checkpointOf = (folder: string) => readFile(join(folder, "checkpoint.safetensors"));

/** Losses by step, without the times that no run repeats. */
async function lossesOf(folder: string): Promise<readonly (readonly [number, number])[]> {
  return (await readMetrics(folder)).map(({ step, loss }) => [step, loss!] as const);
}

/** Any moment: between steps, within one, or in the middle of writing a checkpoint. */
function anyMoment(round: number): Kill {
  if (round % 2 === 0) return { whileWriting: 1 + Math.floor(Math.random() * 4) };
  return { afterSteps: Math.floor(Math.random() * 12), milliseconds: Math.random() * 20 };
}

/** Kills a run again and again, and lets it end. @returns How many kills left a checkpoint half written. */
async function killOften(folder: string, kills: number, steps: number): Promise<number> {
  let unfinished = 0;
  // Where writing is very fast, more kills are needed until one comes in the middle of it.
  for (let kill = 0; kill < kills || (unfinished === 0 && kill < 2 * kills); kill++) {
    const { signal, errors } = await runChild(folder, steps, 3, anyMoment(kill));
    expect(errors).toBe("");
    expect(signal, `the run was over before kill ${kill + 1}`).toBe("SIGKILL");
    if (await leftUnfinished(folder)) unfinished++;
  }
  const last = await runChild(folder, steps, 3);
  expect(last.code).toBe(0);
  expect(last.steps[0], "kills came too early to mean anything").toBeGreaterThan(3);
  return unfinished;
}

describe("a run that is killed", () => {
  it("goes on bit for bit after SIGKILL at 24 random moments, half of them while it writes", async () => {
    const steps = 600;
    const straight = join(root, "straight");
    const lanes = [join(root, "first"), join(root, "second")];
    expect((await runChild(straight, steps, 3)).code).toBe(0);
    const unfinished = await Promise.all(lanes.map((folder) => killOften(folder, 12, steps)));
    expect(Math.max(...unfinished), "no kill came while a checkpoint was being written").toBeGreaterThan(0);
    for (const folder of lanes) {
      expect((await checkpointOf(folder)).equals(await checkpointOf(straight))).toBe(true);
      expect(await lossesOf(folder)).toEqual(await lossesOf(straight));
      expect((await readdir(folder)).sort()).toEqual(["checkpoint.safetensors", "metrics.jsonl"]);
    }
  }, 600_000);
});

describe("a disk that is full", () => {
  it("leaves the checkpoint before it, says so, and the run goes on when there is room", async () => {
    const folder = join(root, "limited");
    expect((await runChild(folder, 4, 2)).code).toBe(0);
    const before = await checkpointOf(folder);
    // A limit on the size of files ends writes half-way, as a full disk does.
    const failed = await runChild(folder, 8, 2, undefined, "-f 100");
    expect(failed.code).toBe(1);
    expect(failed.errors).toMatch(
      /^Cannot write .*checkpoint\.safetensors: .* The checkpoint of step 4 in .* is good: continue from it with --resume\.\n$/,
    );
    expect((await checkpointOf(folder)).equals(before)).toBe(true);
    expect((await runChild(folder, 8, 2)).code).toBe(0);
  });

  it("is told as what it is", async (context) => {
    const disk = await mkdtemp(join(root, "disk-"));
    // Room for one checkpoint (307,520 bytes) and the metrics, but not for a second one beside it.
    const options = ["-t", "tmpfs", "-o", "size=448k", "tmpfs", disk];
    if (process.getuid?.() !== 0 || spawnSync("mount", options).status !== 0) {
      context.skip("needs the right to mount a small disk");
    }
    try {
      const { code, errors } = await runChild(disk, 8, 3);
      expect(errors).toMatch(
        /checkpoint\.safetensors: the disk is full .*The checkpoint of step 3 in .* is good/,
      );
      expect(code).toBe(1);
      expect(spawnSync("mount", ["-o", "remount,size=4m", disk]).status).toBe(0);
      expect((await runChild(disk, 8, 3)).code).toBe(0);
      const straight = join(root, "straight-8");
      expect((await runChild(straight, 8, 3)).code).toBe(0);
      expect((await checkpointOf(disk)).equals(await checkpointOf(straight))).toBe(true);
    } finally {
      spawnSync("umount", [disk]);
    }
  });
});
