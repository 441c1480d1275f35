// Atomic files: written under a temporary name in the same folder, flushed to disk, then renamed. A crash at
// any moment leaves the old file or the new one (and at worst a temporary file beside it).

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

/** Receives the content of a new file, in order. */
export interface AtomicFile {
  /** Appends all bytes of `data`. */
  write(data: ArrayBufferView): Promise<void>;
}

export interface AtomicOptions {
  /** Whether to replace an existing file (the default) or to leave it and throw. */
  readonly overwrite?: boolean;
}

// One write call takes at most 2 GiB on Linux; smaller pieces also let the process do other work in between.
const PIECE_BYTES = 64 * 2 ** 20;

let counter = 0;

/** Gets the operating system's error code, such as "ENOSPC". */
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
  EFBIG: "the file would exceed the size limit of this disk or user",
  EIO: "the disk reports an error",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is exhausted",
  EEXIST: "it is already there",
  ENOTEMPTY: "the folder is not empty",
  ELOOP: "its symbolic links form a loop",
  EBUSY: "it is in use",
  ETXTBSY: "it is in use",
  ENFILE: "too many files are open",
  EPIPE: "no process is reading it",
};

/** Explains a system error; rare codes keep the system's text. */
function explainReason(error: unknown, code: string): string {
  const errno = error instanceof Error && "errno" in error ? Number(error.errno) : Number.NaN;
  return reasons[code] ?? getSystemErrorMap().get(errno)?.[1] ?? code;
}

/** Turns a file system error into a sentence; returns other errors unchanged. */
export function fileError(error: unknown, action: string): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof NishikiError) return error;
  return new NishikiError("file", `Cannot ${action}: ${explainReason(error, code)}.`, { cause: error });
}

async function writeError(error: unknown, path: string, written: number): Promise<unknown> {
  const code = systemCode(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return fileError(error, `write ${path}`);
  const disk = await statfs(dirname(path)).catch(() => undefined);
  const free = disk ? `${Math.floor((disk.bavail * disk.bsize) / 2 ** 20)} MiB are free there` : "";
  const what = code === "ENOSPC" ? "the disk is full" : "the disk quota is exhausted";
  const message =
    `Cannot write ${path}: ${what} (after ${written} bytes${free && `; ${free} now`}). ` +
    "The unfinished file was removed and any existing file is unchanged. Free some space or write elsewhere.";
  return new NishikiError("file", message, { cause: error });
}

/** Finds the real target: follows a link and refuses anything but a regular file (a folder, /dev/null). */
async function resolveTarget(path: string, overwrite: boolean): Promise<string> {
  const entryStats = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw fileError(error, `write ${path}`);
  });
  if (!entryStats) return path;
  if (entryStats.isSymbolicLink()) {
    const target = await realpath(path).catch((error: unknown) => {
      throw fileError(error, `follow the link ${path}`);
    });
    return resolveTarget(target, overwrite);
  }
  if (!entryStats.isFile()) {
    throw new NishikiError(
      "file",
      `Cannot write ${path}: it is ${entryStats.isDirectory() ? "a folder" : "not a regular file"}.`,
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

/** Makes the rename survive a power cut, if the system supports it (Windows cannot open folders). */
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

/**
 * Renames the finished file. Without `overwrite`, does not replace a file that has appeared in the meantime.
 */
async function publish(temporary: string, target: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, target);
  try {
    await link(temporary, target);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw existsError(target);
    // Some file systems (exFAT, some network disks) have no hard links: rename, which may race with another
    // writer.
    await resolveTarget(target, false);
    return rename(temporary, target);
  }
  await unlink(temporary);
}

/**
 * Writes a file atomically: `write` fills a temporary file in the same folder, which is flushed to disk and
 * then renamed to `path`. If anything fails, removes the temporary file and leaves an existing file
 * unchanged.
 *
 * @throws NishikiError `file` with a plain reason: full disk, missing folder, no permission, existing file
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

/** Writes bytes to a file atomically; see `writeAtomically`. */
export function writeFileAtomic(
  path: string,
  data: ArrayBufferView | string,
  options?: AtomicOptions,
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return writeAtomically(path, (file) => file.write(bytes), options);
}

/**
 * Removes temporary files that killed processes left in a folder; keeps those of running processes.
 *
 * @returns the names of the removed files
 */
export async function removeAbandoned(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, `read the folder ${folder}`);
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
    process.kill(pid, 0); // signal 0 only checks whether the process exists
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
