// How many tokens of the model a prompt takes. The server counts, with the model's own tokenizer.
import { effect, type Signal, signal } from "@preact/signals";
import { api } from "../api/client.js";
import type { Tokens } from "../api/types.js";
import { draft } from "../store/draft.js";
import { model } from "../store/models.js";

type Field = "prompt" | "negativePrompt";

export const tokens: Readonly<Record<Field, Signal<Tokens | undefined>>> = {
  prompt: signal(undefined),
  negativePrompt: signal(undefined),
};

const delay = 250;

/** Counts a field's tokens a moment after each change. @returns a function that ends it */
export function watchTokens(field: Field): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest = 0;
  const end = effect(() => {
    const { [field]: text, load } = draft.value;
    const id = model.value?.id;
    clearTimeout(timer);
    const mine = ++newest;
    if (id === undefined || text.trim() === "") {
      tokens[field].value = undefined;
      return;
    }
    timer = setTimeout(async () => {
      // Without the count, everything else works: no notice.
      const count = await api.tokens(text, id, load).catch(() => undefined);
      if (mine === newest) tokens[field].value = count;
    }, delay);
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}
