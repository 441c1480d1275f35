// What txt2img and img2img answer: images in base64, the fields again, and `info`, JSON in a text, with every key that webui has.
import { samplers } from "../../diffusion/index.js";
import { readPngText } from "../../image/index.js";
import type { Job } from "../api/index.js";
import type { Application } from "../application.js";
import type { DrawRequest } from "./draw-request.js";
import type { CommonFields } from "./fields.js";
import type { Task } from "./tasks.js";

/** A finished image with what its file says. */
interface Finished {
  readonly base64: string;
  readonly infotext: string;
  readonly seed: number;
  readonly subseed: number | undefined;
  readonly width: number;
  readonly height: number;
  readonly weights: Readonly<Record<string, string>>;
}

interface StoredSettings {
  readonly seed?: number;
  readonly variation?: { readonly seed?: number; readonly strength?: number };
}

function readWeights(receipt: string | undefined): Readonly<Record<string, string>> {
  try {
    const { model } = JSON.parse(receipt ?? "{}") as { model?: { weights?: Record<string, string> } };
    return model?.weights ?? {};
  } catch {
    return {};
  }
}

export async function readFinished(application: Application, job: Job): Promise<Finished[]> {
  const images = [...job.images].sort((a, b) => a.index - b.index);
  const finished = images.map(async ({ id, seed, width, height, request }): Promise<Finished[]> => {
    const file = await application.imageFile(id);
    if (!file) return []; // deleted in the meantime
    const text = readPngText(file.bytes);
    return [
      {
        base64: Buffer.from(file.bytes).toString("base64"),
        infotext: text.parameters ?? "",
        seed,
        subseed: (request as StoredSettings).variation?.seed,
        width,
        height,
        weights: readWeights(text.nishiki),
      },
    ];
  });
  return (await Promise.all(finished)).flat();
}

/** webui's hash of a checkpoint: the first ten digits of its SHA-256; of several files, that of the denoiser. */
function getModelHash(weights: Readonly<Record<string, string>>): string {
  const files = Object.entries(weights);
  const [, hash] = files.find(([name]) => /denoiser|unet/i.test(name)) ?? files[0] ?? ["", ""];
  return hash.slice(0, 10);
}

/** The time in webui's form, 20261128193000. */
export const getTimestamp = (time: Date) => time.toISOString().replaceAll(/\D/g, "").slice(0, 14);

interface Seeds {
  readonly seeds: readonly number[];
  readonly subseeds: readonly number[];
}

/** webui's seeds: each image adds 1; of variations only the variation's seed grows. */
function listSeeds(job: Job, count: number): Seeds {
  const { seed = -1, variation } = job.request as StoredSettings;
  const isVaried = (variation?.strength ?? 0) > 0;
  const indices = Array.from({ length: count }, (_, i) => i);
  return {
    seeds: indices.map((i) => (isVaried ? seed : seed + i)),
    subseeds: indices.map((i) => (variation?.seed ?? seed) + i),
  };
}

export interface ReplyOptions {
  readonly fields: CommonFields & { readonly denoising_strength: number };
  readonly drawing: DrawRequest;
  readonly task: Task;
  readonly job: Job;
  readonly images: readonly Finished[];
  /** Keys of `extra_generation_params`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly comments?: readonly string[];
  /** Whether the strength had a part in it. */
  readonly usesStrength: boolean;
}

function makeInfo({
  fields,
  drawing,
  task,
  job,
  images,
  extra = {},
  comments = [],
  usesStrength,
}: ReplyOptions) {
  const count = fields.batch_size * fields.n_iter;
  const { seeds, subseeds } = listSeeds(job, count);
  const repeat = (text: string) => Array.from({ length: count }, () => text);
  const first = images[0];
  return {
    prompt: drawing.prompt,
    all_prompts: repeat(drawing.prompt),
    negative_prompt: drawing.negative,
    all_negative_prompts: repeat(drawing.negative),
    seed: seeds[0],
    all_seeds: seeds,
    subseed: subseeds[0],
    all_subseeds: subseeds,
    subseed_strength: fields.subseed_strength,
    width: first?.width ?? fields.width,
    height: first?.height ?? fields.height,
    sampler_name: samplers[drawing.request.sampler as keyof typeof samplers].label,
    cfg_scale: fields.cfg_scale,
    steps: fields.steps,
    batch_size: fields.batch_size,
    restore_faces: false,
    face_restoration_model: null,
    sd_model_name: job.model,
    sd_model_hash: first ? getModelHash(first.weights) : "",
    sd_vae_name: drawing.options.vae ?? null,
    sd_vae_hash: null,
    seed_resize_from_w: fields.seed_resize_from_w,
    seed_resize_from_h: fields.seed_resize_from_h,
    denoising_strength: usesStrength ? fields.denoising_strength : null,
    extra_generation_params: extra,
    index_of_first_image: 0,
    infotexts: images.map(({ infotext }) => infotext),
    styles: fields.styles,
    job_timestamp: getTimestamp(task.started),
    clip_skip: drawing.options.clipStop,
    is_using_inpainting_conditioning: false,
    version: images[0]?.infotext.match(/Version: ([^,\n]+)/)?.[1] ?? "nishiki",
    comments: [...comments, ...job.warnings].join("\n"),
  };
}

/** The answer. `parameters` repeats the fields without the images, which may be large; webui leaves those out, too. */
export function makeReply(options: ReplyOptions, more: readonly string[] = []) {
  const { fields, images } = options;
  const {
    init_images: _images,
    mask: _mask,
    ...echo
  } = fields as ReplyOptions["fields"] & {
    init_images?: unknown;
    mask?: unknown;
  };
  const includes = (fields as { include_init_images?: boolean }).include_init_images;
  return {
    images: fields.send_images ? [...images.map(({ base64 }) => base64), ...more] : [],
    parameters:
      _images === undefined
        ? echo
        : {
            ...echo,
            ...(includes ? { init_images: _images, mask: _mask ?? null } : { init_images: null, mask: null }),
          },
    info: JSON.stringify(makeInfo(options)),
  };
}
