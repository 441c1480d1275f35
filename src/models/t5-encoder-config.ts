// The config of T5's encoder as transformers publishes it (models/t5/configuration_t5.py, models/umt5).
import { numberBetween, oneOf, z } from "../schema/index.js";
import { type ConfigRecord, count, declareConfig, readConfig, repeats } from "./published-config.js";

/** T5 1.0 has one feed-forward layer with ReLU, 1.1 a gated one with the tanh approximation of GELU. */
export type T5Activation = "relu" | "gated-gelu";

export interface T5EncoderConfig {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of one head; heads · headWidth may differ from the width. */
  readonly headWidth: number;
  readonly hidden: number;
  readonly activation: T5Activation;
  readonly epsilon: number;
  /** Rows of the table of relative positions: half for each direction. */
  readonly buckets: number;
  /** Positions further apart than this share the last bucket. */
  readonly farthest: number;
  /** UMT5 learned the table in every layer; T5 learned it in the first and uses it in all. */
  readonly hasOwnPositions: boolean;
}

const classes = ["T5EncoderModel", "T5ForConditionalGeneration", "T5Model", "UMT5EncoderModel", "UMT5Model"];

const schema = declareConfig(
  "T5EncoderModel",
  {
    architectures: z
      .array(oneOf(classes as [string, ...string[]]))
      .min(1)
      .default(["T5EncoderModel"])
      .meta({ expected: '["T5EncoderModel"] or ["UMT5EncoderModel"]' }),
    model_type: oneOf(["t5", "umt5"]).optional(),
    vocab_size: count.default(32_128),
    d_model: count.default(512),
    d_kv: count.default(64),
    d_ff: count.default(2048),
    num_layers: repeats.default(6),
    num_heads: count.default(8),
    feed_forward_proj: oneOf(["relu", "gated-gelu"]).optional(),
    relative_attention_num_buckets: count.default(32),
    relative_attention_max_distance: count.default(128),
    layer_norm_epsilon: numberBetween(0, 1).default(1e-6),
  },
  ({ relative_attention_num_buckets: buckets, relative_attention_max_distance: farthest }, fault) => {
    if (buckets % 4 !== 0) fault("relative_attention_num_buckets", "a multiple of 4");
    if (farthest <= buckets / 4)
      fault("relative_attention_max_distance", `more than a quarter of the buckets (${buckets / 4})`);
  },
);

/**
 * Reads the `config.json` of a `T5EncoderModel` or `UMT5EncoderModel`; missing fields default as in transformers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readT5EncoderConfig(json: ConfigRecord): T5EncoderConfig {
  const config = readConfig("T5EncoderModel", schema, json);
  const isUmt5 = config.model_type === "umt5" || config.architectures[0]!.startsWith("UMT5");
  return {
    vocabulary: config.vocab_size,
    width: config.d_model,
    layers: config.num_layers,
    heads: config.num_heads,
    headWidth: config.d_kv,
    hidden: config.d_ff,
    activation: config.feed_forward_proj ?? (isUmt5 ? "gated-gelu" : "relu"),
    epsilon: config.layer_norm_epsilon,
    buckets: config.relative_attention_num_buckets,
    farthest: config.relative_attention_max_distance,
    hasOwnPositions: isUmt5,
  };
}
