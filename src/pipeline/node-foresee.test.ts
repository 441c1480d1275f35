import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { completeRequest } from "./complete-request.js";
import { openModel } from "./node.js";
import { foresee, keepDrawing } from "./node-foresee.js";
import { readMachineSpeed } from "./node-machine-speed.js";
import * as nodeMemory from "./node-memory.js";
import { RunMeter } from "./request-forecast.js";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "nishiki-speed-"));
  vi.stubEnv("NISHIKI_CACHE", cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(cache, { recursive: true });
});

const load = { threads: 1 };

async function prepare(size = "256x256") {
  const opened = await openModel(load);
  const settings = completeRequest({ prompt: "a cat", seed: 1, size }, opened.context);
  return { opened, settings, load };
}

it("forecasts from a standard program, then from drawings, and keeps both in the cache folder", async () => {
  const subject = await prepare();
  const first = (await foresee(subject))!;
  expect(first).toMatchObject({ isMeasured: false, fits: true });
  expect(first.seconds).toBeGreaterThan(0);
  const { standardRate } = await readMachineSpeed(load);
  const meter = new RunMeter();
  let now = 0;
  const runs = [
    ["text encoder", 1],
    ["denoiser", 20],
    ["decoder", 1],
  ] as const;
  for (const [network, count] of runs)
    for (let i = 0; i < count; i++) meter.add({ kind: "run", network, start: now, end: ++now });
  const getWork = subject.opened.getWork!;
  const times = { start: 0, loaded: 0, end: now };
  await keepDrawing({ settings: subject.settings, load, getWork, meter, times, count: 1 });
  const second = (await foresee(subject, { isLoaded: true }))!;
  expect(second).toMatchObject({ isMeasured: true });
  expect(second.seconds).toBeCloseTo(22, 6);
  const file = JSON.parse(await readFile(join(cache, "speed.json"), "utf8")) as { machines: object };
  expect(file.machines).toMatchObject({ "cpu 1": { standardRate } });
});

it("advises a smaller size where memory is short", async () => {
  const subject = await prepare("1024x1024");
  const need = (await foresee(subject))!.bytes;
  vi.spyOn(nodeMemory, "readMemory").mockResolvedValue({ total: 16e9, free: need - 1e8 });
  const outlook = (await foresee(subject))!;
  expect(outlook).toMatchObject({ fits: false, advice: { change: { size: { width: 512, height: 512 } } } });
  expect(outlook.advice!.bytes).toBeLessThan(need - 1e8);
});

it("measures again where the file is damaged", async () => {
  const { writeFile } = await import("node:fs/promises");
  await writeFile(join(cache, "speed.json"), "{");
  expect((await foresee(await prepare()))!.seconds).toBeGreaterThan(0);
});
