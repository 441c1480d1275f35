export * from "./engine.js";
export { emptyArray } from "./validate.js";
