// `nishiki train` as a process: what it prints, how it stops, how it goes on.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, runCli } from "./support/run-cli.js";
import { writeImages } from "./training/images.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-cli-train-"));
  await writeImages(join(folder, "pictures"), 5, 32);
  await writeFile(join(folder, "pictures", "lonely.png"), "no picture, no caption");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function writeConfig(
  name: string,
  steps: number,
  given: Record<string, unknown> = {},
): Promise<string> {
  const config = {
    kind: "autoencoder",
    folder: name,
    data: { folder: "pictures", size: 32 },
    network: "tiny",
    batchSize: 4,
    schedule: { steps, warmupSteps: 0, decaySteps: 0 },
    checkpointInterval: 5,
    ...given,
  };
  await writeFile(join(folder, `${name}.json`), JSON.stringify(config));
  return `${name}.json`;
}

const train = (args: readonly string[], during?: (child: ChildProcess) => void): Promise<CliResult> =>
  runCli(["train", "--threads", "1", ...args], { cwd: folder, during });

const checkpointOf = (name: string) => readFile(join(folder, name, "checkpoint.safetensors"));

/** Sends SIGINT when a step's line appears. */
function interruptAt(step: number) {
  return (child: ChildProcess) => {
    child.stdout?.on("data", (text: string) => {
      if (text.includes(`"step":${step},`)) child.kill("SIGINT");
    });
  };
}

// Whole processes, one after another, on a machine that may be busy.
describe("nishiki train", { timeout: 300_000 }, () => {
  it("trains, tells how it goes in plain lines, and prints the run's folder", async () => {
    const { code, stdout, stderr } = await train([await writeConfig("plain", 12)]);
    expect(stderr).toMatch(/^Skipped: lonely\.png has no caption.*\.\n/);
    expect(stderr).toMatch(/The autoencoder \(\d+ thousand parameters\) begins in plain\.\n/);
    expect(stderr).toMatch(/Step 12: loss 0?\.?\d+\.?\d*, psnr [\d.]+, plain\/samples\.png\n/);
    expect([code, stdout]).toEqual([0, "plain\n"]);
  });

  it("prints a line of JSON for every step and event, and nothing else when quiet", async () => {
    const config = await writeConfig("json", 3);
    const { code, lines, stderr } = await train([config, "--json", "--quiet"]);
    expect([code, stderr]).toEqual([0, ""]);
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ event }) => event)).toEqual([
      "notice",
      "start",
      "step",
      "step",
      "step",
      "sample",
      "end",
    ]);
    expect(events[2]).toMatchObject({ step: 1, samples: 4, loss: expect.any(Number) });
    expect(events.at(-1)).toMatchObject({ step: 3, finished: true, folder: "json" });
  });

  it("keeps the step at Ctrl-C, says how to go on, and goes on bit for bit", async () => {
    const long = { schedule: { steps: 40, warmupSteps: 0, decaySteps: 0 } };
    expect((await train([await writeConfig("straight", 40, long)])).code).toBe(0);
    const config = await writeConfig("stopped", 40, long);
    const { code, stderr } = await train([config, "--json"], interruptAt(2));
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /Stopped after step \d+ of 40, which is kept in stopped\. Continue with: nishiki train stopped\.json --resume\n$/,
    );
    const again = await train([config]);
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/stopped already holds a run at step \d+\. Add --resume/),
    ]);
    const resumed = await train([config, "--resume"]);
    expect(resumed.stderr).toMatch(/goes on from step \d+ in stopped/);
    expect(resumed.code).toBe(0);
    expect((await checkpointOf("stopped")).equals(await checkpointOf("straight"))).toBe(true);
  });

  it("ends at once at a second Ctrl-C", async () => {
    // A step that takes long enough to be interrupted in.
    const data = { folder: "pictures", size: 256 };
    const config = await writeConfig("twice", 1000, { data, batchSize: 48 });
    const { code, stderr } = await train([config], (child) => {
      child.stderr?.on("data", (text: string) => {
        if (/begins in|Stopping/.test(text)) child.kill("SIGINT");
      });
    });
    expect(code ?? 130).toBe(130); // null: the signal itself ended it, which a shell reports as 130
    expect(stderr).toContain("Stopping …");
    expect(stderr).not.toContain("kept in twice");
  });

  it("explains its config", async () => {
    const { code, stdout } = await runCli(["train", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain('"kind": "autoencoder"');
    expect(stdout).toMatch(/schedule\.learningRate\s+learning rate between/);
  });

  it.each([
    [["nowhere.json"], 1, /^Cannot read the config nowhere\.json: there is no such file or folder\.\n$/],
    [["plain.json", "--steps", "0"], 2, /Expected a whole number from 1/],
    [["bad.json"], 2, /^bad\.json cannot be used: unknown field "stepz"\. Known: kind, folder/],
    [["gone.json"], 1, /^Cannot read the folder nothing-here: /],
  ])("refuses %j in one sentence", async (args, expected, message) => {
    await writeConfig("bad", 10, { stepz: 1 });
    await writeConfig("gone", 10, { data: { folder: "nothing-here" } });
    const { code, stdout, stderr } = await train(args);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
