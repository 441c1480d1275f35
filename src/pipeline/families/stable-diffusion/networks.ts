// The networks of a Stable Diffusion model by name, and how its code comes to their sessions.
import type { Session } from "../../../engine/index.js";
import type { Program } from "../../../graph/index.js";
import type { UnetForm } from "./programs.js";

/** Tells a network from the others, and from itself under other settings. */
export type NetworkKey =
  | { readonly part: "text encoder"; readonly index: number; readonly skip: number }
  | { readonly part: "denoiser"; readonly form: UnetForm; readonly wraps: boolean }
  | { readonly part: "decoder"; readonly wraps: boolean }
  | { readonly part: "encoder" }
  | { readonly part: "preview decoder" };

/** Makes a program of the autoencoder ready; whoever opens it closes it. */
export type OpenProgram = (program: Program) => Promise<Session>;

/** Lends sessions to one request. */
export interface Networks {
  /** Stops the request. */
  readonly signal?: AbortSignal;
  /** Loads the network where it is not held, and works with it. */
  use<T>(key: NetworkKey, work: (session: Session) => Promise<T>): Promise<T>;
  /** Works with programs of the autoencoder that are opened and closed on the way. */
  exclusive<T>(work: (open: OpenProgram) => Promise<T>): Promise<T>;
}
