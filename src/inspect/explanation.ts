// An explanation as data: what `nishiki explain` writes as JSON, and what the page shows. Images are data URLs, so that it is
// complete in itself.
import type { NetworkWork } from "../pipeline/index.js";
import type { TrainingFacts } from "./embedded-training.js";
import type { PanelName } from "./panel-names.js";
import type { PanelPrice } from "./panel-prices.js";
import type { Settled } from "./settling.js";
import type { WordPull } from "./word-pull.js";

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
  /** Cells of the latents where the map has at least 0.4 of its maximum (as Tang et al. 2023 do). */
  readonly cells: number;
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
  /** Of the file that was loaded. */
  readonly sha256: string;
  /** Of the file after the last drawing; undefined while that is not finished. */
  readonly after?: string;
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

/** A device, and what came of drawing the same seed there. */
export interface ExplainedDevice {
  /** Such as "cpu" or "webgpu". */
  readonly name: string;
  /** Threads, on the CPU. */
  readonly threads?: number;
  /** "used" for the drawing, "drawn" the same seed, "absent" on this machine, or "untried". */
  readonly state: "used" | "drawn" | "absent" | "untried";
  /** Seconds of the second drawing, without loading. */
  readonly seconds?: number;
  /** Of the drawing to the one of the device that was used: PSNR in dB, 99 for the same bytes. */
  readonly psnr?: number;
  /** The largest difference of a channel, 0 to 255. */
  readonly mostDifferent?: number;
  /** Why it is absent. */
  readonly reason?: string;
}

/** What a panel took, and what was forecast. */
export interface PanelRun {
  readonly panel: PanelName;
  readonly drawings: number;
  /** What was forecast; undefined where the model does not say what it costs. */
  readonly price?: Omit<PanelPrice, "panel" | "drawings">;
  /** Seconds that it took; undefined while it is not finished. */
  readonly seconds?: number;
}

export interface Explanation {
  readonly format: 1;
  /** The panels that were chosen, in the order in which they are drawn. */
  readonly panels: readonly PanelRun[];
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
  /** The device that was used first, then the others for which the runtime has code. */
  readonly devices: readonly ExplainedDevice[];
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
  /** Tokens that one text has room for, with the marks at its ends; undefined if the model reads as many as there are. */
  readonly tokenRoom?: number;
  /** The text that was encoded, if it differs from the prompt. */
  readonly encoded?: string;
  readonly stepImages: readonly ImageUrl[];
  /** How much of the last prediction's structure and detail each of them has, 0 to 1. */
  readonly settled: readonly Settled[];
  readonly words: readonly ExplainedWord[];
  /** The grid of the latents. */
  readonly latents?: { readonly height: number; readonly width: number };
  /** The same for the negative prompt. */
  readonly negativeWords: readonly ExplainedWord[];
  /** The embedded model's regions: a grid of cells, each with its own mean of the words. */
  readonly regions?: {
    readonly height: number;
    readonly width: number;
    /** For each cell, row by row: its words with their shares, the strongest first. */
    readonly cells: readonly (readonly { readonly word: string; readonly share: number }[])[];
  };
  /** What leaving a word out changes in the prediction, by evaluation. */
  readonly wordPulls: readonly WordPull[];
  /** Predictions from one noisy picture, with the difference that the prompt makes taken several times. */
  readonly arrows: readonly {
    readonly step: number;
    readonly images: readonly { readonly scale: number; readonly image: ImageUrl }[];
  }[];
  /** The strongest word joins the prompt after so many steps. */
  readonly switched?: {
    readonly word: string;
    readonly prompt: string;
    readonly steps: number;
    readonly images: readonly { readonly step: number; readonly image: ImageUrl }[];
  };
  /** For words that name a known thing: the names that the text encoder places nearest. */
  readonly neighbours: readonly { readonly word: string; readonly names: readonly string[] }[];
  readonly leftOut: readonly LeftOutWord[];
  readonly seeds?: {
    readonly images: readonly { readonly seed: number; readonly image: ImageUrl }[];
    /** Steps of the other seeds' drawings. */
    readonly steps: number;
    readonly mean: ImageUrl;
    /** The first step's prediction without guidance. */
    readonly first: ImageUrl;
    readonly meanToFirstStep: number;
    readonly meanToDrawing: number;
    readonly distance: number;
    /** Mean distance between two of the images in the features of the package's classifier. */
    readonly diversity: number;
    /** The same in the model's scorecard, where it has one: of its drawings of one prompt, and of scenes composed for it. */
    readonly usualDiversity?: { readonly drawings: number; readonly scenes: number };
  };
  /** How often the model got each skill right in its scorecard, where it has one. */
  readonly skills?: readonly { readonly skill: string; readonly share: number }[];
  readonly scales: readonly { readonly scale: number; readonly image: ImageUrl }[];
  readonly pull?: {
    /** By evaluation: the root mean square of what the prompt changes in the predicted noise. */
    readonly values: readonly number[];
    /** Of the first prediction, from noise alone; this is what prompts are compared by. */
    readonly first: number;
    /** Share of the ordinary prompts that pull less, 0 to 1. */
    readonly percentile: number;
    readonly ordinary: readonly { readonly prompt: string; readonly pull: number }[];
  };
  /** Training pictures near to the drawing; undefined where the training's drawings are not on this machine. */
  readonly nearest?: {
    /** The nearest first. */
    readonly images: readonly {
      readonly image: ImageUrl;
      readonly caption: string;
      /** PSNR in dB at the best small shift, at 64×64 pixels. */
      readonly psnr: number;
      /** Distance of a classifier's features. */
      readonly distance: number;
    }[];
    /** Feature distance to the nearest by features. */
    readonly distance: number;
    /** Of each training picture that was compared, the same to the nearest other one. */
    readonly among: readonly { readonly psnr: number; readonly distance: number }[];
    readonly scenes: number;
    /** Mean distance of the classifier's features between two of the training pictures. */
    readonly diversity: number;
    /** PSNR from which a drawing counts as a near copy. */
    readonly limit: number;
    readonly isNearCopy: boolean;
    /** Whether training left out such pairs: then it never saw this. */
    readonly isHeldOut: boolean;
  };
  /** How it was trained, where that is known. */
  readonly training?: TrainingFacts;
}
