// Taking a job, and what becomes of it: done, given back, or found again after its worker died.
import { getOwnIdentity, isAlive, type ProcessIdentity } from "../database/index.js";
import type { Database, JobRecord, Outcome, Worker } from "../parts.js";
import { changeQueue, type QueueContext } from "./context.js";
import { chooseNext } from "./policy.js";
import { type JobRow, jobColumns } from "./rows.js";
import {
  endJob,
  findJob,
  getOwners,
  isPaused,
  listCandidates,
  nextClaim,
  noteServed,
  requeue,
} from "./store.js";
import { retryLimit, type Turn, type Turns } from "./turns.js";

type Query = Database["query"];

export interface Claim {
  readonly record: JobRecord;
  readonly home: string;
  readonly turn: Turn;
}

/** Takes the turn of a job. If it is not there any more, the job gets a new one. */
async function takeTurn(turns: Turns, query: Query, id: string | null): Promise<Turn> {
  const turn = id === null ? undefined : await turns.take(id, await nextClaim(query));
  if (turn) return turn;
  if (id !== null) await turns.remove(id);
  const renewed = await turns.take(await turns.make(), await nextClaim(query));
  if (renewed) return renewed;
  throw new Error("pg-boss did not give out the turn that it had just accepted.");
}

/** Takes the next job for a worker. @returns undefined if there is none for it, or the queue is paused */
export function claimJob(context: QueueContext, worker: Worker): Promise<Claim | undefined> {
  return changeQueue(context, async (query) => {
    if (await isPaused(query)) return undefined;
    const candidates = await listCandidates(query, worker);
    if (candidates.length === 0) return undefined;
    const choice = chooseNext(candidates, await getOwners(query), new Set(worker.loaded()));
    if (!choice) return undefined;
    const { id, owner } = choice.job;
    const turn = await takeTurn(context.turns, query, candidates.find((job) => job.id === id)!.turn);
    if (choice.overtakes.length > 0)
      await query("UPDATE nishiki.job SET overtaken = overtaken + 1 WHERE id = ANY($1::text[])", [
        choice.overtakes.map((job) => job.id),
      ]);
    await noteServed(query, owner);
    const [row] = await query<JobRow>(
      `UPDATE nishiki.job SET state = 'running', turn = $2, run = $3, worker = $4, attempts = attempts + 1, skips = 0,
         started = coalesce(started, now()) WHERE id = $1 RETURNING ${jobColumns}`,
      [id, turn.id, turn.run, JSON.stringify(getOwnIdentity())],
    );
    return { record: row!.record, home: row!.home, turn };
  });
}

/** Whether a worker still has its job, or why not. */
export type Hold = "held" | "cancelled" | "paused" | "lost";

/** @returns also how often an image of the job was to be left out, since it was taken */
export async function checkHold(
  { database }: QueueContext,
  claim: Claim,
): Promise<{ readonly hold: Hold; readonly skips: number }> {
  const row = await findJob(database.query, claim.record.id);
  const skips = row?.skips ?? 0;
  if (row?.state === "cancelled" || row?.state === "paused") return { hold: row.state, skips };
  return { hold: row && holds(row, claim) ? "held" : "lost", skips };
}

const holds = (row: JobRow, { turn }: Claim) =>
  row.state === "running" && row.turn === turn.id && row.run === turn.run;

/** Changes a job that a worker still has. @returns false if it was cancelled, paused or given to another worker meanwhile */
function change(
  { database }: QueueContext,
  claim: Claim,
  work: (query: Query) => Promise<void>,
): Promise<boolean> {
  return database.transaction(async (query) => {
    const row = await findJob(query, claim.record.id, true);
    if (!row || !holds(row, claim)) return false;
    await work(query);
    return true;
  });
}

/** Ends a job as its worker says. An unfinished one goes to the end of the queue. */
export function settleJob(context: QueueContext, claim: Claim, outcome: Outcome): Promise<boolean> {
  const { state } = outcome;
  if (state === "unfinished") return giveBack(context, claim, true);
  return change(context, claim, async (query) => {
    if (!(await context.turns.complete(claim.turn))) await context.turns.remove(claim.turn.id);
    await endJob(query, claim.record.id, { ...outcome, state });
  });
}

/** Puts a job back into the queue. A run that ended well so far is no attempt that failed. */
export function giveBack(context: QueueContext, claim: Claim, atEnd = false): Promise<boolean> {
  return change(context, claim, async (query) => {
    await context.turns.remove(claim.turn.id);
    await requeue(query, claim.record.id, await context.turns.make(), { atEnd });
    await query("UPDATE nishiki.job SET attempts = attempts - 1 WHERE id = $1", [claim.record.id]);
  });
}

/** Gives a job that runs for very long a new turn. */
export async function renewTurn(context: QueueContext, claim: Claim): Promise<Claim> {
  let turn = claim.turn;
  await change(context, claim, async (query) => {
    await context.turns.remove(claim.turn.id);
    turn = await takeTurn(context.turns, query, null);
    await query("UPDATE nishiki.job SET turn = $2, run = $3 WHERE id = $1", [
      claim.record.id,
      turn.id,
      turn.run,
    ]);
  });
  return { ...claim, turn };
}

const givenUp = {
  code: "device",
  message: `The process that drew this ended without a word ${retryLimit + 1} times, so this job was given up.`,
  hint: "It may need more memory than there is: try a smaller size.",
  change: null,
};

/** Puts one job whose worker died back into the queue. @returns whether its state changed */
async function recover(
  { turns }: QueueContext,
  query: Query,
  id: string,
  mayBeAlive: boolean,
): Promise<boolean> {
  const row = await findJob(query, id, true);
  if (row?.state !== "running") return false;
  if (row.turn !== null && !mayBeAlive && (await turns.getState(row.turn)) === "taken")
    await turns.release(row.turn);
  const state = row.turn === null ? "gone" : await turns.getState(row.turn);
  if (state === "taken") return false;
  if (state === "given up") {
    await turns.remove(row.turn!);
    await endJob(query, id, { state: "failed", error: givenUp });
  } else {
    // The first time it goes on at once; after that it may be what kills workers, and others go first.
    const turn = state === "waiting" ? row.turn : await turns.make();
    await requeue(query, id, turn, { atEnd: row.attempts > 1 });
  }
  return true;
}

/**
 * Looks for jobs whose workers died: pg-boss knows by their heartbeat, and this machine's processes can be asked directly.
 * @param areAllDead At the start of a server with its own database, nobody else can be running a job.
 * @returns ids of the jobs whose state changed
 */
export async function recoverJobs(context: QueueContext, areAllDead = false): Promise<readonly string[]> {
  const running = await context.database.query<{ id: string; worker: string | null }>(
    "SELECT id, worker FROM nishiki.job WHERE state = 'running'",
  );
  const changed: string[] = [];
  for (const { id, worker } of running) {
    const identity = worker === null ? undefined : (JSON.parse(worker) as ProcessIdentity);
    const mayBeAlive = !areAllDead && (identity === undefined || isAlive(identity) !== false);
    if (await changeQueue(context, (query) => recover(context, query, id, mayBeAlive))) changed.push(id);
  }
  return changed;
}
