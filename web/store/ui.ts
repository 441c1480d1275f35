// What of the page is open, and how it looks.
import { computed, effect, signal } from "@preact/signals";
import type { StoredImage } from "../api/types.js";
import { getImage, imageOrder, peekImage } from "./images.js";
import { stored } from "./storage.js";

export type Theme = "auto" | "light" | "dark";
export const theme = stored<Theme>("theme", "auto");
effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

/** Height of the feed's tiles, in CSS pixels. */
export const tileHeight = stored("tile", 256);
export const notifiesWhenDone = stored("notify", false);

/** The sheet that is open, with what it was opened with. */
export const sheet = signal<{ readonly id: string; readonly values?: unknown } | undefined>(undefined);
export const openSheet = (id: string, values?: unknown) => {
  sheet.value = { id, values };
};
export const closeSheet = () => {
  sheet.value = undefined;
};

/** The image that the viewer shows. */
export const viewed = signal<string | undefined>(undefined);
export const isInfoOpen = stored("info", false);
/** The image whose tile has the keyboard. */
export const focused = signal<string | undefined>(undefined);
/** The one tile that the Tab key reaches; arrows lead to the others. */
export const tabStop = signal<string | undefined>(undefined);
export const isSelecting = signal(false);
export const selection = signal<ReadonlySet<string>>(new Set());

/** The image that was selected last by itself: where a range begins. */
let lastSelected: string | undefined;

/** Selects everything between the image that was selected last and another one, as the feed shows them. */
export function selectRange(id: string): void {
  const ids = imageOrder.peek();
  const start = ids.indexOf(lastSelected ?? focused.peek() ?? id);
  const end = ids.indexOf(id);
  const [from, to] = start < 0 ? [end, end] : [Math.min(start, end), Math.max(start, end)];
  setSelected(ids.slice(from, to + 1), true);
  lastSelected = id;
}

export function setSelected(ids: readonly string[], isOn: boolean): void {
  if (ids.length === 1) lastSelected = isOn ? ids[0] : undefined;
  const chosen = new Set(selection.peek());
  for (const id of ids) isOn ? chosen.add(id) : chosen.delete(id);
  selection.value = chosen;
  isSelecting.value = chosen.size > 0 || isSelecting.peek();
}

export function endSelection(): void {
  selection.value = new Set();
  isSelecting.value = false;
}

/** The images that an action means: the one in the viewer, else the selection, else the tile with the keyboard. */
export const targets = computed<readonly StoredImage[]>(() => {
  const ids = viewed.value
    ? [viewed.value]
    : selection.value.size > 0
      ? [...selection.value]
      : focused.value
        ? [focused.value]
        : [];
  return ids.map(getImage).filter((image) => image !== undefined);
});

/** The neighbour of the viewed image in the feed. */
export function getNeighbour(id: string, step: number): StoredImage | undefined {
  const ids = imageOrder.peek();
  const place = ids.indexOf(id);
  const other = place < 0 ? undefined : ids[place + step];
  return other === undefined ? undefined : peekImage(other);
}
