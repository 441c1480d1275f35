// What the pipeline needs of a model. The pipeline knows seeds, stages, events and receipts; a family knows its networks: how
// a prompt becomes conditioning, what latents are, and how they become pixels. A request becomes a plan, which is a list of
// stages: diffusions and what lies between and after them.
import type { Denoiser, PredictionFrame, Sampler, SamplerOptions } from "../diffusion/index.js";
import type { ImageSettings } from "./image-request.js";
import type { InitImage } from "./init-image.js";
import type { CellRule } from "./mask.js";
import type { StageNoise } from "./noise.js";
import type { Pixels } from "./pixels.js";
import type { RequestContext } from "./request-context.js";
import type { Runtime } from "./runtime.js";

/** What a denoiser is asked with: the prompt, or what stands for none (the negative prompt). */
export type Conditioning = "cond" | "uncond";

/** What comes out of a stage: numbers in the shape of its latents, or finished pixels. */
export type StageResult =
  | { readonly kind: "values"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly kind: "pixels"; readonly pixels: Pixels };

/** What a stage works from. */
export interface StageInput {
  /** Seed of this image. */
  readonly seed: number;
  /** What the stage before gave; undefined for the first. */
  readonly last: StageResult | undefined;
  /** What all stages before gave, by their names. */
  readonly results: ReadonlyMap<string, StageResult>;
}

/** What a network made for inpainting sees besides noisy latents. */
export interface Inpainting {
  /** [height, width] of the image: 1 where it is redrawn. */
  readonly mask: Uint8Array;
  /** Which of its pixels decide about a latent. */
  readonly rule: CellRule;
  /** Latents of the image without what is redrawn. */
  readonly masked: Float32Array;
}

/** Pixels to latents. */
export interface ImageEncoder {
  /** Whether the network takes {@link Inpainting}. */
  readonly takesMask: boolean;
  /**
   * An image's latents, as the denoiser knows them.
   * @param values [height, width, 3] in [-1, 1]
   * @param normals Gives standard normals in the latents' shape, where the encoder needs some.
   */
  encode(values: Float32Array, normals: () => Float32Array): Promise<Float32Array>;
  /** A mask [height, width] as one number for each of the latents'. */
  resizeMask(mask: Uint8Array, rule: CellRule): Float32Array;
}

/** How a diffusion goes down the noise levels. */
export interface StepPlan {
  readonly sampler: Sampler;
  /** Noise levels from the first to the last, one more than there are steps. */
  readonly sigmas: readonly number[];
  /** Pure noise is unit noise times this. */
  readonly noiseScale: number;
  /** What the last latents are multiplied with. Default 1. */
  readonly finalScale?: number;
  /** The noise level of what a mask keeps, while the network is evaluated at a level. Default: that level. */
  readonly getMaskSigma?: ((sigma: number) => number) | undefined;
  /** The sampler's own options; nobody else reads them. */
  readonly options?: Omit<SamplerOptions<Conditioning>, "condition" | "signal" | "noise">;
}

/** Classifier-free guidance of a stage. */
export interface GuidancePlan {
  /** 1 asks the network for "cond" only. */
  readonly scale: number;
  /** From 0 to 1: how far the contrast is brought back. Default 0. */
  readonly rescale?: number;
  /** The kind of prediction in which contrast is measured; x̂0 by default. */
  readonly rescaleIn?: PredictionFrame;
  /** The part of the steps that is guided. Default [0, 1], all. */
  readonly interval?: readonly [from: number, to: number];
}

/** A stage that starts from an image, or redraws a part of one. */
export interface InitPlan {
  readonly image: InitImage;
  /** Whether it starts from noise alone, which only a masked image does: {@link StepPlan.sigmas} are all of the levels. */
  readonly isFullNoise: boolean;
  encoder(): Promise<ImageEncoder>;
}

/** A diffusion whose networks are at hand. */
export interface StageRun {
  /** The network, without guidance. */
  denoiser(inpainting?: Inpainting): Denoiser<Conditioning>;
  /** The stage's result from its last latents; by default these themselves. */
  finish?(latents: Float32Array): StageResult;
  /** What the image is expected to be, from denoised latents. */
  preview?(denoised: Float32Array): Promise<Pixels>;
}

/** A diffusion over numbers of any shape: latents, a vector, pixels. */
export interface DiffusionStage {
  readonly kind: "diffusion";
  /** As events call it; no two stages of a plan have one name. */
  readonly name: string;
  /** Shape of one image's latents, without a batch axis; of any rank. */
  readonly shape: readonly number[];
  readonly steps: StepPlan;
  /** None: the network is asked for "cond" only. */
  readonly guidance?: GuidancePlan;
  readonly init?: InitPlan;
  /** Random numbers of its own, for the image with this seed. By default those that the request asks for. */
  noise?(seed: number): StageNoise;
  /** Prepares what depends on the stages before. */
  start(input: StageInput, runtime: Runtime): Promise<StageRun>;
}

/** Anything else: decoding, enlarging by a filter, pasting back. */
export interface TransformStage {
  readonly kind: "transform";
  readonly name: string;
  run(input: StageInput, runtime: Runtime): Promise<StageResult>;
}

export type Stage = DiffusionStage | TransformStage;

/** A request that is ready to be drawn: its prompts are encoded. The last stage gives pixels. */
export interface Plan {
  /** What the caller should know, one sentence each, such as words of the prompt that were cut off. */
  readonly warnings: readonly string[];
  readonly stages: readonly Stage[];
}

/** A loaded model. */
export interface Model {
  /** As receipts name it. */
  readonly identity: { readonly name: string; readonly version: string };
  /** What a request to this model may ask for, and its defaults. */
  readonly context: RequestContext;
  /** Encodes prompts and plans the stages, none of which depends on seeds. @throws NishikiError "memory", "device" */
  prepare(settings: ImageSettings, runtime: Runtime): Promise<Plan>;
}
