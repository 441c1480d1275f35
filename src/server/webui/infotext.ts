// The `infotext` of a request: the text that images carry under "parameters". Fields that the request sets itself come first.
import { parseParameters } from "../../image/index.js";
import { isRecord } from "../../schema/index.js";

const names: Readonly<Record<string, string>> = {
  Steps: "steps",
  Sampler: "sampler_name",
  "Schedule type": "scheduler",
  Eta: "eta",
  "Eta DDIM": "eta",
  "CFG scale": "cfg_scale",
  Seed: "seed",
  "Variation seed": "subseed",
  "Variation seed strength": "subseed_strength",
  "Denoising strength": "denoising_strength",
  "Hires upscale": "hr_scale",
  "Hires upscaler": "hr_upscaler",
  "Hires steps": "hr_second_pass_steps",
  "Hires sampler": "hr_sampler_name",
  "Hires schedule type": "hr_scheduler",
  "Hires prompt": "hr_prompt",
  "Hires negative prompt": "hr_negative_prompt",
  "Mask blur": "mask_blur",
};

/** A body with the fields of its infotext filled in where it has none. */
export function addInfotext(body: unknown): unknown {
  if (!isRecord(body) || typeof body.infotext !== "string" || body.infotext.trim() === "") return body;
  const { prompt, negativePrompt, fields } = parseParameters(body.infotext.slice(0, 200_000));
  const [, width, height] = /^(\d+)x(\d+)$/.exec(fields.Size ?? "") ?? [];
  const found: Record<string, unknown> = { prompt, negative_prompt: negativePrompt };
  for (const [name, value] of Object.entries(fields)) {
    const field = Object.hasOwn(names, name) ? names[name] : undefined;
    if (field !== undefined) found[field] = value;
  }
  if (width !== undefined) Object.assign(found, { width, height });
  if (fields["Hires upscale"] !== undefined) found.enable_hr = true;
  if (fields.Tiling !== undefined) found.tiling = fields.Tiling;
  const settings: Record<string, unknown> = {
    ...(fields["Clip skip"] !== undefined && { CLIP_stop_at_last_layers: fields["Clip skip"] }),
    ...(fields.RNG !== undefined && { randn_source: fields.RNG }),
  };
  const overrides = isRecord(body.override_settings) ? body.override_settings : {};
  const explicit = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
  return { ...found, ...Object.fromEntries(explicit), override_settings: { ...settings, ...overrides } };
}
