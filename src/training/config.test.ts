import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { defaultMix } from "../data/index.js";
import { autoencoderConfigs } from "../models/index.js";
import {
  completeTrainingConfig,
  type DenoiserTrainingConfig,
  describeTrainingConfig,
  exampleConfig,
  getTrainingConfigSchema,
  loadTrainingConfig,
  trainingKinds,
} from "./config.js";
import { fingerprintDifferences, writeFingerprint } from "./fingerprint.js";

const smallest = { kind: "autoencoder", folder: "runs/a", schedule: { steps: 100 } };
const denoiser = {
  kind: "denoiser",
  folder: "runs/d",
  autoencoder: { weights: "runs/a" },
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
      workers: 2,
      network: autoencoderConfigs.small,
      data: { scenes: { sprites: ".data/sprites", mix: defaultMix } },
      schedule: { steps: 100, warmupSteps: 40, decaySteps: 25, emaDecay: 0.995 },
      optimizer: { kind: "muon", gradientClipping: 1 },
    });
    expect(completeTrainingConfig({ ...smallest, batchSize: 3 }).workers).toBe(1);
    const full = completeTrainingConfig({ ...denoiser, network: "tiny" });
    expect(full).toMatchObject({ batchSize: 32, maxTokens: 40, latents: { shardSize: 1000 } });
    expect(full).toMatchObject({ timestepSampling: { mean: 1.1, std: 1.4 }, sampling: { sampler: "euler" } });
    const tuned = completeTrainingConfig({ ...smallest, kind: "fine-tuning", rank: 4 });
    expect(tuned).toMatchObject({ rank: 4, alpha: 4 });
  });

  it("accepts what it gave, and gives it again", () => {
    for (const given of [smallest, denoiser, exampleConfig, { ...smallest, $schema: "x" }]) {
      const once = completeTrainingConfig(given);
      expect(once).not.toHaveProperty("$schema");
      expect(completeTrainingConfig(JSON.parse(JSON.stringify(once)))).toEqual(once);
    }
  });

  it.each([
    [
      { ...smallest, kind: "gan" },
      'kind: expected one of autoencoder, denoiser, super-resolution, classifier, distillation, fine-tuning, got "gan".',
    ],
    [{ ...smallest, kind: "judge" }, 'got "judge"; its name is now "classifier".'],
    [{ ...smallest, folder: undefined }, "folder: expected text that is not empty, got nothing."],
    [{ ...smallest, batchsize: 3 }, 'unknown field "batchsize"; did you mean "batchSize"?'],
    [{ ...smallest, startFrom: "a" }, 'unknown field "startFrom": its name is now "initFrom".'],
    [{ ...smallest, schedule: {} }, "schedule.steps: expected a whole number from 1"],
    [
      { ...smallest, schedule: { steps: 10, average: 0.9 } },
      'schedule: unknown field "average": its name is now "emaDecay".',
    ],
    [
      { ...smallest, schedule: { steps: 50, decaySteps: 20 } },
      "schedule: expected warm-up and decay within the 50 steps, got 40 and 20. Raise steps, or lower warmupSteps or decaySteps.",
    ],
    [{ ...smallest, optimizer: { betas: [0.9] } }, "optimizer.betas: expected a list of 2"],
    [{ ...smallest, optimizer: { gradientClipping: 0 } }, "optimizer.gradientClipping: expected a number"],
    [{ ...smallest, network: "huge" }, 'network: expected "small", "tiny" or an object with all sizes'],
    [{ ...smallest, network: { fold: 8 } }, "network.widths: expected a list of 2, got nothing"],
    [
      { ...smallest, network: { ...autoencoderConfigs.tiny, encoderBlocks: [1, 1_000_000] } },
      "network.encoderBlocks[1]: expected a whole number from 0 to 200, got 1000000.",
    ],
    [{ ...smallest, data: { folder: "" } }, "data.folder: expected text"],
    [{ ...smallest, data: "pictures" }, 'data: expected { "scenes": { … } } or { "folder": "path" }'],
    [{ ...smallest, data: { scenes: {}, folder: "x" } }, 'data: expected { "scenes": { … } } or'],
    [
      { ...smallest, data: { scenes: { mix: { things: ["cat", "unicron"] } } } },
      'data.scenes.mix.things[1]: expected a thing of the vocabulary, got "unicron"; did you mean "unicorn"?',
    ],
    [
      { ...smallest, data: { scenes: { mix: { styles: { oil: 1 } } } } },
      'data.scenes.mix.styles: unknown field "oil"',
    ],
    [
      { ...smallest, data: { scenes: { mix: { twoThings: 0.9, counts: 0.9 } } } },
      "expected a sum of at most 1",
    ],
    [{ ...denoiser, autoencoder: {} }, "autoencoder.weights: expected text"],
    [{ ...denoiser, sampling: { sampler: "eulr" } }, 'sampling.sampler: Unknown sampler "eulr"'],
    [[], "the config: expected an object"],
  ])("refuses %j", (given, message) => {
    expect(messageOf(given)).toContain(message);
  });

  it("reports all faults of a config at once", () => {
    const schedule = { steps: 0, warmup: 3 };
    const faults = messageOf({ ...smallest, schedule, seed: -1, network: { fold: 0 } }).split("\n");
    for (const part of ["schedule.steps:", '"warmup"', "seed:", "network.fold:", "network.widths:"])
      expect(
        faults.filter((fault) => fault.includes(part)),
        part,
      ).toHaveLength(1);
  });

  it("does not list the whole vocabulary for a thing that it does not know", () => {
    const message = messageOf({ ...smallest, data: { scenes: { mix: { things: ["cat", "qqqqqqqqqq"] } } } });
    expect(message).toContain("data.scenes.mix.things[1]: expected a thing of the vocabulary");
    expect(message.length).toBeLessThan(300);
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
        decaySteps: 50,
      });
      await writeFile(path, "{ kind: 1 }");
      await expect(loadTrainingConfig(path)).rejects.toThrow(/a\.json cannot be used: it is not valid JSON/);
      await writeFile(path, '{\r\n "kind": \u001b[2J');
      await expect(loadTrainingConfig(path)).rejects.toThrow(/it is not valid JSON \([ -~]*\)\.$/);
      await expect(loadTrainingConfig(join(folder, "b.json"))).rejects.toThrow(
        /read the config .*no such file/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ["UTF-8 with a byte order mark", (text: string) => Buffer.from(`\ufeff${text}`)],
    ["UTF-16, as PowerShell writes it", (text: string) => Buffer.from(`\ufeff${text}`, "utf16le")],
    ["lines that end in CRLF", (text: string) => Buffer.from(text.replaceAll("\n", "\r\n"))],
  ])("are read in %s", async (_, encode) => {
    const folder = await mkdtemp(join(tmpdir(), "nishiki-config-"));
    try {
      const path = join(folder, "a.json");
      await writeFile(path, encode(JSON.stringify(smallest, undefined, 2)));
      expect((await loadTrainingConfig(path)).folder).toBe(smallest.folder);
      await writeFile(path, Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x7d]));
      await expect(loadTrainingConfig(path)).rejects.toThrow("a.json cannot be used: it is not UTF-8 text");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("say of numbers above zero that they are", () => {
    const learningRate = 0;
    expect(() => completeTrainingConfig({ ...smallest, schedule: { steps: 1, learningRate } })).toThrow(
      "schedule.learningRate: expected a number above 0 and up to 1000000000000, got 0.",
    );
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
    for (const kind of trainingKinds) expect(text).toContain(`"kind": "${kind}"`);
    expect(text).toMatch(/ {2}schedule\.decaySteps {2,}steps of linear decay.* \(a quarter of the steps\)/);
    expect(text).toMatch(/ {2}batchSize {2,}images per step \(8\)/);
    expect(text).not.toContain("undefined");
    expect(text.split("\n").filter((line) => / {2}\S+ {2,}(\(|$)/.test(line))).toEqual([]); // all have a sentence
  });

  it("are described by schemas/training.json, which `node scripts/make-schemas.mjs` writes", async () => {
    const file = await readFile(new URL("../../schemas/training.json", import.meta.url), "utf8");
    expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(getTrainingConfigSchema())));
    expect(file).not.toContain(fileURLToPath(new URL("../..", import.meta.url))); // the same on every machine
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

  it("of earlier versions mean the same under the names of now", () => {
    const before = {
      kind: "judge",
      optimizer: { clip: 1 },
      times: { mean: 1, deviation: 2 },
      roundTrips: 0.3,
    };
    const now = {
      kind: "classifier",
      optimizer: { gradientClipping: 1 },
      timestepSampling: { mean: 1, std: 2 },
      autoencoderRoundTrips: 0.3,
    };
    expect(fingerprintDifferences(writeFingerprint(before), writeFingerprint(now))).toEqual([]);
    const other = { ...now, optimizer: { gradientClipping: 3 } };
    expect(fingerprintDifferences(writeFingerprint(before), writeFingerprint(other))).toEqual([
      "optimizer.gradientClipping is 1 there and 3 here",
    ]);
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
        shardSize: (denoiser as DenoiserTrainingConfig).latents.shardSize,
      },
    });
  });
});
