// Karlo as a family: unCLIP as published (Ramesh et al. 2022, arXiv:2204.06125, section 2), by Kakao Brain with open weights. A
// prior draws CLIP's embedding of an image, a decoder draws 64×64 pixels from it and the prompt, and two networks enlarge them.
// What goes into the networks, and in which order random numbers are drawn, is that of diffusers' pipelines.
import { getDenoiser, getPredictionFrame, type Network, splitVariance } from "../../../diffusion/index.js";
import type { Watch } from "../../cancel.js";
import { enlargeBicubic } from "../../enlarge-bicubic.js";
import type { ImageSettings } from "../../image-request.js";
import { makePasteStage } from "../../paste-stage.js";
import type {
  Conditioning,
  DiffusionStage,
  Model,
  Plan,
  StageResult,
  StageRun,
  TransformStage,
} from "../../plan.js";
import { fromPlanes } from "../../planes.js";
import { getPartWeights } from "../../prompt/composition.js";
import type { Scheduled } from "../../prompt/prompt-editing.js";
import {
  atSteps,
  getRowShares,
  mapSchedules,
  type PromptRow,
  type PromptSchedules,
  schedulePrompts,
} from "../../prompt/prompt-rows.js";
import type { Runtime } from "../../runtime.js";
import { getValues } from "../../stage-results.js";
import { f32, floats } from "../../tensors.js";
import type { NetworkWork } from "../../work.js";
import { type EmbeddingPlan, type GetEmbedding, listPromptTexts, planEmbeddings } from "./embeddings.js";
import { makeDecoderInit, makeEnlargedInit } from "./karlo-init.js";
import { getSuperResolutionSteps, type KarloModel, type PixelStage, planPixels } from "./karlo-model.js";
import { getKarloWork } from "./karlo-work.js";
import type { Networks } from "./networks.js";
import { getOwnSampler } from "./prior.js";
import { type EncodedText, encodeText, findTextWarnings, type TextEncoder } from "./text.js";
import { UnclipModel } from "./unclip-model.js";

/** What the decoder sees of a prompt and an image embedding. */
interface DecoderInputs {
  readonly tokens: Float32Array;
  readonly time: Float32Array;
  /** 1 for the tokens that are seen. */
  readonly mask: Float32Array;
}

interface Texts {
  readonly schedules: PromptSchedules<string>;
  readonly encoded: ReadonlyMap<string, EncodedText>;
}

const clip = (values: Float32Array) => values.map((value) => Math.min(1, Math.max(-1, value)));

class Karlo extends UnclipModel<KarloModel> implements Model {
  async prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan> {
    const networks = this.open(runtime);
    runtime.onProgress?.({ kind: "encode", stage: "prompt" });
    const { prior, images, superResolution, decoder } = this.parts;
    const steps = this.planDecoder(settings).sigmas.length - 1;
    const schedules = schedulePrompts(settings, steps);
    const needs = {
      ...{ blendsPrompt: false, drawsNegative: false, needsUncond: false },
      ...listPromptTexts(schedules),
    };
    const embeddings = await planEmbeddings(
      { prior, images, text: this.text, cache: this.cache },
      settings,
      networks,
      needs,
    );
    const encoded = new Map<string, EncodedText>();
    for (const text of new Set([...needs.prompts, ...needs.negatives]))
      encoded.set(text, await encodeText(this.text, text, networks));
    const texts = { schedules, encoded };
    const warnings = findTextWarnings(this.text, needs);
    const isSmall = settings.stages === 1;
    const drawn = [
      this.makeDecoderStage(settings, networks, embeddings, texts),
      ...(isSmall ? [] : [this.makeSuperResolutionStage(settings, networks)]),
    ];
    const { side } = isSmall ? decoder : superResolution;
    const stages = [...embeddings.stages, ...drawn, makePixelStage(side), ...makePasteStage(settings)];
    return { warnings, stages };
  }

  getWork(settings: ImageSettings): readonly NetworkWork[] {
    return getKarloWork(this.parts, settings);
  }

  private planDecoder({ steps, init }: ImageSettings) {
    return planPixels(this.parts.decoder, steps, "steps", init?.strength);
  }

  private makeDecoderStage(
    settings: ImageSettings,
    networks: Networks,
    embeddings: EmbeddingPlan,
    texts: Texts,
  ): DiffusionStage {
    const { decoder } = this.parts;
    const plan = this.planDecoder(settings);
    const init = makeDecoderInit(settings, decoder.side);
    return {
      ...makeStage("base", decoder, plan),
      ...(init && { init }),
      guidance: {
        scale: Math.max(1, settings.guidance),
        weights: getPartWeights(settings.prompt),
        rescale: settings.guidanceRescale,
        rescaleIn: getPredictionFrame(decoder.scheduler.prediction, plan.schedule),
        interval: settings.guidanceInterval,
      },
      start: async ({ results }): Promise<StageRun> => {
        const isGuided = settings.guidance > 1;
        const inputs = await this.projectAll(texts, embeddings.get(results), networks, isGuided);
        const { network, learnedVariance } = splitVariance(
          this.decoder(networks),
          getRowShares(settings.prompt),
        );
        const denoise = getDenoiser(decoder.scheduler.prediction, network, plan.schedule);
        const isLearned = decoder.scheduler.fields.variance_type === "learned_range";
        return {
          ...(isLearned && { learnedVariance }),
          denoiser: () => atSteps(denoise, inputs, plan.sigmas),
          preview: async (denoised) => fromPlanes(denoised, getSize(decoder)),
          finish: (pixels) => toResult(clip(pixels), decoder),
        };
      },
    };
  }

  /** The decoder's inputs over its steps. */
  private async projectAll(
    { schedules, encoded }: Texts,
    getEmbedding: GetEmbedding,
    networks: Networks,
    isGuided: boolean,
  ): Promise<PromptSchedules<DecoderInputs>> {
    const inputs = new Map<string, DecoderInputs>();
    const name = (text: string, of: Conditioning) => `${of === "uncond"} ${text}`;
    for (const [of, schedule] of Object.entries(schedules) as [Conditioning, Scheduled<string>][])
      for (const { value: text } of schedule) {
        if (inputs.has(name(text, of)) || (of === "uncond" && !isGuided)) continue;
        const embedding = getEmbedding(text, of);
        inputs.set(name(text, of), await this.project(encoded.get(text)!, embedding, networks));
      }
    const [unused] = inputs.values(); // without guidance, nobody asks for the negative prompt's
    return mapSchedules(schedules, (text, of) => inputs.get(name(text, of)) ?? unused!);
  }

  /** The text projection's output for a text and an image embedding, or none. */
  private async project(
    text: EncodedText,
    image: Float32Array | undefined,
    networks: Networks,
  ): Promise<DecoderInputs> {
    const { imageTokens, clipWidth } = this.parts.textProjection;
    const inputs = {
      text: f32(text.embedding, 1, clipWidth),
      states: f32(text.states, 1, text.mask.length, clipWidth),
      ...(image && { image: f32(image, 1, clipWidth) }),
    };
    const key = { part: "text projection", hasImage: image !== undefined } as const;
    const outputs = await networks.use(key, (session) => session.run(inputs));
    const mask = new Float32Array(imageTokens + text.mask.length).fill(1, 0, imageTokens);
    mask.set(text.mask, imageTokens);
    return { tokens: floats(outputs, "tokens"), time: floats(outputs, "time"), mask };
  }

  private decoder(networks: Networks): Network<PromptRow<DecoderInputs>> {
    const { unet, side } = this.parts.decoder;
    return async (input, time, conditions) => {
      const rows = conditions.map(({ value }) => value);
      const join = (name: keyof DecoderInputs, ...shape: number[]) => {
        const size = rows[0]![name].length;
        const data = new Float32Array(rows.length * size);
        rows.forEach((row, i) => {
          data.set(row[name], i * size);
        });
        return f32(data, rows.length, ...shape);
      };
      const count = rows[0]!.mask.length;
      const inputs = {
        sample: f32(input, rows.length, unet.inChannels, side, side),
        timestep: f32(new Float32Array(rows.length).fill(time), rows.length),
        states: join("tokens", count, unet.crossWidth),
        labels: join("time", unet.timeWidth),
        mask: join("mask", count),
      };
      return floats(await networks.use({ part: "denoiser" }, (session) => session.run(inputs)), "prediction");
    };
  }

  /** Enlarges in a few steps; the last of them is another network's. */
  private makeSuperResolutionStage(settings: ImageSettings, networks: Networks): DiffusionStage {
    const { decoder, superResolution } = this.parts;
    const { scheduler, side } = superResolution;
    const plan = planPixels(superResolution, getSuperResolutionSteps(settings), "superResolution.steps");
    const lastTime = plan.schedule.timeOf(plan.sigmas.at(-2)!);
    const init = makeEnlargedInit(settings);
    return {
      ...makeStage("super-resolution", superResolution, plan),
      ...(init && { init }),
      start: async ({ results }): Promise<StageRun> => {
        const small = getValues(results.get("base"));
        const large = enlargeBicubic({ ...getSize(decoder), data: small }, getSize(superResolution));
        const network: Network<Conditioning> = async (input, time) => {
          const sample = new Float32Array(2 * input.length);
          sample.set(input);
          sample.set(large, input.length);
          const inputs = { sample: f32(sample, 1, 6, side, side), timestep: f32(Float32Array.of(time), 1) };
          const key = { part: "super-resolution", isLast: time === lastTime } as const;
          return floats(await networks.use(key, (session) => session.run(inputs)), "prediction");
        };
        return {
          denoiser: () => getDenoiser(scheduler.prediction, network, plan.schedule),
          preview: async (denoised) => fromPlanes(denoised, getSize(superResolution)),
        };
      },
    };
  }
}

const getSize = ({ side }: PixelStage) => ({ width: side, height: side });

const toResult = (data: Float32Array, { side }: PixelStage): StageResult => ({
  kind: "values",
  shape: [3, side, side],
  data,
});

/** What the stages over pixels have in common. */
function makeStage(
  name: string,
  { scheduler, limit, side }: PixelStage,
  plan: ReturnType<typeof planPixels>,
) {
  const { sigmas, noiseScale, finalScale, options } = plan;
  const { sample } = getOwnSampler(scheduler, "a stage");
  return {
    kind: "diffusion" as const,
    name,
    shape: [3, side, side],
    steps: { sampler: sample, sigmas, noiseScale, finalScale, options },
    limit,
  };
}

/** The last stage: what was drawn, as pixels. */
const makePixelStage = (side: number): TransformStage => ({
  kind: "transform",
  name: "pixels",
  run: async ({ last }) => ({
    kind: "pixels",
    pixels: fromPlanes(getValues(last), { width: side, height: side }),
  }),
});

/** A model, its text encoder and its networks, as a family. */
export function makeKarlo(model: KarloModel, text: TextEncoder, open: (watch: Watch) => Networks): Model {
  return new Karlo(model, text, open);
}
