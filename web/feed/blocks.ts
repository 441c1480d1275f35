// What the feed shows, as blocks: the images of one job together, jobs that are being drawn on top, and what went wrong in its place.
import { computed } from "@preact/signals";
import type { Job } from "../api/types.js";
import { groupViews } from "../features.js";
import { imageOrder, isFiltered, peekImage } from "../store/images.js";
import { getJob, jobIds, peekJob, running } from "../store/jobs.js";
import { computedList, stored } from "../store/storage.js";
import type { Block } from "./layout.js";

export interface FeedBlock extends Block {
  /** The job, if the page knows it. */
  readonly job: string | null;
  /** Ids of finished images, in the job's order. */
  readonly images: readonly string[];
  /** For order: when it was asked for. */
  readonly time: string;
  /** Whether it shows only what went wrong. */
  readonly isTrouble?: boolean;
  /** The group that is shown by a view of its own. */
  readonly group?: string;
}

/** Failed jobs that were dismissed. */
const dismissed = stored<readonly string[]>("dismissed", []);
export const dismiss = (id: string) => {
  dismissed.value = [...dismissed.peek().slice(-100), id];
};

/** Width and height in a request: "512x768", or an object. */
export function readSize(size: unknown): { readonly width: number; readonly height: number } | undefined {
  if (typeof size === "object" && size !== null && "width" in size && "height" in size)
    return { width: Number(size.width), height: Number(size.height) };
  const [, width, height = width] = /^(\d+)(?:x(\d+))?$/.exec(String(size ?? "")) ?? [];
  return width === undefined ? undefined : { width: Number(width), height: Number(height) };
}

const getAspect = (size: { width: number; height: number } | undefined) =>
  size ? size.width / size.height : 1;

/** Number of images that a job draws. */
export const getCount = (job: Job): number => (job.kind === "draw" ? Number(job.request.count ?? 1) : 1);

/** Failed jobs: their place in the feed says why. */
const troubled = computedList(() => {
  const hidden = new Set(dismissed.value);
  return jobIds.value.filter((id) => getJob(id)!.state === "failed" && !hidden.has(id));
});

function makeLiveBlock(id: string): FeedBlock {
  const job = peekJob(id)!;
  const images = job.images.map((image) => image.id);
  const size = readSize(job.request.size) ?? job.images[0];
  const tiles = job.state === "failed" ? images.length + 1 : Math.max(1, getCount(job), images.length);
  const isTrouble = job.state === "failed" && images.length === 0;
  return { key: id, job: id, images, time: job.created, tiles, aspect: getAspect(size), isTrouble };
}

/** Images in the feed's order, those of one job together. */
const history = computed<readonly FeedBlock[]>(() => {
  const live = new Set(isFiltered.value ? [] : [...running.value, ...troubled.value]);
  const blocks: { key: string; job: string | null; images: string[]; time: string; aspect: number }[] = [];
  for (const id of imageOrder.value) {
    // What of an image matters here never changes.
    const { job, created: time, width, height } = peekImage(id)!;
    if (job !== null && live.has(job)) continue;
    const last = blocks.at(-1);
    if (job !== null && last?.job === job) last.images.push(id);
    else blocks.push({ key: job ?? id, job, images: [id], time, aspect: width / height });
  }
  return blocks.map((block) => ({ ...block, tiles: block.images.length }));
});

/** Everything in the feed, newest first. */
export const feedBlocks = computed<readonly FeedBlock[]>(() => {
  const past = history.value;
  if (isFiltered.value) return past;
  const failed = troubled.value.map(makeLiveBlock);
  const all = failed.length === 0 ? past : [...past, ...failed].sort((a, b) => b.time.localeCompare(a.time));
  return gather([...running.value.map(makeLiveBlock).reverse(), ...all]);
});

/** Puts the jobs of a group that has a view of its own into one block. */
function gather(blocks: readonly FeedBlock[]): readonly FeedBlock[] {
  const views = groupViews.value;
  if (views.length === 0) return blocks;
  const seen = new Set<string>();
  return blocks.flatMap((block) => {
    const job = block.job === null ? undefined : peekJob(block.job);
    if (!job?.group || !views.some((view) => view.claims(job))) return [block];
    if (seen.has(job.group)) return [];
    seen.add(job.group);
    return [{ ...block, key: `group ${job.group}`, group: job.group, fixedHeight: 0 }];
  });
}
