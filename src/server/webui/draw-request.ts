// From webui's fields to a request of this server. What cannot be honoured is refused, and nothing is passed over in silence.
import type { StoredRequest } from "../../pipeline/index.js";
import type { Catalogue, JobLoad, ModelInfo } from "../api/index.js";
import { refuse } from "./errors.js";
import type { CommonFields } from "./fields.js";
import { changeOptions, type Options, requireModel } from "./options.js";
import { applyStyles, findEmbeddings, fitsModel, type PromptStyle, readExtraNetworks } from "./prompts.js";
import { checkNoise, readEta, readRandom, readSampling } from "./sampling.js";

/** Everything that a request is read with. */
export interface Reading {
  readonly catalogue: Catalogue;
  readonly options: Options;
  readonly styles: readonly PromptStyle[];
}

/** What is drawn, and what the reply repeats. */
export interface DrawRequest {
  readonly request: StoredRequest;
  readonly load: JobLoad;
  readonly model: ModelInfo;
  readonly options: Options;
  /** The prompts as the client sees them: with styles and extra networks. */
  readonly prompt: string;
  readonly negative: string;
}

/** Scripts and extensions: there are none, so a client must not believe that one ran. */
function checkScripts({ script_name, alwayson_scripts }: CommonFields): void {
  if (script_name !== "" && script_name !== "None") refuse(422, `Script '${script_name}' not found`);
  const [name] = Object.keys(alwayson_scripts);
  if (name !== undefined) refuse(422, `always on script ${name} not found`);
}

function checkUnsupported(fields: CommonFields): void {
  const {
    restore_faces,
    refiner_checkpoint,
    seed_resize_from_h: h,
    seed_resize_from_w: w,
    width,
    height,
  } = fields;
  if (restore_faces) refuse(422, "restore_faces: expected false: this server has no face restorer.");
  if (refiner_checkpoint !== "" && refiner_checkpoint !== "None")
    refuse(422, "refiner_checkpoint: expected none: this server draws with one checkpoint.");
  if (h > 0 && w > 0 && (h !== height || w !== width))
    refuse(
      422,
      `seed_resize_from_w, seed_resize_from_h: expected 0, got ${w}x${h}: noise has the image's size.`,
    );
}

function readVariation({
  subseed,
  subseed_strength: strength,
}: CommonFields): Pick<StoredRequest, "variation"> {
  if (strength === 0) return {};
  return { variation: { strength, ...(subseed >= 0 && { seed: subseed }) } };
}

/** The parts that txt2img and img2img share. */
export function readDrawing(
  fields: CommonFields,
  { catalogue, options: before, styles }: Reading,
): DrawRequest {
  checkScripts(fields);
  checkUnsupported(fields);
  const options = changeOptions(before, fields.override_settings, catalogue);
  const model = requireModel(catalogue, options.model ?? catalogue.default);
  const shown = applyStyles(
    { prompt: fields.prompt, negative: fields.negative_prompt },
    fields.styles,
    styles,
  );
  const isDisabled = fields.disable_extra_networks;
  const { prompt, loras } = readExtraNetworks(shown.prompt, catalogue.additions, isDisabled);
  const negative = readExtraNetworks(shown.negative, catalogue.additions, isDisabled);
  const takesEmbeddings = model.loadOptions.includes("embedding");
  const fitting = catalogue.additions.filter((addition) => fitsModel(addition, model));
  const embeddings = takesEmbeddings ? findEmbeddings([prompt, negative.prompt], fitting) : [];
  const name = fields.sampler_name || fields.sampler_index || "Euler";
  const { sampler, schedule } = readSampling(name, fields.scheduler, model);
  checkNoise(fields, sampler);
  const rng = readRandom(options, model);
  const request: StoredRequest = {
    prompt: prompt.trim(),
    negativePrompt: negative.prompt.trim(),
    ...(fields.seed >= 0 && { seed: fields.seed }),
    count: fields.batch_size * fields.n_iter,
    steps: fields.steps,
    guidance: fields.cfg_scale,
    sampler,
    ...(schedule && { schedule }),
    ...readEta(fields, sampler),
    ...(rng && { rng }),
    size: { width: fields.width, height: fields.height },
    ...readVariation(fields),
    ...(options.clipStop > 1 && { clipSkip: options.clipStop - 1 }),
    ...(fields.tiling && { seamless: true }),
  };
  const load: JobLoad = {
    ...([...loras, ...negative.loras].length > 0 && { loras: [...loras, ...negative.loras] }),
    ...(embeddings.length > 0 && { embeddings }),
    ...(options.vae !== undefined && { vae: options.vae }),
  };
  return { request, load, model, options, prompt: shown.prompt, negative: shown.negative };
}
