// Additions and models have families of their own vocabularies; a textual inversion must meet the models that it fits.
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSafetensors } from "../../checkpoint/node.js";
import type { Catalogue } from "../api/index.js";
import { ModelList } from "../catalogue/catalogue.js";
import { describeModel } from "../catalogue/describe.js";
import { scan } from "../catalogue/scan.js";
import { readDrawing } from "./draw-request.js";
import { readTextToImage } from "./fields.js";
import { defaultOptions } from "./options.js";

const pipelines = fileURLToPath(new URL("../../../tests/golden/pipelines/", import.meta.url));

let folder: string;
let catalogue: Catalogue;

/** Two tiny models, and textual inversions of the widths of published text encoders. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nishiki-webui-"));
  for (const name of ["sd1", "unclip"])
    await cp(join(pipelines, name), join(folder, name), { recursive: true });
  await mkdir(join(folder, "embeddings"));
  for (const [name, width] of [
    ["first-word", 768],
    ["second-word", 1024],
  ] as const) {
    await writeSafetensors(join(folder, "embeddings", `${name}.safetensors`), [
      { name: "emb_params", dtype: "f32", shape: [1, width], data: new Float32Array(width) },
    ]);
  }
  const list = new ModelList(() => scan([folder]));
  const states = { loaded: [], loading: [], secondsPerImage: () => undefined };
  const memory = { total: 2 ** 36, free: 2 ** 36 };
  const models = [...(await list.models())].map(([id, model]) => describeModel(id, model, states, memory));
  catalogue = { models, additions: [...(await list.additions())], default: "sd1" } as Catalogue;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (model: string, prompt: string) =>
  readDrawing(readTextToImage({ prompt, override_settings: { sd_model_checkpoint: model } }), {
    catalogue,
    options: defaultOptions,
    styles: [],
  }).load.embeddings;

describe("readDrawing", () => {
  it("loads the textual inversions of the model's own family that the prompt mentions", () => {
    expect(read("sd1", "a cat in the style of first-word")).toEqual(["first-word"]);
    expect(read("unclip", "a cat in the style of second-word")).toEqual(["second-word"]);
  });

  it("leaves out those of other families, and all that the prompt does not mention", () => {
    expect(read("sd1", "a cat in the style of second-word")).toBeUndefined();
    expect(read("unclip", "a cat in the style of first-word")).toBeUndefined();
    expect(read("sd1", "a cat")).toBeUndefined();
  });
});
