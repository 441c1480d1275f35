// What a run uses and does not train belongs to the run: retrained in between, it is not gone on with unseen.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { denoiserConfigs, superResolutionConfigs } from "../../src/models/index.js";
import { completeTrainingConfig, train } from "../../src/training/index.js";
import { writeImages } from "./images.js";
import { withFolder } from "./regression.js";

let engine: Engine;
beforeAll(() => {
  engine = makeEngine({ threads: 1 });
});
afterAll(() => engine.close());

const size = 64;

/** Runs of three kinds that use the autoencoder of the run `base`. */
function runsOn(root: string): Record<string, Record<string, unknown>> {
  const base = join(root, "base");
  const autoencoder = { weights: base, network: "tiny" };
  return {
    decoder: { kind: "autoencoder", network: "tiny", part: "decoder", initFrom: base },
    superResolution: {
      kind: "super-resolution",
      network: superResolutionConfigs.tiny,
      autoencoder,
      ...{ crop: 32, samples: 1 },
    },
    denoiser: {
      kind: "denoiser",
      network: { ...denoiserConfigs.tiny, latentSize: 4 },
      autoencoder,
      ...{ maxTokens: 12, prompts: [], latents: { shardSize: 4 } },
    },
  };
}

describe("a frozen network that was retrained", { timeout: 300_000 }, () => {
  it("is noticed by every kind of run that goes on, which names it", async () => {
    await withFolder(async (root) => {
      await writeImages(join(root, "pictures"), 4, size);
      const run = (name: string, steps: number, given: Record<string, unknown>, resume = false) =>
        train(
          completeTrainingConfig({
            folder: join(root, name),
            data: { folder: join(root, "pictures"), size },
            batchSize: 4,
            schedule: { steps, warmupSteps: 0, decaySteps: 0 },
            sampleInterval: 1000,
            ...given,
          }),
          { engine, resume },
        );
      const base = { kind: "autoencoder", network: "tiny" };
      await run("base", 1, base);
      const runs = Object.entries(runsOn(root));
      for (const [name, config] of runs) await run(name, 1, config);
      for (const [name, config] of runs) await run(name, 2, config, true); // nothing has changed yet
      await run("base", 2, base, true);
      await rm(join(root, "denoiser", "latents"), { recursive: true }); // made anew by the new encoder
      for (const [name, config] of runs)
        await expect(run(name, 3, config, true), name).rejects.toThrow(
          /belongs to another run: frozen\.(autoencoder|encoder) is "\w{16}" there and "\w{16}" here/,
        );
    });
  });
});
