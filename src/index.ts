export { type ErrorCode, NishikiError } from "./errors.js";
export * from "./pipeline/index.js";
export {
  loadPipeline,
  type RequestWithFiles,
  readInputPicture,
  readPictures,
} from "./pipeline/node.js";
