// Plans prompts for one model: what --plan and the library use.
import type { KnownWords } from "../known-words.js";
import type { TrainedScenes } from "../manifest.js";
import { type PlannedPrompt, planPrompt } from "./plan-prompt.js";
import { firstScenes, type Repertoire, readPlan, type ScenePlan, sayPlan } from "./scene-plan.js";

/** Turns prompts into what a model can draw. */
export interface Planner {
  /** Plans a prompt. It never fails: where nothing can be drawn, the plan is null, and sentences say why. */
  plan(prompt: string): PlannedPrompt;
  /**
   * The prompt of a plan that a person changed.
   * @throws NishikiError "usage" that says what of it the model cannot draw
   */
  say(plan: unknown): PlannedPrompt & { readonly plan: ScenePlan; readonly prompt: string };
}

export function makePlanner(known: KnownWords, scenes: TrainedScenes = firstScenes): Planner {
  const repertoire: Repertoire = { known, scenes };
  return {
    plan: (prompt) => planPrompt(prompt, repertoire),
    say: (value) => {
      const plan = readPlan(value, repertoire);
      const prompt = sayPlan(plan, repertoire);
      return { plan, prompt, changes: [], leftOut: [], sentences: [`Drawn as: "${prompt}".`] };
    },
  };
}
