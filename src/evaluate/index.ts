export { packagedClassifier } from "../training/index.js";
export { makeCard } from "./card.js";
export { type Classifier, openClassifier, type Verdict } from "./classifier.js";
export type { ClipScores } from "./clip-scores.js";
export { copyLimit, type Nearest, shrink, TrainingDrawings } from "./copies.js";
export { type EvaluatedImage, type EvaluateOptions, evaluate } from "./evaluate.js";
export type { Fidelity } from "./fidelity.js";
export type { Looks, Nearness } from "./looks.js";
export { composeScenes, findNearestScenes, type NearestScenes, type NearScene } from "./nearest-scenes.js";
export { makePage } from "./page.js";
export {
  embeddedDrawings,
  embeddedMix,
  type GroupName,
  groups,
  makePlan,
  type PlanOptions,
  type Task,
} from "./plan.js";
export type { RealOrDrawn } from "./real-or-drawn.js";
export type { Reconstruction } from "./reconstruction.js";
export {
  type CopyScore,
  type MeasuredModel,
  makeReport,
  type PromptScore,
  type Report,
  type Score,
  type SkillScore,
} from "./report.js";
export { type EvaluationSettings, evaluationSettingsSchema } from "./settings.js";
export { type Mark, type SkillName, skills } from "./skills.js";
export { frechetDistance, spread, wilson } from "./statistics.js";
export { type Synonym, synonyms } from "./synonyms.js";
export { type ReportFiles, writeReport } from "./write-report.js";
