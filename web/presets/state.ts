// Styles and lists of this browser, which styles are on, and what that makes of a prompt.
import { messages } from "../i18n/index.js";
import { attempt, notify } from "../store/notices.js";
import { stored } from "../store/storage.js";
import { mergeStyleFiles, readStyleFile, type Style, type StyleFile } from "./styles.js";

export const presets = stored<StyleFile>("presets", { styles: [], lists: {} });
/** Names of the styles that are on. */
export const activeStyles = stored<readonly string[]>("styles", []);

export const getActiveStyles = (): readonly Style[] =>
  activeStyles.value
    .map((name) => presets.value.styles.find((style) => style.name === name))
    .filter((style) => style !== undefined);

export function toggleStyle(name: string): void {
  const isOn = activeStyles.peek().includes(name);
  activeStyles.value = isOn
    ? activeStyles.peek().filter((other) => other !== name)
    : [...activeStyles.peek(), name];
}

export function addPresets(file: StyleFile): void {
  presets.value = mergeStyleFiles(presets.peek(), file);
}

export function removeStyle(name: string): void {
  const before = presets.peek();
  activeStyles.value = activeStyles.peek().filter((other) => other !== name);
  presets.value = { ...before, styles: before.styles.filter((style) => style.name !== name) };
  const undo = () => {
    presets.value = before;
  };
  notify(messages().removed(name), { action: { label: messages().undo, run: undo } });
}

export function removeList(name: string): void {
  const before = presets.peek();
  const { [name]: _, ...lists } = before.lists;
  presets.value = { ...before, lists };
  const undo = () => {
    presets.value = before;
  };
  notify(messages().removed(name), { action: { label: messages().undo, run: undo } });
}

/** Adds the styles and lists of files. */
export async function importFiles(files: readonly File[]): Promise<void> {
  await attempt(async () => {
    for (const file of files) {
      const read = readStyleFile(await file.text(), file.name);
      if (!read) notify(messages().noStyles(file.name), { isError: true });
      else {
        addPresets(read);
        notify(messages().stylesAdded(read.styles.length, Object.keys(read.lists).length));
      }
    }
  });
}
