// Long work as the server gives it to the drawing process: plain data.
import type { PanelName } from "../../inspect/index.js";
import type { LoadOptions } from "../../pipeline/index.js";

export interface TrainTask {
  readonly kind: "train";
  /** Folder of the model to train; undefined: the embedded one. */
  readonly model: string | undefined;
  /** Folder with the captioned images. */
  readonly images: string;
  /** Folder of the run, which keeps its checkpoint. */
  readonly run: string;
  /** Folder of images that the model drew for prior preservation, which trainings share. */
  readonly prior: string;
  /** Where the LoRA is written. */
  readonly lora: string;
  readonly steps: number;
  readonly rank: number;
  readonly learningRate: number;
  readonly samplePrompt: string;
}

/** Where a slice of a training ended. */
export interface TrainAnswer {
  readonly finished: boolean;
  readonly step: number;
  /** Smoothed; null before the first step of this slice. */
  readonly loss: number | null;
  /** Whether the LoRA was written. */
  readonly hasLora: boolean;
}

export interface EvaluateTask {
  readonly kind: "evaluate";
  readonly model: string | undefined;
  /** Folder of the drawn images and the report. */
  readonly output: string;
  readonly sprites: string;
  readonly prompts: number;
  readonly seed: number;
}

export interface EvaluateAnswer {
  readonly finished: boolean;
  /** Scores of the finished evaluation. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

export interface ExplainTask {
  readonly kind: "explain";
  readonly load: LoadOptions;
  /** The completed request of one image. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Image files that it names, by their ids. */
  readonly images: ReadonlyMap<string, Uint8Array>;
  readonly amounts: ExplainAmounts;
}

/** How much is drawn to explain an image. */
export interface ExplainAmounts {
  readonly otherSeeds: number;
  readonly leaveOut: number;
  readonly scales: readonly number[];
  /** Left out in jobs of earlier versions. */
  readonly panels?: readonly PanelName[];
  /** Ordinary prompts to compare with; the usual number if left out. */
  readonly ordinary?: number;
}

/** What it costs to explain an image. */
export interface PriceTask extends Omit<ExplainTask, "kind"> {
  readonly kind: "price-explanation";
}
