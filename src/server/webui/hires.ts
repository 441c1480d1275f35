// The hires fix: a second pass at a larger size. Stable Diffusion draws it from the enlarged latents or pixels; the embedded
// model's second pass is its super-resolution network.
import { type HiresMethod, hiresLabels, type ImageSize, type StoredRequest } from "../../pipeline/index.js";
import type { ModelInfo } from "../api/index.js";
import type { DrawRequest, Reading } from "./draw-request.js";
import { makeFault, refuse, refuseFields } from "./errors.js";
import type { TextToImage } from "./fields.js";
import { findModel } from "./options.js";
import { applyStyles, readExtraNetworks } from "./prompts.js";
import { readSampling } from "./sampling.js";

/** A request with its second pass. */
export interface HiresRequest {
  readonly request: StoredRequest;
  /** What the reply says about the second pass. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Sentences about fields that the model's second pass has no use for. */
  readonly comments: readonly string[];
}

interface Passes {
  readonly first: ImageSize;
  readonly second: ImageSize;
}

/** The sizes of both passes. Like webui: by the scale, or to a size; with one side, the other follows. */
export function getPasses(fields: TextToImage, step: number): Passes {
  const { width, height, firstphase_width: w, firstphase_height: h } = fields;
  const below = (side: number) => Math.max(step, Math.trunc(side) - (Math.trunc(side) % step));
  if (w > 0 && h > 0) return { first: { width: w, height: h }, second: { width, height } };
  const { hr_scale: scale, hr_resize_x: x, hr_resize_y: y } = fields;
  const first = { width, height };
  if (x === 0 && y === 0)
    return { first, second: { width: below(width * scale), height: below(height * scale) } };
  if (y === 0) return { first, second: { width: x, height: below((x * height) / width) } };
  if (x === 0) return { first, second: { width: below((y * width) / height), height: y } };
  if (Math.abs((x * height) / (y * width) - 1) > 0.02)
    refuse(422, `hr_resize_x, hr_resize_y: expected the aspect ratio of ${width}x${height}, got ${x}x${y}.`);
  return { first, second: { width: x, height: y } };
}

const methods = new Map<string, HiresMethod>([
  ...Object.entries(hiresLabels).map(
    ([method, label]) => [label.toLowerCase(), method as HiresMethod] as const,
  ),
  // Enlarging has nothing to smooth: both linear filters are the same there.
  ["latent (antialiased)", "latent"],
]);

/** webui's names of the ways to enlarge latents. */
export const latentModes = ["Latent", "Latent (antialiased)", ...Object.values(hiresLabels)].filter(
  (name, index, all) => name.startsWith("Latent") && all.indexOf(name) === index,
);

function readMethod(name: string): HiresMethod {
  const method = methods.get(name === "" ? "latent" : name.toLowerCase());
  if (method) return method;
  const choices = [...latentModes, hiresLabels.lanczos].join(", ");
  return refuse(422, `hr_upscaler: expected one of ${choices}, got ${name}.`);
}

const isSame = (name: string) => name === "" || /^(?:use same|automatic$|none$)/i.test(name);

function checkCheckpoint(
  { hr_checkpoint_name: name }: TextToImage,
  model: ModelInfo,
  { catalogue }: Reading,
): void {
  if (isSame(name) || findModel(catalogue, name)?.id === model.id) return;
  refuse(422, `hr_checkpoint_name: expected none: both passes are drawn by ${model.id}.`);
}

/** The prompts of the second pass, where they differ. */
function readPrompts(
  fields: TextToImage,
  { load }: DrawRequest,
  { catalogue, styles }: Reading,
): { readonly prompt?: string; readonly negativePrompt?: string } {
  const { hr_prompt, hr_negative_prompt, disable_extra_networks: isDisabled } = fields;
  if (hr_prompt === "" && hr_negative_prompt === "") return {};
  const texts = {
    prompt: hr_prompt || fields.prompt,
    negative: hr_negative_prompt || fields.negative_prompt,
  };
  const styled = applyStyles(texts, fields.styles, styles);
  const [prompt, negative] = [styled.prompt, styled.negative].map((text) =>
    readExtraNetworks(text, catalogue.additions, isDisabled),
  ) as [ReturnType<typeof readExtraNetworks>, ReturnType<typeof readExtraNetworks>];
  const loras = [...prompt.loras, ...negative.loras];
  if (JSON.stringify(loras) !== JSON.stringify(load.loras ?? []))
    refuse(422, "hr_prompt: expected the LoRAs of the prompt, which both passes are drawn with.");
  return {
    ...(hr_prompt !== "" && { prompt: prompt.prompt.trim() }),
    ...(hr_negative_prompt !== "" && { negativePrompt: negative.prompt.trim() }),
  };
}

function addTwoPasses(fields: TextToImage, drawing: DrawRequest, reading: Reading): HiresRequest {
  const { model, request } = drawing;
  const { range } = model.sizes as { range?: { step: number } };
  const { first, second } = getPasses(fields, range?.step ?? 8);
  const method = readMethod(fields.hr_upscaler);
  const { hr_sampler_name: name, hr_scheduler: scheduler } = fields;
  const sampling =
    isSame(name) && isSame(scheduler)
      ? undefined
      : readSampling(
          isSame(name) ? (request.sampler ?? "Euler") : name,
          isSame(scheduler) ? fields.scheduler : scheduler,
          model,
        );
  const steps = fields.hr_second_pass_steps || fields.steps;
  const hires = {
    from: first,
    strength: fields.denoising_strength,
    steps,
    method,
    ...(sampling && { sampler: sampling.sampler }),
    ...(sampling?.schedule && { schedule: sampling.schedule }),
    ...readPrompts(fields, drawing, reading),
  };
  const scale = second.width / first.width;
  const extra = { "Hires upscale": scale, "Hires steps": steps, "Hires upscaler": hiresLabels[method] };
  return { request: { ...request, size: second, hires }, extra, comments: [] };
}

/** The embedded model enlarges what it drew by factors of its own. */
function addEnlarging(fields: TextToImage, { request, model }: DrawRequest): HiresRequest {
  const { second } = getPasses(fields, 1);
  const isPlain = fields.hr_upscaler.toLowerCase() === "lanczos";
  if (!isPlain && !/super-resolution$/i.test(fields.hr_upscaler)) readMethod(fields.hr_upscaler);
  if (fields.hr_prompt !== "" || fields.hr_negative_prompt !== "")
    refuse(
      422,
      `hr_prompt, hr_negative_prompt: expected none: the second pass of ${model.id} reads no prompt.`,
    );
  if (isPlain && !isSame(fields.hr_sampler_name))
    refuse(422, "hr_sampler_name: expected none: Lanczos is a filter and needs no sampler.");
  const sampler = isSame(fields.hr_sampler_name)
    ? undefined
    : readSampling(fields.hr_sampler_name, "", model).sampler;
  const upscale = isPlain ? ("lanczos" as const) : ("super-resolution" as const);
  const what = isPlain
    ? "a filter, Lanczos"
    : "its super-resolution network, with noise and steps of its own";
  const usual = (model.sizes as { usual?: ImageSize }).usual;
  if (usual && second.width === usual.width && second.height === usual.height)
    refuseFields([makeFault("hr_scale", `expected a size above ${usual.width}x${usual.height}.`)]);
  return {
    request: { ...request, size: second, upscale, ...(sampler && { upscaleSampler: sampler }) },
    extra: { "Hires upscaler": isPlain ? "Lanczos" : "Super-resolution" },
    comments: [
      `The second pass of ${model.id} is ${what}: denoising_strength and hr_second_pass_steps do not apply.`,
    ],
  };
}

/** The request with its second pass, if it has one. */
export function addHires(fields: TextToImage, drawing: DrawRequest, reading: Reading): HiresRequest {
  if (!fields.enable_hr) return { request: drawing.request, extra: {}, comments: [] };
  checkCheckpoint(fields, drawing.model, reading);
  const { takes } = drawing.model;
  if (takes.includes("hires")) return addTwoPasses(fields, drawing, reading);
  if (takes.includes("upscale")) return addEnlarging(fields, drawing);
  return refuse(422, `enable_hr: expected false: ${drawing.model.id} has no second pass.`);
}
