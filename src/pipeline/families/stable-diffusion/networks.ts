// The names of a Stable Diffusion model's networks, and the interface to their sessions.
import type { Session } from "../../../engine/index.js";
import type { Program } from "../../../graph/index.js";
import type { VisionOutput } from "../../vision/program.js";
import type { UnetForm } from "./programs.js";

/** Identifies a network and its variant. */
export type NetworkKey =
  | { readonly part: "text encoder"; readonly index: number; readonly skip: number }
  | { readonly part: "image encoder"; readonly output: VisionOutput }
  | { readonly part: "image projection" }
  | { readonly part: "text embedding" }
  /** Draws an image's embedding from a text. */
  | { readonly part: "prior" }
  | { readonly part: "text encoder of the prior" }
  | {
      readonly part: "denoiser";
      readonly form: UnetForm;
      readonly wraps: boolean;
      /** What is taken from each image that it attends to, as words: "all style". Default: no images. */
      readonly images?: string;
    }
  | { readonly part: "decoder"; readonly wraps: boolean }
  | { readonly part: "encoder" }
  | { readonly part: "preview decoder" };

/** Opens a program of the autoencoder; the caller closes it. */
export type OpenProgram = (program: Program) => Promise<Session>;

/** Lends sessions to one request. */
export interface Networks {
  /** Stops the request. */
  readonly signal?: AbortSignal;
  /** Runs work with a network, and loads it first if necessary. */
  use<T>(key: NetworkKey, work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs work that opens and closes programs of the autoencoder itself. */
  exclusive<T>(work: (open: OpenProgram) => Promise<T>): Promise<T>;
}
