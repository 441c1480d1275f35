// Where the library keeps its files. They are the truth; everything below `.nishiki` can be made again from them.
//
//     images/2026-11-28/blue-cat-1234-ab12cd34ef56.png   images by the day of their job, named by prompt, seed and content
//     images/2026-11-28/drawn.jsonl                      which job drew them, and from what
//     uploads/<id>.png                                   images that requests refer to
//     jobs/2026-11/<id>.json                             what was asked for, and how it ended
//     marks.jsonl                                        favourites and trash
//     .nishiki/                                          database, thumbnails, lock
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, extname, join } from "node:path";
import { makeFolder } from "../../checkpoint/node.js";

export interface LibraryFolder {
  readonly root: string;
  readonly images: string;
  readonly uploads: string;
  readonly jobs: string;
  readonly marks: string;
  /** What can be made again. */
  readonly cache: string;
  readonly thumbnails: string;
}

export function getLibraryFolder(root: string): LibraryFolder {
  const cache = join(root, ".nishiki");
  return {
    root,
    images: join(root, "images"),
    uploads: join(root, "uploads"),
    jobs: join(root, "jobs"),
    marks: join(root, "marks.jsonl"),
    cache,
    thumbnails: join(cache, "thumbnails"),
  };
}

/** Makes the folders that are missing. @throws NishikiError "file" */
export async function makeLibraryFolder(root: string): Promise<LibraryFolder> {
  const folder = getLibraryFolder(root);
  for (const path of [folder.images, folder.uploads, folder.jobs, folder.thumbnails]) await makeFolder(path);
  return folder;
}

/** The user's pictures folder: as the desktop has it (XDG), else `Pictures` in the home folder. */
async function findPicturesFolder(): Promise<string> {
  const home = homedir();
  const config = process.env.XDG_CONFIG_HOME || join(home, ".config");
  const named = process.env.XDG_PICTURES_DIR ?? (await readUserDirectory(join(config, "user-dirs.dirs")));
  const path = named?.replace(/^\$HOME(?=\/|$)/, home);
  // A desktop that has no such folder names the home folder itself.
  return path?.startsWith("/") && path.replace(/\/+$/, "") !== home ? path : join(home, "Pictures");
}

async function readUserDirectory(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^\s*XDG_PICTURES_DIR\s*=\s*"([^"]+)"/m.exec(text)?.[1];
}

/** Where images are kept unless the user names another folder. */
export async function findDefaultFolder(): Promise<string> {
  return join(await findPicturesFolder(), "Nishiki");
}

/** Letters and digits of a prompt, for file names: "blue-cat-against-a-sunset". Empty if it has none. */
export function makeSlug(prompt: string, length = 40): string {
  const words =
    prompt
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let slug = "";
  for (const word of words) {
    const next = slug === "" ? word : `${slug}-${word}`;
    if (next.length > length || new TextEncoder().encode(next).length > 2 * length) break;
    slug = next;
  }
  return slug;
}

/** A drawn image's file name, which its content and request decide alone. */
export function makeFileName(image: {
  readonly id: string;
  readonly prompt: string;
  readonly seed: number;
}): string {
  const slug = makeSlug(image.prompt) || "image";
  return `${slug}-${image.seed}-${image.id.slice(0, 12)}.png`;
}

/** Formats that the library holds, by the endings of their files. */
const formats: Readonly<Record<string, StoredFormat>> = {
  ".png": "png",
  ".jpg": "jpeg",
  ".jpeg": "jpeg",
  ".webp": "webp",
};
export type StoredFormat = "png" | "jpeg" | "webp";

/** The format that a file's name promises; undefined for anything but images that the library holds. */
export function getFormatByName(path: string): StoredFormat | undefined {
  const name = basename(path);
  return name.startsWith(".") ? undefined : formats[extname(name).toLowerCase()];
}

export const fileEndings: Readonly<Record<StoredFormat, string>> = {
  png: ".png",
  jpeg: ".jpg",
  webp: ".webp",
};
