export * from "./engine.js";
export { readableDtypes } from "./stored-weights.js";
export { emptyArray } from "./validate.js";
