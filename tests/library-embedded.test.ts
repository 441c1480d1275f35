// The model that comes with the package, end to end: its files are whole, and it draws the same image every time.
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodePng } from "../src/image/index.js";
import { type ImageEvent, type ImageRequest, loadPipeline, type Pipeline } from "../src/index.js";
import { embeddedModel, hashModel, readModelFolder } from "../src/pipeline/node.js";
import { runCli } from "./support/run-cli.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let pipeline: Pipeline;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-embedded-"));
  pipeline = await loadPipeline({ threads: 2 });
});

afterAll(async () => {
  await pipeline?.dispose();
  await rm(folder, { recursive: true, force: true });
});

async function draw(request: ImageRequest, from = pipeline): Promise<ImageEvent[]> {
  const images: ImageEvent[] = [];
  for await (const event of from.generate(request)) if (event.kind === "image") images.push(event);
  return images;
}

describe("the embedded model's folder", () => {
  it("names every file's hash, and holds those files", async () => {
    const manifest = await readModelFolder(embeddedModel);
    for (const part of Object.values(manifest.parts)) expect(part.sha256).toMatch(/^[0-9a-f]{64}$/);
    const hashes = await hashModel(embeddedModel, manifest);
    expect(Object.keys(hashes).sort()).toEqual(
      [
        "model.json",
        manifest.tokenizer,
        manifest.words!.file,
        ...Object.values(manifest.parts).map(({ file }) => file),
      ].sort(),
    );
  });

  it("is at most 80 MB with all that ships beside it: the second stage, the judge", async () => {
    const names = await readdir(embeddedModel, { recursive: true });
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(embeddedModel, name))).size));
    expect(names).toContain(join("judge", "judge.safetensors"));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(80e6);
  });
});

describe("the embedded model's pictures", () => {
  const request = { prompt: "a red apple", seed: 5, steps: 3 };

  it("are the same with 1, 2, 3 and 5 threads", async () => {
    const [expected] = await draw(request);
    for (const threads of [1, 3, 5]) {
      const other = await loadPipeline({ threads });
      try {
        const [image] = await draw(request, other);
        expect(image!.receipt.pixels, `${threads} threads`).toBe(expected!.receipt.pixels);
      } finally {
        await other.dispose();
      }
    }
  });

  it("are the same alone and among others", async () => {
    const three = await draw({ ...request, count: 3 });
    const [last] = await draw({ ...request, seed: 7 });
    expect(Buffer.from(last!.png()).equals(Buffer.from(three[2]!.png()))).toBe(true);
  });

  it("show what another name stands for, and it is said", async () => {
    const messages: string[] = [];
    const images: ImageEvent[] = [];
    for await (const event of pipeline.generate({ prompt: "a feline, flat style", seed: 3, steps: 2 })) {
      if (event.kind === "warning") messages.push(event.message);
      if (event.kind === "image") images.push(event);
    }
    expect(messages).toEqual(['The model does not know the word "feline"; it draws "cat".']);
    const [cat] = await draw({ prompt: "a cat, flat style", seed: 3, steps: 2 });
    expect(images[0]!.pixels).toEqual(cat!.pixels);
  });

  it("do not show an ocean as something else, but say what comes nearest, and what a plan would draw", async () => {
    const messages: string[] = [];
    for await (const event of pipeline.generate({ prompt: "an ocean", seed: 0, steps: 1 }))
      if (event.kind === "warning") messages.push(event.message);
    expect(messages).toHaveLength(2);
    expect(messages[1]).toBe('A plan (--plan) would draw: "a sailboat by the sea".');
    expect(messages[0]).toMatch(/^The model cannot draw "ocean"\. The closest objects that it can draw: "/);
  });

  it("with fast are drawn by the same network in few steps, and every setting may still be changed", async () => {
    const { defaults, fast } = await readModelFolder(embeddedModel);
    const prompt = "a red apple";
    const seed = 5;
    const [image] = await draw({ prompt, seed, fast: true });
    expect(fast!.steps).toBeLessThan(defaults.steps / 2);
    expect(image!.receipt.request).toMatchObject({ fast: true, ...fast });
    const [plain] = await draw({ prompt, seed, ...fast });
    expect(image!.receipt.pixels).toBe(plain!.receipt.pixels);
    const [changed] = await draw({ prompt, seed, fast: true, steps: 2, guidance: 2, negativePrompt: "blue" });
    expect(changed!.receipt.request).toMatchObject({ steps: 2, guidance: 2, sampler: fast!.sampler });
  });

  it("leave out of a negative prompt what the model does not know", async () => {
    const request = { prompt: "a cat", seed: 0, steps: 2 };
    const [without] = await draw(request);
    const [blurry] = await draw({ ...request, negativePrompt: "blurry" });
    expect(blurry!.pixels).toEqual(without!.pixels);
  });

  it("follow the words: a red background is redder than a blue one, and a blue one bluer", async () => {
    const colour = async (prompt: string) => {
      const [image] = await draw({ prompt, seed: 0, steps: 10 });
      const sums = [0, 0, 0];
      image!.pixels.forEach((value, i) => {
        sums[i % 3]! += value / 65536;
      });
      return sums as [number, number, number];
    };
    const red = await colour("a cat against a red background");
    const blue = await colour("a cat against a blue background");
    expect(red[0] - red[2]).toBeGreaterThan(blue[0] - blue[2] + 30);
  });

  it("come from the command line as they come from the library, and are verified there", async () => {
    const args = ["a red apple", "--seed", "5", "--steps", "3", "--output", "apple.png"];
    expect(await runCli(args, { cwd: folder })).toMatchObject({ code: 0, lines: ["apple.png"] });
    const [image] = await draw(request);
    const file = await readFile(join(folder, "apple.png"));
    expect(file.equals(Buffer.from(image!.png()))).toBe(true);
    expect(decodePng(file).text.parameters).toContain("a red apple");
    const verified = await runCli(["verify", "apple.png"], { cwd: folder });
    expect(verified).toMatchObject({ code: 0, stdout: "apple.png: identical.\n" });
  });
});
