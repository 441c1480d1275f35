// Notices: short sentences at the edge of the screen, with at most one thing to do, usually "Undo". Also what screen readers hear.
import { signal } from "@preact/signals";
import { ApiError } from "../api/client.js";
import { messages } from "../i18n/index.js";

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly isError: boolean;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export const notices = signal<readonly Notice[]>([]);
/** What the live region says. */
export const announcement = signal("");

const secondsToRead = 7;
let count = 0;

export function notify(text: string, options: Partial<Pick<Notice, "isError" | "action">> = {}): () => void {
  const notice: Notice = { id: ++count, text, isError: false, ...options };
  notices.value = [...notices.value.filter((other) => other.text !== text).slice(-2), notice];
  const close = () => {
    notices.value = notices.value.filter(({ id }) => id !== notice.id);
  };
  // An error stays until it is read; it has a button to close it.
  if (!notice.isError) setTimeout(close, secondsToRead * 1000);
  return close;
}

export function closeNotice(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Shows an error as a sentence. */
export function notifyError(error: unknown): void {
  const isKnown = error instanceof ApiError;
  if (!isKnown) console.error(error);
  const hint = isKnown && error.hint ? ` ${error.hint}` : "";
  notify(isKnown ? error.message + hint : messages().unexpected(String(error)), { isError: true });
}

/** Runs something whose failure is a notice. @returns whether it succeeded */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    notifyError(error);
    return false;
  }
}

/** Shows a change at once, asks the server for it, and takes it back if the server refuses. */
export async function optimistic(
  apply: () => void,
  ask: () => Promise<unknown>,
  takeBack: () => void,
): Promise<boolean> {
  apply();
  const succeeded = await attempt(ask);
  if (!succeeded) takeBack();
  return succeeded;
}
