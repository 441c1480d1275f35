// Training from the page: the pictures and their captions, the job, and the losses that it reports.
import { effect, signal } from "@preact/signals";
import { api, newId } from "../api/client.js";
import type { Job, JobRequest } from "../api/types.js";
import { messages } from "../i18n/index.js";
import { getJob, jobIds, putJobs } from "../store/jobs.js";
import { model } from "../store/models.js";
import { attempt, notify } from "../store/notices.js";
import { stored } from "../store/storage.js";
import { type NamedFile, pairCaptions } from "./captions.js";
import { addPoint, type LossPoint } from "./curve.js";

export interface TrainingPicture {
  readonly id: string;
  readonly name: string;
  readonly caption: string;
}

export interface TrainingDraft {
  readonly name: string;
  readonly pictures: readonly TrainingPicture[];
  readonly steps: number | null;
  readonly rank: number | null;
  readonly learningRate: number | null;
  readonly samplePrompt: string;
}

export const trainingDraft = stored<TrainingDraft>("training", {
  name: "",
  pictures: [],
  steps: null,
  rank: null,
  learningRate: null,
  samplePrompt: "",
});
export const changeTraining = (changes: Partial<TrainingDraft>) => {
  trainingDraft.value = { ...trainingDraft.peek(), ...changes };
};

/** Pictures that are on their way. */
export const uploading = signal(0);
const atOnce = 3;

type TrainingFile = NamedFile & { readonly file: File };

/** Adds pictures; text files of the same names beside them are their captions. */
export async function addFiles(files: readonly File[]): Promise<void> {
  const named = files.map((file): TrainingFile => ({ name: file.name, path: file.webkitRelativePath, file }));
  const pairs = [...pairCaptions(named)];
  if (pairs.length === 0) {
    notify(messages().noPictures, { isError: true });
    return;
  }
  uploading.value += pairs.length;
  const work = async () => {
    for (let pair = pairs.shift(); pair; pair = pairs.shift()) {
      const { picture, captionFile, guess } = pair;
      await attempt(async () => {
        const caption = captionFile ? (await captionFile.file.text()).trim() : guess;
        const { id } = await api.upload(picture.file);
        const others = trainingDraft.peek().pictures.filter((one) => one.id !== id);
        changeTraining({ pictures: [...others, { id, name: picture.name, caption }] });
      });
      uploading.value--;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

export const removePicture = (id: string) =>
  changeTraining({ pictures: trainingDraft.peek().pictures.filter((picture) => picture.id !== id) });

export function setCaption(id: string, caption: string): void {
  const pictures = trainingDraft.peek().pictures.map((one) => (one.id === id ? { ...one, caption } : one));
  changeTraining({ pictures });
}

/** Gives every picture without a caption this one. */
export function fillCaptions(caption: string): void {
  const pictures = trainingDraft
    .peek()
    .pictures.map((one) => (one.caption.trim() === "" ? { ...one, caption } : one));
  changeTraining({ pictures });
}

/** The jobs of the page that train, newest first. */
export const getTrainings = (): readonly Job[] =>
  jobIds.value
    .map((id) => getJob(id)!)
    .filter(({ kind }) => kind === "train")
    .sort((a, b) => b.created.localeCompare(a.created));

/** Creates the job. @returns whether the server took it */
export async function startTraining(): Promise<boolean> {
  const { name, pictures, steps, rank, learningRate, samplePrompt } = trainingDraft.peek();
  const chosen = model.peek()?.id;
  const request: JobRequest = {
    kind: "train",
    name: name.trim(),
    images: pictures.map(({ id, caption }) => ({ id, caption: caption.trim() })),
    ...(steps !== null && { steps }),
    ...(rank !== null && { rank }),
    ...(learningRate !== null && { learningRate }),
    ...(samplePrompt.trim() !== "" && { samplePrompt: samplePrompt.trim() }),
    ...(chosen !== undefined && { model: chosen }),
    labels: { title: name.trim() },
  };
  return attempt(async () => {
    const asked = performance.now();
    putJobs([await api.putJob(newId(), request)], asked);
  });
}

const curves = new Map<string, ReturnType<typeof signal<readonly LossPoint[]>>>();

/** The losses of a job that came while the page was open. The server repeats the newest after a reload. */
export function getCurve(id: string): readonly LossPoint[] {
  let curve = curves.get(id);
  if (!curve) {
    const added = signal<readonly LossPoint[]>([]);
    curve = added;
    curves.set(id, curve);
    effect(() => {
      const progress = getJob(id)?.progress;
      const loss = progress?.values?.loss;
      if (progress && typeof loss === "number")
        added.value = addPoint(added.peek() ?? [], { step: progress.step, loss });
    });
  }
  return curve.value ?? [];
}
