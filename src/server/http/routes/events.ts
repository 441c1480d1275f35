// Streams of events: of everything, and of one job.
import type { Context } from "hono";
import { z } from "../../../schema/index.js";
import { finalStates, jobIdSchema } from "../../api/index.js";
import type { Application } from "../../application.js";
import type { NativeContext } from "../environment.js";
import { describeFailure, refuse } from "../errors.js";
import { makeEventStream, type StreamedEvent } from "../event-stream.js";
import { eventStreams } from "../limits.js";
import { type Route, route } from "../route.js";

const querySchema = z.strictObject({
  after: z.string().max(100).optional().meta({
    description: "id of the last event that was seen; the header Last-Event-ID comes first",
  }),
});

const answers = {
  200: {
    description: "server-sent events: `id`, `event` with the kind, and `data` with an Event as JSON",
    types: ["text/event-stream"],
  },
};

/** Open streams of each server. */
const counts = new WeakMap<NativeContext, number>();

interface StreamInput {
  readonly c: Context;
  readonly context: NativeContext;
}

function respond(
  { c, context }: StreamInput,
  open: (signal: AbortSignal) => AsyncIterable<StreamedEvent>,
): Response {
  const headers = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  };
  if (c.req.method === "HEAD") return new Response(null, { headers });
  const count = counts.get(context) ?? 0;
  if (count >= eventStreams)
    refuse(503, `${eventStreams} event streams are open already; close some.`, { "Retry-After": "5" });
  counts.set(context, count + 1);
  const stream = makeEventStream(open, {
    signal: context.closing,
    onEnd: () => counts.set(context, counts.get(context)! - 1),
    onError: (error) => context.onTrouble(describeFailure(error) ?? String(error)),
  });
  return new Response(stream, { headers });
}

/** The id after which a reader wants to continue. */
function getAfter(c: Context, query: { readonly after?: string }): string | undefined {
  const after = c.req.header("last-event-id") || query.after || undefined;
  if (after !== undefined && !/^[\w-]{1,100}$/.test(after))
    refuse(400, "after: expected the id of an event, as its id line has it.");
  return after;
}

/** The state of a job, then its events until it has ended. Listens before it looks, so that nothing falls in between. */
async function* followJob(
  application: Application,
  { job: id, after, signal }: { readonly job: string; readonly after?: string; readonly signal: AbortSignal },
): AsyncGenerator<StreamedEvent, void, void> {
  const left = new AbortController();
  const leave = () => left.abort();
  signal.addEventListener("abort", leave);
  try {
    const events = application.events({ job: id, after, signal: left.signal })[Symbol.asyncIterator]();
    const first = events.next();
    first.catch(() => {});
    const job = await application.job(id);
    if (!job) return;
    const isOver = finalStates.includes(job.state);
    if (after === undefined || isOver) yield { event: { kind: "job", job } };
    if (isOver) return;
    for (let next = await first; !next.done; next = await events.next()) {
      const { event } = next.value;
      yield next.value;
      if (event.kind === "job" && finalStates.includes(event.job.state)) return;
    }
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
}

export const eventRoutes: readonly Route[] = [
  route({
    tag: "events",
    method: "get",
    path: "/events",
    summary: "Follow everything",
    description:
      "Changes of jobs, images, models and the queue from now on, or after an event that was seen. A reader that is too slow misses progress; if it falls further behind, the stream ends and it should come back.",
    query: querySchema,
    answers,
    handle({ application, context, c, query }) {
      const after = getAfter(c, query);
      return respond({ c, context }, (signal) => application.events({ after, signal }));
    },
  }),
  route({
    tag: "events",
    method: "get",
    path: "/jobs/{id}/events",
    summary: "Follow a job",
    description: "Begins with the job's state and ends when the job has ended.",
    id: jobIdSchema,
    noun: "job",
    query: querySchema,
    answers,
    async handle({ application, context, c, id, query }) {
      const after = getAfter(c, query);
      if (!(await application.job(id))) return undefined;
      return respond({ c, context }, (signal) => followJob(application, { job: id, after, signal }));
    },
  }),
];
