// What is told outside of the feed: the title of the page, the screen reader's region, and a notification at the end of a long job.
import { effect } from "@preact/signals";
import { formatNumber, formatSeconds, messages } from "../i18n/index.js";
import { onServerEvent } from "./events.js";
import { getJob, peekJob, queue, running } from "./jobs.js";
import { announcement } from "./notices.js";
import { notifiesWhenDone } from "./ui.js";

/** The live region says at most one thing in this time, in milliseconds. */
const pause = 5000;
/** Jobs that took longer than this, in milliseconds, are worth a notification. */
const longJob = 20_000;

function reportTitle(): void {
  const id = running.value[0];
  const progress = id === undefined ? undefined : getJob(id)?.progress;
  const waiting = queue.value.length;
  const percent = progress ? `${formatNumber(Math.floor(progress.fraction * 100))}% · ` : "";
  document.title = `${percent}${waiting > 0 ? `(+${waiting}) ` : ""}Nishiki`;
}

let spoken = 0;

function speakProgress(): void {
  const id = running.value[0];
  const progress = id === undefined ? undefined : getJob(id)?.progress;
  if (!progress || progress.steps === 0 || Date.now() - spoken < pause) return;
  spoken = Date.now();
  const left = progress.secondsLeft === null ? "" : formatSeconds(progress.secondsLeft);
  announcement.value = messages().progressSpoken(progress.step, progress.steps, left);
}

function reportEnd(id: string): void {
  const job = peekJob(id);
  if (!job || !["done", "failed"].includes(job.state)) return;
  const texts = messages();
  const prompt = String(job.request.prompt ?? "");
  announcement.value = job.state === "done" ? texts.jobDone(prompt) : (job.error?.message ?? texts.failed);
  const took = job.started === null ? 0 : Date.now() - Date.parse(job.started);
  const mayNotify =
    notifiesWhenDone.peek() && "Notification" in window && Notification.permission === "granted";
  if (mayNotify && took > longJob && document.hidden)
    new Notification(texts.jobDoneTitle, { body: prompt, icon: "./icon.svg", tag: id });
}

export function startProgressReports(): void {
  effect(reportTitle);
  effect(speakProgress);
  onServerEvent((event) => {
    if (event.kind === "job") reportEnd(event.job.id);
  });
}
