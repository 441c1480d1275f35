// The prompt bar: what to draw and how. On a desk it is the column at the side; on a phone it is at the thumb.
import { useSignal } from "@preact/signals";
import { slots } from "../features.js";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { Keys } from "../parts/keys.jsx";
import { isNarrow } from "../parts/media.js";
import Settings from "../settings/settings.jsx";
import { changeDraft, draft, drawDraft, isDrawable } from "../store/draft.js";
import { capabilities } from "../store/models.js";
import { stored } from "../store/storage.js";
import { openSheet } from "../store/ui.js";
import { ModelChip } from "./model-chip.jsx";
import { Outlook } from "./outlook.jsx";
import { PlanNote } from "./plan-note.jsx";
import { PromptField } from "./prompt-field.jsx";
import { SeedChip } from "./seed-chip.jsx";
import { SizeChip } from "./size-chip.jsx";

/** Whether the settings are open in the column. */
const isOpen = stored("settings", true);

export function PromptBar() {
  const texts = messages();
  const showsNegative = useSignal(draft.peek().negativePrompt !== "");
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    void drawDraft();
    if (isNarrow.peek()) (document.activeElement as HTMLElement | null)?.blur();
  };
  const hasNegative = showsNegative.value || draft.value.negativePrompt !== "";
  return (
    <form class="prompt-bar" aria-label={texts.draw} onSubmit={onSubmit}>
      <div class="prompt-main">
        <PromptField name="prompt" />
        <PlanNote />
        {hasNegative && <PromptField name="negativePrompt" />}
        {slots.value.prompt.map((Slot, index) => (
          <Slot key={index} />
        ))}
        <div class="chips">
          <ModelChip />
          <SizeChip />
          <CountChip />
          <SeedChip />
          {!hasNegative && (
            <button
              type="button"
              class="chip"
              onClick={() => {
                showsNegative.value = true;
                requestAnimationFrame(() => document.getElementById("negative-prompt")?.focus());
              }}
            >
              <Icon name="minus" />
              {texts.negativePrompt}
            </button>
          )}
          <SettingsButton />
        </div>
      </div>
      <button type="submit" class="button draw" disabled={!isDrawable(draft.value)}>
        <span>{texts.draw}</span>
        <Keys of="ctrl+enter" />
      </button>
      <Outlook />
      {!isNarrow.value && isOpen.value && <Settings />}
    </form>
  );
}

function SettingsButton() {
  const { settings } = draft.value;
  const count = Object.keys(settings).filter((name) => !["size", "init", "inpaint"].includes(name)).length;
  const open = () => {
    if (isNarrow.peek()) openSheet("settings");
    else isOpen.value = !isOpen.peek();
  };
  return (
    <button
      type="button"
      class="chip"
      aria-expanded={isNarrow.value ? undefined : isOpen.value}
      aria-haspopup={isNarrow.value ? "dialog" : undefined}
      onClick={open}
    >
      <Icon name="settings" />
      {messages().settings}
      {count > 0 && <span class="badge">{count}</span>}
    </button>
  );
}

const counts = [1, 2, 4, 8] as const;

function CountChip() {
  const { count } = draft.value;
  const texts = messages();
  const most = capabilities.value?.limits.count ?? 100;
  const set = (value: number) => changeDraft({ count: Math.max(1, Math.min(most, Math.round(value))) });
  const onWheel = (event: WheelEvent) => {
    if (document.activeElement !== event.currentTarget) return;
    event.preventDefault();
    set(count - Math.sign(event.deltaY));
  };
  return (
    <span class="chip stepper">
      <button type="button" aria-label={texts.fewer} disabled={count <= 1} onClick={() => set(count - 1)}>
        <Icon name="minus" />
      </button>
      <input
        type="number"
        aria-label={texts.count}
        title={texts.count}
        list="counts"
        min={1}
        max={most}
        value={count}
        onWheel={onWheel}
        onChange={({ currentTarget }) => set(currentTarget.valueAsNumber || 1)}
      />
      <button
        type="button"
        aria-label={texts.moreImages}
        disabled={count >= most}
        onClick={() => set(count + 1)}
      >
        <Icon name="plus" />
      </button>
      <datalist id="counts">
        {counts.map((value) => (
          <option key={value} value={value} />
        ))}
      </datalist>
    </span>
  );
}
