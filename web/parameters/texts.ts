// Prompts with parameters, as text, and what a reading of the server makes of a job.
import type { DrawJobRequest, PromptAnswer } from "../api/types.js";

/** Whether it is worth asking the server: most prompts are words. */
export const mayHaveParameters = (prompt: string): boolean =>
  /(?:^|[^a-z])(?:--|[–—―]|－－)[a-z]|(?:^|\s)-(?:-\s+)?[a-z]|\{[^{}]*[,，、]|::|https?:|^\s*(?:\/imagine\s|\S+\.(?:png|jpe?g|webp)\s)/i.test(
    prompt,
  );

/** The prompt without one of its parameters; undefined if it is not written so, as in braces. */
export function withoutParameter(prompt: string, text: string): string | undefined {
  const at = prompt.lastIndexOf(text);
  return at < 0
    ? undefined
    : `${prompt.slice(0, at).trimEnd()} ${prompt.slice(at + text.length).trimStart()}`.trim();
}

/** What the parameters ask for wins over the settings beside the prompt; what to avoid is added up. */
export function withReading(
  job: DrawJobRequest,
  requests: PromptAnswer["requests"],
): readonly DrawJobRequest[] {
  const { negativePrompt: avoided = "" } = job.request;
  return requests.map((asked) => {
    const negativePrompt = [avoided, asked.negativePrompt].filter(
      (text) => text !== undefined && text !== "",
    );
    const request = { ...job.request, ...asked } as DrawJobRequest["request"];
    return {
      ...job,
      request:
        negativePrompt.length === 0 ? request : { ...request, negativePrompt: negativePrompt.join(", ") },
    };
  });
}
