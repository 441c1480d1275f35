// nishiki plan PROMPT: what the embedded model can draw of a prompt, as JSON that a person can change.
import type { Command } from "commander";
import { NishikiError } from "../../errors.js";
import { openModel } from "../../pipeline/node.js";
import { loadPlanner, planWithSuggestions } from "../plan-requests.js";
import { makeProgress } from "../progress.js";
import { readPrompt } from "../read-prompt.js";
import { print } from "../terminal.js";

interface Options {
  readonly model?: string;
  readonly json?: boolean;
}

const help = `
The embedded model draws the things, colours, places and styles that it was trained on. A plan says what it can draw of any
prompt; nishiki draw --plan does so and draws it. What a plan leaves out, it names.

Examples:
  nishiki plan "a cozy cabin in the woods in winter"
  nishiki plan "a robot riding a bicycle" > plan.json
  nishiki draw "a robot riding a bicycle" --plan-file plan.json
`;

export function addPlanCommand(program: Command): void {
  program
    .command("plan")
    .description("print what the model can draw of a prompt, as JSON for nishiki draw --plan-file")
    .argument("<prompt...>", 'the prompt; "-" reads it from standard input')
    .option("-m, --model <path>", "model folder (default: the embedded model)")
    .option("--json", "print the plan with its prompt, what was taken for what, and what is left out")
    .addHelpText("after", help)
    .action(plan);
}

async function plan(words: readonly string[], { model, json = false }: Options): Promise<void> {
  const opened = await openModel(model === undefined ? {} : { model });
  const planned = await planWithSuggestions(await loadPlanner(opened), await readPrompt(words));
  if (json) return print(`${JSON.stringify(planned)}\n`);
  if (planned.plan === null) throw new NishikiError("usage", planned.sentences.join("\n"));
  const progress = makeProgress(false);
  for (const sentence of planned.sentences) progress.say(sentence);
  await print(`${JSON.stringify(planned.plan, null, 2)}\n`);
}
