// Encodes a generated image as a PNG with its metadata.

import { getSampler, getStepSchedule } from "../diffusion/index.js";
import { encodePng, formatParameters } from "../image/index.js";
import type { HiresMethod } from "./enlarge-latents.js";
import type { FillName } from "./image-request.js";
import type { Pixels } from "./pixels.js";
import { type Receipt, receiptKey } from "./receipt.js";
import { formatSize } from "./request-values.js";

/** stable-diffusion-webui's names of what a masked area begins with; it leaves out the original. */
const maskedContents = { surroundings: "fill", noise: "latent noise", nothing: "latent nothing" } as const;

const getMaskedContent = (fill: FillName | undefined) =>
  fill === undefined || fill === "original" ? undefined : maskedContents[fill];

/** LoRAs as stable-diffusion-webui's prompts name them: by their files, without the ending. */
const listLoras = ({ loras = [] }: Receipt["load"]): readonly string[] =>
  loras.map(({ file, weight }) => `<lora:${file.replace(/\.[^.]*$/, "")}:${weight}>`);

/** stable-diffusion-webui's names of the ways to enlarge a first pass. */
export const hiresLabels: Readonly<Record<HiresMethod, string>> = {
  latent: "Latent",
  "latent-bicubic": "Latent (bicubic)",
  "latent-nearest": "Latent (nearest)",
  "latent-nearest-exact": "Latent (nearest-exact)",
  lanczos: "Lanczos",
};

function listHires({
  hires,
  size,
}: Receipt["request"]): Readonly<Record<string, string | number | undefined>> {
  if (!hires) return {};
  const { from, steps, method, sampler, schedule, prompt, negativePrompt } = hires;
  const factor = size.width / from.width;
  const isFactor = factor === size.height / from.height && Number.isInteger(factor * 100);
  return {
    [isFactor ? "Hires upscale" : "Hires resize"]: isFactor ? factor : formatSize(size),
    "Hires steps": steps,
    "Hires upscaler": hiresLabels[method],
    "Hires sampler": sampler && getSampler(sampler).label,
    "Hires schedule type": schedule && getStepSchedule(schedule).label,
    "Hires prompt": prompt,
    "Hires negative prompt": negativePrompt,
  };
}

/**
 * Encodes an image as a PNG with two metadata texts: `parameters`, which other programs read, and the receipt for
 * `nishiki verify`.
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { encodeImage, parseReceipt, readInputImage } from "nishiki";
 * import { decodePng } from "nishiki/image";
 *
 * const { text } = decodePng(await readFile("cat.png"));
 * const png = encodeImage(await readInputImage("cat.png"), parseReceipt(text.nishiki!));
 * console.log(parseReceipt(decodePng(png).text.nishiki!).request.prompt); // → a cat
 * ```
 */
export function encodeImage(pixels: Pixels, receipt: Receipt): Uint8Array {
  const { request, model, version } = receipt;
  const { variation } = request;
  const parameters = formatParameters({
    prompt: [request.prompt, ...listLoras(receipt.load)].join(" "),
    negativePrompt: request.negativePrompt,
    fields: {
      Steps: request.steps,
      Sampler: getSampler(request.sampler).label,
      "Schedule type": request.schedule && getStepSchedule(request.schedule).label,
      Eta: request.eta,
      "CFG scale": request.guidance,
      Seed: request.seed,
      // With two passes, stable-diffusion-webui writes the size of the first.
      Size: formatSize(request.hires?.from ?? request.size),
      "Denoising strength": request.init?.strength ?? request.hires?.strength,
      ...listHires(request),
      // Its blur reaches twice its number of pixels.
      "Mask blur": request.inpaint?.feather === undefined ? undefined : request.inpaint.feather / 2,
      "Masked content": getMaskedContent(request.inpaint?.fill),
      "Inpaint area": request.inpaint?.onlyMasked === undefined ? undefined : "Only masked",
      "Masked area padding": request.inpaint?.onlyMasked,
      "Variation seed": variation?.strength ? variation.seed : undefined,
      "Variation seed strength": variation?.strength || undefined,
      "Deep features every": request.deepCache?.interval,
      "Stop at": request.stopAt,
      "Prompt spread": request.promptSpread,
      CADS: request.cads?.scale,
      // stable-diffusion-webui counts the last layer as 1.
      "Clip skip": request.clipSkip === undefined ? undefined : request.clipSkip + 1,
      Tiling: request.seamless ? "True" : undefined,
      // What it calls the generator that it does not use by default.
      RNG: request.rng === "torch-cpu" ? "CPU" : undefined,
      Model: `${model.name} ${model.version}`,
      Version: `nishiki ${version}`,
    },
  });
  return encodePng(pixels, { text: { parameters, [receiptKey]: JSON.stringify(receipt) } });
}
