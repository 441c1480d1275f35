// One request that draws: read, checked, made a job or joined to a running one, and answered at once or as a stream.
import type { Context } from "hono";
import { NishikiError } from "../../errors.js";
import type { Job } from "../api/index.js";
import type { Application, Caller } from "../application.js";
import type { RouteContext } from "../route-context.js";
import { type AnswerOptions, makeAnswer } from "./answer.js";
import { type Drawings, getLabels, type RequestIdentity } from "./drawings.js";
import { Refusal } from "./errors.js";
import { getFingerprint, sha256 } from "./fingerprint.js";
import { type FollowedJob, followJob, type JobEvent } from "./follow-job.js";
import { checkFiles, readInputImages } from "./input-images.js";
import { answersWithUrls, checkAdditions, findModel } from "./models.js";
import { type Endpoint, getParameterSchema, type Parameters, readParameters } from "./parameters.js";
import { type Body, readFormBody, readJsonBody } from "./read-body.js";
import { streamJob } from "./stream.js";
import { checkSupported, makeJob } from "./to-job.js";

export interface DrawContext {
  readonly application: Application;
  readonly context: RouteContext;
  readonly drawings: Drawings;
}

const readBody = (c: Context, endpoint: Endpoint): Promise<Body> =>
  endpoint === "generations" ? readJsonBody(c) : readFormBody(c, getParameterSchema(endpoint));

/** Handles a request to draw. */
export async function draw(c: Context, endpoint: Endpoint, drawContext: DrawContext): Promise<Response> {
  const { application, context } = drawContext;
  const body = await readBody(c, endpoint);
  if (endpoint !== "generations") checkFiles(body);
  const parameters = readParameters(endpoint, body.fields);
  checkSupported(parameters);
  const caller = getCaller(context.caller(c), parameters.user);
  const identity = getIdentity(c, endpoint, caller, body);
  const create = () => createJob(endpoint, { body, parameters, identity, caller }, application);
  const signal = c.req.raw.signal;
  const { events, job, leave } = await joinOrStart(drawContext, identity, create, signal);
  const options = {
    application,
    parameters,
    withUrls:
      (parameters.response_format ?? (answersWithUrls(parameters.model) ? "url" : "b64_json")) === "url",
    origin: new URL(c.req.url).origin,
  };
  if (parameters.stream) return streamJob(c, endpoint, { job, events, options, leave, log: context.log });
  return answerAtEnd(c, { events, options, leave, retries: identity.retries, signal });
}

/** `user` names a person behind the sender: queues are fair between them. */
const getCaller = ({ owner }: Caller, user: string | undefined): Caller =>
  user === undefined ? { owner } : { owner: `${owner}/${sha256(user).slice(0, 12)}` };

function getIdentity(c: Context, endpoint: Endpoint, { owner }: Caller, body: Body): RequestIdentity {
  const count = c.req.header("x-stainless-retry-count");
  const key = c.req.header("idempotency-key");
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key))
    throw new Refusal(400, "Idempotency-Key: expected 1 to 255 printable ASCII characters.");
  const sender = JSON.stringify([owner, c.req.header("authorization"), c.req.header("user-agent")]);
  return {
    fingerprint: getFingerprint(endpoint, sender, body),
    key: key === undefined ? undefined : sha256(JSON.stringify([owner, key])),
    retries: count !== undefined && /^\d{1,3}$/.test(count) ? Number(count) : "never",
  };
}

interface NewJob {
  readonly body: Body;
  readonly parameters: Parameters;
  readonly identity: RequestIdentity;
  readonly caller: Caller;
}

async function createJob(
  endpoint: Endpoint,
  { body, parameters, identity, caller }: NewJob,
  application: Application,
): Promise<Job> {
  const catalogue = await application.catalogue();
  const model = findModel(catalogue, parameters.model);
  checkAdditions(catalogue, parameters);
  const images =
    endpoint === "generations"
      ? undefined
      : await readInputImages(application, body, { takesMask: endpoint === "edits" });
  const { parent, ...job } = makeJob(endpoint, parameters, model, images);
  // Only an image that was drawn here has a place in the family tree.
  const isDrawn = parent !== undefined && (await application.image(parent.image)) !== undefined;
  const request = { ...job, ...(isDrawn && { parent }), labels: getLabels(identity) };
  return (await application.createJob(request, caller)).job;
}

interface Joined extends FollowedJob {
  readonly leave: (retries: number | "never" | undefined) => void;
}

/** Joins the job of an earlier attempt at this request, or starts one. */
async function joinOrStart(
  { application, drawings, context: { closing } }: DrawContext,
  identity: RequestIdentity,
  create: () => Promise<Job>,
  signal: AbortSignal,
): Promise<Joined> {
  const drawing = drawings.join(identity, create);
  const leave = drawings.watch(drawing);
  try {
    // Jobs outlive the server: when it closes, the answer ends and the job stays.
    const end = closing ? AbortSignal.any([signal, closing]) : signal;
    return { ...(await followJob(application, () => drawings.getJob(drawing), end)), leave };
  } catch (error) {
    leave(undefined);
    throw error;
  }
}

interface Waiting {
  readonly events: AsyncGenerator<JobEvent, void, void>;
  readonly options: AnswerOptions;
  readonly leave: Joined["leave"];
  readonly retries: RequestIdentity["retries"];
  readonly signal: AbortSignal;
}

async function answerAtEnd(
  c: Context,
  { events, options, leave, retries, signal }: Waiting,
): Promise<Response> {
  const onAbort = () => leave(retries);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    for await (const event of events)
      if (event.kind === "end") return c.json(await makeAnswer(event.job, options));
    throw new NishikiError("internal", "The job's events ended without its end.");
  } finally {
    signal.removeEventListener("abort", onAbort);
    leave(signal.aborted ? retries : undefined);
  }
}
