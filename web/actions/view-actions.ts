// Looking around: the viewer, selections, filters, sheets.
import { transition } from "../parts/media.js";
import { feedIds, filter, setFilter } from "../store/images.js";
import { endSelection, isSelecting, openSheet, setSelected, theme, viewed } from "../store/ui.js";
import { closeViewer } from "../viewer/open.js";
import type { Action } from "./registry.js";

export const isInTrash = () => filter.peek().trash === true;

export const viewing: readonly Action[] = [
  {
    id: "viewer.close",
    section: "view",
    title: (texts) => texts.closeViewer,
    keys: ["z", "escape"],
    when: () => viewed.peek() !== undefined,
    run: closeViewer,
  },
  {
    id: "selection.all",
    section: "view",
    title: (texts) => texts.selectAll,
    keys: ["ctrl+a"],
    icon: "select",
    when: () => viewed.peek() === undefined && feedIds.peek().length > 0,
    run: () => {
      isSelecting.value = true;
      setSelected(feedIds.peek(), true);
    },
  },
  {
    id: "selection.end",
    section: "view",
    title: (texts) => texts.endSelecting,
    keys: ["escape"],
    when: () => isSelecting.peek() && viewed.peek() === undefined,
    run: endSelection,
  },
  {
    id: "search",
    section: "view",
    title: (texts) => texts.search,
    keys: ["/"],
    icon: "search",
    when: () => viewed.peek() === undefined,
    run: () => document.getElementById("search")?.focus(),
  },
  {
    id: "favourites",
    section: "view",
    title: (texts) => texts.favourites,
    icon: "heart",
    run: () => setFilter(filter.peek().favourite ? {} : { favourite: true }),
  },
  {
    id: "trash.empty",
    section: "view",
    title: (texts) => texts.emptyTrash,
    icon: "trash",
    when: isInTrash,
    run: () => openSheet("emptyTrash"),
  },
  {
    id: "theme",
    section: "view",
    title: (texts) => texts.switchTheme,
    icon: "moon",
    run: () =>
      transition(() => {
        const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
        const now = theme.peek() === "auto" ? (isDark ? "dark" : "light") : theme.peek();
        theme.value = now === "dark" ? "light" : "dark";
      }),
  },
  {
    id: "preferences",
    section: "view",
    rank: 90,
    title: (texts) => texts.preferences,
    keys: ["ctrl+,"],
    icon: "settings",
    run: () => openSheet("preferences"),
  },
  {
    id: "keys",
    section: "view",
    rank: 91,
    title: (texts) => texts.keys,
    keys: ["?"],
    icon: "info",
    run: () => openSheet("keys"),
  },
  {
    id: "palette",
    section: "view",
    rank: 92,
    title: (texts) => texts.palette,
    keys: ["ctrl+k"],
    icon: "search",
    run: () => openSheet("palette"),
  },
];
