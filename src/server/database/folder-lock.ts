// The lock of a folder: one server at a time. The embedded database has none of its own, and two processes in one
// database destroy it. The lock is a file that is created exclusively and is never taken from a living process.
import { open, readFile, rename, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileError, makeFolder } from "../../checkpoint/node.js";
import { NishikiError, showText } from "../../errors.js";
import { isRecord } from "../../schema/index.js";
import { getOwnIdentity, isAlive, type ProcessIdentity } from "./process-identity.js";

export interface FolderLock {
  /** Writes the server's address into the lock, for the message that a second server prints. */
  setUrl(url: string): Promise<void>;
  release(): Promise<void>;
}

interface Holder extends ProcessIdentity {
  readonly url: string | null;
}

/** A holder on another machine shows that it lives by the file's time. */
const touchMilliseconds = 5_000;
const abandonedMilliseconds = 60_000;

async function readHolder(path: string): Promise<Holder | "gone" | "unreadable"> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (!isRecord(value) || typeof value.pid !== "number" || typeof value.host !== "string")
      return "unreadable";
    const { pid, host, started, url } = value;
    return {
      pid,
      host,
      started: typeof started === "string" ? started : null,
      url: typeof url === "string" ? url : null,
    };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : "unreadable";
  }
}

/** Milliseconds since a file was touched, by the clock of its file system; undefined if it is gone. */
async function getAge(path: string): Promise<number | undefined> {
  const probe = join(dirname(path), `.clock-${process.pid}`);
  try {
    await writeFile(probe, "");
    const now = (await stat(probe)).mtimeMs;
    return now - (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  } finally {
    await unlink(probe).catch(() => undefined);
  }
}

/** @returns whether the lock was created; false if there is one already */
async function createLock(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw fileError(error, `write ${path}`);
  }
}

/** Whether the holder is certainly gone. An unreadable lock was cut off while it was written, a moment ago or long ago. */
async function isAbandoned(path: string, holder: Holder | "unreadable"): Promise<boolean> {
  const alive = holder === "unreadable" ? undefined : isAlive(holder);
  if (alive !== undefined) return !alive;
  const limit = holder === "unreadable" ? 5_000 : abandonedMilliseconds;
  return ((await getAge(path)) ?? 0) > limit;
}

/** Removes an abandoned lock. Only the holder of a second lock may, or two could each remove the other's new one. */
async function removeAbandoned(path: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await createLock(guard, JSON.stringify(getOwnIdentity())))) {
    if (((await getAge(guard)) ?? 0) > 30_000) await unlink(guard).catch(() => undefined);
    return;
  }
  try {
    const holder = await readHolder(path);
    if (holder !== "gone" && (await isAbandoned(path, holder))) await unlink(path).catch(() => undefined);
  } finally {
    await unlink(guard).catch(() => undefined);
  }
}

function makeBusyError(path: string, holder: Holder | "unreadable"): NishikiError {
  if (holder === "unreadable")
    return new NishikiError("database", `Another Nishiki server is just starting in this folder (${path}).`);
  const where = holder.url ? ` at ${showText(holder.url)}` : "";
  const isHere = holder.host === getOwnIdentity().host;
  const machine = isHere ? "" : ` on ${showText(holder.host.split(" ")[0]!)}`;
  const cure = isHere ? "" : " If that machine or container is gone, try again in a minute.";
  return new NishikiError(
    "database",
    `A Nishiki server already uses this folder${where} (process ${holder.pid}${machine}, lock ${path}). Use that one, stop it, or choose another folder with --folder.${cure}`,
  );
}

/** Keeps the lock's time fresh, and notices if the lock was removed by hand and taken by another. */
function keepFresh(path: string, isOwn: () => Promise<boolean>, onLost: () => void): NodeJS.Timeout {
  const timer = setInterval(async () => {
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    if (await isOwn()) return;
    clearInterval(timer);
    onLost();
  }, touchMilliseconds);
  timer.unref();
  return timer;
}

/**
 * Takes the lock of a folder.
 * @param onLost Called if another process holds the lock all the same: the caller must stop using the folder.
 * @throws NishikiError "database" if a living process holds it, with its id and its server's address
 */
export async function takeLock(path: string, onLost: () => void = () => undefined): Promise<FolderLock> {
  await makeFolder(dirname(path));
  const identity = getOwnIdentity();
  const write = (url: string | null) => `${JSON.stringify({ ...identity, url })}\n`;
  for (let attempt = 0; !(await createLock(path, write(null))); attempt++) {
    const holder = await readHolder(path);
    if (holder === "gone") continue;
    const isLast = attempt >= 20;
    if (isLast || !(await isAbandoned(path, holder))) {
      // A lock that is being written is read again before it counts.
      if (isLast || holder !== "unreadable") throw makeBusyError(path, holder);
    } else await removeAbandoned(path);
    await wait(100);
  }
  const isOwn = async () => {
    const holder = await readHolder(path);
    return (
      holder === "unreadable" ||
      (holder !== "gone" && holder.pid === identity.pid && holder.started === identity.started)
    );
  };
  const timer = keepFresh(path, isOwn, onLost);
  return {
    setUrl: async (url) => {
      const temporary = `${path}.${process.pid}`;
      await writeFile(temporary, write(url));
      await rename(temporary, path);
    },
    release: async () => {
      clearInterval(timer);
      if (await isOwn()) await unlink(path).catch(() => undefined);
    },
  };
}
