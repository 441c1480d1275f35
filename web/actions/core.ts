// The actions of the shell: drawing, the queue, what can be done with an image, and looking around.
import { api, fileUrl } from "../api/client.js";
import type { DrawJobRequest, Parent, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { transition } from "../parts/media.js";
import { saveFile, saveUrl } from "../parts/save-file.js";
import { changeDraft, drawDraft, recall, sendJob } from "../store/draft.js";
import { feedIds, filter, restoreImages, setFavourite, setFilter, trashImages } from "../store/images.js";
import { cancelAll, cancelJob, isQueuePaused, queue, running, setQueuePaused } from "../store/jobs.js";
import { attempt, notify } from "../store/notices.js";
import {
  endSelection,
  getNeighbour,
  isInfoOpen,
  isSelecting,
  openSheet,
  selection,
  setSelected,
  theme,
  viewed,
} from "../store/ui.js";
import { closeViewer } from "../viewer/open.js";
import { type Action, registerActions } from "./registry.js";

const isInTrash = () => filter.peek().trash === true;
const notInTrash = () => !isInTrash();

/** The request of an image again, with changes, as a job whose parent is this image. */
export async function drawFrom(
  image: StoredImage,
  action: Parent["action"],
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { prompt, negativePrompt, modelId } = image;
  const { count: _, ...settings } = image.request;
  const request = { ...settings, prompt, ...(negativePrompt !== "" && { negativePrompt }), ...changes };
  const id = await sendJob({
    kind: "draw",
    request: request as DrawJobRequest["request"],
    ...(modelId !== null && { model: modelId }),
    parent: { image: image.id, action },
  });
  if (id) notify(messages().queued);
}

const drawing: readonly Action[] = [
  {
    id: "draw",
    section: "draw",
    title: (texts) => texts.draw,
    keys: ["ctrl+enter"],
    icon: "sparkle",
    run: () => drawDraft(),
  },
  {
    id: "draw.first",
    section: "draw",
    title: (texts) => texts.drawFirst,
    keys: ["ctrl+shift+enter"],
    icon: "first",
    run: () => drawDraft({ first: true }),
  },
  {
    id: "prompt.focus",
    section: "draw",
    title: (texts) => texts.writePrompt,
    keys: ["alt+a"],
    run: () => {
      if (viewed.peek()) closeViewer();
      document.getElementById("prompt")?.focus();
    },
  },
  {
    id: "prompt.clear",
    section: "draw",
    title: (texts) => texts.clearPrompt,
    run: () => {
      changeDraft({ prompt: "", negativePrompt: "" });
      document.getElementById("prompt")?.focus();
    },
  },
  {
    id: "seed.random",
    section: "draw",
    title: (texts) => texts.unlockSeed,
    run: () => changeDraft({ seed: null }),
  },
];

const queueing: readonly Action[] = [
  {
    id: "queue.cancel",
    section: "queue",
    title: (texts) => texts.cancelRunning,
    keys: ["shift+x"],
    icon: "close",
    when: () => running.peek().length > 0,
    run: () => running.peek().forEach(cancelJob),
  },
  {
    id: "queue.cancelAll",
    section: "queue",
    title: (texts) => texts.cancelAllLong,
    keys: ["ctrl+shift+x"],
    when: () => running.peek().length + queue.peek().length > 0,
    run: () => cancelAll(),
  },
  {
    id: "queue.pause",
    section: "queue",
    title: (texts) => (isQueuePaused.value ? texts.resumeQueue : texts.pauseQueue),
    icon: "pause",
    run: () => setQueuePaused(!isQueuePaused.peek()),
  },
];

const say = (text: string) => notify(text);

const recalling: readonly Action[] = [
  {
    id: "recall.all",
    section: "image",
    title: (texts) => texts.recallAll,
    keys: ["a"],
    icon: "undo",
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["prompt", "seed", "size", "settings", "model"]);
      say(messages().recalledAll);
    },
  },
  {
    id: "recall.remix",
    section: "image",
    title: (texts) => texts.remix,
    keys: ["r"],
    icon: "edit",
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["prompt", "size", "settings", "model"]);
      changeDraft({ seed: null });
      say(messages().recalledRemix);
    },
  },
  {
    id: "recall.prompt",
    section: "image",
    title: (texts) => texts.recallPrompt,
    keys: ["p"],
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["prompt"]);
      say(messages().recalledPrompt);
    },
  },
  {
    id: "recall.seed",
    section: "image",
    title: (texts) => texts.recallSeed,
    keys: ["s"],
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["seed"]);
      say(messages().recalledSeed(String(image!.seed)));
    },
  },
  {
    id: "recall.size",
    section: "image",
    title: (texts) => texts.recallSize,
    keys: ["d"],
    needs: "image",
    viewer: "menu",
    run: ({ images: [image] }) => {
      recall(image!, ["size"]);
      say(messages().recalledSize(image!.width, image!.height));
    },
  },
];

const getFileName = ({ prompt, seed }: StoredImage) =>
  `${prompt
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .slice(0, 60)
    .replace(/^-|-$/g, "")}-${seed}.png`;

async function saveImages(images: readonly StoredImage[]): Promise<void> {
  const [first] = images;
  if (first && images.length === 1) return saveUrl(getFileName(first), fileUrl(first.id));
  await attempt(async () => {
    saveFile(`nishiki-${images.length}.zip`, await api.zip(images.map(({ id }) => id)));
  });
}

/** Keeps the keyboard in the feed when the tile under it goes. */
function focusNeighbour(id: string): void {
  const next = getNeighbour(id, 1) ?? getNeighbour(id, -1);
  if (next)
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-image="${next.id}"]`)?.focus());
}

/** Deletes images; the viewer goes on to the next one. */
function trash(images: readonly StoredImage[]): void {
  const ids = images.map(({ id }) => id);
  if (viewed.peek() !== undefined) {
    const next = getNeighbour(viewed.peek()!, 1) ?? getNeighbour(viewed.peek()!, -1);
    viewed.value = next?.id;
  }
  if (selection.peek().size > 0) endSelection();
  else if (viewed.peek() === undefined && ids.length === 1) focusNeighbour(ids[0]!);
  void trashImages(ids);
}

const working: readonly Action[] = [
  {
    id: "image.again",
    section: "image",
    rank: 10,
    title: (texts) => texts.again,
    keys: ["g"],
    icon: "again",
    needs: "image",
    viewer: "button",
    when: notInTrash,
    run: ({ images: [image] }) =>
      drawFrom(image!, "again", { seed: undefined, count: 4, variation: undefined }),
  },
  {
    id: "image.favourite",
    section: "image",
    rank: 60,
    title: (texts) => texts.favourite,
    keys: ["."],
    icon: "heart",
    needs: "images",
    viewer: "icon",
    when: notInTrash,
    run: ({ images }) => setFavourite(images, !images.every(({ favourite }) => favourite)),
  },
  {
    id: "image.save",
    section: "image",
    rank: 61,
    title: (texts) => texts.save,
    keys: ["ctrl+s"],
    icon: "download",
    needs: "images",
    viewer: "icon",
    run: ({ images }) => saveImages(images),
  },
  {
    id: "image.delete",
    section: "image",
    rank: 62,
    title: (texts) => texts.delete,
    keys: ["delete", "backspace"],
    icon: "trash",
    needs: "images",
    viewer: "icon",
    when: notInTrash,
    run: ({ images }) => trash(images),
  },
  {
    id: "image.restore",
    section: "image",
    rank: 62,
    title: (texts) => texts.restore,
    icon: "undo",
    needs: "images",
    viewer: "icon",
    when: isInTrash,
    run: ({ images }) => {
      viewed.value = undefined;
      endSelection();
      void restoreImages(images.map(({ id }) => id));
    },
  },
  {
    id: "image.select",
    section: "image",
    rank: 64,
    title: (texts) => texts.select,
    keys: ["x"],
    icon: "select",
    needs: "image",
    when: () => viewed.peek() === undefined,
    run: ({ images: [image] }) => setSelected([image!.id], !selection.peek().has(image!.id)),
  },
  {
    id: "image.info",
    section: "image",
    rank: 63,
    title: (texts) => texts.info,
    keys: ["i"],
    icon: "info",
    needs: "image",
    viewer: "icon",
    when: () => viewed.peek() !== undefined,
    run: () => {
      isInfoOpen.value = !isInfoOpen.peek();
    },
  },
  {
    id: "image.copyPrompt",
    section: "image",
    rank: 70,
    title: (texts) => texts.copyPrompt,
    needs: "image",
    viewer: "menu",
    when: () => navigator.clipboard !== undefined,
    run: ({ images: [image] }) =>
      attempt(async () => {
        await navigator.clipboard.writeText(image!.prompt);
        say(messages().copied);
      }),
  },
];

const viewing: readonly Action[] = [
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

export function registerCoreActions(): void {
  registerActions(...drawing, ...queueing, ...working, ...recalling, ...viewing);
}
