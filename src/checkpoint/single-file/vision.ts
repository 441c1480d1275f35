// CLIP's image encoder within a single file of Stable unCLIP, under OpenCLIP's names, which are OpenAI's too (open_clip/model.py),
// and the statistics of its embeddings (Stability's CLIPEmbeddingNoiseAugmentation).
import { publishedEncoders } from "../clip-vision-sizes.js";
import type { CheckpointTensors, Place } from "./tensors.js";
import { layerTensors } from "./text.js";

const root = "embedder.model.visual.";
const statistics = ["noise_augmentor.data_mean", "noise_augmentor.data_std"] as const;

/** Whether a file has these parts. */
export const hasImageEmbedding = (tensors: CheckpointTensors): boolean =>
  [`${root}class_embedding`, ...statistics].every((name) => tensors.has(name));

/** The text half of the same CLIP, and schedules of noise, which are not used. */
export const notOfImages = /^(embedder\.model\.(?!visual\.)|noise_augmentor\.)/;

const singles: Readonly<Record<string, string>> = {
  class_embedding: "embeddings.class_embedding",
  positional_embedding: "embeddings.position_embedding.weight",
  "conv1.weight": "embeddings.patch_embedding.weight",
  "ln_pre.weight": "pre_layrnorm.weight",
  "ln_pre.bias": "pre_layrnorm.bias",
  "ln_post.weight": "post_layernorm.weight",
  "ln_post.bias": "post_layernorm.bias",
};

/** Reads the encoder and the mean and deviation of its embeddings. */
export function readImageEmbedding(tensors: CheckpointTensors) {
  const renamed: (readonly [string, Place])[] = [];
  for (const name of tensors.under(root)) {
    const single = singles[name];
    if (single) renamed.push([`vision_model.${single}`, tensors.take(root + name)]);
    const [, layer, inside] = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (layer !== undefined)
      renamed.push(...layerTensors("vision_model", layer, inside!, tensors.take(root + name)));
  }
  const [width = 0, projection = 0] = tensors.shape(`${root}proj`);
  if (tensors.has(`${root}proj`)) {
    // Stored for multiplication from the right.
    const place = { ...tensors.take(`${root}proj`), shape: [projection, width], transposed: true };
    renamed.push(["visual_projection.weight", place]);
  }
  const [mean, std] = statistics.map((name) => tensors.take(name)) as [Place, Place];
  return { encoder: { config: describe(tensors, width, projection), tensors: renamed }, mean, std };
}

function describe(tensors: CheckpointTensors, width: number, projection: number) {
  const patch = tensors.shape(`${root}conv1.weight`)[2] ?? 0;
  const states = tensors.shape(`${root}positional_embedding`)[0] ?? 0;
  const known = publishedEncoders[width];
  return {
    hidden_size: width,
    intermediate_size: tensors.shape(`${root}transformer.resblocks.0.mlp.c_fc.weight`)[0],
    num_hidden_layers: tensors.count(`${root}transformer.resblocks.`, ".ln_1.weight"),
    num_attention_heads: known?.heads ?? Math.max(1, Math.floor(width / 64)),
    hidden_act: known?.activation ?? "quick_gelu",
    patch_size: patch,
    image_size: patch * Math.round(Math.sqrt(Math.max(0, states - 1))),
    projection_dim: projection,
  };
}
