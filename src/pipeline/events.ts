// What a pipeline tells while it draws.
import type { Pixels } from "./pixels.js";
import type { Receipt } from "./receipt.js";

/** Something the caller should know that does not stop the work, such as words of the prompt that did not fit. */
export interface WarningEvent {
  readonly kind: "warning";
  /** One sentence. */
  readonly message: string;
}

/** A step of the sampler is done. */
export interface StepEvent {
  readonly kind: "step";
  /** Which picture of the request, from 0, and of how many. */
  readonly picture: number;
  readonly count: number;
  /** Steps done, from 1, and of how many. */
  readonly step: number;
  readonly steps: number;
  /** Forecast until this picture is finished. */
  readonly secondsLeft: number;
  /** Forecast until all pictures are finished. */
  readonly secondsLeftInAll: number;
  /** Decodes what the model expects the picture to be, as of this step. Costs as much as a step or two. */
  preview(): Promise<Pixels>;
}

/** A picture is finished. */
export interface PictureEvent {
  readonly kind: "picture";
  /** Which picture of the request, from 0. */
  readonly index: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], RGB of 8 bits. */
  readonly pixels: Uint8Array;
  readonly receipt: Receipt;
  /** The file: PNG with the receipt and the `parameters` text inside. */
  png(): Uint8Array;
}

export type PipelineEvent = WarningEvent | StepEvent | PictureEvent;
