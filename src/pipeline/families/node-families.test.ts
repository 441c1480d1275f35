import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { familyLoadOptions } from "../load-options.js";
import { readModelFiles } from "../node-model-files.js";
import { describeModel, families, findFamily, openWithFamily } from "./node-families.js";

const sd1 = fileURLToPath(new URL("../../../tests/golden/pipelines/sd1", import.meta.url));
const embedded = fileURLToPath(new URL("../../../weights", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-families-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const idOf = async (path: string) => (await findFamily(await readModelFiles(path))).id;

it("finds the family of a model's files", async () => {
  expect(await idOf(sd1)).toBe("stable-diffusion");
  expect(await idOf(embedded)).toBe("nishiki");
  expect(await idOf(join(folder, "x.safetensors"))).toBe("stable-diffusion");
  expect(families.map(({ id }) => id)).toEqual([...new Set(families.map(({ id }) => id))]);
});

it("says what is at a path that is no model", async () => {
  await expect(idOf(folder)).rejects.toThrow(
    /^There is no model at .*: expected a folder with a model\.json/,
  );
  await writeFile(join(folder, "config.json"), '{ "_class_name": "AutoencoderKL" }');
  await expect(idOf(folder)).rejects.toThrow(/it holds a AutoencoderKL, a single component/);
});

it("refuses load options that are for other families", async () => {
  const opened = openWithFamily(embedded, { device: "cpu", vae: "x" });
  await expect(opened).rejects.toThrow(/^vae: only Stable Diffusion models support this option/);
});

it("refuses every option that a family does not name", async () => {
  const values: Readonly<Record<string, unknown>> = {
    prediction: "sample",
    precision: "int8",
    embedding: ["x"],
  };
  const other = familyLoadOptions.filter((name) => !/lora/i.test(name));
  expect(other).toContain("base");
  for (const name of other) {
    const opened = openWithFamily(embedded, { device: "cpu", [name]: values[name] ?? "x" });
    await expect(opened).rejects.toThrow(new RegExp(`^${name}: only .+ models support this option`));
  }
});

it("describes every family's models", async () => {
  expect(await describeModel(sd1)).toMatchObject({ what: "Stable Diffusion 1.x", size: 64 });
  const { what, size, description } = await describeModel(embedded);
  expect(what).toMatch(/^[\w-]+ \d/);
  expect(size).toBe(256);
  expect(description.parts!.length).toBeGreaterThan(2);
});
