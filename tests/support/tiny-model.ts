// A model folder with the real architectures at the smallest sizes and random weights: what it draws is noise, but it is
// drawn by the same code as any image, in a tenth of a second.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { float32ToF16 } from "../../src/checkpoint/index.js";
import { writeSafetensors } from "../../src/checkpoint/node.js";
import type { Program } from "../../src/graph/index.js";
import {
  autoencoderConfigs,
  denoiserConfigs,
  ditConfigs,
  superResolutionConfigs,
} from "../../src/models/index.js";
import {
  type ModelManifest,
  type ModelPart,
  traceEncoder,
  traceNetworks,
  traceSuperResolution,
} from "../../src/pipeline/index.js";
import { random } from "../../src/random/index.js";

const weights = fileURLToPath(new URL("../../weights/", import.meta.url));
const width = 16;
const pieces = 30_522;

/** What a tiny model's manifest says, without hashes. */
export const tinyManifest: ModelManifest = {
  format: 1,
  name: "tiny",
  version: "1",
  licence: "MIT",
  parts: {
    textEncoder: {
      architecture: "minilm",
      config: { vocabulary: pieces, width, layers: 1, heads: 2, hidden: 32, positions: 64 },
      file: "text-encoder.safetensors",
    },
    autoencoder: {
      architecture: "autoencoder",
      config: autoencoderConfigs.tiny,
      file: "autoencoder.safetensors",
    },
    denoiser: {
      architecture: "unet",
      config: { ...denoiserConfigs.tiny, textWidth: width },
      file: "denoiser.safetensors",
    },
  },
  tokenizer: "tokenizer.json",
  latents: { shape: [16, 16, 4], mean: [0, 0.1, -0.1, 0], std: [1, 1.1, 0.9, 1] },
  pictureSize: 256,
  maxTokens: 24,
  prediction: "flow",
  defaults: { steps: 4, guidance: 3, sampler: "euler" },
};

/** The same with a transformer in place of the U-Net: patches of 2×2 latents are its tokens. */
export const tinyTransformerManifest: ModelManifest = {
  ...tinyManifest,
  parts: {
    ...tinyManifest.parts,
    denoiser: {
      ...tinyManifest.parts.denoiser,
      architecture: "dit",
      config: { ...ditConfigs.tiny, latentTokens: 64, latentChannels: 16, textWidth: width },
    },
  },
};

/** The same with a part that doubles images. */
export const tinyCascadeManifest: ModelManifest = {
  ...tinyManifest,
  parts: {
    ...tinyManifest.parts,
    superResolution: {
      architecture: "super-resolution",
      config: superResolutionConfigs.tiny,
      file: "super-resolution.safetensors",
      steps: 2,
      augmentation: 0.1,
    },
  },
};

interface Randomness {
  readonly seed: number;
  /** 0 makes all weights zero. */
  readonly scale: number;
}

/** Normal weights that keep the variance, also where training would begin with zeros: else nothing would be drawn. */
async function writeRandomWeights(
  path: string,
  programs: readonly Program[],
  { seed, scale }: Randomness,
): Promise<string> {
  const parameters = programs.flatMap((program) => program.parameters);
  const tensors = parameters.map(({ name, shape }) => {
    const size = shape.reduce((product, side) => product * side, 1);
    const deviation = 1 / Math.sqrt(size / (shape[0] ?? 1));
    const values = random(seed, name)
      .normals(size)
      .map((value) => value * deviation * scale);
    return { name, dtype: "f16" as const, shape: [...shape], data: float32ToF16(values) };
  });
  await writeSafetensors(path, tensors);
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

/** Writes the folder. Another seed gives another model that draws otherwise. */
export async function writeTinyModel(
  folder: string,
  seed = 1,
  scale = 1,
  model: ModelManifest = tinyManifest,
  hasEncoder = true,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await copyFile(join(weights, "tokenizer.json"), join(folder, "tokenizer.json"));
  const { textEncoder, denoiser, decoder } = traceNetworks(model);
  const write = async <P extends ModelPart>(part: P, programs: readonly Program[]) => ({
    ...part,
    sha256: await writeRandomWeights(join(folder, part.file), programs, { seed, scale }),
  });
  const { parts } = model;
  const manifest: ModelManifest = {
    ...model,
    parts: {
      textEncoder: await write(parts.textEncoder, [textEncoder]),
      autoencoder: await write(parts.autoencoder, hasEncoder ? [decoder, traceEncoder(model)] : [decoder]),
      denoiser: await write(parts.denoiser, [denoiser]),
      ...(parts.superResolution && {
        superResolution: await write(parts.superResolution, [
          traceSuperResolution(superResolutionConfigs.tiny, 64, 64),
        ]),
      }),
    },
  };
  await writeFile(join(folder, "model.json"), JSON.stringify(manifest, null, 2));
  return folder;
}
