export { averagesOf } from "./averages.js";
export { type ClassifierExport, exportClassifier } from "./classifier-export.js";
export { type ClassifierFile, openClassifierFile, packagedClassifier } from "./classifier-file.js";
export {
  type AutoencoderTrainingConfig,
  type ClassifierTrainingConfig,
  completeTrainingConfig,
  type DenoiserTrainingConfig,
  type DistillationTrainingConfig,
  describeTrainingConfig,
  exampleConfig,
  type FineTuningConfig,
  getTrainingConfigSchema,
  loadTrainingConfig,
  type SuperResolutionTrainingConfig,
  type TrainingConfig,
} from "./config.js";
export type { DataConfig } from "./data-config.js";
export {
  type BatchStreamOptions,
  type ExportedRun,
  type ExportOptions,
  exportRun,
  streamBatches,
} from "./export-run.js";
export { addFast, copyModel, type FastExport } from "./fast-export.js";
export { loraFile } from "./fine-tuning-base.js";
export {
  chooseFineTuningSteps,
  exportLora,
  type FineTuningPlan,
  makeFineTuningConfig,
  usualLora,
} from "./fine-tuning-plan.js";
export { initialState, initialValue, type State } from "./initial-state.js";
export {
  type RunOptions,
  runTraining,
  type StartReport,
  type StepReport,
  scalarInputs,
  type TrainingTask,
} from "./loop.js";
export { type MetricsLine, readMetrics } from "./metrics.js";
export { exportModel, type ModelExport, replaceAutoencoder } from "./model-export.js";
export { readAutoencoderConfig, readDenoiserConfig } from "./model-networks.js";
export {
  adamW,
  clipFactor,
  muon,
  type OptimizerConfig,
  type StateUpdate,
  type StepScalars,
} from "./optimizer.js";
export { Pace } from "./pace.js";
export { openRoundTrip, type RoundTrip } from "./round-trip.js";
export { learningRateAt, type ScheduleConfig } from "./schedule.js";
export { makeStepProgram, type Objective, type StepProgram } from "./step-program.js";
export { addSuperResolution, type SuperResolutionExport } from "./super-resolution-export.js";
export { getClassifierQuestions } from "./tasks/classifier.js";
export { type SampleReport, type TrainOptions, type TrainResult, train } from "./train.js";
export { type TrainStepsOptions, trainSteps } from "./train-steps.js";
