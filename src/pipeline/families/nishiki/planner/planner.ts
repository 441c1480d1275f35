// Plans prompts for one model: what --plan and the library use.
import { quote } from "../../../../errors.js";
import type { KnownWords } from "../known-words.js";
import type { TrainedScenes } from "../manifest.js";
import { type PlannedPrompt, planPrompt } from "./plan-prompt.js";
import { firstScenes, type Repertoire, readPlan, type ScenePlan, sayPlan } from "./scene-plan.js";

/** Turns prompts into what a model can draw. */
export interface Planner {
  /** The names that come nearest to the words of a prompt that are not known, a sentence each. Loads the text encoder. */
  suggest?(planned: PlannedPrompt): Promise<readonly string[]>;
  /** Plans a prompt. It never fails: where nothing can be drawn, the plan is null, and sentences say why. */
  plan(prompt: string): PlannedPrompt;
  /**
   * The prompt of a plan that a person changed.
   * @throws NishikiError "usage" that says what of it the model cannot draw
   */
  say(plan: unknown): PlannedPrompt & { readonly plan: ScenePlan; readonly prompt: string };
}

/**
 * @param findNames Finds the nearest names of some words.
 */
export function makePlanner(
  known: KnownWords,
  scenes: TrainedScenes = firstScenes,
  findNames?: (words: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>,
): Planner {
  const repertoire: Repertoire = { known, scenes };
  return {
    ...(findNames && {
      suggest: async ({ unknown }) => {
        if (unknown.length === 0) return [];
        const found = [...(await findNames(unknown))].filter(([, names]) => names.length > 0);
        return found.map(([words, names]) => {
          const list = names.map((name) => `"${name}"`).join(", ");
          return `The closest to ${quote(words)} that this model draws: ${list}.`;
        });
      },
    }),
    plan: (prompt) => planPrompt(prompt, repertoire),
    say: (value) => {
      const plan = readPlan(value, repertoire);
      const prompt = sayPlan(plan, repertoire);
      return { plan, prompt, changes: [], leftOut: [], unknown: [], sentences: [`Drawn as: "${prompt}".`] };
    },
  };
}
