export * from "./condition-noise.js";
export * from "./denoisers.js";
export * from "./guidance.js";
export * from "./learned-variance.js";
export * from "./noise.js";
export * from "./noise-schedules.js";
export * from "./sampler-names.js";
export type { Churn, Sampler, SamplerOptions, SamplerState, Transfer } from "./samplers/sampler.js";
export { getSampler, type SamplerInfo, type SamplerName, samplers } from "./samplers/table.js";
export { type PlannedOptions, planSteps, type StepPlan, type StepRequest } from "./step-plan.js";
export * from "./step-schedules.js";
export * from "./thresholding.js";
export { getTimestepList, type TimestepListName, timestepListNames } from "./timestep-lists.js";
export { getTrainedLimit } from "./trained-limit.js";
export {
  getSamplerSettings,
  getTrainedSchedule,
  type PipelineKind,
  readScheduler,
  type Spacing,
  type TrainedScheduler,
} from "./trained-scheduler.js";
export { combine, concatenate } from "./vectors.js";
