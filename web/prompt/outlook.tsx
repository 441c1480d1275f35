// What Draw will take: seconds and memory, beside the button, and what helps if the memory is not enough.
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api } from "../api/client.js";
import type { Forecast } from "../api/types.js";
import { formatBytes, formatSeconds, messages } from "../i18n/index.js";
import { changeDraft, draft, getJobRequest, isDrawable, setSetting } from "../store/draft.js";
import { running } from "../store/jobs.js";
import { model } from "../store/models.js";

const forecast = signal<Forecast["forecast"]>(null);
const delay = 400;

/** Forecasts the draft a moment after each change that matters, and again when a job has ended: speed is learned from it. */
function watchForecast(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = "";
  const end = effect(() => {
    const id = model.value?.id;
    // How many words there are hardly matters, and whether there are any does.
    const { prompt: ___, negativePrompt, seed: _, parent: __, ...rest } = draft.value;
    const active = running.value.length;
    const isEmpty = !isDrawable(draft.value);
    const question = JSON.stringify([id, isEmpty, negativePrompt === "", rest, active]);
    if (question === asked) return;
    asked = question;
    clearTimeout(timer);
    if (id === undefined || isEmpty) {
      forecast.value = null;
      return;
    }
    timer = setTimeout(async () => {
      const { request, load } = getJobRequest(draft.peek());
      // Without it, everything else works: no notice.
      const answer = await api.forecast({ request, model: id, ...(load && { load }) }).catch(() => undefined);
      if (question === asked) forecast.value = answer?.forecast ?? null;
    }, delay);
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}

export function Outlook() {
  useEffect(watchForecast, []);
  const texts = messages();
  const { value } = forecast;
  if (!value) return null;
  const { seconds, bytes, fits, memory, isMeasured, advice } = value;
  const takes = texts.outlook(formatSeconds(seconds), formatBytes(bytes));
  return (
    <p class={fits ? "outlook" : "outlook short"} title={isMeasured ? undefined : texts.outlookEstimated}>
      {fits ? takes : texts.outlookShort(formatBytes(bytes), formatBytes(memory.free))}
      {advice && <Advice change={advice.change} />}
    </p>
  );
}

function Advice({ change }: { readonly change: Readonly<Record<string, unknown>> }) {
  const texts = messages();
  const { size, precision } = change as {
    readonly size?: { readonly width: number; readonly height: number };
    readonly precision?: "int8";
  };
  if (!size && !precision) return null;
  const use = () => {
    if (size) setSetting("size", `${size.width}x${size.height}`);
    else if (precision) changeDraft({ load: { ...draft.peek().load, precision } });
  };
  return (
    <button type="button" class="link" onClick={use}>
      {size ? texts.outlookUse(`${size.width} × ${size.height}`) : texts.outlookUse("int8")}
    </button>
  );
}
