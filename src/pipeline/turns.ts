// One request works at a time, in the order in which they came. A request whose caller does not ask for more is paused, and after
// a moment lends its turn to the next: a caller may draw within the loop over another request's events, or leave that loop
// without a word, and nobody waits forever.
import { interruptible } from "./cancel.js";

/** How long a paused request keeps its turn, in milliseconds: its caller usually comes back at once. */
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
   * @param onWait Called where another request works.
   * @throws NishikiError "aborted" while it waits
   */
  async take(signal?: AbortSignal, onWait?: () => void): Promise<Turn> {
    const turn = new Turn(this);
    await this.enter(turn, "last", signal, onWait);
    return turn;
  }

  /** Makes a turn the working one, once it may be. */
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

  /** Gives a paused turn's place to the next, where there is one. */
  lend(turn: Turn): void {
    if (this.#holder === turn && this.#queue.length > 0) this.#next();
  }

  /** Takes a turn out, whether it works or waits. */
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

/** The right to work with a pool's sessions. */
export class Turn {
  readonly #turns: Turns;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isIdle = false;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Whether it was paused and its caller did not come back within a moment. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** The caller has an event, and nothing is computed until it asks for the next. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isIdle = true;
      this.#turns.lend(this);
    }, grace);
  }

  /** The caller asks for more: at once where the turn was not lent meanwhile. @throws NishikiError "aborted" */
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
