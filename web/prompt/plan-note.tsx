// What a model of few words can draw of the prompt, where that is something else; a click takes it over.
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../api/client.js";
import type { PlanAnswer } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { changeDraft, draft } from "../store/draft.js";
import { model } from "../store/models.js";

const planned = signal<PlanAnswer["planned"]>(null);
const delay = 500;
const patience = 1500;
/** Models that need no plan. */
const without = new Set<string>();

/** Brackets, parts and parameters have a meaning of their own. */
const isPlain = (prompt: string) => prompt.trim() !== "" && !/[[\]{}<>|()]|--|::|\bAND\b|__/.test(prompt);

/** Plans the prompt a moment after each change. */
function watchPlan(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let newest = 0;
  const end = effect(() => {
    const { prompt } = draft.value;
    const id = model.value?.id;
    clearTimeout(timer);
    const mine = ++newest;
    planned.value = null;
    if (id === undefined || without.has(id) || !isPlain(prompt)) return;
    timer = setTimeout(async () => {
      // Without it, everything else works: no notice.
      const answer = await api.plan(prompt, id).catch(() => undefined);
      if (answer?.planned === null) without.add(id);
      // Of half a word nothing can be drawn: that is said once nobody types any more.
      const wait = answer?.planned?.prompt === null ? patience : 0;
      timer = setTimeout(() => {
        if (mine === newest) planned.value = answer?.planned ?? null;
      }, wait);
    }, delay);
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}

export function PlanNote() {
  useEffect(watchPlan, []);
  const { value } = planned;
  if (!value) return null;
  const { prompt, changes, leftOut, sentences } = value;
  if (prompt === null) return <p class="outlook short">{sentences.slice(0, -2).join(" ")}</p>;
  if (changes.length + leftOut.length === 0) return null;
  const texts = messages();
  return (
    <p class="outlook" title={sentences.join("\n")}>
      {texts.planIs(prompt)}{" "}
      <button type="button" class="link" onClick={() => changeDraft({ prompt })}>
        {texts.planUse}
      </button>
    </p>
  );
}
