// What Draw sends: the prompt with styles added and wildcards filled in, one job for each different prompt.
import type { DrawJobRequest } from "../api/types.js";
import { applyStyles, type Style } from "./styles.js";
import { fillWildcards, hasWildcards, type Lists } from "./wildcards.js";

type Request = DrawJobRequest["request"];

/**
 * The jobs that a job of the prompt bar stands for. Wildcards are filled in for each image by its seed, as the command line
 * does it, so images whose texts differ become jobs of their own; seeds count up as within one job.
 */
export function expandJob(
  job: DrawJobRequest,
  styles: readonly Style[],
  lists: Lists,
  drawSeed: () => number,
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
  const { count = 1, seed = drawSeed() } = job.request as { count?: number; seed?: number };
  const filling = { prompt: styled.prompt, negativePrompt: styled.negativePrompt };
  const { images, isSame, unknown } = fillWildcards(filling, lists, { seed, count });
  if (isSame) return { jobs: [make(images[0]!, { seed })], unknown };
  return { jobs: images.map((texts, i) => make(texts, { count: 1, seed: seed + i })), unknown };
}
