// Parameters of a prompt as Midjourney's users write them, "a cat --ar 3:2 --no grass": whether they are read, what each does
// with the chosen model, and the jobs that they make of one. The server reads them.
import { effect, signal } from "@preact/signals";
import { api } from "../api/client.js";
import type { DrawJobRequest, PromptAnswer } from "../api/types.js";
import { draft } from "../store/draft.js";
import { model } from "../store/models.js";
import { stored } from "../store/storage.js";
import { mayHaveParameters, withReading } from "./texts.js";

/** Whether they are read at all; else prompts are plain words. */
export const readsParameters = stored("parameters", true);
/** What the prompt asks for, as far as it is known. */
export const reading = signal<PromptAnswer | undefined>(undefined);

const delay = 250;

/** What of the additions decides which parameters a model takes. */
const pickAdapter = ({ ipAdapter }: DrawJobRequest["load"] = {}) =>
  ipAdapter === undefined ? {} : { load: { ipAdapter } };

/** Reads the prompt a moment after each change. @returns a function that ends it */
export function watchParameters(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest = 0;
  const end = effect(() => {
    const { prompt, count, load } = draft.value;
    const id = model.value?.id;
    clearTimeout(timer);
    const mine = ++newest;
    if (id === undefined || !readsParameters.value || !mayHaveParameters(prompt)) {
      reading.value = undefined;
      return;
    }
    timer = setTimeout(async () => {
      // Draw asks again, and says what fails: no notice.
      const answer = await api
        .readPrompt({ prompt, model: id, count, ...pickAdapter(load) })
        .catch(() => undefined);
      if (mine === newest) reading.value = answer;
    }, delay);
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}

/**
 * The jobs of a prompt: one, unless it has permutations or is repeated.
 * @returns undefined, and why, if the prompt cannot be drawn
 */
export async function readJobs(
  job: DrawJobRequest,
): Promise<{ readonly jobs: readonly DrawJobRequest[]; readonly faults: readonly string[] }> {
  const { prompt } = job.request;
  if (!readsParameters.peek() || !mayHaveParameters(prompt)) return { jobs: [job], faults: [] };
  const { count, seed } = job.request as { readonly count?: number; readonly seed?: number };
  const answer = await api.readPrompt({
    prompt,
    ...(job.model !== undefined && { model: job.model }),
    ...pickAdapter(job.load),
    ...(count !== undefined && { count }),
    // A seed in the prompt wins over the locked one.
    ...(seed !== undefined && !/(?:--|[–—])seed/i.test(prompt) && { seed }),
  });
  if (answer.faults.length > 0 || !answer.hasParameters) return { jobs: [job], faults: answer.faults };
  return { jobs: withReading(job, answer.requests), faults: [] };
}
