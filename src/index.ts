export { type ErrorCode, NishikiError } from "./errors.js";
export { encodePicture, loadPipeline } from "./load-pipeline.js";
export * from "./pipeline/index.js";
