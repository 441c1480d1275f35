// txt2img and img2img: one request is one job, and the reply waits for its end. A client that leaves does not end its job, as in
// webui: the images stay in the library, and a client that wants it stopped posts to "interrupt".
import { createHash } from "node:crypto";
import type { StoredRequest } from "../../pipeline/index.js";
import { isRecord } from "../../schema/index.js";
import type { Job } from "../api/index.js";
import type { Application, Caller } from "../application.js";
import { type DrawRequest, type Reading, readDrawing } from "./draw-request.js";
import { makeFault, refuse, refuseFields } from "./errors.js";
import { type ImageToImage, readImageToImage, readTextToImage, type TextToImage } from "./fields.js";
import { makeGate } from "./gate.js";
import { addHires } from "./hires.js";
import { addInfotext } from "./infotext.js";
import { addInitImage } from "./init-image.js";
import type { Options } from "./options.js";
import { makeReply, readFinished } from "./reply.js";
import type { Task, Tasks } from "./tasks.js";

/** Requests whose images are read at a time. */
const gate = makeGate(2);

/** What the handlers of one request need. */
export interface Handling {
  readonly application: Application;
  readonly tasks: Tasks;
  readonly caller: Caller;
  readonly reading: Reading;
  /** Makes the options of a request those of its caller. */
  readonly keepOptions: (options: Options) => void;
}

/** A job's id for a client's task id, which may hold any characters: "task(abc)" → "task-abc-1f2e3d4c". */
export function getJobId(task: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(task)) return task;
  const plain = task
    .replaceAll(/[^A-Za-z0-9_-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 48);
  return `${plain}-${createHash("sha256").update(task).digest("hex").slice(0, 12)}`;
}

let counter = 0;

/** Creates the job, or joins the one that has this id. */
async function createJob(
  { application, caller }: Handling,
  { load, model }: DrawRequest,
  request: StoredRequest,
  task: Task,
  taskId: string | undefined,
): Promise<Job> {
  const labels = { api: "webui", task: task.id };
  const job = { kind: "draw" as const, request, load, model: model.id, labels };
  return (await application.createJob(job, caller, taskId && getJobId(taskId))).job;
}

/** The error of a failed job, as webui answers it. */
function checkEnd({ state, error }: Job): void {
  if (state !== "failed") return;
  const message = error ? [error.message, error.hint].filter(Boolean).join(" ") : "The job failed.";
  refuse(error?.code === "usage" ? 422 : 500, message);
}

interface Asked {
  readonly fields: TextToImage | ImageToImage;
  readonly drawing: DrawRequest;
}

interface Prepared {
  readonly request: StoredRequest;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly comments?: readonly string[];
  readonly usesStrength: boolean;
}

/** @param prepare Reads images: the caller sees its task, and can interrupt it, while that lasts. */
async function draw(
  handling: Handling,
  kind: Task["kind"],
  { fields, drawing }: Asked,
  prepare: () => Promise<Prepared> | Prepared,
) {
  const { application, tasks, caller } = handling;
  const id = fields.force_task_id || `task(${Date.now().toString(36)}${(counter++).toString(36)})`;
  const count = fields.batch_size * fields.n_iter;
  return tasks.run({ id, owner: caller.owner, kind, count }, async (task) => {
    const prepared = await prepare();
    const created = await createJob(handling, drawing, prepared.request, task, fields.force_task_id);
    if (!fields.override_settings_restore_afterwards) handling.keepOptions(drawing.options);
    const job = await tasks.wait(task, created);
    checkEnd(job);
    const images = await readFinished(application, job);
    return makeReply({ ...prepared, fields, drawing, task, job, images });
  });
}

/** Refuses a prompt that is empty: our models need words. */
function checkPrompt({ prompt }: StoredRequest): void {
  if (prompt.trim() === "") refuseFields([makeFault("prompt", "expected text that is not empty.")]);
}

export async function textToImage(handling: Handling, body: unknown) {
  const fields = readTextToImage(addInfotext(body));
  const drawing = readDrawing(fields, handling.reading);
  checkPrompt(drawing.request);
  const { request, extra, comments } = addHires(fields, drawing, handling.reading);
  const usesStrength = request.hires !== undefined;
  const prepared = { request, extra, comments, usesStrength };
  return draw(handling, "txt2img", { fields, drawing }, () => prepared);
}

export async function imageToImage(handling: Handling, body: unknown) {
  if (isRecord(body) && (body.init_images === null || body.init_images === undefined))
    refuse(404, "Init image not found");
  const fields = readImageToImage(addInfotext(body));
  const drawing = readDrawing(fields, handling.reading);
  checkPrompt(drawing.request);
  return draw(handling, "img2img", { fields, drawing }, async () => ({
    request: await gate(() => addInitImage(fields, drawing, handling.application)),
    usesStrength: true,
  }));
}
