// Preferences of this browser: theme, language, the size of tiles, notifications.
import { useId } from "preact/hooks";
import { language, languages, messages, setLanguage } from "../i18n/index.js";
import { notifiesWhenDone, type Theme, theme, tileHeight } from "../store/ui.js";

const themes: readonly Theme[] = ["auto", "light", "dark"];

export default function Preferences() {
  const texts = messages();
  const id = useId();
  return (
    <div class="settings">
      <div class="field choice">
        <label for={`${id}-theme`}>{texts.theme}</label>
        <select
          id={`${id}-theme`}
          value={theme.value}
          onChange={({ currentTarget }) => {
            theme.value = currentTarget.value as Theme;
          }}
        >
          {themes.map((name) => (
            <option key={name} value={name}>
              {texts.themes[name]}
            </option>
          ))}
        </select>
      </div>
      <div class="field choice">
        <label for={`${id}-language`}>{texts.language}</label>
        <select
          id={`${id}-language`}
          value={language.value}
          onChange={({ currentTarget }) => setLanguage(currentTarget.value)}
        >
          {Object.entries(languages).map(([code, { name }]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div class="field number">
        <label for={`${id}-tile`}>{texts.tileSize}</label>
        <input
          id={`${id}-tile`}
          type="range"
          min={128}
          max={448}
          step={32}
          value={tileHeight.value}
          onInput={({ currentTarget }) => {
            tileHeight.value = currentTarget.valueAsNumber;
          }}
        />
      </div>
      {"Notification" in window && (
        <div class="field switch">
          <label for={`${id}-notify`}>{texts.notifyWhenDone}</label>
          <input
            id={`${id}-notify`}
            type="checkbox"
            role="switch"
            checked={notifiesWhenDone.value}
            onChange={async ({ currentTarget }) => {
              const wanted = currentTarget.checked;
              notifiesWhenDone.value = wanted && (await Notification.requestPermission()) === "granted";
              currentTarget.checked = notifiesWhenDone.peek();
            }}
          />
        </div>
      )}
    </div>
  );
}
