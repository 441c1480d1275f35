// What looking inside a drawing finds, one after another.
import type { NetworkWork, Pixels, PromptTokens, Receipt } from "../pipeline/index.js";
import type { WordMap } from "./attribution.js";
import type { AutopsyFinding } from "./explain-autopsy.js";
import type { OrdinaryPull } from "./first-pull.js";
import type { Settled } from "./settling.js";

/** The drawing itself. */
export interface DrawingFinding {
  readonly kind: "drawing";
  readonly image: Pixels;
  readonly receipt: Receipt;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/** What the model was given: its own tokens, and the words that they spell. */
export interface TokensFinding {
  readonly kind: "tokens";
  readonly prompt: PromptTokens;
  readonly negativePrompt: PromptTokens;
}

/** The denoised prediction (x̂0) at every step: what the model would draw if it had to stop there. */
export interface StepsFinding {
  readonly kind: "steps";
  readonly images: readonly Pixels[];
  /** How much of the last prediction each of them has. */
  readonly settled: readonly Settled[];
}

/** Where each word went, by attention. */
export interface WordsFinding {
  readonly kind: "words";
  readonly maps: readonly WordMap[];
  /** For a network with regions: each word's share of every region's words, over the regions' grid. */
  readonly regions: readonly WordMap[];
  /** The grid of the latents, of which maps may be coarser. */
  readonly latents?: { readonly height: number; readonly width: number };
  /** Where the words of the negative prompt went; empty without one. */
  readonly negative: readonly WordMap[];
}

/** How far the prompt pulls the prediction at each step, and where that lies among ordinary prompts of this model. */
export interface PullFinding {
  readonly kind: "pull";
  readonly values: readonly number[];
  /** Of the first prediction, from noise alone. */
  readonly first: number;
  /** Share of the ordinary prompts that pull less, 0 to 1. */
  readonly percentile: number;
  readonly ordinary: readonly OrdinaryPull[];
}

/** The same seed without one word: what the word changed. */
export interface WithoutFinding {
  readonly kind: "without";
  readonly word: string;
  readonly index: number;
  readonly prompt: string;
  readonly image: Pixels;
  /** [height, width], 0 to 1: how much each pixel changed. */
  readonly change: Float32Array;
  /** Correlation of the change with the word's attention, −1 to 1. */
  readonly agreement: number;
}

/** The same prompt with other seeds, and their mean. */
export interface SeedsFinding {
  readonly kind: "seeds";
  readonly images: readonly { readonly seed: number; readonly image: Pixels }[];
  /** Steps of the other seeds' drawings. */
  readonly steps: number;
  readonly mean: Pixels;
  /** The first step's prediction without guidance: from pure noise, the model can only predict an average. */
  readonly first: Pixels;
  /** PSNR in dB of the mean to that prediction, and to the drawing. */
  readonly meanToFirstStep: number;
  readonly meanToDrawing: number;
  /** Mean distance between two of the images, root mean square of 255. */
  readonly distance: number;
}

/** The same seed with other guidance scales. */
export interface GuidanceFinding {
  readonly kind: "guidance";
  readonly images: readonly { readonly scale: number; readonly image: Pixels }[];
}

/** Multiplications, counted from the programs. */
export interface WorkFinding {
  readonly kind: "work";
  readonly networks: readonly NetworkWork[];
}

export type Finding =
  | DrawingFinding
  | TokensFinding
  | StepsFinding
  | WordsFinding
  | PullFinding
  | WithoutFinding
  | SeedsFinding
  | GuidanceFinding
  | WorkFinding
  | AutopsyFinding;
