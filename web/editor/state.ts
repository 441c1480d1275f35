// What the editor knows of each picture: strokes, frame, prompt, and the alternatives that were drawn. It stays when the editor
// is closed and when the page is loaded again.
import { effect, type Signal, signal } from "@preact/signals";
import { api } from "../api/client.js";
import type { Job, StoredImage } from "../api/types.js";
import { getImage, peekImage } from "../store/images.js";
import { getJob, putJobs } from "../store/jobs.js";
import { stored } from "../store/storage.js";
import { emptyHistory, type History, type Operation, perform, type Sides } from "./history.js";

/** The picture that is edited: a drawn one, or one that was uploaded. */
export interface EditedImage {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Settings that it was drawn with, and its model; empty and null for an upload. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly modelId: string | null;
  /** The mask that it was drawn with. */
  readonly mask: string | null;
}

/** A job of the editor, and where its images belong: the frame as it was. */
export interface EditJob {
  readonly id: string;
  readonly sides: Sides;
}

export interface Edit {
  readonly image: EditedImage;
  readonly history: Signal<History>;
  readonly prompt: Signal<string>;
  /** How much is changed; null: all inside a mask, and most of a picture without one. */
  readonly strength: Signal<number | null>;
  /** Width of the soft edge in pixels; null: the server's. */
  readonly feather: Signal<number | null>;
  readonly jobs: Signal<readonly EditJob[]>;
  readonly discarded: Signal<readonly string[]>;
  /** The alternative that is shown; null: the picture itself. */
  readonly shown: Signal<string | null>;
}

export type Tool = "brush" | "eraser" | "pan";
export const tool = signal<Tool>("brush");
export const brushSize = stored("brush", 40);
export const editCount = stored("edit-count", 4);

export const fromStored = (image: StoredImage): EditedImage => ({
  id: image.id,
  width: image.width,
  height: image.height,
  prompt: image.prompt,
  negativePrompt: image.negativePrompt,
  settings: image.request,
  modelId: image.modelId,
  mask: image.mask,
});

interface SavedEdit {
  readonly done: readonly Operation[];
  readonly prompt: string;
  readonly strength: number | null;
  readonly feather: number | null;
  readonly jobs: readonly EditJob[];
  readonly discarded: readonly string[];
}

const prefix = "nishiki.edit.";
/** Pictures whose strokes are kept in the browser; those edited longest ago are forgotten first. */
const mostEdits = 20;
const recent = stored<readonly string[]>("edits", []);
const edits = new Map<string, Edit>();

function read(id: string): SavedEdit | undefined {
  try {
    const saved = JSON.parse(localStorage.getItem(prefix + id) ?? "null") as Partial<SavedEdit> | null;
    if (!saved) return undefined;
    const { done = [], prompt = "", strength = null, feather = null, jobs = [], discarded = [] } = saved;
    return { done, prompt, strength, feather, jobs, discarded };
  } catch {
    return undefined;
  }
}

function forgetOldest(): void {
  for (const id of recent.peek().slice(mostEdits)) localStorage.removeItem(prefix + id);
  recent.value = recent.peek().slice(0, mostEdits);
}

function save(edit: Edit): void {
  const saved: SavedEdit = {
    done: edit.history.value.done,
    prompt: edit.prompt.value,
    strength: edit.strength.value,
    feather: edit.feather.value,
    jobs: edit.jobs.value,
    discarded: edit.discarded.value,
  };
  const isUntouched = saved.done.length === 0 && saved.jobs.length === 0;
  try {
    if (isUntouched) localStorage.removeItem(prefix + edit.image.id);
    else localStorage.setItem(prefix + edit.image.id, JSON.stringify(saved));
  } catch {
    // Full or forbidden: the strokes last until the page is closed.
  }
}

/** The edit of a picture, as it was left. */
export function getEdit(image: EditedImage): Edit {
  recent.value = [image.id, ...recent.peek().filter((id) => id !== image.id)];
  forgetOldest();
  const known = edits.get(image.id);
  if (known) return known;
  const saved = read(image.id);
  const edit: Edit = {
    image,
    history: signal(saved ? { done: saved.done, undone: [] } : emptyHistory),
    prompt: signal(saved?.prompt ?? image.prompt),
    strength: signal(saved?.strength ?? null),
    feather: signal(saved?.feather ?? null),
    jobs: signal(saved?.jobs ?? []),
    discarded: signal(saved?.discarded ?? []),
    shown: signal(null),
  };
  edits.set(image.id, edit);
  // Strokes come in bursts: saving waits until the hand rests.
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    void [edit.history.value, edit.prompt.value, edit.strength.value, edit.feather.value];
    void [edit.jobs.value, edit.discarded.value];
    clearTimeout(timer);
    timer = setTimeout(() => save(edit), 300);
  });
  addEventListener("pagehide", () => save(edit));
  for (const { id } of edit.jobs.peek()) if (!getJob(id)) void fetchJob(id);
  return edit;
}

async function fetchJob(id: string): Promise<void> {
  const asked = performance.now();
  await api.job(id).then(
    (job) => putJobs([job], asked),
    () => undefined,
  );
}

export function doOperation(edit: Edit, operation: Operation): void {
  edit.history.value = perform(edit.history.peek(), operation);
}

/** A finished alternative, and where it belongs. */
export interface Alternative {
  readonly image: StoredImage;
  readonly sides: Sides;
}

/** The alternatives that are neither discarded nor in the trash, oldest first. */
export function getAlternatives(edit: Edit): readonly Alternative[] {
  const discarded = new Set(edit.discarded.value);
  return edit.jobs.value.flatMap(({ id, sides }) =>
    [...(getJob(id)?.images ?? [])]
      .sort((a, b) => a.index - b.index)
      .map((image) => getImage(image.id) ?? image)
      .filter((image) => !discarded.has(image.id) && image.trashed === null)
      .map((image) => ({ image, sides })),
  );
}

/** The editor's job that is being drawn or waits, with its frame. */
export function getActiveJob(edit: Edit): { readonly job: Job; readonly sides: Sides } | undefined {
  for (const { id, sides } of [...edit.jobs.value].reverse()) {
    const job = getJob(id);
    if (job && ["queued", "running", "paused"].includes(job.state)) return { job, sides };
  }
  return undefined;
}

/** Shows the alternative that many places further on; the picture itself comes before the first. */
export function showNext(edit: Edit, step: 1 | -1): void {
  const ids = [null, ...getAlternatives(edit).map(({ image }) => image.id)];
  const place = Math.max(ids.indexOf(edit.shown.peek()), 0);
  edit.shown.value = ids[(place + step + ids.length) % ids.length]!;
}

/** The picture to go on with after an alternative was kept. */
export const getKept = (id: string): EditedImage | undefined => {
  const image = peekImage(id);
  return image && fromStored(image);
};
