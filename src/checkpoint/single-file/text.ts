// The text encoders of single-file checkpoints: transformers' names behind a prefix (1.x, XL's first), or
// OpenCLIP's (open_clip/transformer.py; 2.x, XL's second), which store queries, keys and values as one
// matrix.
import { type CheckpointTensors, type Place, type Renamed, slicePart } from "./tensors.js";

type Found = { readonly config: Readonly<Record<string, unknown>>; readonly tensors: Renamed };

const heads = (width: number) => Math.max(1, Math.floor(width / 64));

/** Reads an encoder under transformers' names; older files omit "text_model.". */
export function readHuggingFaceText(tensors: CheckpointTensors, root: string): Found {
  const renamed: (readonly [string, Place])[] = [];
  for (const name of tensors.under(root)) {
    const publishedName = /^(embeddings|encoder|final_layer_norm)\./.test(name) ? `text_model.${name}` : name;
    if (/\.position_ids$/.test(publishedName)) continue;
    if (publishedName.startsWith("text_model.")) renamed.push([publishedName, tensors.take(root + name)]);
  }
  const places = new Map(renamed);
  const shape = (name: string) => places.get(`text_model.${name}`)?.shape ?? [];
  const [vocabulary, width = 0] = shape("embeddings.token_embedding.weight");
  let layers = 0;
  while (places.has(`text_model.encoder.layers.${layers}.mlp.fc1.weight`)) layers++;
  const config = {
    architectures: ["CLIPTextModel"],
    vocab_size: vocabulary,
    hidden_size: width,
    intermediate_size: shape("encoder.layers.0.mlp.fc1.weight")[0],
    num_hidden_layers: layers,
    num_attention_heads: heads(width),
    max_position_embeddings: shape("embeddings.position_embedding.weight")[0],
    hidden_act: "quick_gelu",
  };
  return { config, tensors: renamed };
}

const layerParts: Readonly<Record<string, string>> = {
  ln_1: "layer_norm1",
  ln_2: "layer_norm2",
  "attn.out_proj": "self_attn.out_proj",
  "mlp.c_fc": "mlp.fc1",
  "mlp.c_proj": "mlp.fc2",
};
const singles: Readonly<Record<string, string>> = {
  "token_embedding.weight": "embeddings.token_embedding.weight",
  positional_embedding: "embeddings.position_embedding.weight",
  "ln_final.weight": "final_layer_norm.weight",
  "ln_final.bias": "final_layer_norm.bias",
};

/**
 * Reads an encoder under OpenCLIP's names.
 * @param most The number of layers used: 2.x was trained on the states before the last layer. Files converted
 *   from published folders lack that layer.
 * @param projected XL uses the projection of the pooled text embedding.
 */
export function readOpenClipText(
  tensors: CheckpointTensors,
  root: string,
  { most = Infinity, projected }: { readonly most?: number; readonly projected: boolean },
): Found {
  const layers = Math.min(most, tensors.count(`${root}transformer.resblocks.`, ".ln_1.weight"));
  const renamed: (readonly [string, Place])[] = [];
  for (const name of tensors.under(root)) {
    const single = singles[name];
    if (single) renamed.push([`text_model.${single}`, tensors.take(root + name)]);
    const [, layer, inside] = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (layer === undefined) continue;
    const place = tensors.take(root + name);
    if (Number(layer) < layers) renamed.push(...layerTensors("text_model", layer, inside!, place));
  }
  const projection = `${root}text_projection`;
  const width = tensors.shape(`${root}ln_final.weight`)[0] ?? 0;
  const [rows, columns = 0] = tensors.shape(projection);
  if (projected && rows !== undefined) {
    // Stored for multiplication from the right: [width, projection].
    const place = { ...tensors.take(projection), shape: [columns, rows], transposed: true };
    renamed.push(["text_projection.weight", place]);
  } else if (rows !== undefined) tensors.take(projection);
  const config = {
    architectures: [projected ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
    vocab_size: tensors.shape(`${root}token_embedding.weight`)[0],
    hidden_size: width,
    intermediate_size: tensors.shape(`${root}transformer.resblocks.0.mlp.c_fc.weight`)[0],
    num_hidden_layers: layers,
    num_attention_heads: heads(width),
    max_position_embeddings: tensors.shape(`${root}positional_embedding`)[0],
    hidden_act: "gelu",
    ...(projected && { projection_dim: columns }),
  };
  return { config, tensors: renamed };
}

/** The tensors of a transformer's layer. @param model The name of the part in transformers. */
export function layerTensors(model: string, layer: string, inside: string, place: Place): Renamed {
  const at = `${model}.encoder.layers.${layer}`;
  const joined = /^attn\.in_proj_(weight|bias)$/.exec(inside);
  if (joined) {
    const names = ["q_proj", "k_proj", "v_proj"];
    return names.map((name, i) => [`${at}.self_attn.${name}.${joined[1]}`, slicePart(place, i, 3)] as const);
  }
  const [, part, field] = /^(.+)\.(weight|bias)$/.exec(inside) ?? [];
  const name = part === undefined ? undefined : layerParts[part];
  return name ? [[`${at}.${name}.${field}`, place]] : [];
}
