// The embedding that conditions a whole U-Net beside the time, and is added to it: a class, the level of another
// noise, or a vector such as CLIP's embedding of an image. Kinds and parameter names are those of diffusers
// (models/unets/unet_2d_condition.py, `class_embed_type` and `num_class_embeds`).
import type { Scope, Tensor } from "../graph/index.js";
import { type ActivationName, activations, dense, embedding, sinusoidal } from "../nn/index.js";
import { oneOf } from "../schema/index.js";
import { count, type Fault } from "./published-config.js";

/**
 * - "table": a class number, i32 `[batch]`, below `classes`.
 * - "timestep": a number such as a noise level, `[batch]`, through sinusoids and two layers.
 * - "projection": a vector, `[batch, width]`, through two layers.
 * - "identity": a vector of the time embedding's width, `[batch, timeWidth]`.
 */
export type ClassEmbedding =
  | { readonly kind: "table"; readonly classes: number }
  | { readonly kind: "timestep" }
  | { readonly kind: "projection"; readonly width: number }
  | { readonly kind: "identity" };

/** The config fields of class embeddings. */
export const classFields = {
  class_embed_type: oneOf(["timestep", "identity", "projection"]).optional(),
  num_class_embeds: count.optional(),
  projection_class_embeddings_input_dim: count.optional(),
};

interface ClassConfig {
  readonly class_embed_type?: "timestep" | "identity" | "projection" | undefined;
  readonly num_class_embeds?: number | undefined;
  readonly projection_class_embeddings_input_dim?: number | undefined;
}

/** Reports missing fields. */
export function checkClassFields(config: ClassConfig, fault: Fault): void {
  if (config.class_embed_type === "projection" && !config.projection_class_embeddings_input_dim)
    fault("projection_class_embeddings_input_dim", "a whole number from 1");
}

/** Reads the kind of class embedding; undefined if there is none. */
export function readClassEmbedding(config: ClassConfig): ClassEmbedding | undefined {
  const { class_embed_type: kind, num_class_embeds: classes } = config;
  if (kind === "projection") return { kind, width: config.projection_class_embeddings_input_dim! };
  if (kind !== undefined) return { kind };
  return classes === undefined ? undefined : { kind: "table", classes };
}

/** Two layers with an activation between: `x [batch, in] → [batch, width]`; diffusers' TimestepEmbedding. */
export function embedTwice(scope: Scope, x: Tensor, width: number, activation: ActivationName): Tensor {
  const hidden = activations[activation](dense(scope.child("linear_1"), x, width));
  return dense(scope.child("linear_2"), hidden, width);
}

export interface ClassEmbeddingSizes {
  /** Width of the time embedding. */
  readonly timeWidth: number;
  /** Width of the sinusoids of the time. */
  readonly sinusoidWidth: number;
  /** Of the time embedding. */
  readonly activation: ActivationName;
}

/** Embeds class labels, whose form depends on the kind: `→ [batch, timeWidth]`. */
export function embedClass(
  scope: Scope,
  kind: ClassEmbedding,
  labels: Tensor,
  { timeWidth, sinusoidWidth, activation }: ClassEmbeddingSizes,
): Tensor {
  switch (kind.kind) {
    case "table":
      return embedding(scope, labels, kind.classes, timeWidth);
    case "timestep":
      return embedTwice(scope, sinusoidal(labels, sinusoidWidth), timeWidth, activation);
    case "projection":
      return embedTwice(scope, labels, timeWidth, "silu");
    case "identity":
      return labels;
  }
}

/** The dtype and shape of class labels, as a program's input. */
export function getLabelInput(
  kind: ClassEmbedding,
  timeWidth: number,
): readonly [shape: readonly (string | number)[], dtype: "f32" | "i32"] {
  if (kind.kind === "table") return [["batch"], "i32"];
  if (kind.kind === "timestep") return [["batch"], "f32"];
  return [["batch", kind.kind === "projection" ? kind.width : timeWidth], "f32"];
}
