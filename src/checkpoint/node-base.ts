// Completes a single file that lacks parts from a whole model (node): a lone denoiser, under single-file or
// diffusers' names, or a checkpoint without text encoders or autoencoder.
import { basename, extname } from "node:path";
import { NishikiError } from "../errors.js";
import { currentShape, isSingleFile, type ModelComponent, refuseOtherFormats } from "./node-component.js";
import type { PartialFiles, StableDiffusionFiles } from "./node-stable-diffusion-files.js";
import { openWeights, type Weights } from "./node-weights.js";
import { hasWholeVae, notNeeded } from "./single-file/read.js";
import { nameOtherFile } from "./single-file/strangers.js";
import { CheckpointTensors } from "./single-file/tensors.js";
import { readUnet } from "./single-file/unet.js";
import { readVae, scalingFactorOf } from "./single-file/vae.js";

const unetRoot = "model.diffusion_model.";

interface DenoiserParts {
  readonly unet: ModelComponent;
  readonly vae?: ModelComponent;
  readonly unknown: readonly string[];
}

/**
 * Opens a file on a base model; the file's parts take precedence.
 * @param openFile Opens a file that has text encoders.
 * @throws NishikiError "usage" for a folder, "checkpoint" if the two do not fit together.
 */
export async function openOnBase(
  path: string,
  base: StableDiffusionFiles,
  openFile: (path: string) => Promise<PartialFiles>,
): Promise<StableDiffusionFiles> {
  if (!isSingleFile(path)) {
    const message = `base: expected a single .safetensors file as the model that lacks parts, got the folder ${path}.`;
    throw new NishikiError("usage", message);
  }
  refuseOtherFormats(path);
  const weights = await openWeights(path);
  const files = new Map([
    ...[...base.files].map(([name, file]) => [`base/${name}`, file] as const),
    [basename(path), path] as const,
  ]);
  if ([...weights.keys()].some((name) => /^(cond_stage_model|conditioner)\./.test(name))) {
    const opened = await openFile(path);
    checkFamily(path, opened.unet, base);
    const { vae } = weights.has("first_stage_model.decoder.conv_in.weight")
      ? await readParts(path, weights, base)
      : base;
    return { ...opened, vae: vae ?? base.vae, files };
  }
  const { unet, vae, unknown } = await readParts(path, weights, base);
  checkFamily(path, unet, base);
  const name = basename(path, extname(path));
  return { ...base, name, unet, vae: vae ?? base.vae, files, unknown: [...base.unknown, ...unknown] };
}

async function readParts(path: string, weights: Weights, base: StableDiffusionFiles): Promise<DenoiserParts> {
  if (weights.has("down_blocks.0.resnets.0.conv1.weight")) {
    const places = [...weights].map(([name, place]) => [name, currentShape(name, place)] as const);
    return { unet: { config: base.unet.config, weights: new Map(places) }, unknown: [] };
  }
  const named = new Map(
    [...weights].map(([name, place]) => [
      name.replace(
        /^(?:diffusion_model\.)?(?=(?:input_blocks|middle_block|output_blocks|time_embed|label_emb|out)\.)/,
        unetRoot,
      ),
      place,
    ]),
  );
  const tensors = new CheckpointTensors(named);
  if (!tensors.has(`${unetRoot}input_blocks.0.0.weight`)) {
    const what = nameOtherFile([...weights.keys()]) ?? "a file without a denoiser of Stable Diffusion";
    throw new NishikiError("checkpoint", `${path} cannot be used with a base: it is ${what}.`);
  }
  const unet = readUnet(tensors);
  const config = { ...unet.config, sample_size: base.unet.config.sample_size };
  const vae = hasWholeVae(tensors) ? readVae(tensors, scalingFactorOf(base.family)) : undefined;
  tensors.ignore(notNeeded);
  tensors.ignore(/^first_stage_model\./);
  return {
    unet: { config, weights: new Map(unet.tensors) },
    ...(vae && { vae: { config: vae.config, weights: new Map(vae.tensors) } }),
    unknown: tensors.unused(),
  };
}

/** A denoiser takes text states of one width, which identifies the family. */
function checkFamily(path: string, unet: ModelComponent, base: StableDiffusionFiles): void {
  const [actual, expected] = [unet, base.unet].map(({ config }) =>
    JSON.stringify(config.cross_attention_dim),
  );
  if (actual === expected) return;
  const message =
    `${path} does not fit the base ${base.name}: its denoiser takes text of width ${actual}, ` +
    `but the base's text encoders produce ${expected}. Name a base of the same family.`;
  throw new NishikiError("checkpoint", message);
}
