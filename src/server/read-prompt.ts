// The parameters of a prompt, as a model of the catalogue takes them.
import { NishikiError } from "../errors.js";
import { type ParameterOptions, readPromptParameters } from "../pipeline/index.js";
import type { JobLoad, PromptAnswer } from "./api/index.js";
import type { FoundModel } from "./catalogue/found.js";
import type { ProcessDrawer } from "./drawing/drawer.js";

/** A model of the catalogue, and what is loaded beside it. */
export interface ChosenModel {
  readonly id: string;
  readonly found: FoundModel;
  readonly load?: JobLoad | undefined;
}

/** @throws NishikiError "checkpoint" for a model whose files are broken, "usage" for additions that are not there */
export async function readPromptForModel(
  { id, found: { name, known, problem }, load = {} }: ChosenModel,
  prompt: string,
  { count, seed }: { readonly [K in keyof ParameterOptions]?: ParameterOptions[K] | undefined },
  drawer: Pick<ProcessDrawer, "context">,
): Promise<PromptAnswer> {
  if (!known)
    throw new NishikiError(
      "checkpoint",
      `The model ${name} cannot be read: ${problem ?? "its files are broken"}`,
    );
  const options = { ...(count !== undefined && { count }), ...(seed !== undefined && { seed }) };
  // Of all additions, it alone changes what a model takes.
  const context = load.ipAdapter === undefined ? known.context : await drawer.context(id, load);
  const { model, ...reading } = readPromptParameters(prompt, context, options);
  return {
    ...reading,
    model: model ?? null,
    requests: reading.requests.map((request) => ({ ...request })),
    notices: [...reading.notices],
    parameters: reading.parameters.map((parameter) => ({ ...parameter })),
    faults: [...reading.faults],
  };
}
