// Styles and wildcard lists: choose, add, share as files.
import { useSignal } from "@preact/signals";
import { messages } from "../i18n/index.js";
import { Icon } from "../parts/icon.js";
import { IconButton } from "../parts/icon-button.js";
import { changeDraft, draft } from "../store/draft.js";
import "./presets.css";
import { saveFile } from "../parts/save-file.js";
import {
  activeStyles,
  addPresets,
  importFiles,
  presets,
  removeList,
  removeStyle,
  toggleStyle,
} from "./state.js";
import { writeStyleFile } from "./styles.js";

export default function PresetsSheet() {
  const texts = messages();
  const { styles, lists } = presets.value;
  const names = Object.keys(lists).sort((a, b) => a.localeCompare(b));
  return (
    <div class="presets">
      <section aria-labelledby="styles-title">
        <h3 id="styles-title">{texts.stylesTitle}</h3>
        <p class="hint">{texts.stylesHelp}</p>
        <ul>
          {styles.map((style) => (
            <li key={style.name}>
              <label>
                <input
                  type="checkbox"
                  checked={activeStyles.value.includes(style.name)}
                  onChange={() => toggleStyle(style.name)}
                />
                <span class="name">{style.name}</span>
                <span class="muted">{style.prompt}</span>
              </label>
              <IconButton
                icon="trash"
                label={texts.removeNamed(style.name)}
                onClick={() => removeStyle(style.name)}
              />
            </li>
          ))}
        </ul>
        <NewStyle />
      </section>
      <section aria-labelledby="lists-title">
        <h3 id="lists-title">{texts.lists}</h3>
        <p class="hint">{texts.listsHelp}</p>
        <ul>
          {names.map((name) => (
            <ListRow key={name} name={name} lines={lists[name]!} />
          ))}
        </ul>
        <NewList />
      </section>
      <div class="share">
        <label class="button">
          <Icon name="plus" />
          {texts.importFile}
          <input
            class="hidden"
            type="file"
            multiple
            accept=".json,.csv,.txt"
            onChange={({ currentTarget }) => void importFiles([...(currentTarget.files ?? [])])}
          />
        </label>
        <button type="button" class="button" disabled={styles.length + names.length === 0} onClick={save}>
          <Icon name="download" />
          {texts.exportFile}
        </button>
      </div>
    </div>
  );
}

function save(): void {
  saveFile("nishiki-styles.json", new Blob([writeStyleFile(presets.peek())], { type: "application/json" }));
}

/** A style from a name and texts; what the prompt bar holds now is the start. */
function NewStyle() {
  const texts = messages();
  const isOpen = useSignal(false);
  if (!isOpen.value)
    return (
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        <Icon name="plus" />
        {texts.newStyle}
      </button>
    );
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(values.get(name) ?? "").trim();
    if (text("name") === "") return;
    const settings = values.get("settings") ? draft.peek().settings : undefined;
    addPresets({
      styles: [
        {
          name: text("name"),
          prompt: text("prompt"),
          negativePrompt: text("negativePrompt"),
          ...(settings && { settings: omitImages(settings) }),
        },
      ],
      lists: {},
    });
    isOpen.value = false;
  };
  return (
    <form class="new-style" onSubmit={onSubmit}>
      <label>
        <span>{texts.name}</span>
        <input name="name" required maxLength={80} autoFocus />
      </label>
      <label>
        <span>{texts.prompt}</span>
        <textarea
          name="prompt"
          rows={2}
          placeholder="{prompt}, woodblock print"
          defaultValue={draft.peek().prompt}
        />
      </label>
      <label>
        <span>{texts.negativePrompt}</span>
        <textarea name="negativePrompt" rows={1} defaultValue={draft.peek().negativePrompt} />
      </label>
      <label class="check">
        <input type="checkbox" name="settings" />
        <span>{texts.withSettings}</span>
      </label>
      <button type="submit" class="button draw">
        {texts.save}
      </button>
    </form>
  );
}

const omitImages = (settings: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => name !== "init" && name !== "inpaint"));

function ListRow({ name, lines }: { readonly name: string; readonly lines: readonly string[] }) {
  const texts = messages();
  const insert = () => {
    const { prompt } = draft.peek();
    changeDraft({ prompt: `${prompt}${prompt === "" || prompt.endsWith(" ") ? "" : " "}__${name}__` });
  };
  return (
    <li>
      <details>
        <summary>
          <code>{`__${name}__`}</code> <span class="muted">{texts.lines(lines.length)}</span>
        </summary>
        <textarea
          rows={Math.min(lines.length + 1, 10)}
          aria-label={name}
          defaultValue={lines.join("\n")}
          onChange={({ currentTarget }) => saveList(name, currentTarget.value)}
        />
      </details>
      <IconButton icon="plus" label={texts.insert(name)} onClick={insert} />
      <IconButton icon="trash" label={texts.removeNamed(name)} onClick={() => removeList(name)} />
    </li>
  );
}

function saveList(name: string, text: string): void {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length > 0) addPresets({ styles: [], lists: { [name]: lines } });
}

function NewList() {
  const texts = messages();
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const values = new FormData(form);
    const name = String(values.get("name") ?? "")
      .replace(/^_+|_+$/g, "")
      .trim();
    saveList(name, String(values.get("lines") ?? ""));
    form.reset();
  };
  return (
    <details>
      <summary class="button quiet">
        <Icon name="plus" />
        {texts.newList}
      </summary>
      <form class="new-style" onSubmit={onSubmit}>
        <label>
          <span>{texts.name}</span>
          <input
            name="name"
            required
            pattern="[\p{L}\p{N}][\p{L}\p{N} _.\/\-]*"
            maxLength={60}
            placeholder="animal"
          />
        </label>
        <label>
          <span>{texts.linesToChoose}</span>
          <textarea name="lines" rows={4} required placeholder={texts.linesExample} />
        </label>
        <button type="submit" class="button draw">
          {texts.save}
        </button>
      </form>
    </details>
  );
}
