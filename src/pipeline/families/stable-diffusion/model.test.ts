import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { getSamplerSettings, readScheduler } from "../../../diffusion/index.js";
import { readConditionalUnetConfig } from "../../../models/index.js";
import { getPipelineKind } from "./model.js";

const readUnet = async (folder: string) =>
  readConditionalUnetConfig(
    JSON.parse(await readFile(`tests/golden/pipelines/${folder}/unet/config.json`, "utf8")),
  );

// diffusers' StableDiffusionPipeline sets steps_offset to 1; those of XL and of Stable unCLIP take what the config says.
it.each([
  ["sd1", 1],
  ["unclip", 0],
  ["xl", 0],
])("a scheduler without an offset of steps is read for %s with %i", async (folder, offset) => {
  const config = { _class_name: "DDPMScheduler", beta_schedule: "scaled_linear" };
  const trained = readScheduler(config, getPipelineKind(await readUnet(folder)));
  expect(getSamplerSettings(trained, "ddpm").stepsOffset).toBe(offset);
});
