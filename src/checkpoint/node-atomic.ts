// Files that are either there whole or not at all: written beside their place under another name, forced to the disk,
// then renamed. A crash at any moment leaves the old file or the new one (and at worst a temporary file beside it).

import {
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  realpath,
  rename,
  statfs,
  unlink,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { getSystemErrorMap } from "node:util";
import { NishikiError } from "../errors.js";

/** Where the content of a new file goes, in order. */
export interface AtomicFile {
  /** Appends all bytes of `data`. */
  write(data: ArrayBufferView): Promise<void>;
}

export interface AtomicOptions {
  /** Whether a file that is already there is replaced (the default) or left alone, with an error. */
  readonly overwrite?: boolean;
}

// One write call takes at most 2 GiB on Linux; smaller pieces also let other work of the process run in between.
const PIECE_BYTES = 64 * 2 ** 20;

let counter = 0;

/** The error code that the operating system gave, such as "ENOSPC". */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission is denied",
  EPERM: "the system does not permit it",
  EROFS: "the disk is read-only",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  EFBIG: "the file would be larger than this disk or user is allowed",
  EIO: "the disk reports an error",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EEXIST: "it is already there",
  ENOTEMPTY: "the folder is not empty",
  ELOOP: "its links lead back to themselves",
  EBUSY: "it is in use",
  ETXTBSY: "it is in use",
  ENFILE: "too many files are open",
  EPIPE: "nobody reads it",
};

/** Why the system failed, in words; its own for codes that are rare. */
function reasonOf(error: unknown, code: string): string {
  const errno = error instanceof Error && "errno" in error ? Number(error.errno) : Number.NaN;
  return reasons[code] ?? getSystemErrorMap().get(errno)?.[1] ?? code;
}

/** Turns an error of the file system into a sentence; other errors come back as they are. */
export function fileError(error: unknown, action: string): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof NishikiError) return error;
  return new NishikiError("file", `Cannot ${action}: ${reasonOf(error, code)}.`, { cause: error });
}

async function writeError(error: unknown, path: string, written: number): Promise<unknown> {
  const code = systemCode(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return fileError(error, `write ${path}`);
  const disk = await statfs(dirname(path)).catch(() => undefined);
  const free = disk ? `${Math.floor((disk.bavail * disk.bsize) / 2 ** 20)} MiB are free there` : "";
  const what = code === "ENOSPC" ? "the disk is full" : "the disk quota is used up";
  const message =
    `Cannot write ${path}: ${what} (after ${written} bytes${free && `; ${free} now`}). ` +
    "The unfinished file was removed, and what was there before is untouched. Make room or write elsewhere.";
  return new NishikiError("file", message, { cause: error });
}

/** Where to write for real: a link is followed, and what is no plain file (a folder, /dev/null) is refused. */
async function resolveTarget(path: string, overwrite: boolean): Promise<string> {
  const found = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileError(error, `write ${path}`);
  });
  if (!found) return path;
  if (found.isSymbolicLink()) {
    const target = await realpath(path).catch((error: unknown) => {
      throw fileError(error, `follow the link ${path}`);
    });
    return resolveTarget(target, overwrite);
  }
  if (!found.isFile()) {
    throw new NishikiError(
      "file",
      `Cannot write ${path}: it is ${found.isDirectory() ? "a folder" : "no plain file"}.`,
    );
  }
  if (!overwrite) throw existsError(path);
  return path;
}

function existsError(path: string): NishikiError {
  return new NishikiError("file", `${path} is already there. Choose another name, or ask to overwrite it.`);
}

async function appendAll(handle: FileHandle, data: ArrayBufferView): Promise<void> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let done = 0;
  while (done < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(PIECE_BYTES, bytes.byteLength - done));
    done += bytesWritten;
  }
}

/** Makes the new name itself survive a power cut, where the system can (Windows cannot open folders). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (!handle) return;
  try {
    await handle.sync();
  } catch (error) {
    if (!["EINVAL", "EPERM", "ENOTSUP", "EISDIR", "EBADF"].includes(systemCode(error) ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

/** Gives the finished file its name. Without `overwrite`, a file that appeared meanwhile is not replaced. */
async function publish(temporary: string, target: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, target);
  try {
    await link(temporary, target);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw existsError(target);
    // Some file systems (exFAT, some network disks) have no links: rename, which here may race with another writer.
    await resolveTarget(target, false);
    return rename(temporary, target);
  }
  await unlink(temporary);
}

/**
 * Writes a file whole or not at all: `write` fills a temporary file in the same folder, which is forced to the disk and
 * then takes the name `path`. Whatever fails, the temporary file is removed and an existing file stays as it was.
 *
 * @throws NishikiError `file` with a plain reason: full disk, missing folder, no permission, already there
 */
export async function writeAtomically(
  path: string,
  write: (file: AtomicFile) => Promise<void>,
  { overwrite = true }: AtomicOptions = {},
): Promise<void> {
  const target = await resolveTarget(path, overwrite);
  const temporary = join(dirname(target), `.${basename(target).slice(-150)}.${process.pid}-${counter++}.tmp`);
  let written = 0;
  let handle: FileHandle | undefined;
  try {
    const opened = await open(temporary, "wx");
    handle = opened;
    await write({
      write: async (data) => {
        await appendAll(opened, data);
        written += data.byteLength;
      },
    });
    await opened.sync();
    handle = undefined;
    await opened.close();
    await publish(temporary, target, overwrite);
    await syncFolder(dirname(target));
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await unlink(temporary).catch(() => undefined);
    throw await writeError(error, path, written);
  }
}

/** Writes bytes to a file, whole or not at all; see `writeAtomically`. */
export function writeFileAtomic(
  path: string,
  data: ArrayBufferView | string,
  options?: AtomicOptions,
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return writeAtomically(path, (file) => file.write(bytes), options);
}

/**
 * Removes temporary files that killed processes left in a folder; those of processes that still run are kept.
 *
 * @returns the names that were removed
 */
export async function removeAbandoned(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, `look into ${folder}`);
  });
  const removed: string[] = [];
  for (const name of names) {
    const pid = /^\..+\.(\d+)-\d+\.tmp$/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await unlink(join(folder, name));
    removed.push(name);
  }
  return removed;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks whether the process is there
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
