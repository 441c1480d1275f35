// Which of a model's networks are in memory: each is loaded when it is first needed. With little memory, one stage at a
// time is held: the text encoders, or the denoiser, or half of the autoencoder.
import type { Session } from "../../../engine/index.js";
import type { Program } from "../../../graph/index.js";

/** Networks of one stage stay together. */
export type Stage = "words" | "drawing" | "pixels";

export interface NetworkKey {
  readonly stage: Stage;
  /** Tells a network of the stage from the others, and from itself under other settings. */
  readonly name: string;
}

/** Lends sessions. */
export interface SessionShelf {
  /** Loads the network where it is not there, and works with it. */
  use<T>(key: NetworkKey, work: (session: Session) => Promise<T>): Promise<T>;
  /** Works with programs of the autoencoder that are opened and closed on the way. */
  alone<T>(work: (open: OpenProgram) => Promise<T>): Promise<T>;
  /** Frees all. */
  close(): Promise<void>;
}

/** Makes a program of the autoencoder ready; whoever opens it closes it. */
export type OpenProgram = (program: Program) => Promise<Session>;

/** How a shelf comes to its sessions. */
export interface NetworkSource {
  readonly load: (key: NetworkKey) => Promise<Session>;
  readonly open: OpenProgram;
}

interface Held {
  readonly stage: Stage;
  readonly session: Promise<Session>;
}

/**
 * @param oneStage Free all other stages before a network is loaded; work is then done one after another.
 */
export function makeShelf({ load, open }: NetworkSource, oneStage: boolean): SessionShelf {
  const held = new Map<string, Held>();
  let queue: Promise<unknown> = Promise.resolve();
  const free = async (names: readonly string[]) => {
    const sessions = names.map((name) => held.get(name)!.session);
    for (const name of names) held.delete(name);
    await Promise.all(sessions.map((session) => session.then((one) => one.close()).catch(() => {})));
  };
  const get = async ({ stage, name }: NetworkKey): Promise<Session> => {
    const others = [...held].filter(([, other]) => oneStage && other.stage !== stage);
    await free(others.map(([other]) => other));
    const found = held.get(name);
    if (found) return found.session;
    const session = load({ stage, name });
    held.set(name, { stage, session });
    // What failed may succeed at another time, when there is memory again.
    session.catch(() => held.delete(name));
    return session;
  };
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    if (!oneStage) return run();
    const next = queue.then(run, run);
    queue = next.catch(() => {});
    return next;
  };
  return {
    use: (key, work) => inTurn(async () => work(await get(key))),
    alone: (work) =>
      inTurn(async () => {
        if (oneStage) await free([...held.keys()]);
        return work(open);
      }),
    close: () => free([...held.keys()]),
  };
}
