// Single files from the command line: the image of a checkpoint in one file is that of the folder with the same weights.
import { createHash } from "node:crypto";
import { link, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type ModelComponent,
  openAutoencoder,
  openSafetensors,
  readWeight,
  writeSafetensors,
} from "../src/checkpoint/node.js";
import { decodePng } from "../src/image/index.js";
import { readAutoencoderKlConfig } from "../src/models/index.js";
import { writeBothLayouts } from "./support/published-layouts.js";
import { runHere } from "./support/run-here.js";

// Minutes, because a machine may be busy with training; on an idle one it is seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nishiki-single-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Drawn {
  readonly stderr: string;
  readonly receipt: {
    pixels: string;
    request: Record<string, unknown>;
    model: { weights: Record<string, string> };
  };
}

async function draw(model: string, ...args: string[]): Promise<Drawn> {
  const file = join(root, "drawn.png");
  const common = [
    "a (blue:1.3) cat",
    "-n",
    "dog",
    "--seed",
    "3",
    "--steps",
    "2",
    "--size",
    "64x64",
    "-f",
    "-o",
    file,
  ];
  const { code, stderr } = await runHere([...common, "--model", model, "--threads", "1", ...args]);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return { stderr, receipt: JSON.parse(decodePng(await readFile(file)).text.nishiki!) };
}

const prefix = "first_stage_model.";

/** The autoencoder's tensors of the whole checkpoint, written by themselves. */
async function writeAutoencoder(
  name: string,
  from: string,
  rename: (name: string) => string,
): Promise<string> {
  const source = await openSafetensors(from);
  const own = [...source.tensors.values()].filter((tensor) => rename(tensor.name) !== "");
  const tensors = own.map(({ name, shape }) => ({
    ...{ name: rename(name), dtype: "f32" as const, shape: [...shape] },
    data: () => source.readFloat32(name),
  }));
  const path = join(root, name);
  await writeSafetensors(path, tensors);
  return path;
}

/** What was drawn with the model's own parts. */
const pixelsOf: Record<string, string> = {};

describe("a single file", () => {
  it.each(["sd1", "sdxl"] as const)(
    "draws what the folder draws, with the same defaults (%s)",
    async (family) => {
      const paths = await writeBothLayouts(family, root);
      const [one, folder] = [await draw(paths.file), await draw(paths.folder)];
      expect(one.receipt.request).toEqual(folder.receipt.request);
      expect(one.receipt.pixels).toBe(folder.receipt.pixels);
      pixelsOf[family] = one.receipt.pixels;
      expect(Object.keys(one.receipt.model.weights)).toEqual([`${family}.safetensors`]);
    },
  );

  it("that is called turbo comes with a hint, in info too", async () => {
    const named = join(root, "sd1_turbo.safetensors");
    await link(join(root, "sd1.safetensors"), named);
    const { code, stdout } = await runHere(["info", named]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /hint +sd1_turbo\.safetensors is called "turbo", .* --steps 1 \(to 4\) --guidance 1/,
    );
  });

  it("with an autoencoder stands in for a model's own, under each of its names", async () => {
    const [whole, folder] = [join(root, "sd1.safetensors"), join(root, "sd1")];
    const alone = await writeAutoencoder("alone.safetensors", whole, (name) =>
      name.startsWith(prefix) ? name.slice(prefix.length) : "",
    );
    const published = await writeAutoencoder(
      "published.safetensors",
      join(folder, "vae/model.safetensors"),
      (name) => name,
    );
    const beside = join(folder, "vae/model.safetensors");
    const expected = await openAutoencoder(join(folder, "vae"), "sd1");
    const content = async ({ weights }: Pick<ModelComponent, "weights">, name: string) => {
      const { shape, data } = await readWeight(weights.get(name)!);
      return {
        shape,
        hash: createHash("sha256")
          .update(data as Float32Array)
          .digest("hex"),
      };
    };
    for (const path of [whole, alone, published, beside]) {
      const found = await openAutoencoder(path, "sd1");
      expect(readAutoencoderKlConfig(found.config)).toEqual(readAutoencoderKlConfig(expected.config));
      expect([...found.weights.keys()].sort()).toEqual([...expected.weights.keys()].sort());
      for (const name of found.weights.keys())
        expect(await content(found, name)).toEqual(await content(expected, name));
      expect(found.files).toEqual(path === beside ? [join(folder, "vae/config.json"), path] : [path]);
      expect(found.unknown).toEqual([]);
    }
    const other = await draw(folder, "--vae", alone);
    expect(other.receipt.pixels).toBe(pixelsOf.sd1);
    expect(Object.keys(other.receipt.model.weights)).toContain("vae/alone.safetensors");
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      "taesd_decoder",
      ["1.weight", "3.conv.0.weight"],
      /: it is one half of a tiny autoencoder: name the folder/,
    ],
    ["lora", ["lora_unet_x.lora_down.weight"], /: it is a LoRA, which needs a model: load it with --lora; /],
    ["other", ["a", "b"], /: it is a file with "a", "b"; expected an autoencoder of Stable Diffusion\.$/],
  ])("is no autoencoder where it is something else (%s)", async (name, tensors, sentence) => {
    const path = join(root, `${name}.safetensors`);
    await writeSafetensors(
      path,
      tensors.map((tensor) => ({ name: tensor, dtype: "f32", shape: [1], data: Float32Array.of(1) })),
    );
    await expect(openAutoencoder(path, "sd1")).rejects.toMatchObject({
      code: "checkpoint",
      message: expect.stringMatching(sentence),
    });
  });
});
