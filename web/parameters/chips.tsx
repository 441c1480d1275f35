// Below the prompt: its parameters, each with what it does here, or why it is refused; and a switch to read them as words.
import { useEffect } from "preact/hooks";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { changeDraft, draft } from "../store/draft.js";
import { reading, readsParameters, watchParameters } from "./state.js";
import { mayHaveParameters, withoutParameter } from "./texts.js";
import "./parameters.css";

export function ParameterChips() {
  useEffect(watchParameters, []);
  const texts = messages();
  const { prompt, count } = draft.value;
  if (!mayHaveParameters(prompt)) return null;
  if (!readsParameters.value)
    return (
      <button
        type="button"
        class="chip quiet"
        onClick={() => {
          readsParameters.value = true;
        }}
      >
        {texts.readParameters}
      </button>
    );
  const found = reading.value;
  if (!found || (!found.hasParameters && found.notices.length + found.faults.length === 0)) return null;
  const { parameters, requests } = found;
  const isShown = (sentence: string) => parameters.some(({ effect }) => sentence.includes(effect));
  const faults = found.faults.filter((fault) => !isShown(fault));
  const notices = found.notices.filter((notice) => !isShown(notice));
  return (
    <div class="parameters" role="group" aria-label={texts.parameters}>
      {parameters.length > 0 && (
        <ul>
          {parameters.map((parameter) => (
            <Parameter key={parameter.text} {...parameter} prompt={prompt} />
          ))}
        </ul>
      )}
      {faults.map((fault) => (
        <p key={fault} class="warning">
          {fault}
        </p>
      ))}
      {notices.map((notice) => (
        <p key={notice} class="muted">
          {notice}
        </p>
      ))}
      {requests.length > 1 && found.faults.length === 0 && (
        <p class="permutations">{texts.drawsPrompts(requests.length, requests.length * count)}</p>
      )}
      <button
        type="button"
        class="link"
        onClick={() => {
          readsParameters.value = false;
        }}
      >
        {texts.readAsWords}
      </button>
    </div>
  );
}

interface ParameterProps {
  readonly text: string;
  readonly effect: string;
  readonly isRefused: boolean;
  readonly prompt: string;
}

function Parameter({ text, effect, isRefused, prompt }: ParameterProps) {
  const texts = messages();
  const rest = withoutParameter(prompt, text);
  return (
    <li class={isRefused ? "refused" : undefined}>
      <code>{text}</code>
      <span class={isRefused ? "warning" : "muted"}>{effect}</span>
      {rest !== undefined && (
        <button
          type="button"
          aria-label={texts.removeNamed(text)}
          title={texts.removeNamed(text)}
          onClick={() => {
            changeDraft({ prompt: rest });
            document.getElementById("prompt")?.focus();
          }}
        >
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}
