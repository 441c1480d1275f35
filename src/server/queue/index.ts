// The durable queue of jobs.
export { type JobEnd, type JobFile, listJobFiles, readJobFile, writeJobFile } from "./job-files.js";
export { openJobQueue, openWorkerQueue, type QueueOptions, type WorkerQueue } from "./open-queue.js";
export { isNamedByJob } from "./rows.js";
