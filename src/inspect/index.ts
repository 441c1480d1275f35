export { Attribution, type AttributionOptions, resizeMap, type WordMap, wordsAt } from "./attribution.js";
export * from "./explain.js";
export type * from "./explanation.js";
export { GuidanceMagnitude, getPercentile } from "./guidance-magnitude.js";
export { type AttributionScore, scoreMap, thresholds } from "./score-attribution.js";
