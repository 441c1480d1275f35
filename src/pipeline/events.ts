// Events that a pipeline emits while it draws.
//
// Every event is plain JSON data: JSON.stringify(event) and structuredClone(event) keep exactly its fields, so an event can
// go over HTTP or to another thread unchanged. Members that only work inside this process (`preview()`, `png()`, `pixels`)
// are non-enumerable properties.
import type { Pixels } from "./pixels.js";
import type { Receipt } from "./receipt.js";

/** A problem that does not stop the work, such as a truncated prompt. */
export interface WarningEvent {
  readonly kind: "warning";
  /** One sentence. */
  readonly message: string;
}

/** Another request is using this model's session pool; this request waits for its turn. */
export interface WaitEvent {
  readonly kind: "wait";
}

/** A network is being loaded into memory; the next event follows when it is ready. */
export interface LoadEvent {
  readonly kind: "load";
  /** The network, such as "text encoder" or "denoiser". */
  readonly stage: string;
}

/** An input of the request is being encoded. */
export interface EncodeEvent {
  readonly kind: "encode";
  /** "prompt" or "image". */
  readonly stage: string;
}

/** A sampler finished a step. */
export interface StepEvent {
  readonly kind: "step";
  /** The diffusion stage, such as "base" or "super-resolution". */
  readonly stage: string;
  /** Index of the image within the request, from 0; `count` is the number of images. */
  readonly index: number;
  readonly count: number;
  /** Number of finished steps of this stage, from 1; `steps` is their total. */
  readonly step: number;
  readonly steps: number;
  /** Estimated time until this image is finished. */
  readonly secondsLeft: number;
  /** Estimated time until all images are finished. */
  readonly totalSecondsLeft: number;
  /** Whether this stage can show its predictions: a prior's are no images. */
  readonly hasPreview: boolean;
  /** Decodes the denoised prediction of this step. Costs about as much as one or two steps. @throws NishikiError "usage" */
  preview(): Promise<Pixels>;
}

/** A transform stage has started: the final latents are being decoded, the image is being enlarged or pasted back, or the like. */
export interface DecodeEvent {
  readonly kind: "decode";
  /** The stage's name, such as "decode". */
  readonly stage: string;
  /** Index of the image within the request, from 0; `count` is the number of images. */
  readonly index: number;
  readonly count: number;
}

/** A stage of a cascade finished a smaller image, which later stages enlarge. */
export interface StageImageEvent {
  readonly kind: "stage-image";
  /** The diffusion stage, such as "base"; `stages` counts those until here. */
  readonly stage: string;
  readonly stages: number;
  /** Index of the image within the request, from 0; `count` is the number of images. */
  readonly index: number;
  readonly count: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  /** That of the same request with these stages alone. */
  readonly receipt: Receipt;
  /** [height, width, 3], 8-bit RGB. Not enumerable. */
  readonly pixels: Uint8Array;
  /** Encodes the image as a PNG that includes the receipt and the `parameters` text. */
  png(): Uint8Array;
}

/** An image is finished. */
export interface ImageEvent {
  readonly kind: "image";
  /** Index of the image within the request, from 0; `count` is the number of images. */
  readonly index: number;
  readonly count: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly receipt: Receipt;
  /** [height, width, 3], 8-bit RGB. Not enumerable. */
  readonly pixels: Uint8Array;
  /** Encodes the image as a PNG that includes the receipt and the `parameters` text. */
  png(): Uint8Array;
}

export type PipelineEvent =
  | WarningEvent
  | WaitEvent
  | LoadEvent
  | EncodeEvent
  | StepEvent
  | DecodeEvent
  | StageImageEvent
  | ImageEvent;

/** The data fields of an event, which JSON.stringify keeps. */
export type EventData<E> = Omit<E, "preview" | "png" | "pixels">;

/** Makes an event from its data and its process-local members. */
export function makeEvent<E extends PipelineEvent>(
  data: EventData<E>,
  members: Omit<E, keyof EventData<E>>,
): E {
  const event = { ...data } as E;
  for (const [name, value] of Object.entries(members)) Object.defineProperty(event, name, { value });
  return event;
}
