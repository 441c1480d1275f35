// The command palette: every action, found by its name. A combobox with a list, by the ARIA pattern.
import { useComputed, useSignal } from "@preact/signals";
import { useId, useMemo, useRef } from "preact/hooks";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.jsx";
import { Keys } from "../parts/keys.jsx";
import { closeSheet } from "../store/ui.js";
import { type Action, actions, getContext, isPossible } from "./registry.js";

/** How well a name fits: all words must occur; beginnings of words are better. Undefined if it does not. */
function getRank(title: string, words: readonly string[]): number | undefined {
  const text = title.toLowerCase();
  let rank = 0;
  for (const word of words) {
    const place = text.indexOf(word);
    if (place < 0) return undefined;
    rank += place === 0 ? 0 : /\s/.test(text[place - 1]!) ? 1 : 2;
  }
  return rank;
}

export default function Palette() {
  const text = useSignal("");
  const place = useSignal(0);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const texts = messages();
  // What was meant when the palette opened.
  const context = useMemo(getContext, []);
  const found = useComputed<readonly Action[]>(() => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    return actions.value
      .filter((action) => action.id !== "palette" && isPossible(action, context))
      .map((action) => ({ action, rank: getRank(action.title(texts), words) }))
      .filter(({ rank }) => rank !== undefined)
      .sort((a, b) => a.rank! - b.rank!)
      .map(({ action }) => action);
  });
  const choose = (action: Action | undefined) => {
    if (!action) return;
    closeSheet();
    // After the focus went back to where it was.
    requestAnimationFrame(() => action.run(context));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { length } = found.value;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") choose(found.value[place.value]);
    else if (step !== undefined && length > 0) place.value = (place.value + step + length) % length;
    else return;
    event.preventDefault();
    list.current?.children[place.value]?.scrollIntoView({ block: "nearest" });
  };
  return (
    <div class="palette">
      <input
        type="text"
        role="combobox"
        autofocus
        aria-label={texts.palette}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={`${id}-${place.value}`}
        placeholder={texts.palettePlaceholder}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          place.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div id={id} ref={list} role="listbox" aria-label={texts.palette}>
        {found.value.map((action, index) => (
          <div
            key={action.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === place.value}
            class="row"
            onClick={() => choose(action)}
            onPointerMove={() => {
              place.value = index;
            }}
          >
            {action.icon ? <Icon name={action.icon} /> : <span class="icon" />}
            <span>{action.title(texts)}</span>
            {action.keys && <Keys of={action.keys[0]!} />}
          </div>
        ))}
      </div>
      {found.value.length === 0 && <p class="muted">{texts.nothingFound}</p>}
    </div>
  );
}
