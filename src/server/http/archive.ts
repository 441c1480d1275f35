// Several images as one zip file, made while it is sent: one image is in memory at a time.
import { Zip, ZipPassThrough } from "fflate";
import type { StoredImage } from "../api/index.js";

/** Letters and digits of a prompt, for the name of a file: never what a client could make a path or a header of. */
export function getSlug(prompt: string): string {
  const words = prompt
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .match(/[a-z0-9]+/g);
  return (words ?? ["image"]).join("-").slice(0, 60).replace(/-+$/, "");
}

const extensions = { "image/png": "png", "image/webp": "webp", "image/jpeg": "jpg" } as const;
export type ImageType = keyof typeof extensions;

/** "blue-cat-1234-ab12cd34ef56.png" */
export const getFileName = ({ prompt, seed, id }: StoredImage, type: ImageType) =>
  `${getSlug(prompt)}-${seed}-${id.slice(0, 12)}.${extensions[type]}`;

/** The file of an image that is not known beyond its id. */
export const getUploadName = (id: string, type: ImageType) => `${id.slice(0, 12)}.${extensions[type]}`;

export interface ArchiveEntry {
  readonly name: string;
  readonly created: string;
  readonly read: () => Promise<Uint8Array | undefined>;
}

/** Makes a zip file piece by piece. An image that has vanished since it was listed is left out. */
export async function* makeArchive(entries: readonly ArchiveEntry[]): AsyncGenerator<Uint8Array, void, void> {
  const pieces: Uint8Array[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, piece) => {
    if (error) failure = error;
    else pieces.push(piece);
  });
  function* take() {
    if (failure) throw failure;
    yield* pieces.splice(0);
  }
  for (const { name, created, read } of entries) {
    const bytes = await read();
    if (!bytes) continue;
    // Images are compressed already.
    const file = new ZipPassThrough(name);
    file.mtime = getArchiveTime(created);
    zip.add(file);
    file.push(bytes, true);
    yield* take();
  }
  zip.end();
  yield* take();
}

/** The format's years begin with 1980. */
function getArchiveTime(created: string): Date {
  const time = new Date(created);
  return time.getFullYear() >= 1980 && time.getFullYear() < 2100 ? time : new Date("1980-01-02T00:00:00Z");
}
