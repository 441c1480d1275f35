export * from "./activations.js";
export * from "./layers.js";
