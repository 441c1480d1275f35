// The names of a DeepFloyd IF model's networks, and the interface to their sessions.
import type { Session } from "../../../engine/index.js";

/** Identifies a network. */
export type NetworkKey =
  | { readonly part: "text encoder"; readonly from: number; readonly to: number }
  | { readonly part: "denoiser"; readonly stage: number };

/** Lends sessions to one request. */
export interface Networks {
  readonly signal?: AbortSignal;
  /** Runs work with a network, and loads it first if necessary. */
  use<T>(key: NetworkKey, work: (session: Session) => Promise<T>): Promise<T>;
}
