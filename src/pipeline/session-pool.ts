// Manages the networks in memory: loads each one on first use and frees it when others need its memory. A pool may serve
// several models; it runs one request at a time, so that two requests never keep evicting each other's networks.
import type { HostTensor, HostTensors, Session } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type Program, sizeOf } from "../graph/index.js";
import { checkAborted, type Watch } from "./cancel.js";
import { type Turn, Turns } from "./turns.js";

/** Networks of a group work alternately: none is freed to make room for another, unless the group has a limit. */
export type NetworkGroup = "text" | "vision" | "prior" | "denoise" | "decode" | "enlarge";

/** Identifies a network and its variant within a model. */
export type NetworkKey = { readonly part: string } & Readonly<Record<string, string | number | boolean>>;

/** A network that the pool can load. */
export interface Network {
  readonly key: NetworkKey;
  readonly group: NetworkGroup;
  /** Name in load events: "denoiser". */
  readonly title: string;
  /** Approximate memory of its session. */
  readonly bytes: number;
  /** Limit on the group's loaded sessions, for networks with one session per size. */
  readonly groupLimit?: number;
  load(): Promise<Session>;
}

/** A network that loads on its first run. */
export interface LazySession {
  run(inputs: HostTensors): Promise<Record<string, HostTensor>>;
}

interface LoadedNetwork {
  readonly model: number;
  readonly network: Network;
  readonly session: Promise<Session>;
  readonly users: Set<Promise<unknown>>;
}

/** The load options about memory. */
export interface MemoryOptions {
  /** Keep one group at a time. */
  readonly lowMemory?: boolean;
  /** Keep all networks. */
  readonly keepLoaded?: boolean;
}

/** A pool's budget on a device. @throws NishikiError "usage" for contradictory options */
export function getBudget({ lowMemory, keepLoaded }: MemoryOptions, device: string): number {
  if (lowMemory && keepLoaded)
    throw new NishikiError("usage", "lowMemory and keepLoaded: expected at most one of them, got both.");
  if (lowMemory) return 0;
  return keepLoaded || device !== "cpu" ? Number.POSITIVE_INFINITY : usualBudget;
}

/** Size in bytes of a program's weights as float32. */
export function getWeightBytes({ parameters }: Program): number {
  return parameters.reduce((bytes, { shape }) => bytes + 4 * sizeOf(shape), 0);
}

/**
 * The default budget on the CPU, in bytes. Networks with weights used in place load in seconds there, while an image takes
 * minutes: so the embedded model's networks all stay loaded, and Stable Diffusion's one group at a time.
 */
export const usualBudget = 1e9;

async function timed<T>(
  task: () => Promise<T>,
  tell: (times: { readonly start: number; readonly end: number }) => void,
): Promise<T> {
  const start = performance.now() / 1000;
  const result = await task();
  tell({ start, end: performance.now() / 1000 });
  return result;
}

export class SessionPool {
  readonly #budget: number;
  /** Least recently used first. */
  readonly #loaded = new Map<string, LoadedNetwork>();
  readonly #turns = new Turns();
  #changes: Promise<unknown> = Promise.resolve();
  #models = 0;

  /** @param options.budget Bytes of networks to keep loaded; a group that needs more gets it while it works. */
  constructor({ budget = usualBudget }: { readonly budget?: number } = {}) {
    this.#budget = budget;
  }

  /** Total size of the loaded networks. */
  get bytes(): number {
    return [...this.#loaded.values()].reduce((sum, { network }) => sum + network.bytes, 0);
  }

  /** Whether all of these networks fit the budget together. */
  hasRoom(networks: readonly Network[]): boolean {
    return networks.reduce((sum, { bytes }) => sum + bytes, 0) <= this.#budget;
  }

  /** The pool's interface for one loaded model. */
  forModel(): ModelSessions {
    return new ModelSessions(this, ++this.#models);
  }

  /**
   * Waits until no other request is working.
   * @param onWait Called if there is one.
   * @throws NishikiError "aborted" while waiting
   */
  takeTurn(signal?: AbortSignal, onWait?: () => void): Promise<Turn> {
    return this.#turns.take(signal, onWait);
  }

  /** Runs work with a network, and loads it first if necessary. */
  async use<T>(
    model: number,
    network: Network,
    work: (session: Session) => Promise<T>,
    { signal, onProgress, onRun }: Watch = {},
  ): Promise<T> {
    const tell = <R>(kind: "run" | "load", task: () => Promise<R>) =>
      onRun ? timed(task, (times) => onRun({ kind, network: network.title, ...times })) : task();
    const name = `${model} ${JSON.stringify(Object.entries(network.key).sort())}`;
    const entry = await this.#serialize(async () => {
      const loaded = this.#loaded.get(name);
      if (loaded)
        this.#loaded.delete(name); // moves to the end, as most recently used
      else {
        checkAborted(signal);
        await this.#makeRoom(network);
        checkAborted(signal);
        onProgress?.({ kind: "load", stage: network.title });
      }
      const next = loaded ?? {
        model,
        network,
        session: tell("load", () => network.load()),
        users: new Set(),
      };
      this.#loaded.set(name, next);
      return this.#join(name, next, (session) => tell("run", () => work(session)), signal);
    });
    return entry.result;
  }

  /** Runs work that opens its own programs, after freeing all networks if the budget is limited. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (Number.isFinite(this.#budget)) await this.#serialize(() => this.#free([...this.#loaded.keys()]));
    return work();
  }

  /** Frees the sessions of one model, or of all. */
  async close(model?: number): Promise<void> {
    const entries = [...this.#loaded].filter(([, loaded]) => model === undefined || loaded.model === model);
    await this.#serialize(() => this.#free(entries.map(([name]) => name)));
  }

  /** Returns the result wrapped in an object, so that the caller's `await` does not wait for the work. */
  #join<T>(
    name: string,
    loaded: LoadedNetwork,
    work: (session: Session) => Promise<T>,
    signal: AbortSignal | undefined,
  ): { readonly result: Promise<T> } {
    const result = loaded.session.then((session) => {
      checkAborted(signal);
      return work(session);
    });
    const user: Promise<unknown> = result.then(
      () => loaded.users.delete(user),
      () => loaded.users.delete(user),
    );
    loaded.users.add(user);
    // Forget a failed load, so that a later one can succeed, unless the name already belongs to a newer load.
    loaded.session.catch(() => {
      if (this.#loaded.get(name) === loaded) this.#loaded.delete(name);
    });
    return { result };
  }

  #serialize<T>(change: () => Promise<T> | T): Promise<T> {
    const next = this.#changes.then(change);
    this.#changes = next.catch(() => {});
    return next;
  }

  async #makeRoom({ bytes, group, groupLimit = Number.POSITIVE_INFINITY }: Network): Promise<void> {
    const all = [...this.#loaded];
    const peers = all.filter(([, loaded]) => loaded.network.group === group);
    const surplus = peers.slice(0, Math.max(0, peers.length + 1 - groupLimit)).map(([name]) => name);
    let total = this.bytes + bytes;
    const others: string[] = [];
    for (const [name, { network }] of all) {
      if (total <= this.#budget) break;
      if (network.group === group) continue;
      others.push(name);
      total -= network.bytes;
    }
    await this.#free([...surplus, ...others]);
  }

  /** Closes sessions as soon as their users have finished. */
  async #free(names: readonly string[]): Promise<void> {
    const freed = names.flatMap((name) => this.#loaded.get(name) ?? []);
    for (const name of names) this.#loaded.delete(name);
    await Promise.all(
      freed.map(async ({ session, users }) => {
        await Promise.allSettled(users);
        await session.then((one) => one.close()).catch(() => {});
      }),
    );
  }
}

/** One model's networks in a pool. */
export class ModelSessions {
  readonly #pool: SessionPool;
  readonly #model: number;

  constructor(pool: SessionPool, model: number) {
    this.#pool = pool;
    this.#model = model;
  }

  /** Runs work with a network, and loads it first if necessary. @throws NishikiError "aborted", "memory", "device" */
  use<T>(network: Network, work: (session: Session) => Promise<T>, watch?: Watch): Promise<T> {
    return this.#pool.use(this.#model, network, work, watch);
  }

  /** A session that loads on its first run. */
  lazy(network: Network, watch?: Watch): LazySession {
    return { run: (inputs) => this.use(network, (session) => session.run(inputs), watch) };
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#pool.exclusive(work);
  }

  close(): Promise<void> {
    return this.#pool.close(this.#model);
  }
}
