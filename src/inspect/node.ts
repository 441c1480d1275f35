// The part of the room that touches files (node).
export { startEnergy } from "./node-energy.js";
export { type ExplanationOptions, makeExplanation, toByteMap } from "./node-explanation.js";
export { usualOrdinary } from "./node-ordinary-prompts.js";
export { makeExplanationPage } from "./node-page.js";
export { readSkills } from "./node-skills.js";
export { findSprites } from "./node-sprites.js";
