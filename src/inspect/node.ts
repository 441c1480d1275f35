// The part of the room that touches files (node).
export { startEnergy } from "./node-energy.js";
export { type ExplanationOptions, explainInParts, makeExplanation } from "./node-explanation.js";
export { toByteMap } from "./node-fields.js";
export { usualOrdinary } from "./node-ordinary-prompts.js";
export { makeExplanationPage } from "./node-page.js";
export { type ExplanationPrice, type PriceSubject, priceExplanation } from "./node-prices.js";
export { findSprites } from "./node-sprites.js";
