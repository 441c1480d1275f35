// Streams: partial images while the job runs, then the finished ones, as server-sent events. Each partial image is the image
// that the model foresees at that step.
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import type { Job, Progress, StoredImage } from "../api/index.js";
import { describeFailure } from "../http/errors.js";
import type { RouteContext } from "../route-context.js";
import {
  type AnswerOptions,
  checkEnd,
  describeImage,
  describeOutput,
  readFile,
  toBase64Image,
  usage,
} from "./answer.js";
import { describeError } from "./errors.js";
import type { JobEvent } from "./follow-job.js";
import type { Endpoint } from "./parameters.js";

/** Milliseconds between comments, so that nobody takes a quiet stream for a dead one. */
const heartbeat = 15_000;

export interface StreamedJob {
  readonly job: Job;
  readonly events: AsyncGenerator<JobEvent, void, void>;
  readonly options: AnswerOptions;
  readonly leave: (retries: "never" | undefined) => void;
  readonly log: RouteContext["log"];
}

/** Answers with a stream of the job's events; a client that closes it cancels the job. */
export function streamJob(c: Context, endpoint: Endpoint, streamed: StreamedJob): Response {
  const name = endpoint === "generations" ? "image_generation" : "image_edit";
  const { events, leave, log } = streamed;
  const gone = () => {
    leave("never");
    void events.return();
  };
  c.req.raw.signal.addEventListener("abort", gone);
  if (c.req.raw.signal.aborted) gone();
  c.header("X-Accel-Buffering", "no");
  return streamSSE(c, async (stream) => {
    stream.onAbort(gone);
    const beat = setInterval(() => void stream.write(": drawing\n\n"), heartbeat);
    try {
      await writeEvents(stream, name, streamed);
      leave(undefined);
    } catch (error) {
      const failure = describeFailure(error);
      if (failure !== undefined) log?.(failure);
      await stream.writeSSE({ event: "error", data: JSON.stringify(describeError(error).body) });
      leave(undefined);
    } finally {
      clearInterval(beat);
      c.req.raw.signal.removeEventListener("abort", gone);
    }
  });
}

async function writeEvents(stream: SSEStreamingApi, name: string, { job, events, options }: StreamedJob) {
  const sent = new Set<string>();
  const send = (kind: string, data: object) => {
    const type = `${name}.${kind}`;
    return stream.writeSSE({ event: type, data: JSON.stringify({ type, ...data }) });
  };
  for await (const event of events) {
    if (stream.aborted) return;
    switch (event.kind) {
      case "progress": {
        const { index, partial } = event.progress;
        // Progress from another machine may be told twice.
        if (partial === undefined || sent.has(`${index}/${partial}`)) break;
        sent.add(`${index}/${partial}`);
        const data = await makePartial(job, event.progress, options);
        if (data) await send("partial_image", data);
        break;
      }
      case "image":
        await send("completed", await makeCompleted(job, event.image, options));
        break;
      case "end":
        checkEnd(event.job);
    }
  }
}

const getTime = () => Math.floor(Date.now() / 1000);

/** The event of a partial image; undefined if the step has none. */
async function makePartial({ id }: Job, progress: Progress, { application, parameters }: AnswerOptions) {
  const { partial, preview, index, step, steps } = progress;
  if (partial === undefined || preview === null) return undefined;
  const file = await application.preview(id, preview);
  if (!file) return undefined;
  const { inspectImage } = await import("../../image/node.js");
  return {
    b64_json: await toBase64Image(file, parameters),
    partial_image_index: partial,
    image_index: index,
    step,
    steps,
    created_at: getTime(),
    ...describeOutput(await inspectImage(file.bytes), parameters),
  };
}

async function makeCompleted(
  { id }: Job,
  image: StoredImage,
  { application, parameters, origin }: AnswerOptions,
) {
  const { warnings = [] } = (await application.job(id)) ?? {};
  return {
    b64_json: await toBase64Image(await readFile(application, image), parameters),
    image_index: image.index,
    created_at: getTime(),
    ...describeOutput(image, parameters),
    ...describeImage(image, origin),
    usage,
    ...(warnings.length > 0 && { warnings }),
  };
}
