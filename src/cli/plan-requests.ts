// What --plan and --plan-file do to the requests of a prompt.
import { readTextFile } from "../checkpoint/node.js";
import { NishikiError, quote } from "../errors.js";
import {
  type FileRequest,
  type PlannedPrompt,
  type Planner,
  schedulePrompt,
  splitComposition,
} from "../pipeline/index.js";
import type { OpenedModel } from "../pipeline/node.js";
import type { PromptOptions, ReadRequests } from "./prompt-options.js";

/** A planner here, or on a server. */
export interface AnyPlanner {
  plan(prompt: string): PlannedPrompt | Promise<PlannedPrompt>;
  say(plan: unknown): PlannedPrompt | Promise<PlannedPrompt>;
  suggest?(planned: PlannedPrompt): Promise<readonly string[]>;
}

/** A plan, and sentences about it and about words that are not known. */
export async function planWithSuggestions(planner: AnyPlanner, prompt: string): Promise<PlannedPrompt> {
  const planned = await planner.plan(prompt);
  const [first = "", ...rest] = planned.sentences;
  const suggestions = (await planner.suggest?.(planned)) ?? [];
  return { ...planned, sentences: [first, ...suggestions, ...rest] };
}

/**
 * Replaces the prompts by what the model can draw of them.
 * @throws NishikiError "usage" where that is nothing, or the model lists no words
 */
export async function planRequests(
  { requests, notices }: ReadRequests,
  load: () => Promise<AnyPlanner>,
  { plan = false, planFile }: PromptOptions,
): Promise<ReadRequests> {
  if (!plan && planFile === undefined) return { requests, notices };
  const planner = await load();
  const read = planFile === undefined ? undefined : await readPlanFile(planFile, planner);
  const planned: { readonly request: FileRequest; readonly sentences: readonly string[] }[] = [];
  for (const request of requests) {
    if (!read) checkWords(request.prompt);
    const made = read ?? (await planWithSuggestions(planner, request.prompt));
    planned.push({
      request: { ...request, prompt: getPrompt(made) } as FileRequest,
      sentences: made.sentences,
    });
  }
  const sentences = new Set(planned.flatMap((each) => each.sentences));
  return { requests: planned.map(({ request }) => request), notices: [...notices, ...sentences] };
}

/** Steps of which a prompt that changes has a different one. */
const someSteps = 20;

/** @throws NishikiError "usage" for parts joined by AND and prompts that change: a plan is of words */
function checkWords(prompt: string): void {
  if (splitComposition(prompt).length === 1 && schedulePrompt(prompt, someSteps).length === 1) return;
  throw new NishikiError(
    "usage",
    `--plan: expected a prompt of words, without AND and [a:b:0.5]; got ${quote(prompt)}. Omit --plan, or plan its parts one by one: nishiki plan PROMPT.`,
  );
}

/** @throws NishikiError "usage" where nothing can be drawn, with the sentences that say why */
function getPrompt({ prompt, sentences }: PlannedPrompt): string {
  if (prompt !== null) return prompt;
  throw new NishikiError("usage", sentences.join("\n"));
}

/** @throws NishikiError "usage" for models that do not list what they draw */
export async function loadPlanner({ loadPlanner: load }: Pick<OpenedModel, "loadPlanner">): Promise<Planner> {
  return load ? load() : refuseToPlan();
}

/** @throws NishikiError "usage" for a model that does not list what it draws */
export function refuseToPlan(): never {
  throw new NishikiError(
    "usage",
    "--plan: this model reads any words and needs no plan; only models that list their words, such as the embedded one, have plans. Omit --plan.",
  );
}

async function readPlanFile(path: string, planner: AnyPlanner): Promise<PlannedPrompt> {
  const text = await readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new NishikiError(
      "usage",
      `--plan-file: ${path} is not valid JSON. "nishiki plan PROMPT" writes a plan.`,
      {
        cause,
      },
    );
  }
  return planner.say(value);
}
