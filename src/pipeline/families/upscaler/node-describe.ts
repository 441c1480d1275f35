// What Stable Diffusion's x4 upscaler is (node). Only headers are read.
import { countNumbers, countTypes, type Description, formatBytes, formatCount } from "../../description.js";
import type { ModelDescription } from "../node-family.js";
import { openUpscaler } from "./node-model.js";

/** @throws NishikiError "file", "checkpoint" */
export async function describeUpscaler(path: string): Promise<ModelDescription> {
  const { folder, model } = await openUpscaler(path);
  const titles = { unet: "Denoiser", vae: "Autoencoder", text_encoder: "Text encoder" } as const;
  const components = Object.entries(titles).map(([name, title]) => ({
    title,
    network: folder.networks[name]!,
  }));
  const memory = components.map(({ network }) => 4 * countNumbers([...network.weights]));
  const parts = components.map(({ title, network: { weights } }): Description => {
    const numbers = countNumbers([...weights]);
    const bytes = [...weights.values()].reduce((sum, { length }) => sum + length, 0);
    return {
      title,
      values: {
        tensors: `${weights.size} (${countTypes([...weights])}), ${formatCount(numbers)} numbers`,
        size: `${formatBytes(bytes)}, ${formatBytes(4 * numbers)} in memory`,
      },
    };
  });
  const { context, scheduler } = model;
  return {
    what: "Stable Diffusion x4 upscaler",
    size: context.sizes.usual.width,
    memory: memory.reduce((sum, bytes) => sum + bytes, 0),
    largest: Math.max(...memory),
    maxTokens: model.textEncoders[0].positions,
    description: {
      title: `${path}: ${folder.name}`,
      values: {
        family: "Stable Diffusion x4 upscaler",
        draws: "an image four times as large from any image (--image)",
        predicts: scheduler.prediction === "v" ? "velocity" : scheduler.prediction,
        scheduler: scheduler.className,
      },
      parts,
    },
  };
}
