// The names of an unCLIP model's networks, and the interface to their sessions.
import type { Session } from "../../../engine/index.js";

/** Identifies a network and its variant. */
export type NetworkKey =
  | { readonly part: "text encoder" }
  | { readonly part: "image encoder" }
  | { readonly part: "prior" }
  /** Of the image embedding of a prompt, or of none. */
  | { readonly part: "text projection"; readonly hasImage: boolean }
  | { readonly part: "denoiser" }
  | { readonly part: "encoder" }
  | { readonly part: "decoder" }
  | { readonly part: "super-resolution"; readonly isLast: boolean };

/** Lends sessions to one request. */
export interface Networks {
  /** Stops the request. */
  readonly signal?: AbortSignal;
  /** Runs work with a network, and loads it first if necessary. */
  use<T>(key: NetworkKey, work: (session: Session) => Promise<T>): Promise<T>;
}

/** What to call a network in events, messages and forecasts. */
export const getTitle = (key: NetworkKey): string =>
  key.part === "super-resolution" ? `${key.isLast ? "last" : "first"} super-resolution` : key.part;
