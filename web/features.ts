// Where features plug in. A feature is a module that registers actions, sheets and slots; what it shows is loaded on first use.
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { StoredImage } from "./api/types.js";
import type { Messages } from "./i18n/index.js";

export interface SheetInfo {
  readonly id: string;
  readonly title: (texts: Messages) => string;
  /** A panel at the side (from below on a phone), a window in the middle, or the whole screen without a frame of ours. */
  readonly form: "side" | "window" | "screen";
  /** Its content, as the default export of a module of its own. Gets the values that `openSheet` was called with. */
  readonly load: () => Promise<{ readonly default: ComponentType<{ readonly values?: unknown }> }>;
}

const sheets = new Map<string, SheetInfo>();
/** Adds a sheet, for `openSheet(id, values)`. */
export const registerSheet = (...added: readonly SheetInfo[]) => {
  for (const info of added) sheets.set(info.id, info);
};
export const getSheet = (id: string) => sheets.get(id);

/** Places on the page that features fill. */
export interface Slots {
  /** Below the prompt: chips such as a start image, LoRAs, settings to take over. */
  readonly prompt: ComponentType;
  /** Below the settings that the schema declares. */
  readonly settings: ComponentType;
  /** In the viewer's panel, below the settings of the image: the family tree. */
  readonly info: ComponentType<{ readonly image: StoredImage }>;
  /** Anywhere, without a place of its own: what reacts to dropped files. */
  readonly page: ComponentType;
  /** Above the feed, below the queue. */
  readonly feed: ComponentType;
}

type Lists = { readonly [Name in keyof Slots]: readonly Slots[Name][] };
export const slots = signal<Lists>({ prompt: [], settings: [], info: [], page: [], feed: [] });

/** Fills a place, below what is there already. */
export function fillSlot<Name extends keyof Slots>(name: Name, component: Slots[Name]): void {
  slots.value = { ...slots.peek(), [name]: [...slots.peek()[name], component] };
}

/** How jobs of one group are shown together in the feed, as a sweep's table is: in the place of the newest of them. */
export interface GroupView {
  /** Whether the job's group is shown so. */
  readonly claims: (job: {
    readonly group: string | null;
    readonly labels: Readonly<Record<string, string>>;
  }) => boolean;
  /** Its height in CSS pixels at a width. */
  readonly height: (group: string, width: number) => number;
  readonly view: ComponentType<{ readonly group: string; readonly width: number }>;
}
export const groupViews = signal<readonly GroupView[]>([]);
export const registerGroupView = (view: GroupView) => {
  groupViews.value = [...groupViews.peek(), view];
};
