// What can be made from a picture, as actions: variations, more of the same, larger, an edit, a start image.
import type { ActionContext } from "../actions/registry.js";
import { api, newId } from "../api/client.js";
import type { JobRequest, StoredImage } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { changeDraft, draft, sendJob, setSetting } from "../store/draft.js";
import { putJobs } from "../store/jobs.js";
import { capabilities, getModel } from "../store/models.js";
import { attempt, notify } from "../store/notices.js";
import { getSource } from "./source.js";
import { getRemix, makeLarger, makeMore, makeVariations } from "./variations.js";

/** A seed as the server draws them: small enough for every program to read. */
export const drawSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;

const forEach =
  (make: (image: StoredImage) => Promise<void>) =>
  async ({ images }: ActionContext) => {
    await attempt(() => Promise.all(images.map(make)));
  };

export const drawMore = forEach(async (image) => {
  await sendJob(makeMore(await getSource(image)));
});

export const vary = (action: "vary-subtle" | "vary-strong") =>
  forEach(async (image) => {
    const job = makeVariations(await getSource(image), action, drawSeed);
    if (job) await sendJob(job);
    else notify(messages().cannotVary, { isError: true });
  });

/** The prompt bar gets everything but the seed, to be changed; what is drawn from it is a child of the picture. */
export async function remix({ images: [image] }: ActionContext): Promise<void> {
  if (!image) return;
  const source = await getSource(image);
  const { prompt: _, negativePrompt: __, ...settings } = getRemix(source);
  changeDraft({
    prompt: image.prompt,
    negativePrompt: image.negativePrompt,
    seed: null,
    settings,
    load: source.load,
    ...(source.model && { model: source.model.id }),
    parent: { image: image.id, action: "remix" },
  });
  focusPrompt();
}

export function focusPrompt(): void {
  requestAnimationFrame(() => document.getElementById("prompt")?.focus());
}

/** The network was trained on drawings like those of the embedded model; a filter changes nothing else in a photo. */
function chooseUpscaler({ modelId }: StoredImage, factor: number) {
  const able = capabilities.peek()?.upscalers.filter(({ factors }) => factors.includes(factor)) ?? [];
  const isOwn = getModel(modelId)?.family === "nishiki";
  return able.find(({ name }) => (name === "lanczos") !== isOwn) ?? able[0];
}

/** Twice as large: drawn larger by the model if it can, else by a filter. */
export const enlarge = (factor: number) =>
  forEach(async (image) => {
    const job = makeLarger(await getSource(image), factor);
    if (job) {
      await sendJob(job);
      return;
    }
    const upscaler = chooseUpscaler(image, factor);
    if (!upscaler) {
      notify(messages().cannotEnlarge, { isError: true });
      return;
    }
    const request: JobRequest = { kind: "enlarge", image: image.id, factor, upscaler: upscaler.name };
    const asked = performance.now();
    putJobs([await api.putJob(newId(), request)], asked);
  });

/** Starts from a picture: the prompt stays as it is. */
export function useAsStart(id: string, isDrawn: boolean): void {
  const { init, inpaint: _, ...others } = draft.peek().settings;
  const { strength } = (init ?? {}) as { strength?: number };
  changeDraft({
    settings: { ...others, init: { image: id, ...(strength !== undefined && { strength }) } },
    parent: isDrawn ? { image: id, action: "start-image" } : null,
  });
}

export function removeStart(): void {
  setSetting("inpaint", undefined);
  setSetting("init", undefined);
  if (draft.peek().parent?.action === "start-image") changeDraft({ parent: null });
}
