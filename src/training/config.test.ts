import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultMix } from "../data/index.js";
import { autoencoderConfigs } from "../models/index.js";
import {
  completeTrainingConfig,
  type DenoiserTrainingConfig,
  describeTrainingConfig,
  exampleConfig,
  loadTrainingConfig,
  trainingKinds,
} from "./config.js";
import { fingerprintDifferences, writeFingerprint } from "./fingerprint.js";

const smallest = { kind: "autoencoder", folder: "runs/a", schedule: { steps: 100 } };
const denoiser = {
  kind: "denoiser",
  folder: "runs/d",
  autoencoder: { run: "runs/a" },
  latents: { folder: "runs/l" },
  schedule: { steps: 100 },
};

function messageOf(value: unknown): string {
  try {
    completeTrainingConfig(value);
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
}

describe("completeTrainingConfig", () => {
  it("fills in the defaults", () => {
    expect(completeTrainingConfig(smallest)).toMatchObject({
      kind: "autoencoder",
      seed: 1,
      batchSize: 8,
      network: autoencoderConfigs.small,
      data: { scenes: { sprites: ".data/sprites", mix: defaultMix } },
      schedule: { steps: 100, warmup: 40, decay: 25, average: 0.995 },
      optimizer: { kind: "muon", clip: 1 },
    });
    const full = completeTrainingConfig({ ...denoiser, network: "tiny" });
    expect(full).toMatchObject({ batchSize: 32, tokens: 40, latents: { perShard: 1000 } });
    expect(full).toMatchObject({ times: { mean: 1.1, deviation: 1.4 } });
  });

  it("accepts what it gave, and gives it again", () => {
    for (const given of [smallest, denoiser, exampleConfig]) {
      const once = completeTrainingConfig(given);
      expect(completeTrainingConfig(JSON.parse(JSON.stringify(once)))).toEqual(once);
    }
  });

  it.each([
    [
      { ...smallest, kind: "gan" },
      'kind: expected one of autoencoder, denoiser, superResolution, judge, distillation, fineTuning, got "gan".',
    ],
    [{ ...smallest, folder: undefined }, "folder: expected a text that is not empty, got nothing."],
    [
      { ...smallest, batchsize: 3 },
      'unknown field "batchsize". The fields are: kind, folder, seed, data, startFrom, batchSize',
    ],
    [{ ...smallest, schedule: {} }, "schedule.steps: expected a whole number from 1"],
    [
      { ...smallest, schedule: { steps: 10, lr: 1 } },
      'schedule: unknown field "lr". The fields are: steps, learningRate',
    ],
    [
      { ...smallest, schedule: { steps: 50, decay: 20 } },
      "schedule: expected warmup and decay within the 50 steps",
    ],
    [{ ...smallest, optimizer: { betas: [0.9] } }, "optimizer.betas: expected a list of 2"],
    [{ ...smallest, optimizer: { clip: 0 } }, "optimizer.clip: expected a number from"],
    [{ ...smallest, network: "huge" }, 'network: expected one of "small", "tiny", or an object'],
    [{ ...smallest, network: { fold: 8 } }, "network.widths: expected a list of 2, got nothing"],
    [{ ...smallest, data: { folder: "" } }, "data.folder: expected a text"],
    [{ ...smallest, data: "pictures" }, 'data: expected { "scenes": { … } } or { "folder": "path" }'],
    [{ ...smallest, data: { scenes: {}, folder: "x" } }, 'data: expected "scenes" alone'],
    [{ ...smallest, data: { scenes: { mix: { things: ["cat", "unicron"] } } } }, "unicron"],
    [
      { ...smallest, data: { scenes: { mix: { styles: { oil: 1 } } } } },
      "data.scenes.mix.styles: expected one of 3d",
    ],
    [
      { ...smallest, data: { scenes: { mix: { twoThings: 0.9, counts: 0.9 } } } },
      "must not exceed 1 together",
    ],
    [{ ...denoiser, autoencoder: {} }, "autoencoder.run: expected a text"],
    [[], "the config: expected an object"],
  ])("refuses %j", (given, message) => {
    expect(messageOf(given)).toContain(message);
  });
});

describe("config files", () => {
  it("are read, with the number of steps replaced where asked for", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nishiki-config-"));
    try {
      const path = join(folder, "a.json");
      await writeFile(path, JSON.stringify(smallest));
      expect((await loadTrainingConfig(path, { steps: 200 })).schedule).toMatchObject({
        steps: 200,
        decay: 50,
      });
      await writeFile(path, "{ kind: 1 }");
      await expect(loadTrainingConfig(path)).rejects.toThrow(/a\.json cannot be used: it is not valid JSON/);
      await expect(loadTrainingConfig(join(folder, "b.json"))).rejects.toThrow(
        /read the config .*no such file/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("of the project are valid", async () => {
    const folder = new URL("../../configs/", import.meta.url);
    const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
    expect(names).toEqual(expect.arrayContaining(["autoencoder.json", "tiny.json"]));
    for (const name of names)
      completeTrainingConfig(JSON.parse(await readFile(new URL(name, folder), "utf8")));
  });

  it("are explained field by field", () => {
    const text = describeTrainingConfig();
    for (const kind of trainingKinds) expect(text).toContain(`"${kind}"`);
    expect(text).toMatch(/ {2}schedule\.decay {2,}steps of linear decay.* \(a quarter of the steps\)/);
    expect(text).toMatch(/ {2}batchSize {2,}pictures in a step \(8\)/);
    expect(text).not.toContain("undefined");
  });
});

describe("fingerprints", () => {
  it("do not depend on the order of settings", () => {
    const [a, b] = [
      { seed: 1, data: { x: [1, 2], y: undefined } },
      { data: { x: [1, 2] }, seed: 1 },
    ];
    expect(writeFingerprint(a)).toBe(writeFingerprint(b));
  });

  it("name what differs, also where one is not ours", () => {
    const here = writeFingerprint({ seed: 1, data: { size: 8, mix: "a".repeat(100) } });
    expect(fingerprintDifferences(here, here)).toEqual([]);
    expect(fingerprintDifferences(writeFingerprint({ seed: 1, data: { size: 9 } }), here)).toEqual([
      "data.size is 9 there and 8 here",
      `data.mix is not set there and "${"a".repeat(56)}… here`,
    ]);
    expect(fingerprintDifferences("ae-muon", "ae-adamw")).toEqual([
      'its settings are "ae-muon" there and "ae-adamw" here',
    ]);
  });
});

describe("configs/fast.json", () => {
  it("reads the latents that configs/denoiser.json makes: the same scenes, seed and shards", async () => {
    const [fast, denoiser] = await Promise.all(
      ["fast", "denoiser"].map((name) => loadTrainingConfig(`configs/${name}.json`)),
    );
    expect(fast).toMatchObject({ kind: "distillation", seed: denoiser!.seed, data: denoiser!.data });
    expect(fast).toMatchObject({
      latents: {
        folder: `${denoiser!.folder}/latents`,
        perShard: (denoiser as DenoiserTrainingConfig).latents.perShard,
      },
    });
  });
});
