// The prior of unCLIP: a causal transformer that predicts CLIP's embedding of an image from a text (Ramesh et al. 2022,
// arXiv:2204.06125, section 2.2), in Karlo and Kandinsky. Sizes and parameter names follow diffusers' PriorTransformer
// (models/transformers/prior_transformer.py).
import {
  add,
  attention,
  concat,
  constant,
  type Dim,
  expand,
  gelu,
  mul,
  type Program,
  reshape,
  type Scope,
  slice,
  type Tensor,
  trace,
  unsqueeze,
} from "../graph/index.js";
import { activations, dense, norm, sinusoidal } from "../nn/index.js";
import { z } from "../schema/index.js";
import {
  absent,
  activation,
  type ConfigRecord,
  count,
  declareConfig,
  readConfig,
  repeats,
} from "./published-config.js";

export interface PriorTransformerConfig {
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  /** Width of the noisy embedding, and of the text states. */
  readonly embeddingWidth: number;
  /** Width of the text embedding. */
  readonly textWidth: number;
  /** Width of the predicted embedding. */
  readonly outputWidth: number;
  /** Tokens of the text. */
  readonly tokens: number;
  readonly timeWidth: number;
  readonly timeActivation: keyof typeof activations;
}

/** After the text: its embedding, the time, the noisy embedding, and the query whose state is the prediction. */
const addedTokens = 4;

const schema = declareConfig(
  "PriorTransformer",
  {
    num_attention_heads: count.default(32),
    attention_head_dim: count.default(64),
    num_layers: repeats.default(20),
    embedding_dim: count.default(768),
    num_embeddings: count.default(77),
    additional_embeddings: z.literal(addedTokens).optional(),
    time_embed_act_fn: activation.default("silu"),
    time_embed_dim: count.optional(),
    embedding_proj_dim: count.optional(),
    clip_embed_dim: count.optional(),
    encoder_hid_proj_type: z.literal("linear").optional(),
    added_emb_type: z.literal("prd").optional(),
    norm_in_type: absent,
    embedding_proj_norm_type: absent,
  },
  ({ embedding_dim: width, clip_embed_dim: output }, fault) => {
    // The prediction becomes the next input.
    if (output !== undefined && output !== width) fault("clip_embed_dim", `embedding_dim (${width})`);
  },
);

/**
 * Reads the `config.json` of a `PriorTransformer`; missing fields default as in diffusers.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readPriorTransformerConfig(json: ConfigRecord): PriorTransformerConfig {
  const config = readConfig("PriorTransformer", schema, json);
  const width = config.num_attention_heads * config.attention_head_dim;
  return {
    width,
    heads: config.num_attention_heads,
    layers: config.num_layers,
    embeddingWidth: config.embedding_dim,
    textWidth: config.embedding_proj_dim ?? config.embedding_dim,
    outputWidth: config.clip_embed_dim ?? config.embedding_dim,
    tokens: config.num_embeddings,
    timeWidth: config.time_embed_dim ?? width,
    timeActivation: config.time_embed_act_fn,
  };
}

export interface PriorTransformerInputs {
  /** The noisy image embedding, standardised: `[batch, embeddingWidth]`. */
  readonly sample: Tensor;
  /** Training timesteps: `[batch]`. */
  readonly timestep: Tensor;
  /** The text embedding: `[batch, textWidth]`. */
  readonly text: Tensor;
  /** The text states: `[batch, tokens, embeddingWidth]`. */
  readonly states: Tensor;
  /** 1 for tokens of the text, 0 for padding: `[batch, tokens]`. */
  readonly mask: Tensor;
}

/** Added to the scores of hidden tokens. */
const hidden = -10_000;

/** Later tokens and padding are hidden: `[batch, 1, tokens + 4, tokens + 4]`. */
function makeBias(mask: Tensor, tokens: number): Tensor {
  const [batch] = mask.shape as [Dim];
  const all = tokens + addedTokens;
  const values = Float32Array.from({ length: all * all }, (_, i) =>
    i % all > Math.floor(i / all) ? hidden : 0,
  );
  const causal = constant(mask.graph, values, [1, 1, all, all]);
  const added = constant(mask.graph, new Float32Array(addedTokens), [1, addedTokens]);
  const padding = concat([mul(add(mask, -1), -hidden), expand(added, [batch, addedTokens])], 1);
  return add(causal, reshape(padding, [batch, 1, 1, all]));
}

function block(scope: Scope, x: Tensor, { width, heads }: PriorTransformerConfig, bias: Tensor): Tensor {
  const self = scope.child("attn1");
  const normed = norm(scope.child("norm1"), x);
  const map = (name: string) => dense(self.child(name), normed, width);
  const mixed = attention(map("to_q"), map("to_k"), map("to_v"), { heads, bias });
  x = add(x, dense(self.child("to_out.0"), mixed, width));
  const network = scope.child("ff.net");
  const wide = gelu(dense(network.child("0.proj"), norm(scope.child("norm3"), x), 4 * width));
  return add(x, dense(network.child(2), wide, width));
}

/** Predicts the clean image embedding, standardised: `[batch, outputWidth]`. */
export function priorTransformer(
  scope: Scope,
  config: PriorTransformerConfig,
  { sample, timestep, text, states, mask }: PriorTransformerInputs,
): Tensor {
  const { width, tokens, layers, timeWidth, timeActivation, outputWidth } = config;
  const [batch] = sample.shape as [Dim];
  const timeNetwork = scope.child("time_embedding");
  const time = dense(timeNetwork.child("linear_1"), sinusoidal(timestep, width), timeWidth);
  const query = scope.parameter("prd_embedding", [1, 1, width]);
  const single = (x: Tensor) => unsqueeze(x, 1); // [batch, 1, width]
  const sequence = concat(
    [
      dense(scope.child("encoder_hidden_states_proj"), states, width),
      single(dense(scope.child("embedding_proj"), text, width)),
      single(dense(timeNetwork.child("linear_2"), activations[timeActivation](time), width)),
      single(dense(scope.child("proj_in"), sample, width)),
      expand(query, [batch, 1, width]),
    ],
    1,
  ); // [batch, tokens + 4, width]
  let x = add(sequence, scope.parameter("positional_embedding", [1, tokens + addedTokens, width]));
  const bias = makeBias(mask, tokens);
  for (let i = 0; i < layers; i++) x = block(scope.child("transformer_blocks").child(i), x, config, bias);
  const last = reshape(slice(norm(scope.child("norm_out"), x), 1, -1), [batch, width]);
  return dense(scope.child("proj_to_clip_embeddings"), last, outputWidth);
}

/**
 * Records the prior. Inputs: see {@link PriorTransformerInputs}. Outputs: "prediction", and the "mean" and "std" of image
 * embeddings `[1, outputWidth]`, which undo the standardisation.
 */
export function tracePriorTransformer(config: PriorTransformerConfig): Program {
  const { embeddingWidth, textWidth, tokens, outputWidth } = config;
  return trace((t) => {
    const prediction = priorTransformer(t.scope(), config, {
      sample: t.input("sample", ["batch", embeddingWidth]),
      timestep: t.input("timestep", ["batch"]),
      text: t.input("text", ["batch", textWidth]),
      states: t.input("states", ["batch", tokens, embeddingWidth]),
      mask: t.input("mask", ["batch", tokens]),
    });
    const statistic = (name: string) => t.scope().parameter(name, [1, outputWidth]);
    return { prediction, mean: statistic("clip_mean"), std: statistic("clip_std") };
  });
}
