// CLIP's text encoder (Radford et al. 2021, arXiv:2103.00020, section 2.4), as Stable Diffusion reads prompts: CLIP-L for
// 1.x, OpenCLIP-H for 2.x, CLIP-L and OpenCLIP-bigG for XL. Parameter names are those of transformers' CLIPTextModel.
import {
  add,
  concat,
  constant,
  fixedSize,
  gather,
  linear,
  reshape,
  type Scope,
  type Tensor,
} from "../graph/index.js";
import { norm } from "../nn/index.js";
import { clipLayer } from "./clip-layer.js";
import type { ClipTextConfig } from "./clip-text-config.js";

export interface ClipTextInputs {
  /** Token ids, i32: `[batch, positions]`. */
  readonly ids: Tensor;
}

export interface ClipTextOptions {
  /** The number of last layers skipped for `states` (clip skip). Default 0. */
  readonly skip?: number;
  /** Vectors of learned tokens, whose ids follow the vocabulary: `[rows, width]`, stacked. */
  readonly learned?: Float32Array;
}

export interface ClipTextStates {
  /** After the chosen layer: `[batch, positions, width]`. */
  readonly states: Tensor;
  /** The same after the final normalisation. */
  readonly normalized: Tensor;
  /**
   * After the last layer and the final normalisation, regardless of skipping: the pooled text embedding comes
   * from these.
   */
  readonly last: Tensor;
}

// Added to the scores of later tokens. Softmax makes it exactly 0.
const hidden = -1e9;

/** The causal mask: each token sees itself and those before it. */
function causalBias(like: Tensor, tokens: number): Tensor {
  const values = Float32Array.from({ length: tokens * tokens }, (_, i) =>
    i % tokens > Math.floor(i / tokens) ? hidden : 0,
  );
  return constant(like.graph, values, [1, 1, tokens, tokens]);
}

function append(table: Tensor, learned: Float32Array, width: number): Tensor {
  return concat([table, constant(table.graph, learned, [learned.length / width, width])], 0);
}

/** Computes the states of every token. @throws NishikiError "shape" */
export function clipText(
  scope: Scope,
  config: ClipTextConfig,
  { ids }: ClipTextInputs,
  { skip = 0, learned }: ClipTextOptions = {},
): ClipTextStates {
  const { width, vocabulary, positions, layers, epsilon } = config;
  const model = scope.child("text_model");
  const tables = model.child("embeddings");
  const table = tables.child("token_embedding").parameter("weight", [vocabulary, width]);
  const words = gather(learned ? append(table, learned, width) : table, ids); // [batch, positions, width]
  const places = tables.child("position_embedding").parameter("weight", [positions, width]);
  let x = add(words, places);
  const bias = causalBias(x, positions);
  let states = x;
  for (let i = 0; i < layers; i++) {
    x = clipLayer(model.child("encoder.layers").child(i), config, x, bias);
    if (i === layers - 1 - skip) states = x;
  }
  const finish = (t: Tensor) => norm(model.child("final_layer_norm"), t, epsilon);
  return { states, normalized: finish(states), last: finish(x) };
}

/**
 * Computes the pooled text embedding: the projected state of the end token.
 * @param last `[batch, positions, width]` of {@link clipText}
 * @param ends The position of each text's end token in the concatenated texts, i32 `[batch]`: text ·
 *   positions + position.
 * @returns `[batch, projection]`
 */
export function projectText(scope: Scope, config: ClipTextConfig, last: Tensor, ends: Tensor): Tensor {
  const width = fixedSize(last, 2);
  const rows = reshape(last, [-1, width]); // [batch·positions, width]
  const picked = gather(rows, ends); // [batch, width]
  const weight = scope.child("text_projection").parameter("weight", [config.projection!, width]);
  return linear(picked, weight);
}
