// Postgres, which several servers and workers on different machines may share.
import { AsyncLocalStorage } from "node:async_hooks";
import pg from "pg";
import { NishikiError, showText } from "../../errors.js";
import type { Database } from "../parts.js";
import { isConnectionError } from "./connection-error.js";
import type { ServerDatabase } from "./open-database.js";

const reconnectMilliseconds = 1000;

/** Where a database is, without its password. */
function showUrl(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `${hostname}:${port || 5432}${pathname}`;
  } catch {
    return "the address in NISHIKI_DATABASE_URL";
  }
}

function explain(url: string, error: unknown): NishikiError {
  const { message, code } = error as { message?: string; code?: string };
  const reason = showText(message || code || String(error));
  return new NishikiError(
    "database",
    `The job database at ${showUrl(url)} cannot be used: ${reason}. Check NISHIKI_DATABASE_URL, and that Postgres runs there.`,
    { cause: error },
  );
}

/** Connects. @throws NishikiError "database" if the address is wrong or the database does not answer */
export async function openPostgres(url: string): Promise<ServerDatabase> {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new NishikiError(
      "usage",
      "NISHIKI_DATABASE_URL must be an address such as postgres://user:password@host:5432/name.",
    );
  const options = {
    connectionString: url,
    application_name: "nishiki",
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  };
  const pool = new pg.Pool({ ...options, max: 6 });
  // A connection that breaks while it is idle is replaced; the statement that finds out is the one to report it.
  pool.on("error", () => undefined);
  try {
    await pool.query("SELECT 1");
  } catch (error) {
    await pool.end().catch(() => undefined);
    throw explain(url, error);
  }
  return wrap(pool, options, (error) => (isConnectionError(error) ? explain(url, error) : error));
}

function wrap(
  pool: pg.Pool,
  options: pg.ClientConfig,
  translate: (error: unknown) => unknown,
): ServerDatabase {
  const fail = (error: unknown): never => {
    throw translate(error);
  };
  // A timer that was started within a transaction still sees it after its end: then its connection is not used.
  const current = new AsyncLocalStorage<{ client: pg.PoolClient | undefined }>();
  const getClient = () => current.getStore()?.client ?? pool;
  const query: Database["query"] = async <Row>(text: string, values: readonly unknown[] = []) =>
    (
      await getClient()
        .query(text, [...values])
        .catch(fail)
    ).rows as Row[];
  const executeSql = async (text: string, values?: unknown[]) => {
    const result: pg.QueryResult | pg.QueryResult[] = await getClient().query(text, values);
    return Array.isArray(result) ? { rows: result.flatMap(({ rows }) => rows) } : result;
  };
  const transaction: Database["transaction"] = async (work) => {
    if (current.getStore()?.client) return work(query);
    const client = await pool.connect().catch(fail);
    // Without a listener a connection that breaks between two statements would end the process.
    const ignore = () => undefined;
    client.on("error", ignore);
    let broken: Error | undefined;
    const store: { client: pg.PoolClient | undefined } = { client };
    try {
      await client.query("BEGIN").catch(fail);
      const result = await current.run(store, () => work(query));
      await client.query("COMMIT").catch(fail);
      return result;
    } catch (error) {
      await client.query("ROLLBACK").catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      store.client = undefined;
      client.off("error", ignore);
      client.release(broken);
    }
  };
  const listeners = new Set<Listener>();
  return {
    kind: "postgres",
    bossDatabase: { executeSql },
    query,
    transaction,
    listen: async (channel, listener, onGap) => {
      const opened = new Listener({ options, channel, listener, onGap });
      listeners.add(opened);
      await opened.connect();
      return async () => {
        listeners.delete(opened);
        await opened.close();
      };
    },
    close: async () => {
      await Promise.all([...listeners].map((listener) => listener.close()));
      await pool.end();
    },
  };
}

interface ListenerSettings {
  readonly options: pg.ClientConfig;
  readonly channel: string;
  readonly listener: (payload: string) => void;
  readonly onGap: (() => void) | undefined;
}

/** A connection of its own for notifications, which is made again whenever it breaks. */
class Listener {
  #client: pg.Client | undefined;
  #isClosed = false;

  readonly #settings: ListenerSettings;

  constructor(settings: ListenerSettings) {
    this.#settings = settings;
  }

  async connect(): Promise<void> {
    const { options, channel, listener } = this.#settings;
    const client = new pg.Client(options);
    client.on("notification", ({ payload }) => listener(payload ?? ""));
    client.on("error", () => undefined);
    client.once("end", () => {
      if (this.#client === client) this.#reconnect();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    if (this.#isClosed) await this.close();
  }

  #reconnect(): void {
    this.#client = undefined;
    const timer = setTimeout(() => {
      if (this.#isClosed) return;
      this.connect().then(
        () => this.#settings.onGap?.(),
        () => this.#reconnect(),
      );
    }, reconnectMilliseconds);
    timer.unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }
}
