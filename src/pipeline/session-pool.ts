// Which networks are in memory: each is loaded when it is first needed, and freed when others need its memory. One pool serves
// all models that are opened with it, and lets one request work at a time, so that two never load and free networks in turn.
import type { HostTensor, HostTensors, Session } from "../engine/index.js";
import { NishikiError } from "../errors.js";
import { type Program, sizeOf } from "../graph/index.js";
import { checkAborted, type Watch } from "./cancel.js";
import { type Turn, Turns } from "./turns.js";

/** Networks of one group work in turn: none of them is freed for another, unless the group has a limit. */
export type NetworkGroup = "text" | "denoise" | "decode" | "enlarge";

/** Tells a network from the model's others, and from itself under other settings. */
export type NetworkKey = { readonly part: string } & Readonly<Record<string, string | number | boolean>>;

/** A network that can be loaded. */
export interface Network {
  readonly key: NetworkKey;
  readonly group: NetworkGroup;
  /** As people call it: "denoiser". */
  readonly title: string;
  /** About what its session takes. */
  readonly bytes: number;
  /** Most sessions of the group that are held, where there is one for each of many sizes. */
  readonly groupLimit?: number;
  load(): Promise<Session>;
}

/** A network as its user sees it: loaded, or not yet. */
export interface LazySession {
  run(inputs: HostTensors): Promise<Record<string, HostTensor>>;
}

interface Held {
  readonly model: number;
  readonly network: Network;
  readonly session: Promise<Session>;
  readonly users: Set<Promise<unknown>>;
}

/** Where networks are held, of the load options. */
export interface Holding {
  /** Hold one group at a time. */
  readonly lowMemory?: boolean;
  /** Hold all. */
  readonly keepLoaded?: boolean;
}

/** The budget of a pool on a device. @throws NishikiError "usage" for options that contradict each other */
export function getBudget({ lowMemory, keepLoaded }: Holding, device: string): number {
  if (lowMemory && keepLoaded)
    throw new NishikiError("usage", "lowMemory and keepLoaded: expected at most one of them, got both.");
  if (lowMemory) return 0;
  return keepLoaded || device !== "cpu" ? Number.POSITIVE_INFINITY : usualBudget;
}

/** Bytes that a program's weights take as float32. */
export function getWeightBytes({ parameters }: Program): number {
  return parameters.reduce((bytes, { shape }) => bytes + 4 * sizeOf(shape), 0);
}

/**
 * What is held by default on the CPU, in bytes. There, networks whose weights stay in their files are loaded in a few seconds,
 * while an image takes minutes: the embedded model's networks all stay, and of Stable Diffusion's one group at a time.
 */
export const usualBudget = 1e9;

export class SessionPool {
  private readonly budget: number;
  /** The least recently used first. */
  private readonly held = new Map<string, Held>();
  private freeing: Promise<unknown> = Promise.resolve();
  private readonly turns = new Turns();
  private models = 0;

  /** @param options.budget Bytes of networks that are held; a group that needs more has it while it works. */
  constructor({ budget = usualBudget }: { readonly budget?: number } = {}) {
    this.budget = budget;
  }

  /** Bytes of the networks that are held. */
  get bytes(): number {
    return [...this.held.values()].reduce((sum, { network }) => sum + network.bytes, 0);
  }

  /** Whether all of these may be held at once. */
  hasRoom(networks: readonly Network[]): boolean {
    return networks.reduce((sum, { bytes }) => sum + bytes, 0) <= this.budget;
  }

  /** A view for one loaded model. */
  forModel(): ModelSessions {
    return new ModelSessions(this, ++this.models);
  }

  /**
   * Waits until no other request works.
   * @param onWait Called where there is one.
   * @throws NishikiError "aborted" while it waits
   */
  takeTurn(signal?: AbortSignal, onWait?: () => void): Promise<Turn> {
    return this.turns.take(signal, onWait);
  }

  /** Loads a network where it is not held, and works with it. */
  async use<T>(
    model: number,
    network: Network,
    work: (session: Session) => Promise<T>,
    { signal, onProgress }: Watch = {},
  ): Promise<T> {
    const name = `${model} ${JSON.stringify(Object.entries(network.key).sort())}`;
    const entry = await this.inTurn(async () => {
      const held = this.held.get(name);
      if (held)
        this.held.delete(name); // to the end, as used last
      else {
        checkAborted(signal);
        await this.makeRoom(network);
        checkAborted(signal);
        onProgress?.({ kind: "load", stage: network.title });
      }
      const next = held ?? { model, network, session: network.load(), users: new Set() };
      this.held.set(name, next);
      return this.join(name, next, work, signal);
    });
    return entry.result;
  }

  /** Works with programs that are opened and closed on the way, and with as much memory as there is. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (Number.isFinite(this.budget)) await this.inTurn(() => this.free([...this.held.keys()]));
    return work();
  }

  /** Frees the sessions of one model, or of all. */
  async close(model?: number): Promise<void> {
    const names = [...this.held].filter(([, held]) => model === undefined || held.model === model);
    await this.inTurn(() => this.free(names.map(([name]) => name)));
  }

  /** In an object, so that the turn does not wait for the work. */
  private join<T>(
    name: string,
    held: Held,
    work: (session: Session) => Promise<T>,
    signal: AbortSignal | undefined,
  ): { readonly result: Promise<T> } {
    const result = held.session.then((session) => {
      checkAborted(signal);
      return work(session);
    });
    const user: Promise<unknown> = result.then(
      () => held.users.delete(user),
      () => held.users.delete(user),
    );
    held.users.add(user);
    // What failed may succeed at another time, when there is memory again; by then another may be held by this name.
    held.session.catch(() => {
      if (this.held.get(name) === held) this.held.delete(name);
    });
    return { result };
  }

  private inTurn<T>(work: () => Promise<T> | T): Promise<T> {
    const next = this.freeing.then(work);
    this.freeing = next.catch(() => {});
    return next;
  }

  private async makeRoom({ bytes, group, groupLimit = Number.POSITIVE_INFINITY }: Network): Promise<void> {
    const all = [...this.held];
    const own = all.filter(([, held]) => held.network.group === group);
    const surplus = own.slice(0, Math.max(0, own.length + 1 - groupLimit)).map(([name]) => name);
    let total = this.bytes + bytes;
    const others: string[] = [];
    for (const [name, { network }] of all) {
      if (total <= this.budget) break;
      if (network.group === group) continue;
      others.push(name);
      total -= network.bytes;
    }
    await this.free([...surplus, ...others]);
  }

  /** Closes sessions once those who work with them have finished. */
  private async free(names: readonly string[]): Promise<void> {
    const freed = names.flatMap((name) => this.held.get(name) ?? []);
    for (const name of names) this.held.delete(name);
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
  private readonly pool: SessionPool;
  private readonly model: number;

  constructor(pool: SessionPool, model: number) {
    this.pool = pool;
    this.model = model;
  }

  /** Loads the network where it is not held, and works with it. @throws NishikiError "aborted", "memory", "device" */
  use<T>(network: Network, work: (session: Session) => Promise<T>, watch?: Watch): Promise<T> {
    return this.pool.use(this.model, network, work, watch);
  }

  /** A session that is loaded by its first run. */
  lazy(network: Network, watch?: Watch): LazySession {
    return { run: (inputs) => this.use(network, (session) => session.run(inputs), watch) };
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.pool.exclusive(work);
  }

  close(): Promise<void> {
    return this.pool.close(this.model);
  }
}
