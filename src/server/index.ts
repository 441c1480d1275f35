export * from "./api/index.js";
export type { Application, Caller, CreatedJob, FileBytes } from "./application.js";
export type { RouteContext } from "./route-context.js";
