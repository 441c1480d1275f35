// A worker's loop: take a job, run it, say how it ended, take the next one.
import { NishikiError } from "../../errors.js";
import type { OnSkip, Outcome, Reporter, Worker } from "../parts.js";
import { type Claim, checkHold, claimJob, giveBack, renewTurn, settleJob } from "./claims.js";
import { persist, type QueueContext } from "./context.js";
import { type Channel, makeLocalChannel, makeRemoteChannel } from "./reports.js";
import { renewMilliseconds } from "./turns.js";

/**
 * How often a worker looks for work, and whether its job was cancelled, when no signal tells it. Within one process
 * signals are calls, which are never lost.
 */
const lookMilliseconds = { postgres: 1000, pglite: 10_000 };
const keepMilliseconds = 1000;
const touchMilliseconds = 3000;

/** Why a run ends before its job does. */
type Reason = "cancelled" | "paused" | "lost" | "stopped";

/** One job while it runs. */
class Run {
  readonly #context: QueueContext;
  readonly #controller = new AbortController();
  readonly #skipListeners = new Set<() => void>();
  #skips = 0;
  claim: Claim;
  reason: Reason | undefined;
  #touched = Date.now();
  #renewed = Date.now();

  constructor(context: QueueContext, claim: Claim) {
    this.#context = context;
    this.claim = claim;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly onSkip: OnSkip = (skip) => {
    this.#skipListeners.add(skip);
    return () => void this.#skipListeners.delete(skip);
  };

  stop(reason: Reason): void {
    this.reason ??= reason;
    this.#controller.abort(new NishikiError("aborted", "The job was stopped."));
  }

  /** Looks whether the job was cancelled, paused, or given to another worker. */
  async check(): Promise<void> {
    const { hold, skips } = await checkHold(this.#context, this.claim);
    if (hold !== "held") return this.stop(hold);
    for (; this.#skips < skips; this.#skips++) for (const skip of [...this.#skipListeners]) skip();
  }

  /** Keeps the turn. A database that is out of reach says nothing about it. */
  async keep(): Promise<void> {
    try {
      await this.check();
      if (this.reason || Date.now() - this.#touched < touchMilliseconds) return;
      this.#touched = Date.now();
      if (Date.now() - this.#renewed > renewMilliseconds) {
        this.#renewed = Date.now();
        this.claim = await renewTurn(this.#context, this.claim);
      } else await this.#context.turns.touch(this.claim.turn);
    } catch (error) {
      this.#context.onTrouble(error);
    }
  }
}

export interface LoopEvents {
  /** After a job's state changed in the database: writes its file, and tells everybody. */
  onSettled(id: string): Promise<void>;
  onStarted(id: string): Promise<void>;
}

export class WorkerLoop {
  readonly #context: QueueContext;
  readonly #worker: Worker;
  readonly #events: LoopEvents;
  #run: Run | undefined;
  #isStopped = false;
  #wake: () => void = () => undefined;
  #hasNews = false;
  readonly #unwatch: () => void;
  readonly #finished: Promise<void>;

  constructor(context: QueueContext, worker: Worker, events: LoopEvents) {
    this.#context = context;
    this.#worker = worker;
    this.#events = events;
    this.#unwatch = context.signals.watch((signal) => {
      if (signal.kind === "waiting" || signal.kind === "gap") this.#notice();
      const isOwn = signal.kind === "job" && signal.id === this.#run?.claim.record.id;
      if (isOwn || signal.kind === "gap") this.#run?.check().catch((error) => context.onTrouble(error));
    });
    this.#finished = this.#loop();
  }

  #notice(): void {
    this.#hasNews = true;
    this.#wake();
  }

  async #loop(): Promise<void> {
    while (!this.#isStopped) {
      this.#hasNews = false;
      try {
        const claim = await claimJob(this.#context, this.#worker);
        if (claim) await this.#runJob(claim);
        else await this.#sleep();
      } catch (error) {
        this.#context.onTrouble(error);
        this.#hasNews = false;
        await this.#sleep();
      }
    }
  }

  async #sleep(): Promise<void> {
    if (this.#hasNews || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, lookMilliseconds[this.#context.database.kind]);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #runJob(claim: Claim): Promise<void> {
    const run = new Run(this.#context, claim);
    this.#run = run;
    const { id } = claim.record;
    if (this.#isStopped) run.stop("stopped");
    const timer = setInterval(() => void run.keep(), keepMilliseconds);
    const channel = this.#openChannel(run);
    try {
      await this.#tell(() => this.#events.onStarted(id));
      const outcome = await this.#work(run, channel);
      // The turn is kept until its end is written, however long the database is away.
      await persist(this.#context, () => this.#settle(run, outcome));
    } finally {
      clearInterval(timer);
      this.#run = undefined;
      this.#context.progress.delete(id);
    }
    await this.#tell(() => this.#events.onSettled(id));
  }

  /** Others find out by themselves, too: a failure here must not keep the job from being run. */
  async #tell(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => this.#context.onTrouble(error));
  }

  #openChannel(run: Run): Channel {
    const { home } = this.#context;
    const about = { job: run.claim.record.id, home: run.claim.home, signal: run.signal };
    return home?.id === about.home
      ? makeLocalChannel(this.#context, home, about)
      : makeRemoteChannel(this.#context, about);
  }

  async #work(run: Run, channel: Channel): Promise<Outcome> {
    const reporter: Reporter = {
      // A job that was stopped may still deliver an image; its progress means nothing any more.
      report: async (event) => {
        if (event.kind === "image" || !run.signal.aborted) await channel.report(event);
      },
      onSkip: run.onSkip,
      image: (image) => channel.image(image),
    };
    try {
      return await this.#worker.run(run.claim.record, reporter, run.signal);
    } catch (error) {
      return { state: "failed", error: describeFailure(error) };
    } finally {
      await channel.flush();
    }
  }

  async #settle(run: Run, outcome: Outcome): Promise<void> {
    if (run.reason === "stopped" && outcome.state !== "done") await giveBack(this.#context, run.claim);
    // Cancelled and paused jobs have their state already; a lost one belongs to another worker.
    else if (run.reason === undefined || outcome.state === "done")
      await settleJob(this.#context, run.claim, outcome);
  }

  /** Stops after the signal of the current job fired; the job goes back into the queue. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#run?.stop("stopped");
    this.#wake();
    await this.#finished;
    this.#unwatch();
  }
}

function describeFailure(error: unknown): NonNullable<Outcome["error"]> {
  const isOwn = error instanceof NishikiError;
  return {
    code: isOwn ? error.code : "internal",
    message: isOwn
      ? error.message
      : `Something unforeseen happened: ${String((error as Error)?.message ?? error)}`,
    hint: null,
    change: null,
  };
}
