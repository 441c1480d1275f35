// A whole CLIP against transformers; tests/golden/scripts/clip_model.py made the model and the numbers.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chooseFiles } from "../src/hub/index.js";
import { readInputImage } from "../src/index.js";
import { describePicture, getClipScores } from "../src/inspect/index.js";
import { type Clip, loadClip } from "../src/pipeline/node.js";
import { getError } from "./support/heard-model.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));
const picture = (name: string) => golden(`pipelines/${name}`);

/** The reference's numbers. */
interface Expected {
  readonly texts: readonly string[];
  readonly images: readonly string[];
  readonly text: readonly (readonly number[])[];
  readonly image: readonly (readonly number[])[];
  readonly scores: readonly (readonly number[])[];
}

const expected = JSON.parse(await readFile(golden("clip.json"), "utf8")) as Expected;
const normalize = (values: readonly number[]) =>
  Float32Array.from(values, (value) => value / Math.hypot(...values));

describe("a CLIP against transformers", () => {
  let clip: Clip;
  beforeAll(async () => {
    clip = await loadClip(golden("clip"), { threads: 1 });
  });
  afterAll(() => clip?.close());

  it("embeds images and texts, also the empty one", async () => {
    const images = await Promise.all(expected.images.map((name) => readInputImage(picture(name))));
    for (const [i, values] of (await clip.embedImages(images)).entries())
      expect(getError(values, normalize(expected.image[i]!))).toBeLessThan(1e-5);
    for (const [i, values] of (await clip.embedTexts(expected.texts)).entries())
      expect(getError(values, normalize(expected.text[i]!))).toBeLessThan(1e-5);
  });

  it("scores texts for a picture", async () => {
    const image = await readInputImage(picture(expected.images[1]!));
    const scores = await getClipScores(clip, image, expected.texts);
    scores.forEach(({ cosine, score }, i) => {
      expect(clip.scale * cosine).toBeCloseTo(expected.scores[1]![i]!, 4);
      expect(score).toBeCloseTo(100 * Math.max(0, cosine), 8);
    });
  });

  it("describes a picture by the nearest words of each list", async () => {
    const image = await readInputImage(picture(expected.images[0]!));
    const words = expected.texts.filter((text) => text !== "");
    const groups = [
      { name: "all", template: "{}", words },
      { name: "one", template: "the {} sea", words: ["blue"] },
    ];
    const { prompt, groups: described } = await describePicture(clip, image, groups, 2);
    const order = words.map((_, i) => i).sort((a, b) => expected.scores[0]![b]! - expected.scores[0]![a]!);
    expect(prompt).toBe(`${words[order[0]!]}, blue`);
    expect(described[0]!.words.map(({ word }) => word)).toEqual(order.slice(0, 2).map((i) => words[i]));
    const powers = words.map((_, i) => Math.exp(expected.scores[0]![i]!));
    const share = powers[order[0]!]! / powers.reduce((a, b) => a + b);
    expect(described[0]!.words[0]!.share).toBeCloseTo(share, 4);
    expect(described[1]!.words).toMatchObject([{ word: "blue", share: 1 }]);
    await expect(describePicture(clip, image, [{ name: "x", template: "{}", words: [] }])).rejects.toThrow(
      'The list of words "x" is empty',
    );
  });

  it("reads texts of up to 75 tokens", async () => {
    await expect(clip.embedTexts([Array(80).fill("cat").join(" ")])).rejects.toThrow("has 80 tokens");
  });
});

describe("nishiki describe", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-describe-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: string[]) =>
    runHere(["describe", picture("picture.png"), "--model", golden("clip"), "--threads", "1", ...args]);

  it("prints the nearest words, of its own lists and of others", async () => {
    const { stdout, stderr, code } = await run();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^.+, .+\n\nshows: .+ \(\d+%, -?\d\.\d{3}\), /);
    await writeFile(join(folder, "seas.txt"), "# seas\nblue sea\n\nred sea\nblue sea\n");
    const own = await run("--words", join(folder, "seas.txt"), "--json", "--top", "5");
    expect(JSON.parse(own.stdout).groups).toMatchObject([{ name: "seas", words: { length: 2 } }]);
  });

  it("scores texts", async () => {
    const { stdout } = await run("--text", "a cat", "--text", "the sea");
    expect(stdout).toMatch(/^ *\d+\.\d\d {2}a cat\n *\d+\.\d\d {2}the sea\n$/);
  });

  it("refuses what is no CLIP, no picture and no list", async () => {
    const other = await runHere(["describe", picture("picture.png"), "--model", picture("sd1/text_encoder")]);
    expect(other.stderr).toContain("expected a CLIPModel of transformers");
    const noPicture = await runHere(["describe", golden("clip.json"), "--model", golden("clip")]);
    expect(noPicture.code).toBe(1);
    await writeFile(join(folder, "empty.txt"), "# nothing\n");
    expect((await run("--words", join(folder, "empty.txt"))).stderr).toContain("has no words");
    const both = await run("--text", "a", "--words", join(folder, "empty.txt"));
    expect(both.stderr).toContain("--text and --words");
    const broken = join(folder, "broken");
    await cp(golden("clip"), broken, { recursive: true });
    const config = JSON.parse(await readFile(join(broken, "config.json"), "utf8"));
    await writeFile(join(broken, "config.json"), JSON.stringify({ ...config, projection_dim: 24 }));
    const misfit = await runHere(["describe", picture("picture.png"), "--model", broken]);
    expect(misfit.stderr).toMatch(/"visual_projection.weight" is \[20, 16\] and should be \[24, 16\]/);
  });

  it("takes a CLIP that was downloaded whole", () => {
    const needed = [
      "config.json",
      "preprocessor_config.json",
      "vocab.json",
      "merges.txt",
      "model.safetensors",
    ];
    const others = ["pytorch_model.bin", "README.md", "onnx/model.onnx", "flax_model.msgpack"];
    const files = [...needed, ...others].map((path) => ({ path, size: 1 }));
    expect(
      chooseFiles(files, "org/clip")
        .map(({ path }) => path)
        .sort(),
    ).toEqual([...needed].sort());
  });
});
