// The stream of events: every client reads one shared list, each at its own place. A slow client holds no memory; one that
// falls behind the list gets the state instead of the events that it missed.
import type { NumberedEvent, ServerEvent } from "../api/index.js";

export interface HubOptions {
  /** Events that repeat the state of everything that has not ended. */
  readonly state: (job?: string) => Promise<readonly ServerEvent[]>;
  /** How many events are kept for clients that come back. */
  readonly kept?: number;
  /** Names this run of the server in event ids. */
  readonly epoch?: string;
}

export interface EventsOptions {
  /** The last event that the client has seen. */
  readonly after?: string;
  /** Only events of this job. */
  readonly job?: string;
  readonly signal: AbortSignal;
}

export class EventHub {
  readonly #state: HubOptions["state"];
  readonly #kept: number;
  readonly #epoch: string;
  readonly #events: ServerEvent[] = [];
  /** The number of the first event in the list. */
  #first = 1;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor({ state, kept = 1000, epoch = Date.now().toString(36) }: HubOptions) {
    this.#state = state;
    this.#kept = kept;
    this.#epoch = epoch;
  }

  publish(event: ServerEvent): void {
    this.#events.push(event);
    // Cut in large pieces: cutting one event at a time would move the whole list each time.
    if (this.#events.length > 2 * this.#kept) this.#first += this.#events.splice(0, this.#kept).length;
    this.#wake();
  }

  /** Events from now on, or after one that was seen. Ends when the signal fires or the hub closes. */
  async *subscribe({ after, job, signal }: EventsOptions): AsyncGenerator<NumberedEvent, void, void> {
    let next = after === undefined ? this.#end : this.#place(after);
    const stop = () => this.#wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted && !this.#isClosed) {
        if (next === undefined || next < this.#first) {
          next = this.#end;
          const last = this.#name(next - 1);
          for (const event of await this.#state(job)) yield { id: last, event };
        } else if (next < this.#end) {
          const event = this.#events[next - this.#first]!;
          next += 1;
          if (job === undefined || isAbout(event, job)) yield { id: this.#name(next - 1), event };
        } else await this.#change(signal);
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** The number that the next event gets. */
  get #end(): number {
    return this.#first + this.#events.length;
  }

  #name(number: number): string {
    return `${this.#epoch}-${number}`;
  }

  /** The number after an event's; undefined for an id of another run, or none of ours. */
  #place(id: string): number | undefined {
    const [, epoch, number] = /^(\w+)-(\d{1,15})$/.exec(id) ?? [];
    if (epoch !== this.#epoch || Number(number) >= this.#end) return undefined;
    return Number(number) + 1;
  }

  #change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function isAbout(event: ServerEvent, job: string): boolean {
  switch (event.kind) {
    case "job":
      return event.job.id === job;
    case "progress":
    case "warning":
    case "image":
      return event.job === job;
    default:
      return false;
  }
}
