// The prompt: weights by keys, history, the check of its brackets, and how many of the model's tokens it takes.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { getCombination } from "../actions/keys.js";
import { formatNumber, messages } from "../i18n/index.js";
import { isNarrow } from "../parts/media.js";
import { changeDraft, draft, drawDraft, promptHistory } from "../store/draft.js";
import { tokens, watchTokens } from "./tokens.js";
import { changeWeight, type Edit, findLooseBracket, movePart } from "./weights.js";

type Field = "prompt" | "negativePrompt";

/** Replaces the text of a field in a way that the browser's own undo knows. */
function apply(field: HTMLTextAreaElement, edit: Edit | undefined): void {
  if (!edit) return;
  field.focus();
  field.select();
  // The only way to keep the undo history; where it is gone, the text is set without it.
  if (!document.execCommand("insertText", false, edit.text)) {
    field.value = edit.text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.setSelectionRange(edit.start, edit.end);
}

/** Steps through earlier prompts; the unfinished one comes back at the end. */
function useHistory(name: Field) {
  const place = useRef(-1);
  const unfinished = useRef("");
  return (step: 1 | -1) => {
    const list = promptHistory.peek();
    const next = place.current + step;
    if (next < -1 || next >= list.length) return;
    if (place.current === -1) unfinished.current = draft.peek()[name];
    place.current = next;
    changeDraft({ [name]: next === -1 ? unfinished.current : list[next]! });
  };
}

function useKeys(name: Field) {
  const step = useHistory(name);
  return (event: KeyboardEvent) => {
    // While an input method composes, its keys are its own.
    if (event.isComposing) return;
    const field = event.currentTarget as HTMLTextAreaElement;
    const { value, selectionStart: start, selectionEnd: end } = field;
    const combination = getCombination(event);
    const run: Readonly<Record<string, () => void>> = {
      "ctrl+arrowup": () => apply(field, changeWeight(value, start, end, 1)),
      "ctrl+arrowdown": () => apply(field, changeWeight(value, start, end, -1)),
      "alt+arrowup": () => step(1),
      "alt+arrowdown": () => step(-1),
      "alt+arrowleft": () => apply(field, movePart(value, start, -1)),
      "alt+arrowright": () => apply(field, movePart(value, start, 1)),
      "ctrl+enter": () => void drawDraft(),
      "ctrl+shift+enter": () => void drawDraft({ first: true }),
      escape: () => field.blur(),
      // On a phone, Enter is a new line: Draw is beside it.
      ...(!isNarrow.peek() && { enter: () => void drawDraft() }),
    };
    const action = run[combination];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
}

/** Grows with its text, where the browser does not do that by itself. */
function useGrowth(text: string) {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const element = field.current;
    if (!element || CSS.supports("field-sizing", "content")) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  return field;
}

export function PromptField({ name }: { readonly name: Field }) {
  const texts = messages();
  const text = draft.value[name];
  const field = useGrowth(text);
  const onKeyDown = useKeys(name);
  const hasFocus = useSignal(false);
  const loose = useComputed(() => findLooseBracket(draft.value[name]));
  const isPrompt = name === "prompt";
  return (
    <div class={`prompt-field ${name}`}>
      <textarea
        ref={field}
        id={isPrompt ? "prompt" : "negative-prompt"}
        rows={isPrompt ? 3 : 1}
        value={text}
        aria-label={isPrompt ? texts.prompt : texts.negativePrompt}
        placeholder={isPrompt ? texts.promptPlaceholder : texts.negativePrompt}
        aria-invalid={loose.value !== undefined}
        aria-describedby={`${name}-note`}
        spellcheck
        enterkeyhint="enter"
        onInput={(event) => changeDraft({ [name]: event.currentTarget.value })}
        onKeyDown={onKeyDown}
        onFocus={() => {
          hasFocus.value = true;
        }}
        onBlur={() => {
          hasFocus.value = false;
        }}
      />
      <div class="prompt-note" id={`${name}-note`}>
        {loose.value && !hasFocus.value && (
          <span class="warning">{texts.looseBracket(loose.value.sign)}</span>
        )}
        <span class="spacer" />
        <TokenCount name={name} />
      </div>
    </div>
  );
}

function TokenCount({ name }: { readonly name: Field }) {
  useEffect(() => watchTokens(name), [name]);
  const { tokens: count = null, parts = null, room = null } = tokens[name].value ?? {};
  if (!count || parts === null || room === null) return null;
  return (
    <span class={parts > 1 ? "tokens over" : "tokens"} title={messages().tokensTitle(room, parts)}>
      {formatNumber(count)}/{formatNumber(room * parts)}
    </span>
  );
}
