// Weight files other than whole checkpoints of Stable Diffusion 1.x, 2.x or XL, identified by a
// characteristic tensor. The names are those of the models' code, as in diffusers
// (loaders/single_file_utils.py).

/** Ordered by certainty: other models may contain parts with Stable Diffusion's names. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)joint_blocks\.\d/, "Stable Diffusion 3"],
  [/(^|\.)(double_blocks|double_stream_modulation\w*|distilled_guidance_layer)\./, "Flux or a derivative"],
  [/(^|\.)double_layers\.\d/, "AuraFlow"],
  [/(^|\.)cap_embedder\./, "Lumina"],
  [/(^|\.)patchify_proj\./, "LTX-Video"],
  [/(^|\.)head\.modulation$/, "Wan"],
  [/^clip_txt_mapper\.|\.channelwise\.\d/, "Stable Cascade"],
  [/\.time_stack\.|\.time_mixer\./, "Stable Video Diffusion"],
  [/^edm_mean$/, "Playground 2.5, which uses a different noise parametrization"],
  [/^edm_vpred\./, "CosXL, which uses a different noise parametrization"],
  [/(^|\.)motion_modules\./, "a motion module of AnimateDiff"],
  [/^(control_model|controlnet)/, "a ControlNet"],
  [
    /\.lora_(down|up)\.|\.lora_[AB]\.|_lora\.(down|up)\.|^lora_|\.(hada|lokr)_w/,
    "a LoRA, which needs a model: load it with --lora",
  ],
  [/^(emb_params|string_to_param.*|clip_[lg])$/, "a textual inversion: load it with --embedding"],
];

/** Parts of supported models. */
const parts: readonly (readonly [RegExp, string])[] = [
  [
    /^(down_blocks|up_blocks|mid_block)\./,
    "a denoiser in diffusers' format, without the other parts of a model: name a model that has them with --base",
  ],
  [
    /^(diffusion_model\.)?(input_blocks|middle_block|output_blocks)\./,
    "a denoiser alone, without the other parts of a model: name a model that has them with --base",
  ],
  [/^(encoder|decoder)\.(down|up|mid)/, "an autoencoder alone: load it with --vae"],
  [/^(text_model|transformer\.resblocks)\./, "a text encoder alone"],
];

const find = (kinds: typeof strangers, names: readonly string[]) =>
  kinds.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];

/** Names the other model that holds these tensors; undefined if unknown. */
export const nameOtherModel = (names: readonly string[]): string | undefined => find(strangers, names);

/** Names the kind of file if it has no denoiser under single-file names. */
export const nameOtherFile = (names: readonly string[]): string | undefined =>
  nameOtherModel(names) ?? find(parts, names);
