// CLIP's image encoder (Radford et al. 2021, arXiv:2103.00020, section 2.4), a vision transformer (Dosovitskiy et al. 2020,
// arXiv:2010.11929): OpenAI's ViT-L/14, OpenCLIP's ViT-H/14 and ViT-bigG/14. Parameter names are those of transformers'
// CLIPVisionModelWithProjection, including the spelling of its first normalisation.
import {
  add,
  concat,
  type Dim,
  expand,
  linear,
  reshape,
  type Scope,
  slice,
  type Tensor,
  transpose,
} from "../graph/index.js";
import { conv2d, norm } from "../nn/index.js";
import { clipLayer } from "./clip-layer.js";
import type { ClipVisionConfig } from "./clip-vision-config.js";

export interface ClipVisionStates {
  /** The image embedding, not normalised: `[batch, projection]`. */
  readonly embedding: Tensor;
  /** The states that the last layer takes, one for the image and one for each patch: `[batch, 1 + patches, width]`. */
  readonly penultimate: Tensor;
  /** After the last layer, without a final normalisation: `[batch, 1 + patches, width]`. */
  readonly last: Tensor;
}

/** The patches' embeddings, after that of the image, with their positions: `[batch, 1 + patches, width]`. */
function embedPatches(scope: Scope, config: ClipVisionConfig, pixels: Tensor): Tensor {
  const { width, imageSide, patchSide } = config;
  const [batch] = pixels.shape as [Dim];
  const count = Math.floor(imageSide / patchSide) ** 2;
  const grid = conv2d(scope.child("patch_embedding"), pixels, width, {
    kernel: patchSide,
    stride: patchSide,
    padding: 0,
    bias: false,
  }); // [batch, width, rows, columns]
  const patches = transpose(reshape(grid, [batch, width, count]), [0, 2, 1]); // [batch, patches, width]
  const whole = expand(reshape(scope.parameter("class_embedding", [width]), [1, 1, width]), [
    batch,
    1,
    width,
  ]);
  const places = scope.child("position_embedding").parameter("weight", [1 + count, width]);
  return add(concat([whole, patches], 1), places);
}

/**
 * Encodes images.
 * @param pixels Normalised by the mean and deviation of the encoder's own: `[batch, 3, imageSide, imageSide]`.
 * @throws NishikiError "shape"
 */
export function clipVision(scope: Scope, config: ClipVisionConfig, pixels: Tensor): ClipVisionStates {
  const { width, layers, epsilon, projection } = config;
  const model = scope.child("vision_model");
  let x = norm(model.child("pre_layrnorm"), embedPatches(model.child("embeddings"), config, pixels), epsilon);
  let penultimate = x;
  for (let i = 0; i < layers; i++) {
    penultimate = x;
    x = clipLayer(model.child("encoder.layers").child(i), config, x);
  }
  const [batch] = x.shape as [Dim];
  const pooled = norm(model.child("post_layernorm"), reshape(slice(x, 1, 0, 1), [batch, width]), epsilon);
  const weight = scope.child("visual_projection").parameter("weight", [projection, width]);
  return { embedding: linear(pooled, weight), penultimate, last: x };
}
