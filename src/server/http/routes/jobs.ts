// Jobs: create, look, order, stop.
import { oneOf, wholeNumber, z } from "../../../schema/index.js";
import {
  type Job,
  type JobRequest,
  jobIdSchema,
  jobPageSchema,
  jobQuerySchema,
  jobRequestSchema,
  jobSchema,
  moveSchema,
  textUpTo,
} from "../../api/index.js";
import type { Application } from "../../application.js";
import { reportPolicy } from "../headers.js";
import { type Route, type RouteInput, route } from "../route.js";

const tag = "jobs";
const aboutJob = { tag, id: jobIdSchema, noun: "job" } as const;
const jobAnswer = { description: "the job", schema: jobSchema };

const created = {
  201: { description: "the new job, with its seed and every setting fixed", schema: jobSchema },
} as const;

async function create({ application, c, caller, id, body }: RouteInput<unknown, unknown>): Promise<Response> {
  const result = await application.createJob(body as JobRequest, caller, id === "" ? undefined : id);
  const headers = { Location: `/api/v1/jobs/${result.job.id}` };
  return c.json(result.job, result.isNew ? 201 : 200, headers);
}

/** A route that changes one job. */
const change = (
  name: string,
  summary: string,
  run: (application: Application, id: string) => Promise<Job | undefined>,
): Route =>
  route({
    ...aboutJob,
    method: "post",
    path: `/jobs/{id}/${name}`,
    summary,
    answers: { 200: jobAnswer },
    async handle({ application, c, id }) {
      const job = await run(application, id);
      return job && c.json(job);
    },
  });

export const jobRoutes: readonly Route[] = [
  route({
    tag,
    method: "get",
    path: "/jobs",
    summary: "List jobs",
    description: "Jobs that wait or run in their order, then those that have ended, newest first.",
    query: jobQuerySchema,
    answers: { 200: { description: "a page of jobs", schema: jobPageSchema } },
    handle: async ({ application, c, query }) => c.json(await application.jobs(query)),
  }),
  route({
    tag,
    method: "post",
    path: "/jobs",
    summary: "Create a job",
    body: jobRequestSchema,
    answers: created,
    handle: create,
  }),
  route({
    tag,
    method: "post",
    path: "/jobs/cancel",
    summary: "Cancel all jobs, or those of a group",
    body: z.strictObject({ group: textUpTo(64).optional() }),
    answers: {
      200: { description: "how many were cancelled", schema: z.object({ cancelled: z.int() }) },
    },
    handle: async ({ application, c, body }) => c.json({ cancelled: await application.cancelJobs(body) }),
  }),
  route({
    ...aboutJob,
    method: "put",
    path: "/jobs/{id}",
    summary: "Create a job under an id of your choice",
    description: "Sending the same again is safe: the job that exists already is the answer.",
    body: jobRequestSchema,
    answers: {
      ...created,
      200: { description: "the job that exists already with this request", schema: jobSchema },
      409: { description: "the id belongs to another request" },
    },
    handle: create,
  }),
  route({
    ...aboutJob,
    method: "get",
    path: "/jobs/{id}",
    summary: "Get a job",
    answers: { 200: jobAnswer },
    async handle({ application, c, id }) {
      const job = await application.job(id);
      return job && c.json(job);
    },
  }),
  change("cancel", "Cancel a job, within a step if it runs", (application, id) => application.cancelJob(id)),
  change("pause", "Pause a job", (application, id) => application.pauseJob(id)),
  change("resume", "Resume a paused job", (application, id) => application.resumeJob(id)),
  change("skip", "Finish the current image of a running job and leave out the rest", (application, id) =>
    application.skipImage(id),
  ),
  route({
    ...aboutJob,
    method: "post",
    path: "/jobs/{id}/move",
    summary: "Move a queued job",
    body: moveSchema,
    answers: { 200: jobAnswer },
    async handle({ application, c, id, body }) {
      const job = await application.moveJob(id, body);
      return job && c.json(job);
    },
  }),
  route({
    ...aboutJob,
    method: "get",
    path: "/jobs/{id}/preview.webp",
    summary: "Get what a job has drawn so far",
    query: z.strictObject({
      number: wholeNumber(0)
        .optional()
        .meta({ description: "`preview` of a progress; the newest if left out" }),
    }),
    answers: { 200: { description: "a small image", types: ["image/webp"] } },
    async handle({ application, c, id, query: { number } }) {
      const file = await application.preview(id, number);
      if (!file) return undefined;
      const headers = {
        "Content-Type": file.type,
        "Cache-Control": number === undefined ? "no-store" : "private, max-age=3600, immutable",
      };
      return c.body(file.bytes as Uint8Array<ArrayBuffer>, 200, headers);
    },
  }),
  route({
    ...aboutJob,
    method: "get",
    path: "/jobs/{id}/finding",
    summary: "Get a part of an explanation while it is made",
    description: "Later parts replace the fields of earlier ones; the report has all of them.",
    query: z.strictObject({
      number: wholeNumber(1).meta({ description: "from 1 to `findings` of the job's progress" }),
    }),
    answers: {
      200: { description: "some fields of the explanation", schema: z.record(z.string(), z.unknown()) },
    },
    async handle({ application, c, id, query: { number } }) {
      const finding = await application.finding(id, number);
      if (finding === undefined) return undefined;
      return c.body(finding, 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    },
  }),
  route({
    ...aboutJob,
    method: "get",
    path: "/jobs/{id}/report",
    summary: "Get what a training, an evaluation or an explanation has to show",
    query: z.strictObject({
      as: oneOf(["data", "page"])
        .optional()
        .meta({ description: "of an explanation: data, or one HTML file that works from disk" }),
    }),
    answers: {
      200: {
        description: "the page of an evaluation, the newest samples of a training, or an explanation as data",
        types: ["text/html", "image/png", "application/json"],
      },
    },
    async handle({ application, c, id, query }) {
      const file = await application.report(id, query.as);
      if (!file) return undefined;
      const headers = { "Content-Type": file.type, "Content-Security-Policy": reportPolicy };
      return c.body(file.bytes as Uint8Array<ArrayBuffer>, 200, headers);
    },
  }),
  ...[true, false].map((paused) =>
    route({
      tag,
      method: "post",
      path: paused ? "/queue/pause" : "/queue/resume",
      summary: paused ? "Pause the queue; the running job goes on" : "Resume the queue",
      answers: {
        200: { description: "the queue's state", schema: z.object({ paused: z.boolean() }) },
      },
      async handle({ application, c }) {
        await application.pauseQueue(paused);
        return c.json({ paused });
      },
    }),
  ),
];
