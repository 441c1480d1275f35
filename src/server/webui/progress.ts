// Progress as webui reports it. Idle is progress 0 and no jobs: clients wait for both.
import type { Application } from "../application.js";
import { getTimestamp } from "./reply.js";
import type { Task, Tasks } from "./tasks.js";

const idle = {
  skipped: false,
  interrupted: false,
  stopping_generation: false,
  job: "",
  job_count: 0,
  job_timestamp: "0",
  job_no: 0,
  sampling_step: 0,
  sampling_steps: 0,
};

function showState(task: Task) {
  const { progress, id, count, started } = task;
  const isStopped = task.stop.signal.aborted;
  return {
    skipped: task.isSkipped,
    interrupted: isStopped,
    stopping_generation: isStopped,
    job: id,
    job_count: count,
    job_timestamp: getTimestamp(started),
    job_no: Math.min(progress?.index ?? 0, count - 1),
    sampling_step: progress?.step ?? 0,
    sampling_steps: progress?.steps ?? 0,
  };
}

function describeStage({ job, progress }: Task): string | null {
  if (job?.state === "queued") return "In queue...";
  if (job?.state === "paused") return "Paused";
  return progress?.stage === "load" ? "Loading weights..." : null;
}

/** The newest preview in base64. */
async function readPreview(application: Application, task: Task | undefined): Promise<string | null> {
  const number = task?.progress?.preview;
  if (!task?.job || number === undefined || number === null) return null;
  const file = await application.preview(task.job.id);
  return file ? Buffer.from(file.bytes).toString("base64") : null;
}

export async function getProgress(
  application: Application,
  tasks: Tasks,
  owner: string,
  skipsImage: boolean,
) {
  const task = tasks.current(owner);
  const waiting = tasks.list(owner).length;
  if (!task) return { progress: 0, eta_relative: 0, state: idle, current_image: null, textinfo: null };
  return {
    progress: Math.min(1, task.progress?.fraction ?? 0),
    eta_relative: task.progress?.secondsLeft ?? 0,
    state: { ...showState(task), job_count: Math.max(task.count, waiting) },
    current_image: skipsImage ? null : await readPreview(application, task),
    textinfo: describeStage(task),
  };
}

export const getPendingTasks = (tasks: Tasks, owner: string) => ({
  size: tasks.list(owner).filter((task) => task !== tasks.current(owner)).length,
  tasks: tasks
    .list(owner)
    .filter((task) => task !== tasks.current(owner))
    .map(({ id }) => id),
});

export interface ProgressQuery {
  readonly id_task: string;
  readonly id_live_preview: number;
  readonly live_preview: boolean;
}

/** What webui's own page asks for, by the id of a task. */
export async function getTaskProgress(
  application: Application,
  tasks: Tasks,
  owner: string,
  { id_task: id, id_live_preview: seen, live_preview: wantsPreview }: ProgressQuery,
) {
  const task = tasks.list(owner).find((one) => one.id === id);
  const number = task?.progress?.preview ?? -1;
  const isNew = wantsPreview && number !== seen;
  const image = isNew ? await readPreview(application, task) : null;
  const isActive = task?.job?.state === "running";
  return {
    active: isActive,
    queued: task !== undefined && !isActive,
    completed: task === undefined && tasks.isCompleted(owner, id),
    progress: isActive ? (task?.progress?.fraction ?? 0) : null,
    eta: isActive ? (task?.progress?.secondsLeft ?? null) : null,
    live_preview: image === null ? null : `data:image/webp;base64,${image}`,
    id_live_preview: image === null ? seen : number,
    textinfo: task ? (describeStage(task) ?? "") : null,
  };
}
