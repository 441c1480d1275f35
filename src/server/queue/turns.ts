// Turns: pg-boss's part of the queue. A turn is the right to run one job. pg-boss hands each out once at a time, notices
// workers that died, by their heartbeat, and gives the turn out again, a limited number of times. It knows nothing of what
// the job is; our policy chooses the turn.
import { PgBoss } from "pg-boss";
import type { ServerDatabase } from "../database/index.js";

const queue = "turns";

/** A worker that is silent for this long counts as dead. The least that pg-boss accepts. */
const heartbeatSeconds = 10;

/**
 * A job whose workers died more often than this is given up: it may be what kills them. Drawing has a process of its own,
 * so a worker itself dies rarely.
 */
export const retryLimit = 9;

/** pg-boss takes a run that lasts longer than this for hung. A day is its limit; a longer job continues by `renew`. */
const longestSeconds = 24 * 3600;
export const renewMilliseconds = (longestSeconds * 1000) / 2;

const options = {
  heartbeatSeconds,
  expireInSeconds: longestSeconds,
  retryLimit,
  retryDelay: 0,
  // A paused queue may wait for years.
  retentionSeconds: 10 * 365 * 86_400,
  deleteAfterSeconds: 3600,
};

/** A turn that is taken: `run` counts how often it was given out, so that an earlier holder cannot touch it. */
export interface Turn {
  readonly id: string;
  readonly run: number;
}

export type TurnState = "waiting" | "taken" | "given up" | "gone";

/** Statements run in the transaction that is open where they are called. */
export class Turns {
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss) {
    this.#boss = boss;
  }

  static async open(database: ServerDatabase, onError: (error: Error) => void): Promise<Turns> {
    const boss = new PgBoss({
      ...(database.kind === "pglite" && { backend: "pglite" }),
      db: database.bossDatabase,
      schedule: false,
      registerInstance: false,
      superviseIntervalSeconds: 5,
      // With a database of its own, this process would have to find itself dead.
      monitorIntervalSeconds: database.kind === "pglite" ? 60 : 5,
      maintenanceIntervalSeconds: 600,
    });
    boss.on("error", onError);
    boss.on("warning", () => undefined);
    // Two processes that meet a new database may both want to make the tables; one of them fails, and finds them then.
    await boss.start({ attempts: 3 });
    await boss.createQueue(queue, options);
    return new Turns(boss);
  }

  /** Makes a turn that waits. */
  async make(): Promise<string> {
    const id = await this.#boss.send(queue, null);
    if (id === null) throw new Error("pg-boss did not accept a turn.");
    return id;
  }

  /**
   * Takes one certain turn: its priority becomes the claim's number, and pg-boss fetches what has that priority.
   * @returns undefined if the turn does not wait any more
   */
  async take(id: string, claim: number): Promise<Turn | undefined> {
    await this.#boss.update(queue, undefined, { id, priority: claim });
    const [turn] = await this.#boss.fetch(queue, { minPriority: claim, maxPriority: claim });
    return turn && { id: turn.id, run: (turn as unknown as { retryCount: number }).retryCount };
  }

  /** Shows that its holder lives. @returns false if the turn is no longer the holder's */
  async touch({ id, run }: Turn): Promise<boolean> {
    const response = await this.#boss.touch(queue, { id, retryCount: run });
    return (response as { affected?: number }).affected === 1;
  }

  /** Ends a turn. @returns false if it was no longer the holder's */
  async complete({ id, run }: Turn): Promise<boolean> {
    const response = await this.#boss.complete(queue, { id, retryCount: run });
    return (response as { affected?: number }).affected === 1;
  }

  /** Withdraws a turn, whoever holds it. */
  async remove(id: string): Promise<void> {
    await this.#boss.deleteJob(queue, id);
  }

  /** Declares a turn's holder dead without waiting for the heartbeat. */
  async release(id: string): Promise<void> {
    await this.#boss.fail(queue, id, { message: "the process that held it ended" });
  }

  async getState(id: string): Promise<TurnState> {
    const [turn] = await this.#boss.findJobs(queue, { id });
    if (turn === undefined) return "gone";
    if (turn.state === "created" || turn.state === "retry") return "waiting";
    if (turn.state === "active") return "taken";
    return turn.state === "failed" ? "given up" : "gone";
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false });
  }
}
