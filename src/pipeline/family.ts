// What the pipeline needs of a family of models. The pipeline knows seeds, steps, events and receipts; a family knows its
// networks: how words become conditions, what latents are, and how they become pixels.
import type { Denoiser } from "../diffusion/index.js";
import type { Pixels } from "./pixels.js";
import type { PictureSettings, RequestContext } from "./request.js";

/** The two things that a denoiser is asked for: what the picture shall show, and what it shall not. */
export type Side = "positive" | "negative";

/** One request, ready to be drawn: its words are encoded, the networks that it needs are loaded. */
export interface Drawing {
  /** What the caller should know, one sentence each, such as words of the prompt that did not fit. */
  readonly warnings: readonly string[];
  /** Shape of one picture's latents, without a batch axis. */
  readonly shape: readonly number[];
  /** Noise levels from the first to 0, one more than there are steps. */
  readonly sigmas: readonly number[];
  /** The network in the form that samplers know; conditions are the sides of the request's prompt. */
  readonly denoise: Denoiser<Side>;
  /** Latents of one picture → its pixels. */
  decode(latents: Float32Array): Promise<Pixels>;
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
