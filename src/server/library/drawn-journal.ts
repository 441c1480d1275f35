// Which job drew which image, and from what: one line per image, in a journal beside the images of a day. An image's bytes
// depend on its request alone, so its file cannot say this. Copies of a day's folder keep it.
import { join } from "node:path";
import type { Parent } from "../api/index.js";
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

export function recordDrawn(folder: string, drawn: Drawn): Promise<void> {
  return appendJournal(join(folder, drawnJournalName), [drawn]);
}
