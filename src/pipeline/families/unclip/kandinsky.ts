// Kandinsky 2.2 as a family (Razzhigaev et al. 2023, arXiv:2310.03502; 2.2 by the same authors): a prior draws CLIP's
// embedding of an image, and a latent diffusion draws the image from that embedding alone. What goes into the networks, and in
// which order random numbers are drawn, is that of diffusers' pipelines.
import {
  getDenoiser,
  getPredictionFrame,
  getSampler,
  type Network,
  splitVariance,
} from "../../../diffusion/index.js";
import { getMovqScale } from "../../../models/index.js";
import type { Watch } from "../../cancel.js";
import type { ImageSettings } from "../../image-request.js";
import { makeInitImage } from "../../init-image.js";
import { makePasteStage } from "../../paste-stage.js";
import {
  type DiffusionStage,
  getStopAfter,
  type InitPlan,
  type Model,
  type Plan,
  type StepPlan,
  type TransformStage,
} from "../../plan.js";
import { getPartWeights } from "../../prompt/composition.js";
import { getTimeLeft, makeConditionNoise } from "../../prompt/condition-noise.js";
import {
  atSteps,
  type ChangeRow,
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
import { type EmbeddingPlan, listPromptTexts, type PromptTexts, planEmbeddings } from "./embeddings.js";
import { type KandinskyModel, planBase } from "./kandinsky-model.js";
import { getKandinskyWork } from "./kandinsky-work.js";
import { type Area, MovqRuns } from "./movq-runs.js";
import type { Networks } from "./networks.js";
import { findTextWarnings, type TextEncoder } from "./text.js";
import { UnclipModel } from "./unclip-model.js";

/** What the denoiser is conditioned on: the embeddings of the prompts' texts. */
interface Conditions {
  readonly texts: PromptSchedules<string>;
  readonly embeddings: EmbeddingPlan;
}

/** The noise that a request puts on the embeddings of its prompt. */
function makeChange(settings: ImageSettings, seed: number, taken: number) {
  const noise = makeConditionNoise(settings, seed);
  if (!noise) return undefined;
  const change: ChangeRow<Float32Array> = ({ conditioning, value }, step) => {
    const timeLeft = getTimeLeft(step, taken, Math.max(taken, settings.steps));
    return noise(value, { conditioning, part: "embedding", step, timeLeft });
  };
  return change;
}

class Kandinsky extends UnclipModel<KandinskyModel> implements Model {
  async prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan> {
    const networks = this.open(runtime);
    runtime.onProgress?.({ kind: "encode", stage: "prompt" });
    const { prior, images } = this.parts;
    const steps = planBase(this.parts, settings).sigmas.length - 1;
    const texts = schedulePrompts(settings, steps);
    const needs = {
      ...{ blendsPrompt: true, drawsNegative: true, needsUncond: settings.guidance > 1 },
      ...listPromptTexts(texts),
    };
    const embeddings = await planEmbeddings(
      { prior, images, text: this.text, cache: this.cache },
      settings,
      networks,
      needs,
    );
    const movq = new MovqRuns(this.parts.movq, networks, this.getArea(settings));
    const decode: TransformStage = {
      kind: "transform",
      name: "decode",
      run: async ({ results }) => ({
        kind: "pixels",
        pixels: await movq.decode(getValues(results.get("base"))),
      }),
    };
    const base = this.makeBaseStage(settings, movq, networks, { texts, embeddings });
    const stages = [...embeddings.stages, base, decode, ...makePasteStage(settings)];
    return { warnings: this.findWarnings(settings, needs), stages };
  }

  private findWarnings({ inpaint }: ImageSettings, texts: PromptTexts): readonly string[] {
    const { unet, movq } = this.parts;
    const isUnmasked = unet.inChannels !== movq.latentChannels && !inpaint;
    const kind = `This is an inpainting model: its denoiser takes ${unet.inChannels} channels, including a mask`;
    return [
      ...(isUnmasked
        ? [`${kind}. Without --image and --mask, it draws the whole image, and worse than a plain model.`]
        : []),
      ...findTextWarnings(this.text, texts),
    ];
  }

  getWork(settings: ImageSettings): readonly NetworkWork[] {
    return getKandinskyWork(this.parts, settings);
  }

  private getArea({ size: { height, width } }: ImageSettings): Area {
    const scale = getMovqScale(this.parts.movq);
    return { height: height / scale, width: width / scale };
  }

  private makeBaseStage(
    settings: ImageSettings,
    runs: MovqRuns,
    networks: Networks,
    { texts, embeddings }: Conditions,
  ): DiffusionStage {
    const { scheduler, movq, limit } = this.parts;
    const area = this.getArea(settings);
    const plan = planBase(this.parts, settings);
    const init = this.makeInit(settings, runs);
    return {
      kind: "diffusion",
      name: "base",
      shape: [movq.latentChannels, area.height, area.width],
      steps: toSteps(settings, plan),
      guidance: {
        scale: Math.max(1, settings.guidance),
        weights: getPartWeights(settings.prompt),
        rescale: settings.guidanceRescale,
        rescaleIn: getPredictionFrame(scheduler.prediction, plan.schedule),
        interval: settings.guidanceInterval,
      },
      limit,
      ...(init && { init }),
      start: async ({ results, seed }) => {
        const { network, ...variance } = this.network(area, runs, networks, settings.prompt);
        const denoise = getDenoiser(scheduler.prediction, network, plan.schedule);
        const getEmbedding = embeddings.get(results);
        // Without guidance, the negative prompt has none, and nobody asks for it.
        const schedules = mapSchedules(texts, (text, of) => getEmbedding(text, of) ?? new Float32Array(0));
        const change = makeChange(settings, seed, plan.sigmas.length - 1);
        return {
          ...variance,
          denoiser: () => atSteps(denoise, schedules, plan.sigmas, change),
          preview: (latents) => runs.decode(latents),
        };
      },
    };
  }

  private makeInit(settings: ImageSettings, runs: MovqRuns): InitPlan | undefined {
    const image = makeInitImage(settings);
    if (!image) return undefined;
    const { movq, unet } = this.parts;
    const encoder = runs.makeEncoder(unet.inChannels !== movq.latentChannels);
    return { image, isFullNoise: settings.init?.strength === 1, encoder: async () => encoder };
  }

  /** The denoiser, and its variances where the scheduler takes them. */
  private network({ height, width }: Area, runs: MovqRuns, networks: Networks, prompt: string) {
    const { unet, movq, scheduler } = this.parts;
    const whole: Network<PromptRow<Float32Array>> = async (input, time, conditions) => {
      const rows = conditions.length;
      const { length: size } = conditions[0]!.value;
      const image = new Float32Array(rows * size);
      const extra = runs.getExtraChannels(unet);
      const length = input.length / rows;
      const sample = new Float32Array(rows * (length + extra.length));
      conditions.forEach(({ value }, i) => {
        image.set(value, i * size);
        sample.set(input.subarray(i * length, (i + 1) * length), i * (length + extra.length));
        sample.set(extra, i * (length + extra.length) + length);
      });
      const inputs = {
        sample: f32(sample, rows, unet.inChannels, height, width),
        timestep: f32(new Float32Array(rows).fill(time), rows),
        image: f32(image, rows, size),
      };
      return floats(await networks.use({ part: "denoiser" }, (session) => session.run(inputs)), "prediction");
    };
    if (unet.outChannels === movq.latentChannels) return { network: whole };
    const split = splitVariance(whole, getRowShares(prompt));
    return scheduler.fields.variance_type === "learned_range" ? split : { network: split.network };
  }
}

function toSteps({ sampler, stopAt }: ImageSettings, plan: ReturnType<typeof planBase>): StepPlan {
  const { sigmas, noiseScale, finalScale, getMaskSigma, options } = plan;
  const stopAfter = getStopAfter(stopAt, sigmas.length - 1);
  return {
    sampler: getSampler(sampler).sample,
    sigmas,
    noiseScale,
    finalScale,
    getMaskSigma,
    stopAfter,
    options,
  };
}

/** A model, its text encoder and its networks, as a family. */
export function makeKandinsky(
  model: KandinskyModel,
  text: TextEncoder,
  open: (watch: Watch) => Networks,
): Model {
  return new Kandinsky(model, text, open);
}
