// One opened editor: what its canvas shows, its model, and its jobs.
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { api, fileUrl, previewUrl } from "../api/client.js";
import type { ModelInfo } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { sendJob } from "../store/draft.js";
import { trashImages } from "../store/images.js";
import { cancelJob } from "../store/jobs.js";
import { catalogue, getModel, model } from "../store/models.js";
import { announcement, attempt } from "../store/notices.js";
import { fitInside, getFrame } from "./frame.js";
import { getSides, isMaskEmpty, noSides, type Operation, type Sides } from "./history.js";
import type { MaskCanvas } from "./mask-canvas.js";
import { getPicture } from "./pictures.js";
import { makeEditJob, readSizes } from "./request.js";
import type { Layer } from "./scene.js";
import { type Alternative, type Edit, editCount, getActiveJob, getAlternatives } from "./state.js";

/** Shown in the place of an alternative: the picture that is being drawn. */
export const live = "live";

export interface Session {
  readonly edit: Edit;
  readonly model: ReadonlySignal<ModelInfo | undefined>;
  readonly alternatives: ReadonlySignal<readonly Alternative[]>;
  readonly activeJob: ReadonlySignal<ReturnType<typeof getActiveJob>>;
  readonly isSending: ReadonlySignal<boolean>;
  readonly isEditable: ReadonlySignal<boolean>;
  readonly shownSides: ReadonlySignal<Sides>;
  readonly layers: ReadonlySignal<readonly Layer[]>;
  draw(mask: MaskCanvas): Promise<void>;
  cancel(): void;
  discard(): void;
  show(id: string | null): void;
  close(): void;
}

const canPaint = (info: ModelInfo | undefined) => info?.takes.includes("inpaint") === true;

/** The picture's own model if it can paint, else the chosen one, else any that can. */
function chooseModel({ image }: Edit): ModelInfo | undefined {
  const own = getModel(image.modelId);
  if (canPaint(own)) return own;
  return canPaint(model.value) ? model.value : catalogue.value.models.find(canPaint);
}

function getLayers(edit: Edit, alternatives: readonly Alternative[]): readonly Layer[] {
  const { image } = edit;
  const base = getPicture(fileUrl(image.id)).value;
  const layers: Layer[] = base ? [{ picture: base, area: getFrame(image, noSides) }] : [];
  const id = edit.shown.value;
  const active = getActiveJob(edit);
  const alternative = alternatives.find((one) => one.image.id === id);
  const preview = id === live && active?.job.progress?.preview;
  if (alternative) {
    const picture = getPicture(fileUrl(alternative.image.id)).value;
    if (picture) layers.push({ picture, area: fitInside(getFrame(image, alternative.sides), picture) });
  } else if (active && typeof preview === "number") {
    const picture = latestOf(previewUrl(active.job.id, preview));
    if (picture) layers.push({ picture, area: fitInside(getFrame(image, active.sides), picture) });
  }
  return layers;
}

/** The newest preview that has arrived: the one before stays until the next is there, so that nothing flickers. */
let latest: { readonly job: string; readonly picture: HTMLImageElement } | undefined;
function latestOf(url: string): HTMLImageElement | undefined {
  const job = url.split("?")[0]!;
  const picture = getPicture(url).value;
  if (picture) latest = { job, picture };
  return latest?.job === job ? latest.picture : undefined;
}

/** Uploads the mask, once for the same strokes. */
function makeUploader(edit: Edit) {
  let last: { readonly done: readonly Operation[]; readonly id: string } | undefined;
  return async (mask: MaskCanvas): Promise<string | null> => {
    const history = edit.history.peek();
    if (isMaskEmpty(history)) return null;
    if (last?.done !== history.done)
      last = { done: history.done, id: (await api.upload(await mask.toBlob())).id };
    return last.id;
  };
}

export function openSession(edit: Edit): Session {
  const chosen = computed(() => chooseModel(edit));
  const alternatives = computed(() => getAlternatives(edit));
  const activeJob = computed(() => getActiveJob(edit));
  const isSending = signal(false);
  const shownSides = computed(() => {
    const id = edit.shown.value;
    const alternative = alternatives.value.find(({ image }) => image.id === id);
    return alternative?.sides ?? (id === live ? activeJob.value?.sides : undefined) ?? noSides;
  });
  const upload = makeUploader(edit);
  // Once the first of a job is finished it takes the place of what was growing; a job that failed gives the picture back.
  const stop = effect(() => {
    const id = edit.shown.value;
    if (id === null) return;
    const active = activeJob.value;
    const newest = alternatives.value.findLast(({ image }) => image.job === edit.jobs.value.at(-1)?.id);
    const first = alternatives.value.find(({ image }) => image.job === newest?.image.job);
    if (id === live && first) edit.shown.value = first.image.id;
    else if (id === live && !active && !isSending.value) edit.shown.value = null;
    else if (id !== live && !alternatives.value.some(({ image }) => image.id === id)) edit.shown.value = null;
  });
  const show = (id: string | null) => {
    edit.shown.value = id;
    const place = alternatives.peek().findIndex(({ image }) => image.id === id);
    if (place >= 0) announcement.value = messages().alternative(place + 1, alternatives.peek().length);
  };
  return {
    edit,
    model: chosen,
    alternatives,
    activeJob,
    isSending,
    isEditable: computed(() => edit.shown.value === null),
    shownSides,
    layers: computed(() => getLayers(edit, alternatives.value)),
    async draw(mask) {
      const info = chosen.peek();
      if (!info || isSending.peek()) return;
      isSending.value = true;
      await attempt(async () => {
        const sides = getSides(edit.history.peek());
        const { image } = edit;
        const request = makeEditJob(
          {
            image,
            prompt: edit.prompt.peek() || image.prompt,
            negativePrompt: image.negativePrompt,
            strength: edit.strength.peek(),
            feather: edit.feather.peek(),
            mask: await upload(mask),
            sides,
            count: editCount.peek(),
          },
          info,
        );
        const id = await sendJob({ ...request, group: `edit-${image.id.slice(0, 16)}` });
        if (id === undefined) return;
        edit.jobs.value = [...edit.jobs.peek(), { id, sides }].slice(-mostJobs);
        edit.shown.value = live;
      });
      isSending.value = false;
    },
    cancel: () => {
      const active = activeJob.peek();
      if (active) void cancelJob(active.job.id);
    },
    discard: () => {
      const id = edit.shown.peek();
      const place = alternatives.peek().findIndex(({ image }) => image.id === id);
      if (id === null || place < 0) return;
      const next = alternatives.peek()[place + 1] ?? alternatives.peek()[place - 1];
      edit.discarded.value = [...edit.discarded.peek(), id];
      show(next?.image.id ?? null);
      void trashImages([id]);
    },
    show,
    close: stop,
  };
}

/** Jobs whose alternatives are kept in the strip. */
const mostJobs = 12;

export { readSizes };
