export * from "./api/index.js";
export type { Application, Caller, CreatedJob, FileBytes } from "./application.js";
export { describeRoutes, type HttpOptions, makeHttpApp } from "./http/app.js";
export { type RunningServer, type ServeOptions, serveHttp } from "./http/serve.js";
export { makeToken } from "./http/token.js";
export type { RouteContext } from "./route-context.js";
