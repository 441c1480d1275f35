export { Attribution, type AttributionOptions, resizeMap, type WordMap, wordsAt } from "./attribution.js";
export * from "./describe.js";
export * from "./describe-words.js";
export type { TrainingFacts } from "./embedded-training.js";
export * from "./explain.js";
export type * from "./explanation.js";
export { measureFirstPull, type OrdinaryPull } from "./first-pull.js";
export { areaUnderCurve, GuidanceMagnitude, getPercentile } from "./guidance-magnitude.js";
export { type AttributionScore, scoreMap, thresholds } from "./score-attribution.js";
