export * from "./api/index.js";
export type { Application, Caller, CreatedJob, FileBytes } from "./application.js";
