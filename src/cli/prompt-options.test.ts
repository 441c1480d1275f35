import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FileRequest, parsePromptParameters, type RequestContext } from "../pipeline/index.js";
import { listRequests, type PromptOptions, readPromptFiles } from "./prompt-options.js";

const context: RequestContext = {
  defaults: { steps: 20, guidance: 7, sampler: "euler" },
  sizes: { usual: { width: 64, height: 64 } },
  takes: [],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-prompts-"));
  await mkdir(join(folder, "food"));
  await writeFile(join(folder, "animal.txt"), "\uFEFFcat\r\n# no dogs\n\n fox \nowl\n");
  await writeFile(join(folder, "food", "fruit.txt"), "pear, ripe\n");
  await writeFile(join(folder, "Ink.safetensors"), "");
  await writeFile(join(folder, "aliases.json"), '{"niji 6": "org/anime"}');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(request: FileRequest, options: PromptOptions = {}) {
  const files = await readPromptFiles(request, {}, options);
  const { requests } = await listRequests(files, options, (prompt, more) =>
    parsePromptParameters(prompt, context, more),
  );
  return { load: files.load, requests };
}

it("finds the LoRAs that a prompt names", async () => {
  const loraFolder = folder;
  const { load, requests } = await read({ prompt: "a fox <lora:ink:0.5>, sitting --seed 1" }, { loraFolder });
  expect(load.lora).toEqual([{ file: join(folder, "Ink.safetensors"), weight: 0.5 }]);
  expect(requests).toEqual([{ prompt: "a fox, sitting", seed: 1 }]);
  await expect(read({ prompt: "a <lora:imk>" }, { loraFolder })).rejects.toThrow(/Did you mean <lora:ink>/);
  await expect(read({ prompt: "a <lora:ink:x>" }, { loraFolder })).rejects.toThrow(/expected one weight/);
});

it("fills wildcards in by the seed of each image: the same seed, the same prompt", async () => {
  const request = { prompt: "a __animal__ with a {red|blue} __food/fruit__", seed: 5, count: 3 };
  const { requests } = await read(request, { wildcards: folder });
  const alone = await read({ ...request, seed: 6, count: 1 }, { wildcards: folder });
  expect(requests).toHaveLength(3);
  expect(requests[1]).toEqual(alone.requests[0]);
  for (const { prompt } of requests) expect(prompt).toMatch(/^a (cat|fox|owl) with a (red|blue) pear, ripe$/);
  expect(requests.map(({ seed, count }) => [seed, count])).toEqual([
    [5, 1],
    [6, 1],
    [7, 1],
  ]);
  await expect(read({ prompt: "a __bird__" }, { wildcards: folder })).rejects.toThrow(/no such list.*animal/);
  expect((await read({ prompt: "a cat", count: 2 }, { wildcards: folder })).requests).toHaveLength(1);
});

it("lets options win, repetitions count on from the option's seed, and takes a literal prompt as it stands", async () => {
  const { requests } = await read({ prompt: "a cat --no fog --seed 1 --repeat 2", seed: 9, count: 3 });
  expect(requests.map(({ seed, negativePrompt }) => [seed, negativePrompt])).toEqual([
    [9, "fog"],
    [12, "fog"],
  ]);
  const prompt = "a {cat, dog} <lora:x> --ar 3:2";
  expect((await read({ prompt }, { literal: true })).requests).toEqual([{ prompt }]);
});

it("reads the user's names for models", async () => {
  const { aliases } = await readPromptFiles({ prompt: "a" }, {}, { aliases: join(folder, "aliases.json") });
  expect(aliases).toEqual({ "niji 6": "org/anime" });
  await expect(readPromptFiles({ prompt: "a" }, {}, { aliases: join(folder, "animal.txt") })).rejects.toThrow(
    /not valid JSON/,
  );
});
