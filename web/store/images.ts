// Drawn images: what the page knows of each, and the list that the feed shows.
import { batch, computed, type Signal, signal } from "@preact/signals";
import { api, type ImageFilter } from "../api/client.js";
import type { StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { attempt, notify, optimistic } from "./notices.js";

const images = new Map<string, Signal<StoredImage>>();
/** Ids of the images in the feed, newest first. */
export const feedIds = signal<readonly string[]>([]);
/** Number of images that match, on the server. */
export const feedTotal = signal(0);
export const isFeedLoading = signal(true);
/** What the feed shows: everything, a search, the trash. */
export const filter = signal<ImageFilter>({});
export const isFiltered = computed(() => Object.values(filter.value).some((value) => value));
let next: string | null = null;
let generation = 0;

/**
 * The images as the feed shows them: those of one job together, at the place of the newest, in the job's order. The viewer's
 * arrows follow it.
 */
export const imageOrder = computed<readonly string[]>(() => {
  const jobs = new Map<string, { readonly id: string; readonly index: number }[]>();
  const groups: { readonly id: string; readonly index: number }[][] = [];
  for (const id of feedIds.value) {
    const { job, index } = images.get(id)!.peek();
    const known = job === null ? undefined : jobs.get(job);
    if (known) known.push({ id, index });
    else {
      const group = [{ id, index }];
      groups.push(group);
      if (job !== null) jobs.set(job, group);
    }
  }
  return groups.flatMap((group) => group.sort((a, b) => a.index - b.index)).map(({ id }) => id);
});

export const getImage = (id: string): StoredImage | undefined => images.get(id)?.value;
export const peekImage = (id: string): StoredImage | undefined => images.get(id)?.peek();
export const hasMore = () => next !== null;

export function keepImage(image: StoredImage): void {
  const known = images.get(image.id);
  if (known) known.value = image;
  else images.set(image.id, signal(image));
}

const belongs = (image: StoredImage) => (image.trashed !== null) === (filter.peek().trash ?? false);

/** An image is new or changed. Searches show new images only when they are asked again. */
export function putImage(image: StoredImage): void {
  const isKnown = feedIds.peek().includes(image.id);
  keepImage(image);
  if (!belongs(image)) removeFromFeed([image.id]);
  else if (!isKnown && !isFiltered.peek()) insert([image]);
}

function insert(added: readonly StoredImage[]): void {
  const list = [...feedIds.peek()];
  for (const image of added) {
    if (list.includes(image.id)) continue;
    const place = list.findIndex((id) => isBefore(image, images.get(id)!.peek()));
    list.splice(place < 0 ? list.length : place, 0, image.id);
    feedTotal.value++;
  }
  feedIds.value = list;
}

/** Whether the feed shows an image above another one. Images of a job keep their order. */
const isBefore = (a: StoredImage, b: StoredImage) =>
  a.created > b.created || (a.created === b.created && a.job === b.job && a.index < b.index);

export function removeFromFeed(ids: readonly string[]): void {
  const gone = new Set(ids);
  const list = feedIds.peek().filter((id) => !gone.has(id));
  const count = feedIds.peek().length - list.length;
  if (count === 0) return;
  batch(() => {
    feedTotal.value -= count;
    feedIds.value = list;
  });
}

/** Shows other images. */
export async function setFilter(value: ImageFilter): Promise<void> {
  filter.value = value;
  await reloadFeed();
}

/** Asks for the newest images again, and keeps what is shown until the answer is there. */
export async function reloadFeed(): Promise<void> {
  const mine = ++generation;
  isFeedLoading.value = true;
  await attempt(async () => {
    const page = await api.images(filter.peek());
    if (mine !== generation) return;
    page.images.forEach(keepImage);
    next = page.next;
    feedTotal.value = page.total;
    feedIds.value = page.images.map(({ id }) => id);
  });
  if (mine === generation) isFeedLoading.value = false;
}

/** Asks for the next, older page. */
export async function loadMore(): Promise<void> {
  if (next === null || isFeedLoading.peek()) return;
  const mine = generation;
  isFeedLoading.value = true;
  await attempt(async () => {
    const page = await api.images(filter.peek(), next!, 500);
    if (mine !== generation) return;
    page.images.forEach(keepImage);
    next = page.next;
    const known = new Set(feedIds.peek());
    feedIds.value = [...feedIds.peek(), ...page.images.map(({ id }) => id).filter((id) => !known.has(id))];
  });
  if (mine === generation) isFeedLoading.value = false;
}

export async function setFavourite(list: readonly StoredImage[], favourite: boolean): Promise<void> {
  await optimistic(
    () => {
      for (const image of list) keepImage({ ...image, favourite });
    },
    () => Promise.all(list.map(({ id }) => api.mark(id, { favourite }))),
    () => list.forEach(keepImage),
  );
}

/** Puts images into the trash, with a notice that takes them out again. */
export async function trashImages(ids: readonly string[]): Promise<void> {
  const known = ids.map(peekImage).filter((image) => image !== undefined);
  const succeeded = await optimistic(
    () => removeFromFeed(ids),
    () => api.trash(ids),
    () => insert(known),
  );
  if (!succeeded) return;
  const undo = () => void restoreImages(ids);
  notify(messages().movedToTrash(ids.length), { action: { label: messages().undo, run: undo } });
}

export async function restoreImages(ids: readonly string[]): Promise<void> {
  const known = ids.map(peekImage).filter((image) => image !== undefined);
  const isTrash = filter.peek().trash ?? false;
  const succeeded = await optimistic(
    () => {
      for (const image of known) keepImage({ ...image, trashed: null });
      if (isTrash) removeFromFeed(ids);
      else insert(known);
    },
    () => api.restore(ids),
    () => known.forEach(keepImage),
  );
  if (succeeded) notify(messages().restored(ids.length));
}

export async function emptyTrash(): Promise<void> {
  if (await attempt(() => api.emptyTrash())) await reloadFeed();
}
