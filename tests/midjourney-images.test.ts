// Images in prompts as Midjourney's users write them, drawn with real adapters: a.png before the words, --iw, --sref, --sw, and blend.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePng } from "../src/image/index.js";
import { parseReceipt } from "../src/index.js";
import { runHere } from "./support/run-here.js";

const golden = (name: string) => fileURLToPath(new URL(`./golden/pipelines/${name}`, import.meta.url));
const [first, second] = [golden("picture.png"), golden("if-picture-large.png")];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-midjourney-"));
  await cp(golden("xl"), join(folder, "xl3"), { recursive: true });
  await cp(golden("ip-adapter/xl3"), join(folder, "xl3", "unet"), { recursive: true, force: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(["sd1", "xl"])("%s with its IP-Adapter", (adapter) => {
  let common: readonly string[];
  beforeAll(() => {
    common = [
      ...["--model", adapter === "sd1" ? golden("sd1") : join(folder, "xl3")],
      ...["--ip-adapter", golden(`ip-adapter/${adapter}.safetensors`)],
      ...["--image-encoder", golden("unclip/image_encoder")],
      ...["--threads", "1", "--device", "cpu", "--steps", "2", "--seed", "1", "--size", "64x64"],
    ];
  });

  async function draw(name: string, ...words: readonly string[]) {
    const output = join(folder, `${adapter}-${name}.png`);
    const { code, stderr } = await runHere([...words, ...common, "--output", output]);
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/words/)]);
    const { data, text } = decodePng(await readFile(output));
    return { data, request: parseReceipt(text.nishiki!).request };
  }

  it("draws from images before the words, by their weights and shares", async () => {
    const seen = await draw("seen", `${first} ${second}::3 a cat --iw 1`);
    expect(seen.request).toMatchObject({ prompt: "a cat", imagePrompt: { weights: [0.25, 0.75] } });
    const none = await draw("none", `${first} a cat --iw 0`);
    expect(seen.data).not.toEqual(none.data);
  });

  it("takes the style of images, more of it with a larger weight", async () => {
    const plain = await draw("unstyled", "a cat");
    const [weak, strong] = [
      await draw("weak", `a cat --sref ${first} --sw 10`),
      await draw("strong", `a cat --sref ${first} --sw 250`),
    ];
    expect(strong.request).toMatchObject({ prompt: "a cat", styleReference: { weights: [1.5] } });
    const getDistance = ({ data }: typeof plain) =>
      [...data].reduce((sum, value, i) => sum + Math.abs(value - plain.data[i]!), 0);
    expect(getDistance(weak)).toBeLessThan(getDistance(strong));
    const refused = await runHere(["a cat --sref 1234 --sw 100", ...common]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/code of Midjourney's/)]);
  });

  it("blends images, with settings of the command", async () => {
    const { request } = await draw("blend", "blend", first, second, "--prompt", "a cat", "--guidance", "3");
    expect(request).toMatchObject({ prompt: "a cat", guidance: 3, steps: 2, seed: 1 });
    expect(request.imagePrompt?.images).toHaveLength(2);
  });
});
