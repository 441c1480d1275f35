// Opens an IP-Adapter for a Stable Diffusion model, and finds the image encoder that it was trained with (node).
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  listEncoderPlaces,
  type OpenedImageEncoder,
  type OpenedIpAdapter,
  openImageEncoder,
  openIpAdapter,
} from "../../../checkpoint/node.js";
import { listSome, NishikiError } from "../../../errors.js";
import { resolveFile, resolveModel } from "../../../hub/index.js";
import {
  type ConditionalUnetConfig,
  type CrossAttention,
  listCrossAttentions,
  readIpAdapterConfig,
} from "../../../models/index.js";
import { type ImageEncoderModel, readImageEncoder } from "../../vision/image-encoder.js";
import { type IpAdapter, isEncoderOf } from "./ip-adapter.js";

export interface IpAdapterFiles {
  readonly adapter: OpenedIpAdapter;
  readonly encoder: OpenedImageEncoder;
  readonly model: IpAdapter;
}

/** The encoder in a folder: the folder, or its weights alone. */
async function findIn(folder: string): Promise<string | undefined> {
  const isThere = (name: string) =>
    stat(join(folder, name)).then(
      (entry) => entry.isFile(),
      () => false,
    );
  if (await isThere("config.json")) return folder;
  return (await isThere("model.safetensors")) ? join(folder, "model.safetensors") : undefined;
}

/** @throws NishikiError "checkpoint" if the adapter is another model's */
function checkLayers(
  { file, weights, attentions }: OpenedIpAdapter,
  all: readonly CrossAttention[],
  { crossWidth }: ConditionalUnetConfig,
): void {
  const refuse = (got: string, expected: string | number) => {
    const message = `${basename(file)} is for another model: it has ${got}, but this denoiser has ${expected}.`;
    const cure = "Use an IP-Adapter of the model's family (1.5 or XL).";
    throw new NishikiError("checkpoint", `${message} ${cure}`);
  };
  if (attentions !== all.length) refuse(`${attentions} cross-attentions`, all.length);
  for (const [i, { name, width }] of all.entries())
    for (const part of ["to_k_ip", "to_v_ip"]) {
      const shape = weights.get(`ip_adapter.${2 * i + 1}.${part}.weight`)?.shape.join("×") ?? "none";
      const expected = `${width}×${crossWidth}`;
      if (shape !== expected) refuse(`a ${part} of ${shape} numbers for ${name}`, expected);
    }
}

interface FoundEncoder {
  readonly files: OpenedImageEncoder;
  readonly model: ImageEncoderModel;
}

async function openEncoder(folder: string): Promise<FoundEncoder> {
  const files = await openImageEncoder(folder);
  return { files, model: readImageEncoder(files.config, files.processor) };
}

const describeEncoder = ({ model: { config } }: FoundEncoder) =>
  `states ${config.width} wide and embeddings of ${config.projection} numbers`;

/** A path, org/name, or a file within a repository of the hub's cache. */
const resolveEncoder = async (given: string) => resolveModel(await resolveFile(given));

/** The encoder that the option names, or the first of the usual places whose output fits. */
async function findEncoder(
  { file }: OpenedIpAdapter,
  config: IpAdapter["config"],
  given: string | undefined,
  modelFolder: string,
): Promise<FoundEncoder> {
  const what = config.kind === "linear" ? "embeddings of" : "states of width";
  const expected = `an image encoder with ${what} ${config.inputWidth}`;
  if (given !== undefined) {
    const found = await openEncoder(await resolveEncoder(given));
    if (isEncoderOf(config, found.model)) return found;
    const message = `imageEncoder: ${basename(file)} takes ${expected}, got one with ${describeEncoder(found)}.`;
    throw new NishikiError("checkpoint", message);
  }
  const places = [...listEncoderPlaces(file), join(modelFolder, "image_encoder")];
  const others: string[] = [];
  for (const place of places) {
    const path = await findIn(place);
    if (path === undefined) continue;
    const found = await openEncoder(path);
    if (isEncoderOf(config, found.model)) return found;
    others.push(`${place} has ${describeEncoder(found)}`);
  }
  const searched = others.length > 0 ? listSome(others) : `looked for ${listSome(places, 4)}`;
  const message = `${basename(file)} takes ${expected}, which was not found: ${searched}. Name its folder as imageEncoder.`;
  throw new NishikiError("checkpoint", message);
}

/**
 * Opens an IP-Adapter and its image encoder; reads only headers and configs.
 * @param modelFolder The model's folder, which may hold the encoder too.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openAdapter(
  path: string,
  imageEncoder: string | undefined,
  modelFolder: string,
  unet: ConditionalUnetConfig,
): Promise<IpAdapterFiles> {
  const adapter = await openIpAdapter(path);
  const config = readIpAdapterConfig(adapter.weights);
  if (!config) {
    const message = `${basename(path)} cannot be used: its image_proj is of no known kind (plain, Plus or Full Face).`;
    throw new NishikiError("checkpoint", message);
  }
  const attentions = listCrossAttentions(unet);
  checkLayers(adapter, attentions, unet);
  const encoder = await findEncoder(adapter, config, imageEncoder, modelFolder);
  return { adapter, encoder: encoder.files, model: { config, encoder: encoder.model, attentions } };
}
