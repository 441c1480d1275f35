// What a pipeline reports while it draws.
//
// Every event is plain JSON data: JSON.stringify(event) and structuredClone(event) give exactly its fields, so an event can
// go over HTTP or to another thread as it is. What only works inside this process (`preview()`, `png()`, `pixels`) stands
// beside the data as properties that are not enumerable.
import type { Pixels } from "./pixels.js";
import type { Receipt } from "./receipt.js";

/** Something that the caller should know and that does not stop the work, such as words of the prompt that were cut off. */
export interface WarningEvent {
  readonly kind: "warning";
  /** One sentence. */
  readonly message: string;
}

/** Another request works with this model's networks, or with others of its pool; this one's turn comes after it. */
export interface WaitEvent {
  readonly kind: "wait";
}

/** Networks are being loaded into memory; the next event comes when they are. */
export interface LoadEvent {
  readonly kind: "load";
  /** What is loaded, such as "text encoder" or "denoiser". */
  readonly stage: string;
}

/** Something that the request gives is being encoded. */
export interface EncodeEvent {
  readonly kind: "encode";
  /** What is encoded: "prompt" or "image". */
  readonly stage: string;
}

/** A step of a sampler is done. */
export interface StepEvent {
  readonly kind: "step";
  /** The diffusion that the step is part of, such as "base" or "super-resolution". */
  readonly stage: string;
  /** Which image of the request, from 0, and of how many. */
  readonly index: number;
  readonly count: number;
  /** Steps of this stage that are done, from 1, and of how many. */
  readonly step: number;
  readonly steps: number;
  /** Forecast until this image is finished. */
  readonly secondsLeft: number;
  /** Forecast until all images are finished. */
  readonly totalSecondsLeft: number;
  /** Decodes what the model expects the image to be, as of this step. Costs as much as a step or two. */
  preview(): Promise<Pixels>;
}

/** The last latents of an image are being turned into pixels. */
export interface DecodeEvent {
  readonly kind: "decode";
  /** What is decoded or enlarged, such as "base". */
  readonly stage: string;
  /** Which image of the request, from 0, and of how many. */
  readonly index: number;
  readonly count: number;
}

/** An image is finished. */
export interface ImageEvent {
  readonly kind: "image";
  /** Which image of the request, from 0, and of how many. */
  readonly index: number;
  readonly count: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly receipt: Receipt;
  /** [height, width, 3], RGB of 8 bits. Not enumerable. */
  readonly pixels: Uint8Array;
  /** The file: PNG with the receipt and the `parameters` text inside. */
  png(): Uint8Array;
}

export type PipelineEvent =
  | WarningEvent
  | WaitEvent
  | LoadEvent
  | EncodeEvent
  | StepEvent
  | DecodeEvent
  | ImageEvent;

/** The fields of an event that are data: what JSON.stringify keeps. */
export type EventData<E> = Omit<E, "preview" | "png" | "pixels">;

/** An event from its data, with what cannot be sent beside it. */
export function makeEvent<E extends PipelineEvent>(
  data: EventData<E>,
  beside: Omit<E, keyof EventData<E>>,
): E {
  const event = { ...data } as E;
  for (const [name, value] of Object.entries(beside)) Object.defineProperty(event, name, { value });
  return event;
}
