export { Attribution, type AttributionOptions, resizeMap, type WordMap, wordsAt } from "./attribution.js";
export * from "./describe.js";
export * from "./describe-words.js";
export type { TrainingFacts } from "./embedded-training.js";
export * from "./explain.js";
export type { ArrowFinding, AutopsyFinding, SwitchFinding, WordPullFinding } from "./explain-autopsy.js";
export type { DrawingPipeline, ExplainProgress, PanelWeights } from "./explain-progress.js";
export type * from "./explanation.js";
export { type ExplanationPart, emptyExplanation, joinExplanations, mergeParts } from "./explanation-parts.js";
export type * from "./findings.js";
export { measureFirstPull, type OrdinaryPull } from "./first-pull.js";
export { areaUnderCurve, GuidanceMagnitude, getPercentile } from "./guidance-magnitude.js";
export { correlate, differ, meanImage, meanPairDistance, psnr } from "./image-statistics.js";
export { type MorphEnd, type MorphFrame, type MorphOptions, morph } from "./morph.js";
export { type PanelName, panelNames, usualPanels } from "./panel-names.js";
export { type PanelPrice, pricePanels } from "./panel-prices.js";
export {
  type Amounts,
  type PanelPlan,
  type PlanOptions,
  planPanels,
  usualAmounts,
} from "./panels.js";
export { type AttributionScore, scoreMap, thresholds } from "./score-attribution.js";
export { measureSettling, type Settled } from "./settling.js";
export { makeStepFilm } from "./step-film.js";
export { canMeasureWords, measureWordPull, type WordPull } from "./word-pull.js";
