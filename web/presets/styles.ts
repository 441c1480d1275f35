// Styles: texts added to a prompt, and settings if they have some. Saved as JSON; stable-diffusion-webui's styles.csv is read too.
import { parseCsv } from "./csv.js";

export interface Style {
  readonly name: string;
  /** Added after the prompt; where it holds {prompt}, the prompt goes there instead. */
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Settings that the style sets as well, as fields of a request. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** What a file of styles and lists holds. */
export interface StyleFile {
  readonly styles: readonly Style[];
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

const join = (prompt: string, addition: string): string => {
  if (addition.trim() === "") return prompt;
  if (addition.includes("{prompt}")) return addition.split("{prompt}").join(prompt);
  return prompt.trim() === "" ? addition : `${prompt}, ${addition}`;
};

/** The prompts with styles added, in their order. */
export function applyStyles(
  texts: { readonly prompt: string; readonly negativePrompt: string },
  styles: readonly Style[],
): { readonly prompt: string; readonly negativePrompt: string } {
  return styles.reduce(
    ({ prompt, negativePrompt }, style) => ({
      prompt: join(prompt, style.prompt),
      negativePrompt: join(negativePrompt, style.negativePrompt),
    }),
    texts,
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** webui's columns: name, prompt, negative_prompt; some old files lack the last. */
function readCsv(text: string): readonly Style[] {
  const [header = [], ...rows] = parseCsv(text);
  const column = (name: string) => header.findIndex((title) => title.trim().toLowerCase() === name);
  const [name, prompt, negative] = [column("name"), column("prompt"), column("negative_prompt")];
  if (name < 0 || prompt < 0) return [];
  return rows
    .map((row) => ({
      name: row[name]?.trim() ?? "",
      prompt: row[prompt] ?? "",
      negativePrompt: negative < 0 ? "" : (row[negative] ?? ""),
    }))
    .filter(({ name, prompt, negativePrompt }) => name !== "" && (prompt !== "" || negativePrompt !== ""));
}

function readStyle(value: unknown): Style | undefined {
  if (!isRecord(value)) return undefined;
  const name = textOf(value.name).trim();
  if (name === "") return undefined;
  const negativePrompt = textOf(value.negativePrompt) || textOf(value.negative_prompt);
  return {
    name,
    prompt: textOf(value.prompt),
    negativePrompt,
    ...(isRecord(value.settings) && { settings: value.settings }),
  };
}

function readLists(value: unknown): Record<string, readonly string[]> {
  if (!isRecord(value)) return {};
  const entries = Object.entries(value).map(([name, lines]) => {
    const texts = Array.isArray(lines) ? lines.map(textOf).filter((line) => line !== "") : [];
    return [name, texts] as const;
  });
  return Object.fromEntries(entries.filter(([name, lines]) => name !== "" && lines.length > 0));
}

/**
 * Reads a file of styles, by its content: our JSON, a JSON list of styles, webui's styles.csv, or a text file with one line
 * each, which becomes a list under the file's name. Undefined if it is none of these.
 */
export function readStyleFile(text: string, fileName: string): StyleFile | undefined {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (/^[[{]/.test(trimmed)) {
    try {
      const value: unknown = JSON.parse(trimmed);
      const listed = Array.isArray(value)
        ? value
        : isRecord(value) && Array.isArray(value.styles)
          ? value.styles
          : [];
      const styles = listed.map(readStyle).filter((style) => style !== undefined);
      const lists = isRecord(value) ? readLists(value.lists) : {};
      return styles.length > 0 || Object.keys(lists).length > 0 ? { styles, lists } : undefined;
    } catch {
      return undefined;
    }
  }
  if (/\.txt$/i.test(fileName)) {
    const lines = trimmed.split(/\r?\n/).map((line) => line.trim());
    const texts = lines.filter((line) => line !== "" && !line.startsWith("#"));
    return texts.length > 0 ? { styles: [], lists: { [fileName.replace(/\.txt$/i, "")]: texts } } : undefined;
  }
  const styles = readCsv(trimmed);
  return styles.length > 0 ? { styles, lists: {} } : undefined;
}

/** The text of a file of styles, to save and to share. */
export const writeStyleFile = (file: StyleFile): string => `${JSON.stringify(file, null, 2)}\n`;

/** Adds a file's styles and lists; those of the same name are replaced. */
export function mergeStyleFiles(old: StyleFile, added: StyleFile): StyleFile {
  const names = new Set(added.styles.map(({ name }) => name));
  return {
    styles: [...old.styles.filter(({ name }) => !names.has(name)), ...added.styles],
    lists: { ...old.lists, ...added.lists },
  };
}
