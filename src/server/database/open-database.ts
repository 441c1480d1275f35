// The database: PGlite in the folder, or Postgres where NISHIKI_DATABASE_URL names one. The rest of the server sees no
// difference.
import { join } from "node:path";
import type { Db } from "pg-boss";
import type { Database } from "../parts.js";
import { type FolderLock, takeLock } from "./folder-lock.js";

/** A database as the queue needs it. */
export interface ServerDatabase extends Database {
  /** The same database in pg-boss's form. */
  readonly bossDatabase: Pick<Db, "executeSql">;
  /**
   * Hears notifications of a channel, from any process. `onGap` is called after a time in which some may have been lost.
   * @returns a function that ends it
   */
  listen(
    channel: string,
    listener: (payload: string) => void,
    onGap?: () => void,
  ): Promise<() => Promise<void>>;
  readonly lock?: FolderLock;
  /** Why an unusable database was set aside, for the server to print; everything is rebuilt from the files. */
  readonly notice?: string;
}

export interface DatabaseOptions {
  /** The folder that holds `.nishiki`: where the embedded database and the lock lie. */
  readonly folder: string;
  /** postgres://… instead of the embedded database; default: the environment variable NISHIKI_DATABASE_URL. */
  readonly url?: string;
  /** Called when the lock is lost: the process must stop. */
  readonly onLockLost?: () => void;
}

/**
 * Opens the database, and takes the folder's lock first: two servers in one folder would also write the same files.
 * @throws NishikiError "database" if another server uses the folder, or the database cannot be reached
 */
export async function openDatabase(options: DatabaseOptions): Promise<ServerDatabase> {
  const url = options.url ?? process.env.NISHIKI_DATABASE_URL;
  const cache = join(options.folder, ".nishiki");
  const lock = await takeLock(join(cache, "lock"), options.onLockLost);
  try {
    const database = await (url ? openShared(url) : openOwn(join(cache, "database")));
    return Object.assign(database, {
      lock,
      close: wrapClose(database.close.bind(database), () => lock.release()),
    });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

// Loaded when they are needed: each takes its share of an idle server's memory.
async function openOwn(folder: string): Promise<ServerDatabase> {
  return (await import("./pglite-database.js")).openEmbedded(folder);
}

/** Opens a Postgres that others share, without a folder: for workers. @throws NishikiError "database" */
export async function openShared(url: string): Promise<ServerDatabase> {
  return (await import("./postgres-database.js")).openPostgres(url);
}

function wrapClose(close: () => Promise<void>, release: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close().finally(release);
    return closing;
  };
}
