// The model that a LoRA was trained for: which other models take it, and what is said of it.
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { float32ToF16 } from "../../src/checkpoint/index.js";
import { inspectLora, openSafetensors, writeSafetensors } from "../../src/checkpoint/node.js";
import type { Engine } from "../../src/engine/index.js";
import { makeEngine } from "../../src/engine/node.js";
import type { ModelManifest } from "../../src/pipeline/index.js";
import { hashFile, loadParts } from "../../src/pipeline/node.js";
import { scan } from "../../src/server/catalogue/scan.js";
import {
  completeTrainingConfig,
  copyModel,
  exportLora,
  type FineTuningConfig,
  train,
} from "../../src/training/index.js";
import { runHere } from "../support/run-here.js";
import { teacherSize, trainTeacher } from "./teacher.js";

let engine: Engine;
let root: string;
let model: string;
let lora: string;

const configOf = (name: string, steps: number, given: Record<string, unknown> = {}) =>
  completeTrainingConfig({
    kind: "fine-tuning",
    folder: join(root, name),
    data: { folder: join(root, "pictures"), size: teacherSize },
    model,
    rank: 4,
    batchSize: 4,
    optimizer: { kind: "adamw" },
    schedule: { steps, warmupSteps: 0, decaySteps: 0 },
    prompts: ["a red square"],
    priorPreservation: { share: 0 },
    ...given,
  }) as FineTuningConfig;

beforeAll(async () => {
  engine = makeEngine({ threads: 1 });
  root = await mkdtemp(join(tmpdir(), "nishiki-lora-base-"));
  model = await trainTeacher(root, engine);
  await changeManifest(model, { name: "prints", version: "1.0" });
  await train(configOf("mine", 2), { engine });
  lora = join(root, "mine", "lora.safetensors");
}, 300_000);
afterAll(async () => {
  await engine.close();
  await rm(root, { recursive: true, force: true });
});

async function changeManifest(folder: string, change: Partial<ModelManifest>): Promise<ModelManifest> {
  const path = join(folder, "model.json");
  const manifest = { ...(JSON.parse(await readFile(path, "utf8")) as ModelManifest), ...change };
  await writeFile(path, JSON.stringify(manifest));
  return manifest;
}

interface Change {
  readonly version?: string;
  readonly part: "autoencoder" | "denoiser";
  /** Weights whose names begin so are others. */
  readonly prefix?: string;
}

/** The same networks with other weights. */
async function writeOther(name: string, { version = "1.0", part, prefix = "" }: Change): Promise<string> {
  const folder = join(root, name);
  await copyModel(model, folder);
  const { parts } = await changeManifest(folder, { version });
  const path = join(folder, parts[part].file);
  const file = await openSafetensors(path);
  const tensors = await Promise.all(
    [...file.tensors].map(async ([tensor, { dtype, shape }]) => {
      const values = await file.readFloat32(tensor);
      const changed = tensor.startsWith(prefix) ? values.map((value) => -value) : values;
      const isHalf = dtype.toLowerCase() === "f16";
      return isHalf
        ? { name: tensor, dtype: "f16" as const, shape: [...shape], data: float32ToF16(changed) }
        : { name: tensor, dtype: "f32" as const, shape: [...shape], data: changed };
    }),
  );
  await writeSafetensors(path, tensors, file.metadata);
  const changed = { ...parts, [part]: { ...parts[part], sha256: await hashFile(path) } };
  await changeManifest(folder, { parts: changed });
  return folder;
}

/** What is said when a model is loaded with LoRAs. */
async function load(folder: string, loras: readonly string[] = [lora]): Promise<readonly string[]> {
  const { notices, close } = await loadParts({ model: folder, lora: loras, threads: 1, device: "cpu" });
  await close?.();
  return notices ?? [];
}

/** The LoRA with other metadata. */
async function rewrite(name: string, change: (all: Record<string, string>) => Record<string, string>) {
  const file = await openSafetensors(lora);
  const tensors = await Promise.all(
    [...file.tensors].map(async ([tensor, { shape }]) => {
      return { name: tensor, dtype: "f32" as const, shape: [...shape], data: await file.readFloat32(tensor) };
    }),
  );
  const path = join(root, name);
  await writeSafetensors(path, tensors, change({ ...file.metadata }));
  return path;
}

/** What earlier versions wrote. */
const asEarlier = ({ ss_network_dim, ss_network_alpha, ...all }: Record<string, string>) => ({
  format: all.format!,
  "modelspec.architecture": all["modelspec.architecture"]!,
  ...(ss_network_dim !== undefined && { ss_network_dim }),
  ...(ss_network_alpha !== undefined && { ss_network_alpha }),
});

describe("a LoRA and the model that it was trained for", { timeout: 120_000 }, () => {
  it("says which model that is, and works with it in silence", async () => {
    const { metadata } = await openSafetensors(lora);
    expect(metadata).toMatchObject({
      format: "nishiki",
      "modelspec.architecture": "nishiki/prints 1.0/lora",
      ss_sd_model_name: "prints",
      ss_base_model_version: "1.0",
      ss_new_sd_model_hash: await hashFile(join(model, "denoiser.safetensors")),
      ss_new_vae_hash: await hashFile(join(model, "autoencoder.safetensors")),
      "nishiki.encoder_hash": expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(await load(model)).toEqual([]);
    expect((await inspectLora(lora)).notes["trained on"]).toBe("prints 1.0");
    const { additions } = await scan([join(root, "mine")]);
    expect(additions.find(({ path }) => path === lora)?.family).toBe("prints 1.0");
  });

  it("is refused by a model of other latents, however it is applied", async () => {
    const other = await writeOther("latents", { version: "2.0", part: "autoencoder", prefix: "encoder." });
    const sentence =
      "lora.safetensors was trained for prints 1.0, whose latents mean something else than those of this model, " +
      "prints 2.0: train it again for this model, or draw with prints 1.0.";
    await expect(load(other)).rejects.toMatchObject({ code: "checkpoint", message: sentence });
    const unmarked = await rewrite("unmarked.safetensors", () => ({}));
    await expect(load(other, [unmarked, `${lora}:0.5`])).rejects.toThrow(sentence);
    const output = join(root, "x.png");
    const drawn = await runHere(["draw", "a red square", "-m", other, "--lora", lora, "-o", output]);
    expect(drawn).toMatchObject({ code: 1, stderr: `${sentence}\n` });

    const twin = await writeOther("twin", { part: "autoencoder", prefix: "encoder." });
    await expect(load(twin)).rejects.toThrow(
      /prints 1\.0 \(autoencoder [0-9a-f]{8}\), whose .* this model, prints 1\.0 \(autoencoder [0-9a-f]{8}\): /,
    );
  });

  it("is taken by a model with another denoiser, which is said, and by one with another decoder", async () => {
    const denoiser = await writeOther("denoiser", { version: "1.1", part: "denoiser" });
    expect(await load(denoiser)).toEqual([
      "lora.safetensors was trained for prints 1.0. This model, prints 1.1, has the same latents but another " +
        "denoiser, so the LoRA may have less effect, or another one.",
    ]);
    const decoder = await writeOther("decoder", { version: "1.1", part: "autoencoder", prefix: "decoder." });
    expect(await load(decoder)).toEqual([]);
  });

  it("is taken, with a notice, where nothing tells whether the latents are the same", async () => {
    const other = await writeOther("version", { version: "2.0", part: "autoencoder", prefix: "encoder." });
    const earlier = await rewrite("earlier.safetensors", asEarlier);
    expect(await load(model, [earlier])).toEqual([]);
    const [notice] = await load(other, [earlier]);
    expect(notice).toMatch(
      /^earlier\.safetensors was trained for prints 1\.0, and this model is prints 2\.0\. /,
    );
    const unmarked = await rewrite("foreign.safetensors", () => ({}));
    expect(await load(other, [unmarked])).toEqual([]);
    const broken = await rewrite("broken.safetensors", (all) => ({ ...all, "nishiki.encoder_hash": "?" }));
    expect(await load(other, [broken])).toHaveLength(1);

    const { parts } = await changeManifest(other, {});
    const path = join(other, parts.autoencoder.file);
    const file = await openSafetensors(path);
    const decoder = [...file.tensors].filter(([name]) => name.startsWith("decoder."));
    const tensors = decoder.map(([name, { shape }]) => {
      return { name, dtype: "f32" as const, shape: [...shape], data: () => file.readFloat32(name) };
    });
    await writeSafetensors(join(root, "decoder-only.safetensors"), tensors);
    await copyFile(join(root, "decoder-only.safetensors"), path);
    const autoencoder = { ...parts.autoencoder, sha256: await hashFile(path) };
    await changeManifest(other, { parts: { ...parts, autoencoder } });
    expect(await load(other)).toEqual([
      expect.stringMatching(/^lora\.safetensors was trained for prints 1\.0, and/),
    ]);
  });

  it("is not blamed for a model that is damaged", async () => {
    const damaged = await writeOther("damaged", { version: "2.0", part: "autoencoder", prefix: "encoder." });
    const path = join(damaged, "autoencoder.safetensors");
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await expect(load(damaged)).rejects.toThrow(/its SHA-256 differs from the one in model\.json/);
  });

  it("is not trained further beside other weights", async () => {
    await train(configOf("further", 2), { engine });
    const other = await writeOther("next", { version: "2.0", part: "autoencoder", prefix: "encoder." });
    const resumed = configOf("further", 4, { model: other });
    const sentence =
      /^The training in .*further is of prints 1\.0, and this model is prints 2\.0, with other weights: /;
    await expect(train(resumed, { engine, resume: true })).rejects.toMatchObject({
      code: "training",
      message: expect.stringMatching(sentence),
    });
    await expect(exportLora(resumed, join(root, "wrong.safetensors"))).rejects.toThrow(sentence);
    const denoiser = await writeOther("beside", { version: "1.1", part: "denoiser" });
    await expect(
      train(configOf("further", 4, { model: denoiser }), { engine, resume: true }),
    ).rejects.toThrow(/further is of prints 1\.0, and this model is prints 1\.1, with other weights/);
    const same = configOf("further", 3);
    expect((await train(same, { engine, resume: true })).step).toBe(3);
    expect(await exportLora(same, join(root, "right.safetensors"))).toBe(true);
    expect(await load(model, [join(root, "right.safetensors")])).toEqual([]);
  });
});
