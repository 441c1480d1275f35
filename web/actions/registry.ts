// Everything that a person can do, as a list: buttons, keys, the command palette and the sheet of keys all come from it.
import { signal } from "@preact/signals";
import type { StoredImage } from "../api/types.js";
import type { Messages } from "../i18n/index.js";
import type { IconName } from "../parts/icon.jsx";
import { targets } from "../store/ui.js";

export interface ActionContext {
  /** The images that are meant: the one in the viewer, the selected ones, or the one under the keyboard. */
  readonly images: readonly StoredImage[];
}

export interface Action {
  readonly id: string;
  readonly title: (texts: Messages) => string;
  /** Under which heading the lists show it. */
  readonly section: "draw" | "image" | "queue" | "view" | "tools";
  /** Key combinations, such as "ctrl+enter", "shift+x", "a", "arrowleft". Ctrl also means Cmd. */
  readonly keys?: readonly string[];
  readonly icon?: IconName;
  /** What it needs: nothing, one image, or at least one. */
  readonly needs?: "image" | "images";
  /** Its place in the viewer: a button with its name, an icon, or the menu of further actions. */
  readonly viewer?: "button" | "icon" | "menu";
  /** Its order within a list; lower comes first. */
  readonly rank?: number;
  /** Whether it makes sense now, beyond what `needs` says. */
  readonly when?: (context: ActionContext) => boolean;
  readonly run: (context: ActionContext) => unknown;
}

export const actions = signal<readonly Action[]>([]);

/** Adds actions. One whose id is there already takes its place. */
export function registerActions(...added: readonly Action[]): void {
  const ids = new Set(added.map(({ id }) => id));
  const all = [...actions.peek().filter(({ id }) => !ids.has(id)), ...added];
  actions.value = all.sort((a, b) => (a.rank ?? 50) - (b.rank ?? 50));
}

export const getContext = (): ActionContext => ({ images: targets.value });

export function isPossible(action: Action, context: ActionContext): boolean {
  const { length } = context.images;
  if (action.needs === "image" && length !== 1) return false;
  if (action.needs === "images" && length === 0) return false;
  return action.when?.(context) ?? true;
}

/** Runs an action by its id, on given images or those that are meant now. @returns whether it was possible */
export function runAction(id: string, context: ActionContext = { images: targets.peek() }): boolean {
  const action = actions.peek().find((other) => other.id === id);
  if (!action || !isPossible(action, context)) return false;
  action.run(context);
  return true;
}
