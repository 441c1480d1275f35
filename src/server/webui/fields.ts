// The fields of txt2img and img2img. Like webui, a field that is null counts as left out, numbers may be texts, and unknown
// fields are passed over; unlike webui, every known field is checked.
import { NishikiError } from "../../errors.js";
import {
  flag,
  getElement,
  getShape,
  isRecord,
  numberBetween,
  parse,
  unwrap,
  wholeNumber,
  z,
} from "../../schema/index.js";
import { listFaults, makeFault, refuseFields } from "./errors.js";

const seed = wholeNumber(-1).default(-1);
const text = z.string().default("");
const record = z.record(z.string(), z.unknown()).default({});
const share = numberBetween(0, 1);
const side = wholeNumber(1, 32_768);

const common = {
  prompt: text,
  negative_prompt: text,
  styles: z.array(z.string()).default([]),
  seed,
  subseed: seed,
  subseed_strength: share.default(0),
  seed_resize_from_h: z.int().default(-1),
  seed_resize_from_w: z.int().default(-1),
  sampler_name: z.string().optional(),
  sampler_index: z.string().optional(),
  scheduler: z.string().optional(),
  batch_size: wholeNumber(1, 10_000).default(1),
  n_iter: wholeNumber(1, 10_000).default(1),
  steps: wholeNumber(1, 1000).default(50),
  cfg_scale: numberBetween(0, 100).default(7),
  width: side.default(512),
  height: side.default(512),
  restore_faces: flag.default(false),
  tiling: flag.default(false),
  eta: share.optional(),
  s_min_uncond: numberBetween(0).default(0),
  s_churn: numberBetween(0).default(0),
  s_tmax: numberBetween(0).optional(),
  s_tmin: numberBetween(0).default(0),
  s_noise: numberBetween(0).default(1),
  override_settings: record,
  override_settings_restore_afterwards: flag.default(true),
  refiner_checkpoint: text,
  refiner_switch_at: numberBetween(0).optional(),
  disable_extra_networks: flag.default(false),
  script_name: text,
  script_args: z.array(z.unknown()).default([]),
  alwayson_scripts: record,
  send_images: flag.default(true),
  save_images: flag.default(false),
  force_task_id: z.string().max(200).optional(),
  infotext: z.string().max(200_000).optional(),
};

const textToImageSchema = z.object({
  ...common,
  denoising_strength: share.default(0.75),
  enable_hr: flag.default(false),
  hr_scale: numberBetween(1, 16).default(2),
  hr_upscaler: text,
  hr_second_pass_steps: wholeNumber(0, 1000).default(0),
  hr_resize_x: wholeNumber(0, 32_768).default(0),
  hr_resize_y: wholeNumber(0, 32_768).default(0),
  hr_checkpoint_name: text,
  hr_sampler_name: text,
  hr_scheduler: text,
  hr_prompt: text,
  hr_negative_prompt: text,
  firstphase_width: wholeNumber(0, 32_768).default(0),
  firstphase_height: wholeNumber(0, 32_768).default(0),
});

const imageToImageSchema = z.object({
  ...common,
  init_images: z.array(z.string()).min(1),
  denoising_strength: share.default(0.75),
  mask: z.string().optional(),
  mask_blur: numberBetween(0, 1000).optional(),
  mask_blur_x: numberBetween(0, 1000).default(4),
  mask_blur_y: numberBetween(0, 1000).default(4),
  mask_round: flag.default(true),
  inpainting_fill: wholeNumber(0, 3).default(0),
  inpaint_full_res: flag.default(true),
  inpaint_full_res_padding: wholeNumber(0, 4096).default(0),
  inpainting_mask_invert: wholeNumber(0, 1).default(0),
  resize_mode: wholeNumber(0, 3).default(0),
  image_cfg_scale: z.number().optional(),
  initial_noise_multiplier: z.number().default(1),
  include_init_images: flag.default(false),
});

export type CommonFields = z.output<z.ZodObject<typeof common>>;
export type TextToImage = z.output<typeof textToImageSchema>;
export type ImageToImage = z.output<typeof imageToImageSchema>;

const { $ZodNumber, $ZodBoolean, $ZodString } = z.core;

const numeric = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;
const truths = new Map(
  Object.entries({
    true: true,
    on: true,
    yes: true,
    y: true,
    "1": true,
    false: false,
    off: false,
    no: false,
    n: false,
    "0": false,
  }),
);

/** A value in the type that its field has, where it can be read as one, as webui's checks read it. */
function coerce(schema: z.core.$ZodType, value: unknown): unknown {
  const plain = unwrap(schema);
  if (plain instanceof $ZodNumber && typeof value === "string" && numeric.test(value)) return Number(value);
  if (plain instanceof $ZodString && typeof value === "number") return String(value);
  if (plain instanceof $ZodBoolean && (typeof value === "string" || typeof value === "number"))
    return truths.get(String(value).toLowerCase()) ?? value;
  const element = getElement(schema);
  return element && Array.isArray(value) ? value.map((entry) => coerce(element, entry)) : value;
}

/** Checks an object's fields. Answers 422 with all faults. */
export function readFields<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  if (!isRecord(body)) refuseFields([makeFault("", "expected a JSON object.")]);
  const shape = getShape(schema) ?? {};
  const known = Object.entries(body).filter(
    ([name, value]) => value !== null && value !== undefined && Object.hasOwn(shape, name),
  );
  const values = Object.fromEntries(known.map(([name, value]) => [name, coerce(shape[name]!, value)]));
  try {
    return parse(schema, values, { name: "the body" });
  } catch (error) {
    if (error instanceof NishikiError) refuseFields(listFaults(error.message));
    throw error;
  }
}

export const readTextToImage = (body: unknown): TextToImage => readFields(textToImageSchema, body);
export const readImageToImage = (body: unknown): ImageToImage => readFields(imageToImageSchema, body);
