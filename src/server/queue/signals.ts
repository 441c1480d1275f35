// What the queue's processes tell each other. Within a process it is a call; between processes it is Postgres's NOTIFY,
// whose payloads are small, so a signal only says what to look at. A lost signal costs a second: everybody also looks by
// themselves from time to time.
import { randomUUID } from "node:crypto";
import type { ServerDatabase } from "../database/index.js";
import type { QueueChange } from "../parts.js";

const channel = "nishiki";

/** What happened elsewhere. "job": a job's state changed; "waiting": there may be work; the others name their table. */
export type Signal =
  | { readonly kind: "job" | "progress"; readonly id: string }
  | { readonly kind: "report" | "input"; readonly home: string }
  | { readonly kind: "waiting" }
  | { readonly kind: "gap" };

type Listener = (change: QueueChange) => void | Promise<void>;

const orderMilliseconds = 50;

export class Signals {
  readonly #database: ServerDatabase;
  readonly #onTrouble: (error: unknown) => void;
  readonly #self = randomUUID();
  readonly #listeners = new Set<Listener>();
  readonly #watchers = new Set<(signal: Signal) => void>();
  #orderTimer: NodeJS.Timeout | undefined;
  #endListening: (() => Promise<void>) | undefined;

  private constructor(database: ServerDatabase, onTrouble: (error: unknown) => void) {
    this.#database = database;
    this.#onTrouble = onTrouble;
  }

  static async open(database: ServerDatabase, onTrouble: (error: unknown) => void): Promise<Signals> {
    const signals = new Signals(database, onTrouble);
    if (database.kind === "postgres")
      signals.#endListening = await database.listen(
        channel,
        (payload) => signals.#receive(payload),
        () => signals.#tell({ kind: "gap" }),
      );
    return signals;
  }

  #receive(payload: string): void {
    try {
      const { from, ...signal } = JSON.parse(payload) as Signal & { readonly from: string };
      if (from !== this.#self) this.#tell(signal);
    } catch {
      // Somebody else's notification.
    }
  }

  #tell(signal: Signal): void {
    for (const watcher of [...this.#watchers]) watcher(signal);
  }

  /** Hears signals, of this process and of others. */
  watch(watcher: (signal: Signal) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells this process and the others. */
  async send(signal: Exclude<Signal, { kind: "gap" }>): Promise<void> {
    this.#tell(signal);
    if (this.#database.kind === "pglite") return;
    const payload = JSON.stringify({ ...signal, from: this.#self });
    await this.#database.query("SELECT pg_notify($1, $2)", [channel, payload]).catch(() => undefined);
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells this process's listeners, and waits for them. @throws what a listener throws that could not store an image */
  async emit(change: QueueChange): Promise<void> {
    const isImage = change.kind === "work" && change.event.kind === "image";
    const telling = Promise.all([...this.#listeners].map(async (listener) => listener(change)));
    await (isImage ? telling : telling.catch((error) => this.#onTrouble(error)));
  }

  /** Tells that the order changed: at most every 50 ms, since a thousand jobs may be created at once. */
  emitOrder(): void {
    this.#orderTimer ??= setTimeout(() => {
      this.#orderTimer = undefined;
      void this.emit({ kind: "order" });
    }, orderMilliseconds);
    this.#orderTimer.unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#orderTimer);
    this.#listeners.clear();
    this.#watchers.clear();
    await this.#endListening?.();
  }
}
