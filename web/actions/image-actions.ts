// What can be done with an image: drawn again, kept, saved, deleted.
import { api, fileUrl } from "../api/client.js";
import type { DrawJobRequest, Parent, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { saveFile, saveUrl } from "../parts/save-file.js";
import { sendJob } from "../store/draft.js";
import { restoreImages, setFavourite, trashImages } from "../store/images.js";
import { attempt, notify } from "../store/notices.js";
import { endSelection, getNeighbour, isInfoOpen, selection, setSelected, viewed } from "../store/ui.js";
import type { Action } from "./registry.js";
import { isInTrash } from "./view-actions.js";

const notInTrash = () => !isInTrash();

/** The request of an image again, with changes, as a job whose parent is this image. */
async function drawFrom(
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

export const working: readonly Action[] = [
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
        notify(messages().copied);
      }),
  },
];
