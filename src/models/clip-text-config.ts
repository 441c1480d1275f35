// The config of CLIP's text encoder as transformers publishes it (models/clip/configuration_clip.py).
import { NishikiError } from "../errors.js";
import { ConfigReader, type ConfigRecord } from "./config-reader.js";

/** x·sigmoid(1.702·x) is what OpenAI's encoders were trained with, the exact form what OpenCLIP's were. */
export type ClipActivation = "quick_gelu" | "gelu";

export interface ClipTextConfig {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  /** Tokens of a text: rows of the position table. */
  readonly positions: number;
  readonly activation: ClipActivation;
  readonly epsilon: number;
  /** Width of the projected vector of a text; undefined for an encoder without projection. */
  readonly projection: number | undefined;
  /** The id of the token whose state stands for the text: its first place. */
  readonly endToken: number;
}

/**
 * Reads the `config.json` of a `CLIPTextModel` or `CLIPTextModelWithProjection`; what is left out is as in transformers.
 * @throws NishikiError "checkpoint" that names the field for a value that cannot be right, or that is not supported.
 */
export function readClipTextConfig(json: ConfigRecord): ClipTextConfig {
  const fields = new ConfigReader("CLIPTextModel", json);
  const name = Array.isArray(json.architectures) ? String(json.architectures[0]) : "CLIPTextModel";
  if (name !== "CLIPTextModel" && name !== "CLIPTextModelWithProjection") {
    const message = `The text encoder is a ${name}; CLIPTextModel and CLIPTextModelWithProjection can be used.`;
    throw new NishikiError("checkpoint", message);
  }
  const width = fields.count("hidden_size", 512);
  const heads = fields.count("num_attention_heads", 8);
  if (width % heads !== 0) throw fields.reject("num_attention_heads", `a divisor of hidden_size (${width})`);
  return {
    vocabulary: fields.count("vocab_size", 49_408),
    width,
    layers: fields.repeats("num_hidden_layers", 12),
    heads,
    hidden: fields.count("intermediate_size", 2048),
    positions: fields.count("max_position_embeddings", 77),
    activation: fields.choice("hidden_act", "quick_gelu", ["quick_gelu", "gelu"]),
    epsilon: fields.positive("layer_norm_eps", 1e-5),
    projection: name === "CLIPTextModelWithProjection" ? fields.count("projection_dim", 512) : undefined,
    endToken: fields.count("eos_token_id", 49_407),
  };
}
