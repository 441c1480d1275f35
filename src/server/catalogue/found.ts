// What a scan of the models folders finds: plain data, since the drawing process scans.
import type { ModelContext } from "../drawing/protocol.js";

/** What a model's files say about it. */
export interface ModelFacts {
  readonly family: string;
  /** A few words, such as "Stable Diffusion XL". */
  readonly what: string;
  /** Bytes that drawing at the usual size takes, about. */
  readonly memory: number | null;
  /** What can be loaded beside it. */
  readonly loadOptions: readonly string[];
  readonly tokenLimit: number | null;
  readonly licence: string | null;
}

export interface FoundModel {
  /** As the user calls it: a file's or folder's name, or org/name. */
  readonly name: string;
  /** Undefined: the embedded model. */
  readonly path: string | undefined;
  readonly bytes: number;
  /** Undefined for a model that is broken. */
  readonly known?: { readonly facts: ModelFacts; readonly context: ModelContext };
  /** Why it cannot be drawn with. */
  readonly problem?: string;
}

/** A LoRA, textual inversion, autoencoder or IP-Adapter. */
export interface FoundAddition {
  readonly kind: "lora" | "embedding" | "vae" | "ipAdapter";
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** The models that it was made for. */
  readonly family: string | null;
  /** Words that call it. */
  readonly words: readonly string[];
}

export interface Found {
  readonly models: readonly FoundModel[];
  readonly additions: readonly FoundAddition[];
}

/** A model that the user gave a name. */
export interface NamedModel {
  readonly name: string;
  readonly path: string;
}
