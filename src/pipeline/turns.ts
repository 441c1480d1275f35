// Runs one request at a time, in order of arrival. A request pauses while its caller handles an event, and after a moment
// lends its turn to the next: so a caller may draw within the loop over another request's events, or leave that loop
// silently, without blocking others forever.
import { interruptible } from "./cancel.js";

/** How long a paused request keeps its turn, in milliseconds; callers usually return at once. */
const grace = 100;

interface Waiting {
  readonly turn: Turn;
  readonly start: () => void;
}

/** The turns of the requests that share one pool of sessions. */
export class Turns {
  #holder: Turn | undefined;
  #queue: Waiting[] = [];

  /**
   * Waits for a turn.
   * @param onWait Called if another request is working.
   * @throws NishikiError "aborted" while waiting
   */
  async take(signal?: AbortSignal, onWait?: () => void): Promise<Turn> {
    const turn = new Turn(this);
    await this.enter(turn, "last", signal, onWait);
    return turn;
  }

  /** Waits until the turn may work, at the front or the back of the queue. */
  async enter(turn: Turn, place: "first" | "last", signal?: AbortSignal, onWait?: () => void): Promise<void> {
    if (this.#holder === turn) return;
    if (this.#holder === undefined && this.#queue.length === 0) {
      this.#holder = turn;
      return;
    }
    onWait?.();
    const started = new Promise<void>((start) => {
      this.#queue[place === "first" ? "unshift" : "push"]({ turn, start });
    });
    if (this.#holder?.isIdle) this.lend(this.#holder);
    try {
      await interruptible(started, signal);
    } catch (error) {
      this.leave(turn);
      throw error;
    }
  }

  /** Passes a paused turn's place to the next turn, if any. */
  lend(turn: Turn): void {
    if (this.#holder === turn && this.#queue.length > 0) this.#next();
  }

  /** Removes a turn, whether it is working or waiting. */
  leave(turn: Turn): void {
    this.#queue = this.#queue.filter((waiting) => waiting.turn !== turn);
    if (this.#holder === turn) this.#next();
  }

  #next(): void {
    const next = this.#queue.shift();
    this.#holder = next?.turn;
    next?.start();
  }
}

/** A request's right to work with a pool's sessions. */
export class Turn {
  readonly #turns: Turns;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isIdle = false;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Whether the turn has been paused for longer than the grace period. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Call this when the caller gets an event; nothing is computed until it takes the next one. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isIdle = true;
      this.#turns.lend(this);
    }, grace);
  }

  /** Call this when the caller takes the next event; waits if the turn was lent. @throws NishikiError "aborted" */
  async resume(signal?: AbortSignal, onWait?: () => void): Promise<void> {
    clearTimeout(this.#timer);
    this.#isIdle = false;
    await this.#turns.enter(this, "first", signal, onWait);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#turns.leave(this);
  }
}
