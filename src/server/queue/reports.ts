// What a worker reports, brought to the server. A job of this process's own folder is reported by a call; one of another
// machine's goes through the database: progress as one row that is overwritten, images as rows that stay until the server
// has stored them.
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { NishikiError } from "../../errors.js";
import type { Progress } from "../api/index.js";
import type { WorkEvent } from "../parts.js";
import { type Home, persist, type QueueContext } from "./context.js";

const inputPollMilliseconds = 500;
const progressMilliseconds = 100;

/** Where reports of one job go. */
export interface Channel {
  report(event: WorkEvent): Promise<void>;
  image(id: string): Promise<Uint8Array>;
  /** Resolves when everything reported has arrived. */
  flush(): Promise<void>;
}

function makeMissingError(id: string): NishikiError {
  return new NishikiError(
    "data",
    `The image ${id.slice(0, 12)}…, which this job starts from, is not in the server's folder any more. Upload it again.`,
  );
}

async function noteImage({ database }: QueueContext, job: string, png: Uint8Array): Promise<void> {
  const id = createHash("sha256").update(png).digest("hex");
  await database.query(
    "UPDATE nishiki.job SET images = images || $2::jsonb WHERE id = $1 AND NOT images @> $2::jsonb",
    [job, JSON.stringify([id])],
  );
}

async function noteWarning({ database }: QueueContext, job: string, message: string): Promise<void> {
  await database.query(
    "UPDATE nishiki.job SET warnings = warnings || $2::jsonb WHERE id = $1 AND NOT warnings @> $2::jsonb",
    [job, JSON.stringify([message])],
  );
}

/** Tells this process's listeners, after noting what must be kept with the job. */
async function deliver(context: QueueContext, job: string, event: WorkEvent): Promise<void> {
  if (event.kind === "progress") context.progress.set(job, { ...event.progress, preview: null });
  await context.signals.emit({ kind: "work", id: job, event });
  if (event.kind === "image") await noteImage(context, job, event.png);
  if (event.kind === "warning") await noteWarning(context, job, event.message);
}

/** What a channel needs to know of its run. */
export interface ChannelRun {
  readonly job: string;
  /** The folder that the job belongs to. */
  readonly home: string;
  /** Fires when the run is stopped: nobody waits for the database any more then. */
  readonly signal: AbortSignal;
}

/** For a job of this process's own folder. */
export function makeLocalChannel(context: QueueContext, home: Home, { job, signal }: ChannelRun): Channel {
  return {
    // Storing an image again changes nothing, so a database that is away for a while costs only time.
    report: (event) => persist(context, () => deliver(context, job, event), signal),
    image: async (id) => {
      const bytes = await home.readImage(id);
      if (!bytes) throw makeMissingError(id);
      return bytes;
    },
    flush: async () => undefined,
  };
}

/** For a job whose folder is elsewhere. */
export function makeRemoteChannel(context: QueueContext, { job, home, signal }: ChannelRun): Channel {
  const progress = new ProgressWriter(context, job);
  const report = async (event: WorkEvent) => {
    // A preview that a client asked for must not be overtaken.
    if (event.kind === "progress" && event.progress.partial === undefined) return progress.put(event);
    const values = getReportValues(event);
    const statement =
      "INSERT INTO nishiki.report (home, job, kind, index, message, png) VALUES ($1, $2, $3, $4, $5, $6)";
    await persist(
      context,
      () => context.database.query(statement, [home, job, event.kind, ...values]),
      signal,
    );
    await context.signals.send({ kind: "report", home });
  };
  return { report, image: (id) => askForImage(context, home, id, signal), flush: () => progress.flush() };
}

/** Index, message and file of a report that stays until the server has taken it. */
function getReportValues(event: WorkEvent): readonly [number | null, string | null, Buffer | null] {
  switch (event.kind) {
    case "image":
      return [event.index, null, Buffer.from(event.png)];
    case "warning":
      return [null, event.message, null];
    case "progress":
      return [null, JSON.stringify(event.progress), event.preview ? Buffer.from(event.preview) : null];
  }
}

/** Writes the newest progress and leaves out what has been overtaken, at most ten times a second. */
class ProgressWriter {
  readonly #context: QueueContext;
  readonly #job: string;
  #newest: Extract<WorkEvent, { kind: "progress" }> | undefined;
  #preview: Uint8Array | undefined;
  #number = -1;
  #writing: Promise<void> | undefined;

  constructor(context: QueueContext, job: string) {
    this.#context = context;
    this.#job = job;
  }

  put(event: Extract<WorkEvent, { kind: "progress" }>): void {
    this.#newest = event;
    if (event.preview) {
      this.#preview = event.preview;
      this.#number++;
    }
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    while (this.#newest) {
      const { progress } = this.#newest;
      const [preview, number] = [this.#preview, this.#number];
      this.#newest = undefined;
      try {
        await this.#context.database.query(
          `INSERT INTO nishiki.progress VALUES ($1, $2, $3::jsonb, $4)
           ON CONFLICT (job) DO UPDATE SET number = $2, progress = $3::jsonb, preview = $4`,
          [this.#job, number, JSON.stringify(progress), preview ? Buffer.from(preview) : null],
        );
        await this.#context.signals.send({ kind: "progress", id: this.#job });
      } catch (error) {
        // Progress may be lost.
        this.#context.onTrouble(error);
      }
      await wait(progressMilliseconds);
    }
  }

  async flush(): Promise<void> {
    await this.#writing;
    await this.#context.database
      .query("DELETE FROM nishiki.progress WHERE job = $1", [this.#job])
      .catch(() => undefined);
  }
}

/** Asks the server for an image's file, and waits for it. */
async function askForImage(
  context: QueueContext,
  home: string,
  id: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { database, signals } = context;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    const [row] = await persist(
      context,
      () =>
        database.query<{ bytes: Uint8Array | null; missing: boolean }>(
          `INSERT INTO nishiki.input (home, image) VALUES ($1, $2)
           ON CONFLICT (home, image) DO UPDATE SET wanted = now() RETURNING bytes, missing`,
          [home, id],
        ),
      signal,
    );
    if (row?.missing) throw makeMissingError(id);
    if (row?.bytes) return new Uint8Array(row.bytes);
    if (attempt % 10 === 0) await signals.send({ kind: "input", home });
    await wait(Math.min(20 * (attempt + 1), inputPollMilliseconds));
  }
}

/** On the server: supplies the images that workers wait for. */
export async function supplyImages({ database }: QueueContext, home: Home): Promise<void> {
  const wanted = await database.query<{ image: string }>(
    "SELECT image FROM nishiki.input WHERE home = $1 AND bytes IS NULL AND NOT missing",
    [home.id],
  );
  for (const { image } of wanted) {
    const bytes = await home.readImage(image).catch(() => undefined);
    await database.query("UPDATE nishiki.input SET bytes = $3, missing = $4 WHERE home = $1 AND image = $2", [
      home.id,
      image,
      bytes ? Buffer.from(bytes) : null,
      bytes === undefined,
    ]);
  }
  await database.query("DELETE FROM nishiki.input WHERE home = $1 AND wanted < now() - interval '1 hour'", [
    home.id,
  ]);
}

interface ReportRow {
  readonly number: string;
  readonly job: string;
  readonly kind: WorkEvent["kind"];
  readonly index: number | null;
  readonly message: string | null;
  readonly png: Uint8Array | null;
}

function readReport({ kind, index, message, png }: ReportRow): WorkEvent {
  switch (kind) {
    case "image":
      return { kind, index: index ?? 0, png: new Uint8Array(png ?? []) };
    case "warning":
      return { kind, message: message ?? "" };
    case "progress":
      return { kind, progress: JSON.parse(message ?? "{}"), ...(png && { preview: new Uint8Array(png) }) };
  }
}

/** On the server: takes over what workers elsewhere have reported. A report is deleted once it has been stored. */
export async function takeReports(context: QueueContext, home: Home): Promise<void> {
  for (;;) {
    const [row] = await context.database.query<ReportRow>(
      `SELECT number::text AS number, job, kind, index, message, png FROM nishiki.report WHERE home = $1
       ORDER BY nishiki.report.number LIMIT 1`,
      [home.id],
    );
    if (!row) return;
    const event = readReport(row);
    // The newest progress is told elsewhere.
    if (event.kind === "progress") await context.signals.emit({ kind: "work", id: row.job, event });
    else await deliver(context, row.job, event);
    await context.database.query("DELETE FROM nishiki.report WHERE number = $1", [row.number]);
  }
}

/** On the server: the newest progress of a job that runs elsewhere. */
export async function takeProgress(context: QueueContext, job: string): Promise<void> {
  const [row] = await context.database.query<{
    number: number;
    progress: Omit<Progress, "preview">;
    preview: Uint8Array | null;
  }>("SELECT number, progress, preview FROM nishiki.progress WHERE job = $1", [job]);
  if (!row) return;
  const known = context.progress.get(job)?.preview ?? -1;
  const preview = row.preview && row.number > known ? new Uint8Array(row.preview) : undefined;
  context.progress.set(job, { ...row.progress, preview: row.number < 0 ? null : row.number });
  const event: WorkEvent = { kind: "progress", progress: row.progress, ...(preview && { preview }) };
  await context.signals.emit({ kind: "work", id: job, event });
}
