// What Karlo's decoder sees of an image embedding and a text: an addition to the time, and tokens (Ramesh et al. 2022,
// arXiv:2204.06125, section 2.1). Sizes and parameter names follow diffusers' UnCLIPTextProjModel
// (pipelines/deprecated/unclip/text_proj.py).
import {
  add,
  concat,
  type Dim,
  expand,
  type Program,
  reshape,
  type Scope,
  type Tensor,
  trace,
  transpose,
} from "../graph/index.js";
import { dense, norm } from "../nn/index.js";
import { type ConfigRecord, count, declareConfig, readConfig, repeats } from "./published-config.js";

export interface UnclipTextProjectionConfig {
  /** Tokens that an image embedding becomes. */
  readonly imageTokens: number;
  /** Width of embeddings and of text states. */
  readonly clipWidth: number;
  /** Width of the decoder's time embedding, and of the tokens that it takes. */
  readonly timeWidth: number;
  readonly crossWidth: number;
}

const schema = declareConfig("UnCLIPTextProjModel", {
  clip_extra_context_tokens: repeats.default(4),
  clip_embeddings_dim: count.default(768),
  time_embed_dim: count,
  cross_attention_dim: count,
});

/**
 * Reads the `config.json` of a `UnCLIPTextProjModel`.
 * @throws NishikiError "checkpoint" that names every field with an invalid or unsupported value.
 */
export function readUnclipTextProjectionConfig(json: ConfigRecord): UnclipTextProjectionConfig {
  const config = readConfig("UnCLIPTextProjModel", schema, json);
  return {
    imageTokens: config.clip_extra_context_tokens,
    clipWidth: config.clip_embeddings_dim,
    timeWidth: config.time_embed_dim,
    crossWidth: config.cross_attention_dim,
  };
}

export interface UnclipTextProjectionInputs {
  /** The image embedding: `[batch, clipWidth]`; undefined for that of no image, which the network has learned. */
  readonly image: Tensor | undefined;
  /** The text embedding: `[batch, clipWidth]`. */
  readonly text: Tensor;
  /** The text states: `[batch, tokens, clipWidth]`. */
  readonly states: Tensor;
}

export interface UnclipConditioning {
  /** Added to the time: `[batch, timeWidth]`. */
  readonly time: Tensor;
  /** Of the image, then of the text: `[batch, imageTokens + tokens, crossWidth]`. */
  readonly tokens: Tensor;
}

export function unclipTextProjection(
  scope: Scope,
  { imageTokens, clipWidth, timeWidth, crossWidth }: UnclipTextProjectionConfig,
  { image, text, states }: UnclipTextProjectionInputs,
): UnclipConditioning {
  const [batch] = text.shape as [Dim];
  const learned = scope.parameter("learned_classifier_free_guidance_embeddings", [clipWidth]);
  const embedding = image ?? expand(reshape(learned, [1, clipWidth]), [batch, clipWidth]);
  const project = (name: string, x: Tensor, width: number) => dense(scope.child(name), x, width);
  const time = add(
    project("clip_image_embeddings_project_to_time_embeddings", embedding, timeWidth),
    project("embedding_proj", text, timeWidth),
  );
  const flat = project("clip_extra_context_tokens_proj", embedding, imageTokens * crossWidth);
  // The token counts fastest, unlike in other models.
  const extra = transpose(reshape(flat, [batch, crossWidth, imageTokens]), [0, 2, 1]);
  const projected = project("encoder_hidden_states_proj", states, crossWidth);
  const words = norm(scope.child("text_encoder_hidden_states_norm"), projected);
  return { time, tokens: concat([extra, words], 1) };
}

/** image (if `hasImage`), text, states → "time" and "tokens"; see {@link unclipTextProjection}. */
export function traceUnclipTextProjection(
  config: UnclipTextProjectionConfig,
  { hasImage }: { readonly hasImage: boolean },
): Program {
  return trace((t) => ({
    ...unclipTextProjection(t.scope(), config, {
      image: hasImage ? t.input("image", ["batch", config.clipWidth]) : undefined,
      text: t.input("text", ["batch", config.clipWidth]),
      states: t.input("states", ["batch", "tokens", config.clipWidth]),
    }),
  }));
}
