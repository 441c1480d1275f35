// The interface between the pipeline and a family. The pipeline handles seeds, stages, events and receipts; a family handles
// its networks: it encodes prompts, defines the latents and decodes them. A request becomes a plan, a list of diffusion and
// transform stages.
import type { Denoiser, Limit, PredictionFrame, Sampler, SamplerOptions } from "../diffusion/index.js";
import type { ImageSettings } from "./image-request.js";
import type { InitImage } from "./init-image.js";
import type { CellRule } from "./mask.js";
import type { ImageNoise, ImageSeeds, StageNoise } from "./noise.js";
import type { Pixels } from "./pixels.js";
import type { RequestContext } from "./request-context.js";
import type { Runtime } from "./runtime.js";
import type { NetworkWork } from "./work.js";

/**
 * A denoiser's conditioning: "cond" is the prompt; "uncond" the negative prompt, or no prompt. The further parts of a prompt
 * that is composed of several are "cond 2", "cond 3" and so on.
 */
export type Conditioning = "cond" | "uncond" | `cond ${number}`;

/** The output of a stage: an array of numbers, such as latents, or finished pixels. */
export type StageResult =
  | { readonly kind: "values"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly kind: "pixels"; readonly pixels: Pixels };

/** The input of a stage. */
export interface StageInput {
  /** Seed of this image. */
  readonly seed: number;
  readonly seeds: ImageSeeds;
  /** The image's random numbers, for transforms that need some; a diffusion gets its own. */
  readonly noise: ImageNoise;
  /** Result of the previous stage; undefined for the first. */
  readonly last: StageResult | undefined;
  /** Results of all earlier stages, by stage name. */
  readonly results: ReadonlyMap<string, StageResult>;
}

/** The additional inputs of an inpainting network. */
export interface Inpainting {
  /** [height, width] of the image: 1 where it is redrawn. */
  readonly mask: Uint8Array;
  /** Which mask pixel decides a latent. */
  readonly rule: CellRule;
  /** Latents of the masked image. */
  readonly masked: Float32Array;
}

/** Encodes pixels as latents. */
export interface ImageEncoder {
  /** Whether the network takes {@link Inpainting}. */
  readonly takesMask: boolean;
  /**
   * Encodes an image as latents scaled for the denoiser.
   * @param values [height, width, 3] in [-1, 1]
   * @param normals Returns standard normals in the latents' shape; called only by stochastic encoders.
   */
  encode(values: Float32Array, normals: () => Float32Array): Promise<Float32Array>;
  /** Whether random numbers are drawn for the masked image, as pipelines do that encode it. Default true. */
  readonly drawsForMasked?: boolean;
  /** Resizes a mask [height, width] to one number per element of the latents. */
  resizeMask(mask: Uint8Array, rule: CellRule): Float32Array;
}

/** The sampler and noise levels of a diffusion. */
export interface StepPlan {
  readonly sampler: Sampler;
  /** Noise levels in descending order, one more than there are steps. */
  readonly sigmas: readonly number[];
  /** Scale of the initial noise. */
  readonly noiseScale: number;
  /** Scale of the final latents. Default 1. */
  readonly finalScale?: number;
  /** Noise level outside the mask for an evaluation at `sigma`. Default: `sigma`. */
  readonly getMaskSigma?: ((sigma: number) => number) | undefined;
  /** Scale of the init image outside the mask for an evaluation at `sigma`. Default: 1. */
  readonly getMaskScale?: ((sigma: number) => number) | undefined;
  /** Steps after which the stage ends early, with what is predicted by then (x̂0) as its latents. Default: all. */
  readonly stopAfter?: number | undefined;
  /** Options passed on to the sampler. */
  readonly options?: Omit<SamplerOptions<Conditioning>, "condition" | "signal" | "noise">;
}

/** The steps that a stage takes. */
export const countPlannedSteps = ({ sigmas, stopAfter = Number.POSITIVE_INFINITY }: StepPlan): number =>
  Math.min(sigmas.length - 1, stopAfter);

/** The steps to take, of so many, when stopping at a share of them: at least one. */
export const getStopAfter = (stopAt: number | undefined, steps: number): number | undefined =>
  stopAt === undefined ? undefined : Math.max(1, Math.round(stopAt * steps));

/** The classifier-free guidance of a stage. */
export interface GuidancePlan {
  /** Guidance scale; at 1, the network is evaluated for the prompt only. */
  readonly scale: number;
  /** Weights of "cond", "cond 2", …, for a prompt of several parts. Default: "cond" alone, of weight 1. */
  readonly weights?: readonly number[] | undefined;
  /** 0 to 1: how strongly to rescale the contrast back. Default 0. */
  readonly rescale?: number;
  /** The prediction type in which contrast is measured. Default: denoised (x̂0). */
  readonly rescaleIn?: PredictionFrame;
  /** The part of the steps that is guided. Default [0, 1], all steps. */
  readonly interval?: readonly [from: number, to: number];
}

/** The init image of a stage, for image to image or inpainting. */
export interface InitPlan {
  readonly image: InitImage;
  /** Whether a masked image starts from pure noise; {@link StepPlan.sigmas} then holds all noise levels. */
  readonly isFullNoise: boolean;
  encoder(): Promise<ImageEncoder>;
}

/** A diffusion stage with its networks ready. */
export interface StageRun {
  /** The network, without guidance. */
  denoiser(inpainting?: Inpainting): Denoiser<Conditioning>;
  /** The variances that the network predicted with its latest x̂0; see `SamplerOptions`. */
  readonly learnedVariance?: () => Float32Array;
  /** Draws what the network is conditioned on beside the prompt; called once, after the initial noise. */
  drawCondition?(noise: StageNoise): void;
  /** The initial latents, of a stage that draws its random numbers in an order of its own. It has no init image. */
  begin?(noise: StageNoise): Promise<Float32Array>;
  /** Latents that are noised to the first level and drawn from, such as those of an earlier pass. */
  latents?(noise: StageNoise): Promise<Float32Array>;
  /** Converts the last latents to the stage's result. Default: the latents themselves. */
  finish?(latents: Float32Array): StageResult;
  /** Decodes denoised latents as a preview. */
  preview?(denoised: Float32Array): Promise<Pixels>;
}

/** A diffusion over an array of any shape: latents, a vector, pixels. */
export interface DiffusionStage {
  readonly kind: "diffusion";
  /** Name in events; unique within a plan. */
  readonly name: string;
  /** Shape of one image's latents, without a batch axis. */
  readonly shape: readonly number[];
  readonly steps: StepPlan;
  /** Without it, the network is evaluated for "cond" only. */
  readonly guidance?: GuidancePlan;
  /** Limits each guided prediction of the clean image, as pixels need it. Default: none. */
  readonly limit?: Limit | undefined;
  readonly init?: InitPlan;
  /**
   * The image of the result of a cascade's stage that others follow, to be kept and looked at: that of the same request with
   * so many `stages`.
   */
  readonly picture?: { readonly stages: number; read(result: StageResult): Pixels } | undefined;
  /** Separate random numbers for the image with this seed. Default: those of the request's generator. */
  noise?(seed: number, seeds: ImageSeeds): StageNoise;
  /** Prepares everything that depends on earlier stages. */
  start(input: StageInput, runtime: Runtime): Promise<StageRun>;
}

/** Any other stage: decoding, enlarging with a filter, pasting back. */
export interface TransformStage {
  readonly kind: "transform";
  readonly name: string;
  run(input: StageInput, runtime: Runtime): Promise<StageResult>;
}

export type Stage = DiffusionStage | TransformStage;

/** A request prepared for drawing, with its prompts encoded. The last stage returns pixels. */
export interface Plan {
  /** Warnings for the caller, one sentence each, such as a truncated prompt. */
  readonly warnings: readonly string[];
  readonly stages: readonly Stage[];
}

/** A loaded model. */
export interface Model {
  /** Name and version in receipts. */
  readonly identity: { readonly name: string; readonly version: string };
  /** The settings that this model supports, and their defaults. */
  readonly context: RequestContext;
  /** Encodes the prompts and plans the stages, independent of seeds. @throws NishikiError "memory", "device" */
  prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan>;
  /** What an image costs, network by network. Records the networks' programs, so it takes up to a second. */
  getWork?(settings: ImageSettings): readonly NetworkWork[];
}
