export { type ErrorCode, NishikiError } from "./errors.js";
export { type RequestWithFiles, readInputPicture, readPictures } from "./input-pictures.js";
export { encodePicture, loadPipeline } from "./load-pipeline.js";
export * from "./pipeline/index.js";
