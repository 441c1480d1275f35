// Stable Diffusion as a family: 1.x, 2.x, XL, their inpainting networks, and those distilled to few steps. What goes into
// the networks, and in which order random numbers are drawn, is that of diffusers' pipelines.
import {
  getDenoiser,
  getPredictionFrame,
  getSampler,
  type Network,
  type NoiseSchedule,
  planSteps,
  type StepScheduleName,
} from "../../../diffusion/index.js";
import { NishikiError } from "../../../errors.js";
import type { Watch } from "../../cancel.js";
import { splitPasses } from "../../complete-hires.js";
import type { ImageSettings } from "../../image-request.js";
import { makeInitImage } from "../../init-image.js";
import { resizeMask } from "../../mask.js";
import { makePasteStage } from "../../paste-stage.js";
import {
  type DiffusionStage,
  type GuidancePlan,
  getStopAfter,
  type ImageEncoder,
  type Inpainting,
  type Model,
  type Plan,
  type Stage,
  type TransformStage,
} from "../../plan.js";
import { type Probe, reportAttention } from "../../probe.js";
import { getPartWeights } from "../../prompt/composition.js";
import { getStepAt } from "../../prompt/prompt-editing.js";
import type { LearnedWordName } from "../../prompt/unsupported-syntax.js";
import type { Runtime } from "../../runtime.js";
import { getValues } from "../../stage-results.js";
import { f32, floats } from "../../tensors.js";
import type { TextEmbedder } from "../../vision/text-embedding.js";
import type { NetworkWork } from "../../work.js";
import type { TextEncoder } from "../unclip/text.js";
import { type Area, AutoencoderRuns, decodePreview } from "./autoencoder-runs.js";
import { type Condition, getCondition, makeTextNoise } from "./condition.js";
import { type ConditioningSchedule, embedGuidance, encodeConditioning, makeRows } from "./conditioning.js";
import { DeepFeatures } from "./deep-features.js";
import { getHiresLatents, getHiresSteps, hiresStage, makeHiresNoise } from "./hires.js";
import {
  encodeImagePrompt,
  type ImageInputs,
  imagePromptStage,
  makeImagePromptStage,
  makeLabelInputs,
} from "./image-embedding.js";
import { makeEmbeddingStage } from "./image-prior.js";
import { encodeAttendedImages, type ImageAspect } from "./ip-adapter.js";
import type { StableDiffusionModel, Tokenizers } from "./model.js";
import type { Networks } from "./networks.js";
import { getVectorWidth, sizeCount } from "./programs.js";
import { extraChannels, getPixelSize, getSizes } from "./unet-inputs.js";
import { getStableDiffusionWork } from "./work.js";

/** What works for one request. */
interface RequestNetworks {
  readonly networks: Networks;
  readonly autoencoder: AutoencoderRuns;
  readonly area: Area;
  /** What the denoiser takes from image prompts. */
  readonly images?: { readonly inputs: ImageInputs; readonly aspects?: readonly ImageAspect[] };
  /** Receives the denoiser's attention. */
  readonly probe?: Probe;
}

/** Text encoders for image embeddings. */
interface ImageTexts {
  /** For texts that are blended with images. */
  readonly embedder?: TextEmbedder | undefined;
  /** Of the prior. */
  readonly prior?: TextEncoder | undefined;
}

/** The steps of a pass, and the share of them that is taken. */
interface StepPart {
  readonly steps: number;
  readonly strength: number;
}

const getFirstPart = ({ steps, init }: ImageSettings): StepPart => ({ steps, strength: init?.strength ?? 1 });

function refuseDeepCache(): never {
  const reason = "attention cannot be observed with it, because some steps do not compute it";
  throw new NishikiError("usage", `deepCache: ${reason}. Omit deepCache.`);
}

class StableDiffusion implements Model {
  readonly identity: Model["identity"];
  readonly context: StableDiffusionModel["context"];
  private readonly parts: StableDiffusionModel;
  private readonly tokenizers: Tokenizers;
  private readonly open: (watch: Watch) => Networks;
  private readonly learned: readonly LearnedWordName[];
  private readonly imageTexts: ImageTexts;

  constructor(
    parts: StableDiffusionModel,
    tokenizers: Tokenizers,
    open: (watch: Watch) => Networks,
    learned: readonly LearnedWordName[],
    imageTexts: ImageTexts,
  ) {
    this.parts = parts;
    this.imageTexts = imageTexts;
    this.learned = learned;
    this.tokenizers = tokenizers;
    this.open = open;
    this.identity = { name: parts.name, version: "published" };
    this.context = parts.context;
  }

  async prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan> {
    const networks = this.open(runtime);
    runtime.onProgress?.({ kind: "encode", stage: "prompt" });
    const encode = (pass: ImageSettings, part: StepPart) => {
      const steps = this.planSteps(pass, part).sigmas.length - 1;
      return encodeConditioning(this.parts, this.tokenizers, networks, pass, this.learned, steps);
    };
    const { first, second } = splitPasses(settings);
    const { conditioning, tokens, warnings } = await encode(first, getFirstPart(first));
    const { probe } = runtime;
    probe?.onTokens?.(tokens);
    if (probe?.onAttention && settings.deepCache) refuseDeepCache();
    const autoencoder = new AutoencoderRuns(this.parts.autoencoder, networks);
    const { ipAdapter } = this.parts;
    const images = ipAdapter && (await encodeAttendedImages(ipAdapter, this.parts.unet, settings, networks));
    const common = {
      ...{ networks, autoencoder },
      ...(probe?.onAttention && { probe }),
      ...(images && { images }),
    };
    const base = { ...common, area: this.getArea(first.size) };
    const stages: Stage[] = [
      ...(await this.makeImagePrompt(settings, networks)),
      this.makeBaseStage(first, base, conditioning),
    ];
    const { hires } = settings;
    if (second && hires) {
      const isSame = second.prompt === first.prompt && second.negativePrompt === first.negativePrompt;
      const isConstant = Object.values(conditioning).every((schedule) => schedule.length === 1);
      const texts =
        isSame && isConstant ? conditioning : (await encode(second, getHiresSteps(hires))).conditioning;
      const request = { ...common, area: this.getArea(second.size) };
      stages.push(this.makeHiresStage(second, hires, request, base.area, texts));
    }
    const area = this.getArea(settings.size);
    const decode: TransformStage = {
      kind: "transform",
      name: "decode",
      run: async ({ last }) => {
        const pixels = await autoencoder.decode(getValues(last), area, settings.seamless ?? false);
        return { kind: "pixels", pixels };
      },
    };
    return { warnings, stages: [...stages, decode, ...makePasteStage(settings)] };
  }

  /** What turns an image prompt into the denoiser's class, where the model has one. */
  private async makeImagePrompt(settings: ImageSettings, networks: Networks): Promise<Stage[]> {
    const { imageEmbedding } = this.parts;
    const { embedder, prior: text } = this.imageTexts;
    if (!imageEmbedding) return [];
    const { imagePrompt } = settings;
    if (imagePrompt) {
      const embedding = await encodeImagePrompt(imageEmbedding, imagePrompt, networks, embedder);
      return [makeImagePromptStage(imageEmbedding, () => embedding, imagePrompt.noiseLevel ?? 0)];
    }
    const stage = await makeEmbeddingStage(imageEmbedding.prior!, text!, settings, networks);
    return [stage, makeImagePromptStage(imageEmbedding, (results) => getValues(results.get(stage.name)), 0)];
  }

  private getArea({ height, width }: ImageSettings["size"]): Area {
    const { scale } = this.parts.autoencoder;
    return { height: height / scale, width: width / scale };
  }

  getWork(settings: ImageSettings): readonly NetworkWork[] {
    return getStableDiffusionWork(this.parts, settings, this.tokenizers);
  }

  private makeBaseStage(
    settings: ImageSettings,
    request: RequestNetworks,
    conditioning: ConditioningSchedule,
  ): DiffusionStage {
    const image = makeInitImage(settings);
    const part = getFirstPart(settings);
    const { strength } = part;
    return {
      ...this.makeStage("base", settings, request, conditioning, part),
      ...(image && {
        init: { image, isFullNoise: strength === 1, encoder: async () => this.encoder(request) },
      }),
    };
  }

  /** The second pass, from the latents of the first, which have the size `from`. */
  private makeHiresStage(
    settings: ImageSettings,
    hires: NonNullable<ImageSettings["hires"]>,
    request: RequestNetworks,
    from: Area,
    conditioning: ConditioningSchedule,
  ): DiffusionStage {
    const stage = this.makeStage(hiresStage, settings, request, conditioning, getHiresSteps(hires));
    const { area: to, autoencoder: runs } = request;
    const encoder = { runs, scale: this.parts.autoencoder.scale, tile: settings.seamless ?? false };
    const noise = makeHiresNoise(settings.rng, stage.shape);
    return {
      ...stage,
      ...(noise && { noise }),
      start: async (input, runtime) => ({
        ...(await stage.start(input, runtime)),
        latents: getHiresLatents(hires, input, { from, to }, encoder),
      }),
    };
  }

  private makeStage(
    name: string,
    settings: ImageSettings,
    request: RequestNetworks,
    conditioning: ConditioningSchedule,
    part: StepPart,
  ): DiffusionStage {
    const { area, networks } = request;
    const { autoencoder, previewAutoencoder, scheduler } = this.parts;
    const { sample } = getSampler(settings.sampler);
    const plan = this.planSteps(settings, part);
    const { sigmas, noiseScale, finalScale, getMaskSigma } = plan;
    const stopAfter = getStopAfter(settings.stopAt, sigmas.length - 1);
    const options = { ...plan.options, ...(settings.eta !== undefined && { eta: settings.eta }) };
    return {
      kind: "diffusion",
      name,
      shape: [autoencoder.latentChannels, area.height, area.width],
      steps: { sampler: sample, sigmas, noiseScale, finalScale, getMaskSigma, stopAfter, options },
      guidance: this.getGuidance(settings, plan.schedule),
      start: async ({ seed, results }) => ({
        denoiser: (inpainting) => {
          const inputs = this.parts.imageEmbedding && makeLabelInputs(results.get(imagePromptStage));
          const network = this.network(
            { ...request, ...(inputs && { images: { inputs } }) },
            settings,
            inpainting,
          );
          const denoise = getDenoiser(scheduler.prediction, network, plan.schedule);
          const noise = makeTextNoise(settings, seed, sigmas.length - 1, part.steps);
          return (x, sigma, conditions, signal) => {
            const step = getStepAt(sigmas, sigma);
            return denoise(x, sigma, conditions.map(getCondition(conditioning, step, noise(step))), signal);
          };
        },
        preview: (latents) =>
          previewAutoencoder
            ? decodePreview(previewAutoencoder, networks, latents, area)
            : request.autoencoder.decode(latents, area, settings.seamless ?? false),
      }),
    };
  }

  private planSteps({ sampler: name, schedule }: ImageSettings, part: StepPart) {
    const { name: sampler } = getSampler(name);
    return planSteps(this.parts.scheduler, {
      sampler,
      stepSchedule: schedule as StepScheduleName | undefined,
      ...part,
    });
  }

  private getGuidance(
    { prompt, guidance, guidanceRescale, guidanceInterval }: ImageSettings,
    schedule: NoiseSchedule,
  ): GuidancePlan {
    const isEmbedded = this.parts.unet.timeConditionWidth !== undefined;
    return {
      // Like diffusers, a scale of up to 1 stands for the plain model; a distilled one takes the scale as an input.
      scale: isEmbedded || guidance <= 1 ? 1 : guidance,
      weights: getPartWeights(prompt),
      rescale: guidanceRescale,
      rescaleIn: getPredictionFrame(this.parts.scheduler.prediction, schedule),
      interval: guidanceInterval,
    };
  }

  private network(
    { area, networks, images, probe }: RequestNetworks,
    { guidance, seamless = false, deepCache }: ImageSettings,
    inpainting: Inpainting | undefined,
  ): Network<Condition> {
    const { unet, autoencoder } = this.parts;
    const { height, width } = area;
    const extra = extraChannels(this.parts, area, inpainting);
    const sizes = getSizes(area, autoencoder.scale);
    const guidanceRow =
      unet.timeConditionWidth === undefined ? undefined : embedGuidance(guidance, unet.timeConditionWidth);
    const features = deepCache && new DeepFeatures(deepCache.interval);
    return async (input, time, conditions) => {
      const length = input.length / conditions.length;
      const { tokens } = conditions[0]!.text;
      const sample = new Float32Array(conditions.length * (length + extra.length));
      conditions.forEach((_, i) => {
        sample.set(input.subarray(i * length, (i + 1) * length), i * (length + extra.length));
        sample.set(extra, i * (length + extra.length) + length);
      });
      const inputs = {
        sample: f32(sample, conditions.length, unet.inChannels, height, width),
        timestep: f32(new Float32Array(conditions.length).fill(time), conditions.length),
        states: makeRows(conditions, ({ text }) => text.states, tokens, unet.crossWidth),
        ...(unet.addition && {
          vector: makeRows(conditions, ({ text }) => text.vector!, getVectorWidth(unet.addition)),
          sizes: makeRows(conditions, () => sizes, sizeCount),
        }),
        ...images?.inputs(conditions),
        ...(guidanceRow && { guidance: makeRows(conditions, () => guidanceRow, guidanceRow.length) }),
      };
      const names = conditions.map(({ conditioning }) => conditioning);
      const keys = conditions.map(({ key }) => key);
      const deep = features?.take(keys);
      const form = deep ? "shallow" : features ? "deep" : probe ? "observed" : "whole";
      const feeds = deep ? { ...inputs, deep } : inputs;
      const aspects = images?.aspects;
      const denoiser = {
        part: "denoiser",
        form,
        wraps: seamless,
        ...(aspects && { images: aspects.join(" ") }),
      } as const;
      const outputs = await networks.use(denoiser, (session) => session.run(feeds));
      if (form === "deep") features!.keep(keys, outputs.deep!);
      if (probe) reportAttention(probe, outputs, { time, conditions: names, latents: area });
      return floats(outputs, "prediction");
    };
  }

  private encoder({ area, autoencoder: runs }: RequestNetworks): ImageEncoder {
    const { unet, autoencoder } = this.parts;
    const { latentChannels, scale } = autoencoder;
    const size = area.height * area.width;
    return {
      takesMask: unet.inChannels !== latentChannels,
      encode: (values, normals) => runs.encode(values, area, normals),
      resizeMask: (mask, rule) => {
        const cells = resizeMask(mask, getPixelSize(area, scale), area, rule);
        return Float32Array.from({ length: latentChannels * size }, (_, i) => cells[i % size]!);
      },
    };
  }
}

/**
 * A model, its tokenizers, its networks, the words that textual inversions taught it, and text encoders for image embeddings, as
 * a family.
 */
export function makeStableDiffusion(
  model: StableDiffusionModel,
  tokenizers: Tokenizers,
  open: (watch: Watch) => Networks,
  learned: readonly LearnedWordName[] = [],
  imageTexts: ImageTexts = {},
): Model {
  return new StableDiffusion(model, tokenizers, open, learned, imageTexts);
}
