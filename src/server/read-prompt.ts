// The parameters of a prompt, as a model of the catalogue takes them.
import { NishikiError } from "../errors.js";
import { type ParameterOptions, readPromptParameters } from "../pipeline/index.js";
import type { PromptAnswer } from "./api/index.js";
import type { FoundModel } from "./catalogue/found.js";

/** @throws NishikiError "checkpoint" for a model whose files are broken */
export function readPromptForModel(
  { name, known, problem }: FoundModel,
  prompt: string,
  { count, seed }: { readonly [K in keyof ParameterOptions]?: ParameterOptions[K] | undefined },
): PromptAnswer {
  if (!known)
    throw new NishikiError(
      "checkpoint",
      `The model ${name} cannot be read: ${problem ?? "its files are broken"}`,
    );
  const options = { ...(count !== undefined && { count }), ...(seed !== undefined && { seed }) };
  const { model, ...reading } = readPromptParameters(prompt, known.context, options);
  return {
    ...reading,
    model: model ?? null,
    requests: reading.requests.map((request) => ({ ...request })),
    notices: [...reading.notices],
    parameters: reading.parameters.map((parameter) => ({ ...parameter })),
    faults: [...reading.faults],
  };
}
