// Weight files that are no whole checkpoint of Stable Diffusion 1.x, 2.x or XL, each told by a tensor that it has. The names are
// those of the models' own code, as diffusers knows them too (loaders/single_file_utils.py).

/** What is told first is what is surest: other models may hold parts with Stable Diffusion's names. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)joint_blocks\.\d/, "Stable Diffusion 3"],
  [
    /(^|\.)(double_blocks|double_stream_modulation\w*|distilled_guidance_layer)\./,
    "Flux or a relative of it",
  ],
  [/(^|\.)double_layers\.\d/, "AuraFlow"],
  [/(^|\.)cap_embedder\./, "Lumina"],
  [/(^|\.)patchify_proj\./, "LTX-Video"],
  [/(^|\.)head\.modulation$/, "Wan"],
  [/^clip_txt_mapper\.|\.channelwise\.\d/, "Stable Cascade"],
  [/\.time_stack\.|\.time_mixer\./, "Stable Video Diffusion"],
  [/^edm_mean$/, "Playground 2.5, which counts its noise in another way"],
  [/^edm_vpred\./, "CosXL, which counts its noise in another way"],
  [/(^|\.)motion_modules\./, "a motion module of AnimateDiff"],
  [/^(control_model|controlnet)/, "a ControlNet"],
  [
    /\.lora_(down|up)\.|\.lora_[AB]\.|_lora\.(down|up)\.|^lora_|\.(hada|lokr)_w/,
    "a LoRA, which goes with a model: give it with --lora",
  ],
  [/^(emb_params|string_to_param.*|clip_[lg])$/, "a textual inversion: give it with --embedding"],
];

/** Parts of models that can be drawn with. */
const parts: readonly (readonly [RegExp, string])[] = [
  [
    /^(down_blocks|up_blocks|mid_block)\./,
    "a denoiser in diffusers' form, without the other parts of a model: name a model that has them with --base",
  ],
  [
    /^(diffusion_model\.)?(input_blocks|middle_block|output_blocks)\./,
    "a denoiser alone, without the other parts of a model: name a model that has them with --base",
  ],
  [/^(encoder|decoder)\.(down|up|mid)/, "an autoencoder alone: give it with --vae"],
  [/^(text_model|transformer\.resblocks)\./, "a text encoder alone"],
];

const find = (kinds: typeof strangers, names: readonly string[]) =>
  kinds.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];

/** What a file is that holds these tensors and is another model; undefined where nothing tells. */
export const nameOtherModel = (names: readonly string[]): string | undefined => find(strangers, names);

/** What a file is that has no denoiser with the names of single files. */
export const nameOtherFile = (names: readonly string[]): string | undefined =>
  nameOtherModel(names) ?? find(parts, names);
