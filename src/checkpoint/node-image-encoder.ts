// Opens CLIP's image encoder as transformers publishes it (node): the folder of a CLIPVisionModelWithProjection, such as
// image_encoder/ of a pipeline or of an IP-Adapter, or of a whole CLIPModel; or its .safetensors file alone.
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { NishikiError } from "../errors.js";
import { publishedEncoders } from "./clip-vision-sizes.js";
import {
  checkReadable,
  isSingleFile,
  type Json,
  type ModelComponent,
  openComponent,
  readJson,
  refuseOtherFormats,
} from "./node-component.js";
import { openWeights, type Weights } from "./node-weights.js";

export interface OpenedImageEncoder extends ModelComponent {
  /** preprocessor_config.json; empty where there is none, which means the encoder's own size and OpenAI's numbers. */
  readonly processor: Json;
  readonly weightFiles: readonly string[];
  /** The files that affect the embedding: these, and configs. */
  readonly files: readonly string[];
}

const processorFile = "preprocessor_config.json";

/** Position ids count up; the text encoder of a whole CLIP is another network. */
const isOwn = (name: string) =>
  /^(vision_model|visual_projection)\./.test(name) && !name.endsWith(".position_ids");

const isThere = (path: string) =>
  stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );

/** The config of a file without one, from its shapes. @throws NishikiError "checkpoint" for unpublished sizes */
function describeShapes(file: string, weights: Weights): Json {
  const size = (name: string, axis: number) => weights.get(name)?.shape[axis] ?? 0;
  const embeddings = "vision_model.embeddings";
  const width = size(`${embeddings}.class_embedding`, 0);
  const known = publishedEncoders[width];
  if (!known) {
    const expected = `expected an image encoder of CLIP with states of width ${Object.keys(publishedEncoders).join(", ")}`;
    const got = width === 0 ? "another network" : `one of ${width}`;
    const cure = "Name the folder that has its config.json";
    throw new NishikiError("checkpoint", `${file} cannot be used: ${expected}, got ${got}. ${cure}.`);
  }
  let layers = 0;
  while (weights.has(`vision_model.encoder.layers.${layers}.mlp.fc1.weight`)) layers++;
  const patch = size(`${embeddings}.patch_embedding.weight`, 2);
  const rows = Math.round(Math.sqrt(size(`${embeddings}.position_embedding.weight`, 0) - 1));
  return {
    hidden_size: width,
    intermediate_size: size("vision_model.encoder.layers.0.mlp.fc1.weight", 0),
    num_hidden_layers: layers,
    num_attention_heads: known.heads,
    hidden_act: known.activation,
    patch_size: patch,
    image_size: rows * patch,
    projection_dim: size("visual_projection.weight", 0),
  };
}

/** A folder, or a file with its config beside it or without one. */
async function openEither(path: string): Promise<ModelComponent & { readonly configFile?: string }> {
  if (!isSingleFile(path)) return { ...(await openComponent(path)), configFile: join(path, "config.json") };
  refuseOtherFormats(path);
  const weights = await openWeights(path);
  const configFile = join(dirname(path), "config.json");
  if (await isThere(configFile)) return { config: await readJson(configFile), weights, configFile };
  return { config: describeShapes(path, weights), weights };
}

/**
 * Opens an image encoder; reads only headers. The image processor's config is beside it, or in `feature_extractor/` beside
 * its folder, as in pipelines.
 * @throws NishikiError "file", "checkpoint"
 */
export async function openImageEncoder(path: string): Promise<OpenedImageEncoder> {
  const { config, weights: all, configFile } = await openEither(path);
  const folder = isSingleFile(path) ? dirname(path) : path;
  const weights = new Map([...all].filter(([name]) => isOwn(name)));
  if (!weights.has("visual_projection.weight")) {
    const got = weights.size > 0 ? "an image encoder without visual_projection.weight" : "another network";
    const expected = "expected a CLIPVisionModelWithProjection or a CLIPModel of transformers";
    throw new NishikiError("checkpoint", `${path} cannot be used: ${expected}, got ${got}.`);
  }
  checkReadable(weights, "the image encoder", path);
  const places = [join(folder, processorFile), join(dirname(folder), "feature_extractor", processorFile)];
  const there = await Promise.all(places.map(isThere));
  const place = places.find((_, i) => there[i]);
  const weightFiles = [...new Set([...weights.values()].map(({ file }) => file))];
  return {
    config,
    weights,
    processor: place === undefined ? {} : await readJson(place),
    weightFiles,
    files: [
      ...(configFile === undefined ? [] : [configFile]),
      ...weightFiles,
      ...(place === undefined ? [] : [place]),
    ],
  };
}
