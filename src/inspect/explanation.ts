// An explanation as data: what `nishiki explain` writes as JSON, and what the page shows. Images are data URLs, so that it is
// complete in itself.
import type { NetworkWork } from "../pipeline/index.js";

/** An image as a `data:` URL. */
export type ImageUrl = string;

/** A map over the image, as bytes: `value = byte / 255 · most`. */
export interface ByteMap {
  readonly height: number;
  readonly width: number;
  readonly most: number;
  /** Bytes row by row, in base64. */
  readonly data: string;
}

export interface ExplainedWord {
  readonly word: string;
  /** Index among the prompt's words. */
  readonly index: number;
  /** Share of the image's attention to words, 0 to 1. */
  readonly share: number;
  readonly map: ByteMap;
}

export interface LeftOutWord {
  readonly word: string;
  readonly index: number;
  readonly prompt: string;
  readonly image: ImageUrl;
  readonly change: ByteMap;
  /** Correlation of the change with the word's attention, −1 to 1. */
  readonly agreement: number;
}

export interface ReadFile {
  readonly name: string;
  readonly sha256: string;
  /** Undefined if the file is not where the model was loaded from any more. */
  readonly bytes?: number;
}

/** Energy in joules, and how it is known. */
export interface Energy {
  readonly joules: number;
  /** "measured" by the processor's own counters (RAPL), or "estimated" from processor time at a typical power. */
  readonly how: "measured" | "estimated";
  /** The assumed power of a busy core in watts, if estimated. */
  readonly wattsPerCore?: number;
}

export interface Explanation {
  readonly format: 1;
  readonly version: string;
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly seed: number;
  readonly steps: number;
  readonly guidance: number;
  readonly sampler: string;
  readonly model: { readonly name: string; readonly version: string; readonly isEmbedded: boolean };
  readonly device: string;
  readonly runtime: string;
  readonly width: number;
  readonly height: number;
  readonly image: ImageUrl;
  readonly seconds: number;
  readonly energy: Energy;
  readonly warnings: readonly string[];
  /** The files that were read, with their hashes. */
  readonly files: readonly ReadFile[];
  readonly networks: readonly NetworkWork[];
  readonly tokens: readonly string[];
  /** The text that was encoded, if it differs from the prompt. */
  readonly encoded?: string;
  readonly stepImages: readonly ImageUrl[];
  readonly words: readonly ExplainedWord[];
  readonly leftOut: readonly LeftOutWord[];
  readonly seeds?: {
    readonly images: readonly { readonly seed: number; readonly image: ImageUrl }[];
    readonly mean: ImageUrl;
    /** The first step's prediction without guidance. */
    readonly first: ImageUrl;
    readonly meanToFirstStep: number;
    readonly meanToDrawing: number;
    readonly distance: number;
  };
  /** How often the model got each skill right in its scorecard, where it has one. */
  readonly skills?: readonly { readonly skill: string; readonly share: number }[];
  readonly scales: readonly { readonly scale: number; readonly image: ImageUrl }[];
  readonly pull?: {
    readonly values: readonly number[];
    readonly mean: number;
    readonly percentile: number;
    readonly ordinary: readonly { readonly prompt: string; readonly mean: number }[];
  };
}
