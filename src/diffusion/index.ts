export * from "./denoisers.js";
export * from "./gaussian.js";
export * from "./guidance.js";
export * from "./noise.js";
export * from "./noise-schedules.js";
export type { Churn, Sampler, SamplerOptions, SamplerState } from "./samplers/sampler.js";
export { getSampler, type SamplerInfo, type SamplerName, samplers } from "./samplers/table.js";
export * from "./step-schedules.js";
export { addNoise, combine, concatenate } from "./vectors.js";
