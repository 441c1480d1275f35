// webui's options. Each caller has its own, kept while the server runs: with one set for all, as webui has, one person's choice
// of a model would change everyone's images.
import type { Catalogue, ModelInfo } from "../api/index.js";
import { refuse } from "./errors.js";
import { findAddition } from "./prompts.js";

/** The options that can be set. */
export interface Options {
  /** A model's id in the catalogue; undefined: the catalogue's default. */
  readonly model?: string | undefined;
  /** An autoencoder's id; undefined: the model's own. */
  readonly vae?: string | undefined;
  /** Layers of the text encoder, counted from the last: 1 is all of them. */
  readonly clipStop: number;
  readonly randomSource: "GPU" | "CPU" | "NV";
  /** Whether the caller chose the source: the default applies to Stable Diffusion only. */
  readonly choseRandomSource: boolean;
}

export const defaultOptions: Options = { clipStop: 1, randomSource: "GPU", choseRandomSource: false };

/** Options that have one value here. */
const fixed: Readonly<Record<string, unknown>> = {
  samples_format: "png",
  enable_pnginfo: true,
  eta_ancestral: 1,
  eta_ddim: 0,
  eta_noise_seed_delta: 0,
  s_churn: 0,
  s_tmin: 0,
  s_noise: 1,
  img2img_fix_steps: false,
  img2img_color_correction: false,
  img2img_background_color: "#ffffff",
  initial_noise_multiplier: 1,
  upscaler_for_img2img: "None",
  face_restoration: false,
  return_mask: false,
  return_mask_composite: false,
  enable_emphasis: true,
  use_old_emphasis_implementation: false,
  use_old_karras_scheduler_sigmas: false,
  upcast_attn: false,
  token_merging_ratio: 0,
  sd_hypernetwork: "None",
};

/** Options of the page that clients ask for; they change no image. */
const shownOnly: Readonly<Record<string, unknown>> = {
  live_previews_enable: true,
  live_previews_image_format: "webp",
  show_progress_every_n_steps: 1,
};

/** Options of the page, of saving and of logging, which change no image. */
const withoutEffect =
  /^(?:samples_|grid_|save_|outdir_|directories_|live_preview|show_progress|ui_|font|quicksettings|hide_|keyedit|interrogate_|return_grid|do_not_|jpeg_|webp_|img_|n_rows|export_for_4chan|clean_temp|temp_dir|notification_|memmon_|print_|list_hidden|api_|gallery|localization|sd_checkpoints_|sd_checkpoint_cache|sd_vae_checkpoint_cache|sd_checkpoint_hash|multiple_tqdm|extra_networks_|js_|send_|dimensions_|infotext_|disable_|model_rename|show_warnings|dump_stacks|auto_launch|control_net|forge_(?!additional))/;

/** The title of a model in webui's lists. */
export const getTitle = ({ id }: Pick<ModelInfo, "id">) => id;

const simplify = (name: string) =>
  name
    .replace(/\s*\[[0-9a-f]{6,64}\]\s*$/i, "")
    .replace(/\.(?:safetensors|ckpt)$/i, "")
    .toLowerCase();

/** A model by its title, id or name; a hash in brackets and the file's ending may be there. */
export function findModel({ models }: Catalogue, name: string): ModelInfo | undefined {
  const exact = models.find(({ id }) => id === name);
  const wanted = simplify(name);
  return exact ?? models.find((model) => [model.id, model.name].some((one) => simplify(one) === wanted));
}

export function requireModel(catalogue: Catalogue, name: string): ModelInfo {
  const model = findModel(catalogue, name);
  if (!model)
    refuse(404, `Checkpoint not found: ${name}. GET /sdapi/v1/sd-models lists those that are here.`);
  if (model.state === "broken")
    refuse(422, `The checkpoint ${name} cannot be used: ${model.problem ?? "it is damaged"}`);
  return model;
}

type Setter = (options: Options, value: unknown, catalogue: Catalogue) => Options;

const requireText = (name: string, value: unknown): string => {
  if (typeof value === "string") return value;
  return refuse(422, `${name}: expected a text, got ${JSON.stringify(value)}.`);
};

const setters: Readonly<Record<string, Setter>> = {
  sd_model_checkpoint: (options, value, catalogue) => {
    const name = requireText("sd_model_checkpoint", value);
    return name === "" || name === "None" ? options : { ...options, model: requireModel(catalogue, name).id };
  },
  sd_vae: (options, value, { additions }) => {
    const name = requireText("sd_vae", value);
    if (["", "automatic", "none"].includes(name.toLowerCase())) return { ...options, vae: undefined };
    const vae = findAddition(additions, "vae", name);
    if (!vae) refuse(404, `VAE not found: ${name}. GET /sdapi/v1/sd-vae lists those that are here.`);
    return { ...options, vae: vae.id };
  },
  CLIP_stop_at_last_layers: (options, value) => {
    const layers = Number(value);
    if (!Number.isInteger(layers) || layers < 1 || layers > 12)
      refuse(
        422,
        `CLIP_stop_at_last_layers: expected a whole number from 1 to 12, got ${JSON.stringify(value)}.`,
      );
    return { ...options, clipStop: layers };
  },
  randn_source: (options, value) => {
    const source = String(value).toUpperCase();
    if (source === "GPU" || source === "CPU" || source === "NV")
      return { ...options, randomSource: source, choseRandomSource: true };
    return refuse(422, `randn_source: expected GPU, CPU or NV, got ${JSON.stringify(value)}.`);
  },
};

/** Options as webui lists them. */
export function showOptions(options: Options, catalogue: Catalogue): Record<string, unknown> {
  return {
    ...fixed,
    ...shownOnly,
    sd_model_checkpoint: options.model ?? catalogue.default,
    sd_checkpoint_hash: "",
    sd_vae: options.vae ?? "Automatic",
    CLIP_stop_at_last_layers: options.clipStop,
    randn_source: options.randomSource,
  };
}

const isSame = (a: unknown, b: unknown) => a === b || (typeof b !== "string" && Number(a) === Number(b));

/** Options with these changes. Values that this server cannot have are refused. */
export function changeOptions(
  options: Options,
  changes: Readonly<Record<string, unknown>>,
  catalogue: Catalogue,
): Options {
  let changed = options;
  const shown = showOptions(options, catalogue);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined) continue;
    const set = Object.hasOwn(setters, name) ? setters[name] : undefined;
    // What a client read before and sends back is no choice of its own.
    if (set && isSame(value, shown[name])) continue;
    if (set) changed = set(changed, value, catalogue);
    else if (Object.hasOwn(fixed, name)) {
      if (!isSame(value, fixed[name]))
        refuse(
          422,
          `${name}: this server has ${JSON.stringify(fixed[name])} only, got ${JSON.stringify(value)}.`,
        );
    } else if (!withoutEffect.test(name)) refuse(422, `Unknown option: ${name}.`);
  }
  return changed;
}

/** Every caller's options; of many, those of the callers that were here last. */
export class OptionsOfCallers {
  readonly #options = new Map<string, Options>();
  readonly #most = 1000;

  get(owner: string): Options {
    return this.#options.get(owner) ?? defaultOptions;
  }

  set(owner: string, options: Options): void {
    this.#options.delete(owner);
    this.#options.set(owner, options);
    const oldest = this.#options.keys().next().value;
    if (this.#options.size > this.#most && oldest !== undefined) this.#options.delete(oldest);
  }
}
