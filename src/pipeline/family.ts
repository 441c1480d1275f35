// What the pipeline needs of a family of models. The pipeline knows seeds, steps, events and receipts; a family knows its
// networks: how words become conditions, what latents are, and how they become pixels.
import type { Denoiser, PredictionFrame, SamplerOptions } from "../diffusion/index.js";
import type { Pixels } from "./pixels.js";
import type { PictureSettings, RequestContext } from "./request.js";

/** The two things that a denoiser is asked for: what the picture shall show, and what it shall not. */
export type Side = "positive" | "negative";

/** What a network that was made for inpainting sees besides noisy latents. */
export interface Inpainting {
  /** [height, width] of the picture: 1 where it is drawn anew. */
  readonly mask: Uint8Array;
  /** Latents of the picture without what is drawn anew. */
  readonly masked: Float32Array;
}

/** Pictures into latents, for requests that begin from one. */
export interface PictureCoder {
  /** Whether the network takes {@link Inpainting}. */
  readonly seesMask: boolean;
  /**
   * A picture's latents, as the denoiser knows them.
   * @param values [height, width, 3] in [-1, 1]
   * @param normals Gives standard normals in the latents' shape, where the encoder needs some.
   */
  encode(values: Float32Array, normals: () => Float32Array): Promise<Float32Array>;
  /** A mask [height, width] as one number for each of the latents'. */
  spread(mask: Uint8Array): Float32Array;
}

/** One request, ready to be drawn: its words are encoded. */
export interface Drawing {
  /** What the caller should know, one sentence each, such as words of the prompt that did not fit. */
  readonly warnings: readonly string[];
  /** Shape of one picture's latents, without a batch axis. */
  readonly shape: readonly [number, number, number];
  /** Noise levels from the first to the last, one more than there are steps. */
  readonly sigmas: readonly number[];
  /** Drawing from nothing begins with unit noise times this. */
  readonly noiseScale: number;
  /** What the last latents are multiplied with. */
  readonly finalScale: number;
  /** The scale of guidance that both sides are mixed with; 1 asks the network for one side only. */
  readonly guidance: number;
  /** Options of samplers that this model wants otherwise than by default. */
  readonly samplerOptions?: Pick<
    SamplerOptions<Side>,
    "over" | "earlier" | "order" | "strides" | "wholeSteps"
  >;
  /** In which kind of prediction guidance keeps the contrast; x̂0 where left out. */
  readonly rescaleIn?: PredictionFrame;
  /** The network in the form that samplers know; conditions are the sides of the request's prompt. */
  denoiser(inpainting?: Inpainting): Denoiser<Side>;
  /** @throws NishikiError "internal" for a model that does not take pictures. */
  coder(): Promise<PictureCoder>;
  /** Latents of one picture → its pixels. */
  decode(latents: Float32Array): Promise<Pixels>;
  /** The same for a preview, where there is a quicker way. */
  readonly preview?: (latents: Float32Array) => Promise<Pixels>;
  /** A decoded picture → the size that was asked for, where that is larger. Previews stay as they are decoded. */
  readonly enlarge?: (pixels: Pixels, seed: number, signal?: AbortSignal) => Promise<Pixels>;
}

/** A loaded model. Further families implement this; everything else of the pipeline serves them all. */
export interface ModelFamily {
  /** As receipts name it. */
  readonly model: { readonly name: string; readonly version: string };
  /** What a request to this model may ask for, and its defaults. */
  readonly context: RequestContext;
  /** Encodes the prompt, which does not depend on seeds. @throws NishikiError "memory", "device" */
  prepare(settings: PictureSettings): Promise<Drawing>;
}
