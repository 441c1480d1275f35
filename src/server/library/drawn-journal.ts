// Which job drew which image, and from what: one line per image, in a journal beside the images of a day. An image's bytes
// depend on its request alone, so its file cannot say this. Copies of a day's folder keep it.
import { join } from "node:path";
import type { Parent } from "../api/index.js";
import { listJobFiles, readJobFile } from "../queue/job-files.js";
import { appendJournal, readJournal } from "./journal.js";

export const drawnJournalName = "drawn.jsonl";

export interface Drawn {
  readonly image: string;
  readonly job: string;
  readonly index: number;
  readonly parent: Parent | null;
  readonly mask: string | null;
  readonly modelId: string;
  /** When the job was created, in ISO 8601. */
  readonly created: string;
}

type Line = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === "string" && value.length <= 300;
const isId = (value: unknown): value is string => isText(value) && /^[0-9a-f]{64}$/.test(value);

function readParent(value: unknown): Parent | null {
  if (typeof value !== "object" || value === null) return null;
  const { image, action } = value as Line;
  return isId(image) && isText(action) ? { image, action: action as Parent["action"] } : null;
}

function readLine({ image, job, index, parent, mask, modelId, created }: Line): Drawn | undefined {
  if (!isId(image) || !isText(job) || !isText(modelId)) return undefined;
  if (!Number.isSafeInteger(index) || !isText(created) || !Number.isFinite(Date.parse(created)))
    return undefined;
  return {
    image,
    job,
    index: Math.max(0, index as number),
    parent: readParent(parent),
    mask: isId(mask) ? mask : null,
    modelId,
    created: new Date(created).toISOString(),
  };
}

/** All that a folder of images records. Lines that are damaged are left out. */
export async function readDrawn(folder: string): Promise<Drawn[]> {
  const lines = await readJournal(join(folder, drawnJournalName));
  return lines.flatMap((line) => readLine(line) ?? []);
}

/** What job files say of finished jobs: for images whose journal was lost, or was not copied with them. */
export async function readDrawnFromJobs(folder: string): Promise<Drawn[]> {
  const drawn: Drawn[] = [];
  for (const path of (await listJobFiles(folder)).values()) {
    const job = await readJobFile(path);
    if (!job?.end) continue;
    const { id, parent, request, model, created } = job.record;
    const { mask } = (request.inpaint ?? {}) as { readonly mask?: unknown };
    for (const [index, image] of job.end.images.entries()) {
      const line = readLine({ image, job: id, index, parent, mask, modelId: model, created });
      if (line) drawn.push(line);
    }
  }
  return drawn;
}

export function recordDrawn(folder: string, drawn: Drawn): Promise<void> {
  return appendJournal(join(folder, drawnJournalName), [drawn]);
}
