export { type ErrorCode, NishikiError } from "./errors.js";
export * from "./pipeline/index.js";
export {
  loadPipeline,
  readImages,
  readInputImage,
} from "./pipeline/node.js";
