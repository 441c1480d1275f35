// A job on a server, seen as a pipeline that draws here: the same events, so the same progress and the same files.
import { NishikiError } from "../../errors.js";
import { decodePng, readPngText } from "../../image/index.js";
import { decodeImage } from "../../image/node.js";
import {
  type Environment,
  type ImageEvent,
  makeEvent,
  type Pipeline,
  type PipelineEvent,
  parseReceipt,
  type Receipt,
  receiptKey,
  type StepEvent,
} from "../../pipeline/index.js";
import type { Job, Progress, ServerEvent, StoredImage } from "../../server/index.js";
import type { WritePreview } from "../preview-file.js";
import { type ServerClient, toErrorCode } from "./server-client.js";

export class RemoteDrawing implements Pick<Pipeline, "model" | "environment" | "generate"> {
  readonly #client: ServerClient;
  readonly #job: Job;
  readonly #preview: WritePreview | undefined;
  readonly #delivered = new Set<number>();
  readonly #warned = new Set<string>();
  #lastPreview: number | null = null;
  #receipt: Receipt | undefined;

  /** @param job As the server made it. */
  constructor(client: ServerClient, job: Job, preview: WritePreview | undefined) {
    this.#client = client;
    this.#job = job;
    this.#preview = preview;
  }

  get model(): Pipeline["model"] {
    return this.#getReceipt().model as Pipeline["model"];
  }

  async environment(): Promise<Environment> {
    const { version, device, runtime, platform, load, model } = this.#getReceipt();
    return { version, device, runtime, platform, load, weights: model.weights };
  }

  /** What draws is known once an image is there. */
  #getReceipt(): Receipt {
    if (this.#receipt) return this.#receipt;
    throw new NishikiError("internal", "The model of a job is known with its first image.");
  }

  /** Follows the job. The signal cancels it on the server. @throws NishikiError "aborted", or why the job failed */
  async *generate(
    _request: unknown,
    { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<PipelineEvent, void, void> {
    const { id } = this.#job;
    for await (const event of this.#client.follow(id, signal)) {
      yield* this.#take(event);
      if (event.kind !== "job") continue;
      const { state, error } = event.job;
      if (state === "done") return;
      if (state === "cancelled") throw new NishikiError("aborted", "The job was cancelled on the server.");
      if (state === "failed") throw describeFailure(error);
    }
    await this.#client.ask("POST", `/jobs/${id}/cancel`);
    throw new NishikiError("aborted", "Stopped: the caller cancelled.");
  }

  async *#take(event: ServerEvent): AsyncGenerator<PipelineEvent, void, void> {
    switch (event.kind) {
      case "job":
        if (event.job.state === "queued") yield { kind: "wait" };
        for (const message of event.job.warnings) yield* this.#warn(message);
        // After a broken connection, images may be known from here alone.
        for (const image of event.job.images) yield* this.#fetch(image);
        return;
      case "warning":
        return yield* this.#warn(event.message);
      case "progress":
        yield this.#describe(event.progress);
        return this.#writePreview(event.progress);
      case "image":
        return yield* this.#fetch(event.image);
    }
  }

  *#warn(message: string): Generator<PipelineEvent, void, void> {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    yield { kind: "warning", message };
  }

  #describe({ stage, index, count, step, steps, secondsLeft }: Progress): PipelineEvent {
    if (stage === "wait") return { kind: "wait" };
    if (stage === "load") return { kind: "load", stage: "model" };
    if (stage === "encode") return { kind: "encode", stage: "prompt" };
    if (steps === 0 || stage === "decode") return { kind: "decode", stage, index, count };
    const left = secondsLeft ?? Number.NaN;
    const data = {
      kind: "step",
      stage,
      index,
      count,
      step,
      steps,
      secondsLeft: left,
      totalSecondsLeft: left,
      hasPreview: false,
    } as const;
    return makeEvent<StepEvent>(data, {
      preview: () => Promise.reject(new NishikiError("internal", "Previews of a server come by themselves.")),
    });
  }

  async #writePreview({ preview }: Progress): Promise<void> {
    if (!this.#preview || preview === null || preview === this.#lastPreview) return;
    this.#lastPreview = preview;
    const bytes = await this.#client
      .bytes(`/jobs/${this.#job.id}/preview.webp?number=${preview}`)
      .catch(() => undefined);
    if (!bytes) return; // An older preview may be gone; the next one comes soon.
    const { width, height, data } = await decodeImage(bytes);
    await this.#preview({ width, height, channels: 3, data: Uint8Array.from(data) });
  }

  async *#fetch({ id, index, seed, width, height }: StoredImage): AsyncGenerator<PipelineEvent, void, void> {
    if (this.#delivered.has(index)) return;
    this.#delivered.add(index);
    const png = await this.#client.bytes(`/images/${id}/file`);
    const receipt = parseReceipt(readPngText(png)[receiptKey] ?? "");
    this.#receipt ??= receipt;
    const { count } = this.#job.request as { readonly count: number };
    yield makeEvent<ImageEvent>(
      { kind: "image", index, count, seed, width, height, receipt },
      { pixels: decodePng(png).data as Uint8Array, png: () => png },
    );
  }
}

function describeFailure(error: Job["error"]): NishikiError {
  const { code, message, hint } = error ?? { code: "internal", message: "The job failed.", hint: null };
  return new NishikiError(toErrorCode(code), hint === null ? message : `${message} ${hint}`);
}
