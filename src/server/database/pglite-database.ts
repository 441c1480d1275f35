// The embedded database: PGlite, which is Postgres in WebAssembly. It has one connection and no fsync, so whatever it
// holds can be made again from the files; a database that cannot be opened is set aside and made anew.
import { AsyncLocalStorage } from "node:async_hooks";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PGlite, type Transaction } from "@electric-sql/pglite";
import { fromPglite } from "pg-boss";
import { fileError, makeFolder } from "../../checkpoint/node.js";
import { findPackageRoot, findWorker } from "../../engine/node.js";
import { NishikiError, showText } from "../../errors.js";
import type { Database } from "../parts.js";
import type { ServerDatabase } from "./open-database.js";

/** The data format of PGlite 0.5. A newer one cannot read it, and PGlite cannot convert it. */
const postgresMajor = "18";

/** An idle server must stay small: 157 MB of resident memory instead of 330. */
const smallBuffers = ["shared_buffers=1MB", "wal_buffers=64kB", "max_wal_size=32MB", "work_mem=1MB"];

/** A database that the build made, for this version of PGlite. */
async function findTemplate(): Promise<string | undefined> {
  const root = findPackageRoot();
  if (root === undefined) return undefined;
  const folder = join(root, "dist/server/database");
  const names = await readdir(folder).catch(() => []);
  const name = names.find((file) => /^template-.*\.zip$/.test(file));
  return name && join(folder, name);
}

/** @param template A made database to unpack instead. */
function createInChild(folder: string, template: string | undefined): Promise<void> {
  const url = findWorker(
    () => new URL("./create-worker.js", import.meta.url),
    "server/database/create-worker.js",
  );
  const parameters = [fileURLToPath(url), folder, ...(template === undefined ? [] : [template])];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, parameters, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2000);
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) return resolve();
      reject(
        new NishikiError("database", `The job database could not be created: ${showText(errors.trim())}`),
      );
    });
  });
}

/** Creates the database beside its place and renames it, so that a killed server leaves no half-made one. */
async function create(folder: string, template?: string): Promise<void> {
  const temporary = `${folder}.new`;
  await makeFolder(dirname(folder));
  try {
    await rm(temporary, { recursive: true, force: true });
    await createInChild(temporary, template);
    await rename(temporary, folder);
  } catch (error) {
    throw error instanceof NishikiError ? error : fileError(error, `write ${folder}`);
  }
}

async function start(folder: string): Promise<PGlite> {
  const startParams = [...PGlite.defaultStartParams, ...smallBuffers.flatMap((setting) => ["-c", setting])];
  const pglite = await PGlite.create({ dataDir: folder, startParams });
  await pglite.query("SELECT 1");
  return pglite;
}

async function readMajor(folder: string): Promise<string> {
  return (await readFile(join(folder, "PG_VERSION"), "utf8").catch(() => "")).trim();
}

async function setAside(folder: string, reason: string): Promise<string> {
  const aside = `${folder}-set-aside-${new Date().toISOString().replace(/[:.]/g, "-")}`;
  await rename(folder, aside).catch((error: unknown) => {
    throw fileError(error, `rename ${folder}`);
  });
  return `The job database ${reason}. It was moved to ${aside} and is rebuilt from the files in this folder.`;
}

/** Makes a database and opens it. */
async function startNew(folder: string): Promise<PGlite> {
  const template = await findTemplate();
  if (template !== undefined) {
    try {
      await create(folder, template);
      return await start(folder);
    } catch {
      // A template of another version of PGlite, or a damaged one.
      await rm(folder, { recursive: true, force: true });
    }
  }
  await create(folder);
  return start(folder);
}

/** Opens the database in a folder, or makes one. @throws NishikiError "database" or "file" */
export async function openEmbedded(folder: string): Promise<ServerDatabase> {
  if (!existsSync(folder)) return wrap(await startNew(folder), undefined);
  const major = await readMajor(folder);
  let problem = major === postgresMajor ? undefined : `has the format of Postgres ${major}`;
  if (major === "") problem = "is incomplete";
  if (problem === undefined) {
    try {
      return wrap(await start(folder), undefined);
    } catch (error) {
      problem = `cannot be opened (${showText((error as Error).message ?? String(error))})`;
    }
  }
  const notice = await setAside(folder, problem);
  return wrap(await startNew(folder), notice);
}

/** PGlite may hand small whole numbers of type bigint as numbers; everything else is as node-postgres has it. */
function wrap(pglite: PGlite, notice: string | undefined): ServerDatabase {
  const current = new AsyncLocalStorage<Transaction>();
  const boss = fromPglite(pglite);
  let last: Promise<unknown> = Promise.resolve();
  // There is one connection: pg-boss's statement blocks, with the rollback that it issues after an error, and our
  // transactions take turns, or one could slip into the other's.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  const query: Database["query"] = async <Row>(text: string, values: readonly unknown[] = []) => {
    const transaction = current.getStore();
    const run = async (on: PGlite | Transaction) => (await on.query<Row>(text, [...values])).rows;
    return transaction && !transaction.closed ? run(transaction) : inTurn(() => run(pglite));
  };
  const executeSql = async (text: string, values?: unknown[]) => {
    const transaction = current.getStore();
    if (!transaction || transaction.closed) return inTurn(() => boss.executeSql(text, values));
    if (values?.length) return transaction.query(text, values);
    return { rows: (await transaction.exec(text)).flatMap(({ rows }) => rows) };
  };
  return {
    kind: "pglite",
    ...(notice !== undefined && { notice }),
    bossDatabase: { executeSql },
    query,
    transaction: (work) => {
      const transaction = current.getStore();
      if (transaction && !transaction.closed) return work(query);
      return inTurn(() => pglite.transaction((opened) => current.run(opened, () => work(query))));
    },
    listen: async (channel, listener) => {
      const end = await inTurn(() => pglite.listen(channel, listener));
      return () => inTurn(() => end());
    },
    close: () => inTurn(() => pglite.close()),
  };
}
