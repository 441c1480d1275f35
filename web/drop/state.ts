// Pictures that were dropped or pasted, and what becomes of them.
import { signal } from "@preact/signals";
import { api } from "../api/client.js";
import type { Upload } from "../api/types.js";
import { readSize } from "../feed/blocks.js";
import { messages } from "../i18n/index.js";
import { importFiles } from "../presets/state.js";
import { changeDraft, draft } from "../store/draft.js";
import { attempt, notify } from "../store/notices.js";
import { openSheet, sheet } from "../store/ui.js";
import type { RecallChip } from "./recall.js";
import { sortFiles } from "./transfer.js";

export interface DroppedPicture {
  readonly upload: Upload;
  readonly name: string;
}

/** What the sheet shows, newest first. */
export const dropped = signal<readonly DroppedPicture[]>([]);
/** Pictures that are on their way. */
export const uploading = signal(0);
/** Sheets that take pictures themselves while they are open. */
const takers = new Map<string, (files: readonly File[]) => void>();
export const takeFiles = (sheetId: string, take: (files: readonly File[]) => void): (() => void) => {
  takers.set(sheetId, take);
  return () => takers.delete(sheetId);
};

const mostShown = 50;

async function uploadPicture(file: File): Promise<void> {
  uploading.value++;
  await attempt(async () => {
    const upload = await api.upload(file);
    const others = dropped.peek().filter((one) => one.upload.id !== upload.id);
    dropped.value = [{ upload, name: file.name }, ...others].slice(0, mostShown);
  });
  uploading.value--;
}

/** Takes dropped, pasted or chosen files and text. Nothing changes but what a text is for: the prompt. */
export async function takeDropped(files: readonly File[], text = ""): Promise<void> {
  const taker = sheet.peek() && takers.get(sheet.peek()!.id);
  if (taker && files.length > 0) return taker(files);
  const { pictures, styles, unknown, text: prompt } = sortFiles(files, text);
  if (unknown.length > 0) notify(messages().cannotRead(unknown.join(", ")), { isError: true });
  if (styles.length > 0) await importFiles(styles);
  if (prompt !== "") takeText(prompt);
  if (pictures.length === 0) return;
  openSheet("dropped");
  await Promise.all(pictures.map(uploadPicture));
  if (dropped.peek().length === 0 && sheet.peek()?.id === "dropped") sheet.value = undefined;
}

/** A dropped text becomes the prompt; the one before comes back with Undo. */
function takeText(text: string): void {
  const { prompt } = draft.peek();
  if (prompt === text) return;
  changeDraft({ prompt: text });
  notify(messages().promptTaken, { action: { label: messages().undo, run: () => changeDraft({ prompt }) } });
}

/** Takes over what a chip stands for, and nothing else. */
export function takeChip({ settings, model, loras }: RecallChip): void {
  const { prompt, negativePrompt, seed, size, ...others } = settings;
  const asSize = readSize(size);
  changeDraft({
    ...(typeof prompt === "string" && { prompt }),
    ...(typeof negativePrompt === "string" && { negativePrompt }),
    ...(typeof seed === "number" && { seed }),
    ...(model !== undefined && { model }),
    ...(loras && { load: { ...draft.peek().load, loras: [...loras] } }),
    settings: {
      ...draft.peek().settings,
      ...(asSize && { size: `${asSize.width}x${asSize.height}` }),
      ...others,
    },
  });
}

/** Whether the prompt bar holds everything that a chip stands for. */
export function isTaken({ settings, model, loras }: RecallChip): boolean {
  const now = draft.value;
  const own = { ...now.settings, prompt: now.prompt, negativePrompt: now.negativePrompt, seed: now.seed };
  const text = (value: unknown) => {
    const size = readSize(value);
    return size ? `${size.width}x${size.height}` : JSON.stringify(value);
  };
  return (
    Object.entries(settings).every(
      ([name, value]) => text((own as Record<string, unknown>)[name]) === text(value),
    ) &&
    (model === undefined || now.model === model) &&
    (loras === undefined || JSON.stringify(now.load.loras) === JSON.stringify(loras))
  );
}
