import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { writeSafetensors } from "../../checkpoint/node.js";
import { ModelList } from "./catalogue.js";
import { describeModel } from "./describe.js";
import type { Found } from "./found.js";
import { scan } from "./scan.js";

const golden = fileURLToPath(new URL("../../../tests/golden/", import.meta.url));

let folder: string;
let found: Found;

/** A folder as a user of other programs has it, with tiny models. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-models-"));
  vi.stubEnv("HF_HUB_CACHE", join(folder, "hub"));
  const at = (...path: string[]) => join(folder, "models", ...path);
  await mkdir(at("Stable-diffusion", "more"), { recursive: true });
  await mkdir(at("embeddings"));
  await mkdir(at("Lora"));
  await cp(join(golden, "pipelines", "sd1"), at("Stable-diffusion", "first"), { recursive: true });
  await cp(join(golden, "pipelines", "sd1"), at("Stable-diffusion", "more", "first"), { recursive: true });
  await cp(join(golden, "pipelines", "sd1", "vae"), at("VAE", "own vae"), { recursive: true });
  await cp(join(golden, "lora", "kohya.safetensors"), at("Lora", "ink.safetensors"));
  await cp(join(golden, "pipelines", "ip-adapter", "sd1.safetensors"), at("ip", "see.safetensors"));
  await cp(join(golden, "pipelines", "unclip", "image_encoder"), at("ip", "image_encoder"), {
    recursive: true,
  });
  await cp(join(golden, "clip"), at("clip"), { recursive: true });
  await cp(join(golden, "receipts", "toy-cat.safetensors"), at("embeddings", "toy-cat.safetensors"));
  await writeFile(at("Stable-diffusion", "old.ckpt"), "pickle");
  await writeFile(at("Stable-diffusion", "half.safetensors"), new Uint8Array(100));
  await writeFile(at("Stable-diffusion", "notes.txt"), "not a model");
  await writeSafetensors(at("Lora", "other.safetensors"), [
    { name: "strange", dtype: "f32", shape: [2, 2], data: new Float32Array(4) },
    { name: "stranger", dtype: "f32", shape: [2, 2], data: new Float32Array(4) },
  ]);
  await symlink(at(), at("Lora", "loop"));
  found = await scan([at(), join(folder, "nowhere")]);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe("scan", () => {
  it("lists models under names of the user's, and not again under their own", async () => {
    const at = join(folder, "models", "Stable-diffusion");
    const named = [
      { name: "photo", path: join(at, "first") },
      { name: "broken", path: join(at, "half.safetensors") },
    ];
    const list = new ModelList(() => scan([at], named));
    const models = await list.models();
    expect([...models.keys()].slice(0, 3)).toEqual(["embedded", "photo", "broken"]);
    expect([...models.values()].filter(({ path }) => path === named[0]!.path)).toHaveLength(1);
    expect(models.get("broken")?.problem).toMatch(/half/);
    expect(await list.resolve("photo", {})).toEqual({ model: named[0]!.path });
    expect(models.has("first")).toBe(true);
  });

  it("finds models and additions by what they are", () => {
    expect(found.models.filter(({ problem }) => problem === undefined).map(({ name }) => name)).toEqual([
      "Nishiki",
      "first",
      "first",
    ]);
    expect(found.additions.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([
      "embedding toy-cat",
      "ipAdapter see",
      "lora ink",
      "vae own vae",
    ]);
    expect(found.additions.find(({ kind }) => kind === "embedding")!.words).toEqual(["<toy-cat>"]);
  });

  it("says what is wrong with the others, without their place on this machine", () => {
    const problems = new Map(found.models.map(({ name, problem }) => [name, problem]));
    expect(problems.get("old")).toContain("pickle");
    expect(problems.get("half")).toContain("half.safetensors");
    expect(problems.get("other")).toContain("belong to no known model");
    expect(problems.get("nowhere")).toContain("does not exist");
    expect([...problems.values()].join()).not.toContain(folder);
  });

  it("offers IP-Adapters only to models that are not conditioned on images already", async () => {
    const { models } = await scan([join(golden, "pipelines", "unclip")]);
    const offered = [found.models[1]!, models.find(({ name }) => name === "unclip")!].map(
      ({ known }) => known!.facts.loadOptions,
    );
    expect(offered[0]).toContain("ipAdapter");
    expect(offered[1]).toEqual(offered[0]!.filter((name) => name !== "ipAdapter"));
  });

  it("reads limits, licence and the memory that a model takes", () => {
    const [embedded, first] = found.models;
    expect(embedded!.known!.facts).toMatchObject({
      family: "nishiki",
      licence: "MIT",
      loadOptions: ["lora"],
    });
    expect(first!.known).toMatchObject({
      facts: { family: "stable-diffusion", what: "Stable Diffusion 1.x", tokenLimit: 77 },
      context: { sizes: { usual: { width: 64, height: 64 } } },
    });
    expect(first!.known!.facts.memory).toBeGreaterThan(6e8);
  });
});

describe("ModelList", () => {
  const makeList = () => new ModelList(async () => found);

  it("gives ids that are names, unique and free of paths", async () => {
    const ids = [...(await makeList().models()).keys()];
    expect(ids.slice(0, 3)).toEqual(["embedded", "first", "first (more)"]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.join()).not.toContain("/");
  });

  it("resolves ids to files", async () => {
    const load = { loras: [{ id: "ink", weight: 0.5 }], embeddings: ["toy-cat"], vae: "own vae" };
    expect(await makeList().resolve("first (more)", load)).toEqual({
      model: join(folder, "models", "Stable-diffusion", "more", "first"),
      lora: [{ file: join(folder, "models", "Lora", "ink.safetensors"), weight: 0.5 }],
      embedding: [join(folder, "models", "embeddings", "toy-cat.safetensors")],
      vae: join(folder, "models", "VAE", "own vae"),
    });
    expect(await makeList().resolve("embedded", {})).toEqual({});
  });

  it("refuses ids that are unknown, of another kind, or of something broken", async () => {
    const list = makeList();
    await expect(list.resolve("frist", {})).rejects.toThrow('Did you mean "first"?');
    await expect(list.resolve("../first", {})).rejects.toMatchObject({ code: "usage" });
    await expect(list.resolve("first", { vae: "ink" })).rejects.toThrow("Unknown autoencoder");
    await expect(list.resolve("first", { loras: [{ id: "inc", weight: 1 }] })).rejects.toThrow('"ink"');
    await expect(list.resolve("old", {})).rejects.toMatchObject({ code: "checkpoint" });
  });

  it("looks again after a scan that failed", async () => {
    let scans = 0;
    const list = new ModelList(async () => {
      scans += 1;
      if (scans === 1) throw new Error("the process died");
      return found;
    });
    await expect(list.models()).rejects.toThrow("the process died");
    expect((await list.models()).size).toBe(found.models.length);
  });
});

describe("describeModel", () => {
  const states = { loaded: [], loading: [], secondsPerImage: () => undefined };

  it("says whether a model fits, and why not", () => {
    const [, first] = found.models;
    const model = { ...first!, known: { ...first!.known!, facts: { ...first!.known!.facts, memory: 7e9 } } };
    const describe = (free: number) => describeModel("first", model, states, { total: 16e9, free });
    expect(describe(8e9).fits).toEqual({ fits: true, reason: null });
    expect(describe(2e9).fits).toEqual({
      fits: false,
      reason:
        "It needs about 7.0 GB of memory; 2.0 GB are free. Close other programs, or load it with int8 precision.",
    });
  });

  it("names the state", () => {
    const state = (change: object) =>
      describeModel("first", found.models[1]!, { ...states, ...change }, { total: 1, free: 1 }).state;
    expect([state({}), state({ loading: ["first"] }), state({ loaded: ["first"] })]).toEqual([
      "ready",
      "loading",
      "loaded",
    ]);
    const broken = found.models.find(({ problem }) => problem !== undefined)!;
    expect(describeModel("old", broken, states, { total: 1, free: 1 }).state).toBe("broken");
  });
});
