// The config of CLIP's image encoder as transformers publishes it (models/clip/configuration_clip.py, CLIPVisionConfig).
import { NishikiError } from "../errors.js";
import { oneOf, z } from "../schema/index.js";
import type { ClipLayerConfig } from "./clip-layer.js";
import {
  type ConfigRecord,
  count,
  declareConfig,
  positive,
  readConfig,
  repeats,
} from "./published-config.js";

export interface ClipVisionConfig extends ClipLayerConfig {
  readonly layers: number;
  /** Side of the square images that it takes, in pixels. */
  readonly imageSide: number;
  /** Side of a patch, in pixels. */
  readonly patchSide: number;
  /** Width of the image embedding. */
  readonly projection: number;
}

const network = "CLIPVisionModelWithProjection";

const schema = declareConfig(
  network,
  {
    architectures: z
      .tuple([z.literal(network)])
      .optional()
      .meta({ expected: `["${network}"]` }),
    hidden_size: count.default(768),
    num_hidden_layers: repeats.default(12),
    num_attention_heads: count.default(12),
    intermediate_size: count.default(3072),
    num_channels: z.literal(3).optional(),
    image_size: count.default(224),
    patch_size: count.default(32),
    hidden_act: oneOf(["quick_gelu", "gelu"]).default("quick_gelu"),
    layer_norm_eps: positive.default(1e-5),
    projection_dim: count.default(512),
  },
  ({ hidden_size: width, num_attention_heads: heads, image_size: side, patch_size: patch }, fault) => {
    if (width % heads !== 0) fault("num_attention_heads", `a divisor of hidden_size (${width})`);
    if (patch > side) fault("patch_size", `at most image_size (${side})`);
  },
);

const isRecord = (value: unknown): value is ConfigRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The part of a whole CLIP's config that is about images. */
function getVisionPart(json: ConfigRecord): ConfigRecord {
  const { vision_config: part, architectures } = json;
  if (!Array.isArray(architectures) || architectures[0] !== "CLIPModel") return json;
  if (!isRecord(part)) {
    throw new NishikiError("checkpoint", "CLIPModel config: vision_config: expected an object, got none.");
  }
  // Within a whole CLIP, the width of the embeddings is that of the whole.
  const { architectures: _, ...own } = part;
  return { ...own, projection_dim: json.projection_dim ?? part.projection_dim };
}

/**
 * Reads the `config.json` of a `CLIPVisionModelWithProjection`, or of a `CLIPModel`, which holds both encoders; missing
 * fields default as in transformers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readClipVisionConfig(json: ConfigRecord): ClipVisionConfig {
  const config = readConfig(network, schema, getVisionPart(json));
  return {
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    hidden: config.intermediate_size,
    imageSide: config.image_size,
    patchSide: config.patch_size,
    activation: config.hidden_act,
    epsilon: config.layer_norm_eps,
    projection: config.projection_dim,
  };
}
