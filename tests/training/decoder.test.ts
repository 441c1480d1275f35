// A decoder that is trained alone, with all that it can learn from: noisy latents and a denoiser's, a classifier's
// features, and a discriminator. On a tiny model, through the public function.
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSafetensors, writeSafetensors } from "../../src/checkpoint/node.js";
import { labelClasses } from "../../src/data/index.js";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import { trace } from "../../src/graph/index.js";
import { autoencoderConfigs, classifierConfigs, classify } from "../../src/models/index.js";
import { loadPipeline, readModelFolder } from "../../src/pipeline/node.js";
import { exportClassifier } from "../../src/training/classifier-export.js";
import {
  completeTrainingConfig,
  getClassifierQuestions,
  initialValue,
  readMetrics,
  train,
} from "../../src/training/index.js";
import { readStart } from "../../src/training/start-from.js";
import { teacherSize, trainTeacher } from "./teacher.js";

let engine: Engine;
let root: string;
beforeAll(async () => {
  engine = makeEngine({ threads: 1 });
  root = await mkdtemp(join(tmpdir(), "nishiki-decoder-"));
  await trainTeacher(root, engine);
}, 120_000);
afterAll(async () => {
  await engine.close();
  await rm(root, { recursive: true });
});

/** Writes a classifier with random weights. */
async function writeClassifier(folder: string): Promise<string> {
  await mkdir(folder);
  const network = { ...classifierConfigs.tiny, pictureSize: teacherSize };
  const program = trace((tracer) => {
    const pixels = tracer.input("pixels", [1, teacherSize, teacherSize, 3]);
    return classify(tracer.scope(), pixels, network, getClassifierQuestions(labelClasses)).answers;
  });
  const run = `${folder}.safetensors`;
  await writeSafetensors(
    run,
    program.parameters.map((parameter) => {
      const { data, shape } = initialValue(parameter, 1);
      return { name: parameter.name, dtype: "f32" as const, shape: [...shape], data: data as Float32Array };
    }),
  );
  await exportClassifier({ run, network, output: folder });
  return folder;
}

const network = { ...autoencoderConfigs.tiny, positions: 8, decoderFine: { width: 8, blocks: 1 } };

function configOf(name: string, steps: number, classifier: string, given = {}) {
  return completeTrainingConfig({
    kind: "autoencoder",
    folder: join(root, name),
    data: { folder: join(root, "pictures"), size: teacherSize },
    part: "decoder",
    initFrom: join(root, "autoencoder"),
    network,
    batchSize: 4,
    perceptual: { classifier },
    adversarial: { discriminator: "tiny" },
    denoised: { model: join(root, "denoiser", "model") },
    schedule: { steps, learningRate: 0.003, warmupSteps: 0, decaySteps: 0, emaDecay: 0.5 },
    samples: 2,
    ...given,
  });
}

describe("training a decoder alone", { timeout: 300_000 }, () => {
  it("learns from a denoiser's latents, a classifier and a discriminator, and keeps the latents", async () => {
    const teacher = join(root, "denoiser", "model");
    const classifier = await writeClassifier(join(root, "classifier"));
    await train(configOf("run", 8, classifier), { engine });

    const metrics = (await readMetrics(join(root, "run"))).filter(({ loss }) => loss !== undefined);
    expect(metrics[0]).toMatchObject({
      adversarial: expect.closeTo(0, 3),
      discriminator: expect.closeTo(1, 3),
    });
    expect(metrics.at(-1)!.discriminator).toBeLessThan(1);
    expect(metrics.every(({ perceptual }) => perceptual! > 0)).toBe(true);

    const [before, after] = [
      await readStart(join(root, "autoencoder")),
      await readStart(join(root, "run", "autoencoder.safetensors")),
    ];
    expect(Object.keys(after).filter((each) => !/^(encoder|decoder)\./.test(each))).toEqual([]);
    for (const [each, { data }] of Object.entries(before)) {
      if (each.startsWith("encoder.")) expect(after[each]!.data, each).toEqual(data);
    }

    const model = join(root, "run", "model");
    const { parts, latents } = await readModelFolder(model);
    expect(parts.autoencoder.config).toEqual(network);
    expect(latents).toEqual((await readModelFolder(teacher)).latents);
    const pipeline = await loadPipeline({ model, threads: 1, device: "cpu" });
    try {
      for await (const event of pipeline.generate({ prompt: "a red square", seed: 1 }))
        if (event.kind === "image") expect(event.width).toBe(teacherSize);
    } finally {
      await pipeline.dispose();
    }

    await train(configOf("stopped", 4, classifier), { engine });
    await train(configOf("stopped", 8, classifier), { engine, resume: true });
    const checkpoint = (name: string) => readFile(join(root, name, "checkpoint.safetensors"));
    expect((await checkpoint("stopped")).equals(await checkpoint("run"))).toBe(true);
    const others = configOf("stopped", 9, classifier, {
      denoised: { model: teacher, maxTime: 0.3 },
    });
    await expect(train(others, { engine, resume: true })).rejects.toThrow(
      "denoised.maxTime is 0.4 there and 0.3 here",
    );
  });

  it("updates the discriminator by an optimizer of its own, which the checkpoint keeps", async () => {
    const muon = { discriminator: { fold: 4, widths: [32, 32, 32] }, optimizer: { kind: "muon" } };
    const given = { denoised: undefined, perceptual: undefined, optimizer: { kind: "adamw" } };
    await train(configOf("own", 2, "", { ...given, adversarial: muon }), { engine });
    const { tensors } = await openSafetensors(join(root, "own", "checkpoint.safetensors"));
    const momenta = [...tensors.keys()].filter((name) => name.startsWith("muon."));
    expect(momenta.length).toBeGreaterThan(0);
    expect(momenta.every((name) => name.startsWith("muon.discriminator."))).toBe(true);
  });

  it("refuses denoised latents while the latents change", async () => {
    const config = configOf("both", 1, "", { part: "both", perceptual: undefined });
    await expect(train(config, { engine })).rejects.toThrow('denoised: expected part to be "decoder"');
  });
});
