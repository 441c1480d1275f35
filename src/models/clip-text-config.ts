// The config of CLIP's text encoder as transformers publishes it (models/clip/configuration_clip.py).
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

export interface ClipTextConfig extends ClipLayerConfig {
  readonly vocabulary: number;
  readonly layers: number;
  /** The maximum number of tokens: rows of the position table. */
  readonly positions: number;
  /** Width of the projected text embedding; undefined for an encoder without projection. */
  readonly projection: number | undefined;
  /** The id of the token whose state represents the text: its first position. */
  readonly endToken: number;
}

const schema = declareConfig(
  "CLIPTextModel",
  {
    architectures: z
      .tuple([oneOf(["CLIPTextModel", "CLIPTextModelWithProjection"])])
      .default(["CLIPTextModel"])
      .meta({ expected: '["CLIPTextModel"] or ["CLIPTextModelWithProjection"]' }),
    vocab_size: count.default(49_408),
    hidden_size: count.default(512),
    num_hidden_layers: repeats.default(12),
    num_attention_heads: count.default(8),
    intermediate_size: count.default(2048),
    max_position_embeddings: count.default(77),
    hidden_act: oneOf(["quick_gelu", "gelu"]).default("quick_gelu"),
    layer_norm_eps: positive.default(1e-5),
    projection_dim: count.default(512),
    eos_token_id: count.default(49_407),
  },
  ({ hidden_size: width, num_attention_heads: heads }, fault) => {
    if (width % heads !== 0) fault("num_attention_heads", `a divisor of hidden_size (${width})`);
  },
);

/**
 * Reads the `config.json` of a `CLIPTextModel` or `CLIPTextModelWithProjection`; missing fields default as in
 * transformers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readClipTextConfig(json: ConfigRecord): ClipTextConfig {
  const config = readConfig("CLIPTextModel", schema, json);
  const isProjected = config.architectures[0] === "CLIPTextModelWithProjection";
  return {
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    hidden: config.intermediate_size,
    positions: config.max_position_embeddings,
    activation: config.hidden_act,
    epsilon: config.layer_norm_eps,
    projection: isProjected ? config.projection_dim : undefined,
    endToken: config.eos_token_id,
  };
}
