// Opens an autoencoder that replaces a model's (node): a folder with config.json and weights, or a
// .safetensors file under diffusers' or single-file names, or a whole single-file checkpoint.
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { listSome, NishikiError, quote, showText } from "../errors.js";
import { fileError } from "./node-atomic.js";
import {
  autoencoderName,
  checkReadable,
  currentShape,
  isSingleFile,
  type Json,
  type ModelComponent,
  openComponent,
  readJson,
  refuseOtherFormats,
} from "./node-component.js";
import { openWeights, type Weights } from "./node-weights.js";
import { nameOtherFile } from "./single-file/strangers.js";
import { CheckpointTensors } from "./single-file/tensors.js";
import { readVae, scalingFactorOf } from "./single-file/vae.js";

export interface OpenedAutoencoder extends ModelComponent {
  /** The files that affect pixels: weights, and the config if there is one. */
  readonly files: readonly string[];
  /** Unrecognised tensors of a single file. */
  readonly unknown: readonly string[];
}

const known = ["AutoencoderKL", "AutoencoderTiny"];

/**
 * Opens an autoencoder; reads only headers.
 * @param family The family of the model; single files do not record it.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openAutoencoder(
  path: string,
  family: "sd1" | "sd2" | "sdxl",
): Promise<OpenedAutoencoder> {
  const opened = await openEither(path, family);
  checkReadable(opened.weights, "the autoencoder", path);
  return opened;
}

async function openEither(path: string, family: "sd1" | "sd2" | "sdxl"): Promise<OpenedAutoencoder> {
  if (isSingleFile(path)) return openFile(path, scalingFactorOf(family));
  const entryStats = await stat(path).catch((error: unknown) => {
    throw fileError(error, `read ${path}`);
  });
  if (!entryStats.isDirectory())
    throw new NishikiError(
      "checkpoint",
      `${path} is not an autoencoder: expected a folder or a .safetensors file.`,
    );
  const component = await openComponent(path, autoencoderName);
  return withConfig(component, path, join(path, "config.json"));
}

function withConfig(component: ModelComponent, path: string, config: string): OpenedAutoencoder {
  const { _class_name: named } = component.config;
  const name = typeof named === "string" ? showText(named) : "part without a name";
  if (known.includes(name))
    return { ...component, files: [config, ...listWeightFiles(component)], unknown: [] };
  const message = `${path} holds a ${name}, expected an AutoencoderKL or AutoencoderTiny.`;
  throw new NishikiError("checkpoint", message);
}

const listWeightFiles = ({ weights }: ModelComponent) => [
  ...new Set([...weights.values()].map(({ file }) => file)),
];

async function openFile(path: string, scalingFactor: number): Promise<OpenedAutoencoder> {
  refuseOtherFormats(path);
  const weights = await openWeights(path);
  const has = (name: string) => weights.has(name);
  for (const root of ["first_stage_model.", ""]) {
    const halves = [`${root}decoder.up.0.block.0.conv1.weight`, `${root}encoder.down.0.block.0.conv1.weight`];
    if (halves.every(has)) return openOriginal(path, weights, { scalingFactor, root });
  }
  if (has("decoder.conv_in.weight") && has("encoder.down_blocks.0.resnets.0.conv1.weight"))
    return openPublished(path, weights, scalingFactor);
  if (has("decoder.layers.0.weight") && has("encoder.layers.0.weight"))
    return openPublished(path, weights, scalingFactor);
  throw refuse(path, [...weights.keys()]);
}

function refuse(path: string, names: readonly string[]): NishikiError {
  const isHalf = names.includes("1.weight") && names.every((name) => /^\d+\./.test(name));
  const actual = isHalf
    ? "it is one half of a tiny autoencoder: name the folder of its diffusers version, which has both halves"
    : `it is ${nameOtherFile(names) ?? `a file with ${listSome(names.map(quote), 3)}`}`;
  const expectation = "expected an autoencoder of Stable Diffusion";
  return new NishikiError("checkpoint", `${path} cannot be used: ${actual}; ${expectation}.`);
}

/** Opens a file under single-file names. */
function openOriginal(
  path: string,
  weights: Weights,
  { scalingFactor, root }: { readonly scalingFactor: number; readonly root: string },
): OpenedAutoencoder {
  const tensors = new CheckpointTensors(weights);
  const original = readVae(tensors, scalingFactor, root);
  tensors.ignore(root === "" ? /^(loss|model_ema)\.|^global_step$/ : /^(?!first_stage_model\.)|\.loss\./);
  return {
    config: original.config,
    weights: new Map(original.tensors),
    files: [path],
    unknown: tensors.unused(),
  };
}

/** Opens a file under diffusers' names: with the config beside it, or with one derived from its shapes. */
async function openPublished(
  path: string,
  places: Weights,
  scalingFactor: number,
): Promise<OpenedAutoencoder> {
  const weights = new Map(
    [...places].map(([name, place]) => [autoencoderName(name), currentShape(autoencoderName(name), place)]),
  );
  const beside = join(dirname(path), "config.json");
  const isThere = await stat(beside).catch(() => undefined);
  if (isThere) return withConfig({ config: await readJson(beside), weights }, path, beside);
  const config = weights.has("decoder.layers.0.weight")
    ? { _class_name: "AutoencoderTiny" }
    : describeShapes(weights, scalingFactor);
  return { config, weights, files: [path], unknown: [] };
}

function describeShapes(weights: Weights, scalingFactor: number): Json {
  const shape = (name: string) => weights.get(name)?.shape ?? [];
  const widths: number[] = [];
  const getLevelWidth = (level: number) => shape(`encoder.down_blocks.${level}.resnets.0.conv1.weight`)[0];
  for (let width = getLevelWidth(0); width !== undefined; width = getLevelWidth(widths.length))
    widths.push(width);
  let layers = 0;
  while (weights.has(`encoder.down_blocks.0.resnets.${layers}.conv1.weight`)) layers++;
  return {
    _class_name: "AutoencoderKL",
    in_channels: shape("encoder.conv_in.weight")[1],
    out_channels: shape("decoder.conv_out.weight")[0],
    latent_channels: shape("decoder.conv_in.weight")[1],
    block_out_channels: widths,
    down_block_types: widths.map(() => "DownEncoderBlock2D"),
    up_block_types: widths.map(() => "UpDecoderBlock2D"),
    layers_per_block: layers,
    use_quant_conv: weights.has("quant_conv.weight"),
    use_post_quant_conv: weights.has("post_quant_conv.weight"),
    scaling_factor: scalingFactor,
  };
}
