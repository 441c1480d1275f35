// The part of the room that runs the server (node).
export type { Application } from "./application.js";
export type { NamedModel } from "./catalogue/found.js";
export { isLoopback } from "./http/access.js";
export { checkAddress, type RunningServer, type ServeOptions, serveHttp } from "./http/serve.js";
export { checkToken, makeToken } from "./http/token.js";
export { findDefaultFolder } from "./library/index.js";
export { reindexFolder } from "./library/reindex.js";
export { type ApplicationOptions, createApplication } from "./node-application.js";
export { openWorker, type RunningWorker, type WorkerOptions, type WorkerProgress } from "./node-worker.js";
