// Below the prompt: the styles that are on.
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { openSheet } from "../store/ui.js";
import { getActiveStyles, presets, toggleStyle } from "./state.js";

export function StyleChips() {
  const texts = messages();
  const active = getActiveStyles();
  if (presets.value.styles.length === 0) return null;
  return (
    <div class="chips style-chips" role="group" aria-label={texts.styles}>
      {active.map(({ name, prompt }) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-label={texts.removeNamed(name)}
          title={prompt}
          onClick={() => toggleStyle(name)}
        >
          {name}
          <Icon name="close" />
        </button>
      ))}
      <button type="button" class="chip quiet" onClick={() => openSheet("presets")}>
        <Icon name="plus" />
        {texts.style}
      </button>
    </div>
  );
}
