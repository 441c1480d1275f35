// Translates a request of this interface to a job. What cannot be honoured is refused with a reason; nothing is ignored.
import type { StoredRequest } from "../../pipeline/index.js";
import type { DrawJobRequest, ModelInfo, Parent } from "../api/index.js";
import { Refusal } from "./errors.js";
import type { InputImages } from "./input-images.js";
import { toSnakeCase } from "./names.js";
import {
  type Endpoint,
  getLoad,
  inpaintNames,
  type Parameters,
  type Quality,
  settingNames,
} from "./parameters.js";

/** Factors of the model's usual number of steps. */
const qualitySteps: Readonly<Record<Quality, number>> = {
  low: 0.5,
  auto: 1,
  standard: 1,
  medium: 1,
  high: 2,
  hd: 2,
};

/** How much variations and faithful edits change the image; other edits use the default of requests. */
const variationStrength = 0.6;
const faithfulStrength = 0.5;

/** What a variation shows if neither the request nor the image's file says so; without guidance, it hardly matters. */
const anyPrompt = "a picture";

function refuse(param: string, reason: string): never {
  throw new Refusal(400, `${param}: ${reason}`, { param, code: "unsupported_value" });
}

/** Refuses what no model here can do. @throws Refusal */
export function checkSupported(parameters: Parameters): void {
  const { background, style, output_format: format, output_compression: compression } = parameters;
  if (background === "transparent")
    refuse("background", 'the models here draw opaque images only; use "opaque" or leave it out.');
  if (style !== undefined)
    refuse("style", `the models here know no style "${style}"; describe the style in the prompt.`);
  if (format === "png" && compression !== undefined && compression !== 100)
    refuse("output_compression", 'PNG files are lossless; use output_format "jpeg" or "webp", or 100.');
  if (!parameters.stream && parameters.partial_images > 0)
    refuse("partial_images", "partial images are only sent in a stream; set stream to true.");
  if (parameters.stream && parameters.response_format === "url")
    refuse("response_format", 'a stream carries the images themselves; use "b64_json" or leave it out.');
}

/** Makes the job. @param images The stored images of an edit or a variation. @throws Refusal */
export function makeJob(
  endpoint: Endpoint,
  parameters: Parameters,
  model: ModelInfo,
  images?: InputImages,
): DrawJobRequest {
  const { n, size, partial_images: partials, stream } = parameters;
  const load = getLoad(parameters);
  const request = {
    ...pick(parameters, settingNames),
    ...getSteps(parameters, model),
    ...(endpoint === "variations" ? getVariationPrompt(parameters, images!) : { prompt: parameters.prompt! }),
    count: n,
    ...(size !== undefined && size !== "auto" && { size }),
    ...(images && getInit(endpoint, parameters, images)),
  };
  return {
    kind: "draw",
    model: model.id,
    request: request as StoredRequest,
    ...(load && { load }),
    ...(images && { parent: getParent(endpoint, images) }),
    ...(stream && partials > 0 && { partials }),
  };
}

/** The parameters that are settings of a request, by the settings' names. */
function pick(parameters: Parameters, names: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  const values = parameters as Readonly<Record<string, unknown>>;
  const entries = [...names].map(([name, setting]) => [setting, values[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function getSteps({ quality, ...parameters }: Parameters, { defaults }: ModelInfo): { steps?: number } {
  const factor = qualitySteps[quality];
  if (factor === 1) return {};
  const { steps, fast } = parameters as { readonly steps?: number; readonly fast?: boolean };
  if (steps !== undefined)
    refuse("quality", `"${quality}" sets the number of steps, and so does steps; leave one of them out.`);
  if (fast) refuse("quality", `the fast network has a fixed number of steps; leave out quality or fast.`);
  return { steps: Math.min(1000, Math.max(1, Math.round(Number(defaults.steps) * factor))) };
}

function getVariationPrompt(
  { prompt, ...rest }: Parameters,
  { image }: InputImages,
): { prompt: string; guidance?: number } {
  if (prompt !== undefined) return { prompt };
  const own = image.provenance?.prompt ?? "";
  if (own.trim() !== "") return { prompt: own };
  const { guidance = 1 } = rest as { readonly guidance?: number };
  return { prompt: anyPrompt, guidance };
}

function getInit(
  endpoint: Endpoint,
  parameters: Parameters,
  { image, mask }: InputImages,
): Pick<StoredRequest, "init" | "inpaint"> {
  const { strength, input_fidelity: fidelity } = parameters;
  if (strength !== undefined && fidelity !== undefined)
    refuse("input_fidelity", "it sets the strength, and so does strength; leave one of them out.");
  const usual =
    endpoint === "variations" ? variationStrength : fidelity === "high" ? faithfulStrength : undefined;
  const used = strength ?? usual;
  const inpaint = pick(parameters, inpaintNames);
  const isPainted = mask !== undefined || inpaint.extend !== undefined;
  const [unused] = isPainted ? [] : Object.keys(inpaint);
  if (unused !== undefined) refuse(toSnakeCase(unused), "it needs a mask, or extend.");
  return {
    init: { image: image.id, ...(used !== undefined && { strength: used }) },
    ...(isPainted && { inpaint: { ...(mask !== undefined && { mask }), ...inpaint } }),
  };
}

function getParent(endpoint: Endpoint, { image, mask }: InputImages): Parent {
  const action = endpoint === "variations" ? "vary-strong" : mask === undefined ? "start-image" : "edit";
  return { image: image.id, action };
}
