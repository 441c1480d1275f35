// Encoding that is stopped ends within one run of a network, keeps what is whole, and leaves nothing half
// made.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { writeImages } from "../../tests/training/images.js";
import { withFolder } from "../../tests/training/regression.js";
import { makeEngine } from "../engine/node.js";
import { autoencoderConfigs, denoiserConfigs } from "../models/index.js";
import { completeTrainingConfig } from "./config.js";
import { train } from "./train.js";

const engine = makeEngine({ threads: 1 });
afterAll(() => engine.close());

const size = 64;

describe("a run that is stopped while it encodes", { timeout: 120_000 }, () => {
  it("ends before the file is made, without a step, and goes on as if nothing had happened", async () => {
    await withFolder(async (root) => {
      await writeImages(join(root, "pictures"), 6, size);
      const data = { folder: join(root, "pictures"), size };
      const schedule = { steps: 1, warmupSteps: 0, decaySteps: 0 };
      const base = { data, batchSize: 4, schedule, network: "tiny" };
      await train(completeTrainingConfig({ ...base, kind: "autoencoder", folder: join(root, "base") }), {
        engine,
      });
      const config = completeTrainingConfig({
        ...base,
        kind: "denoiser",
        folder: join(root, "run"),
        network: { ...denoiserConfigs.tiny, latentSize: 4 },
        autoencoder: { weights: join(root, "base"), network: autoencoderConfigs.tiny },
        ...{ maxTokens: 12, prompts: [], latents: { shardSize: 6 } },
      });
      const stop = new AbortController();
      const onNotice = (text: string) => void (text.startsWith("Encoding") && stop.abort());
      const stopped = await train(config, { engine, signal: stop.signal, onNotice });
      expect(stopped).toEqual({ step: 0, finished: false });
      expect(await readdir(join(root, "run", "latents"))).toEqual(["encoded.json"]);
      expect(await train(config, { engine, resume: true })).toEqual({ step: 1, finished: true });
    });
  });
});
