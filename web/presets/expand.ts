// What Draw sends: the prompt with styles added and wildcards filled in, one job for each different prompt.
import type { DrawJobRequest } from "../api/types.js";
import { applyStyles, type Style } from "./styles.js";
import { expandPrompt, hasWildcards, type Lists, type Random } from "./wildcards.js";

type Request = DrawJobRequest["request"];

/**
 * The jobs that a job of the prompt bar stands for. Wildcards are drawn anew for each image, so its images become jobs of
 * their own, in a group; a locked seed counts up as within one job.
 */
export function expandJob(
  job: DrawJobRequest,
  styles: readonly Style[],
  lists: Lists,
  random: Random,
): { readonly jobs: readonly DrawJobRequest[]; readonly unknown: readonly string[] } {
  const { prompt, negativePrompt = "" } = job.request;
  const styled = applyStyles({ prompt, negativePrompt }, styles);
  const settings = Object.assign({}, ...styles.map((style) => style.settings)) as Partial<Request>;
  const make = (texts: typeof styled, changes: Partial<Request> = {}): DrawJobRequest => ({
    ...job,
    request: {
      ...settings,
      ...job.request,
      prompt: texts.prompt,
      ...(texts.negativePrompt !== "" && { negativePrompt: texts.negativePrompt }),
      ...changes,
    } as Request,
  });
  if (!hasWildcards(styled.prompt) && !hasWildcards(styled.negativePrompt))
    return { jobs: [make(styled)], unknown: [] };
  const { count = 1, seed } = job.request as { count?: number; seed?: number };
  const unknown = new Set<string>();
  const fill = (text: string) => {
    const expansion = expandPrompt(text, lists, random);
    for (const name of expansion.unknown) unknown.add(name);
    return expansion.text;
  };
  const filled = Array.from({ length: count }, () => ({
    prompt: fill(styled.prompt),
    negativePrompt: fill(styled.negativePrompt),
  }));
  const first = filled[0]!;
  const isSame = filled.every(
    (texts) => texts.prompt === first.prompt && texts.negativePrompt === first.negativePrompt,
  );
  if (isSame) return { jobs: [make(first)], unknown: [...unknown] };
  const jobs = filled.map((texts, i) =>
    make(texts, { count: 1, ...(seed !== undefined && { seed: seed + i }) }),
  );
  return { jobs, unknown: [...unknown] };
}
