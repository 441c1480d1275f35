import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Job } from "../api/index.js";
import { Drawings, type RequestIdentity } from "./drawings.js";

/** Jobs that were cancelled, by id. */
let cancelled: string[];
let drawings: Drawings;

beforeEach(() => {
  vi.useFakeTimers();
  cancelled = [];
  drawings = new Drawings({
    job: async () => undefined,
    jobs: async () => ({ jobs: [], next: null, paused: false }),
    cancelJob: async (id) => {
      cancelled.push(id);
      return undefined;
    },
  });
});
afterEach(() => vi.useRealTimers());

const identity = (retries: RequestIdentity["retries"], key?: string): RequestIdentity => ({
  fingerprint: "equal",
  key,
  retries,
});

let jobs = 0;
const start = (retries: RequestIdentity["retries"] = 0, key?: string) =>
  drawings.join(identity(retries, key), async () => ({ id: `job ${++jobs}` }) as Job);

describe("Drawings", () => {
  it("starts a drawing for each request that is no repetition", () => {
    expect(start(0)).not.toBe(start(0));
    expect(start("never")).not.toBe(start("never"));
  });

  it("joins a repetition to the drawing whose client was lost", () => {
    const lost = start();
    const other = start();
    drawings.watch(lost)(0);
    drawings.watch(other);
    expect(start(1)).toBe(lost);
  });

  it("joins it to the newest if no client is known to be lost, not to one that was answered", () => {
    const answered = start();
    drawings.watch(answered)(undefined);
    const running = start();
    drawings.watch(running);
    expect(start(1)).toBe(running);
  });

  it("cancels a drawing at once if its client does not repeat requests", async () => {
    drawings.watch(start("never"))("never");
    await vi.advanceTimersByTimeAsync(0);
    expect(cancelled).toEqual([`job ${jobs}`]);
  });

  it("waits for a repetition as long as the client may take", async () => {
    for (const [retries, seconds] of [
      [0, 2.5],
      [2, 4],
      [10, 10],
    ] as const) {
      cancelled = [];
      drawings.watch(start(0, `key ${retries}`))(retries);
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
      expect(cancelled).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(cancelled).toHaveLength(1);
    }
  });

  it("cancels nothing that another client waits for, or that was answered", async () => {
    const shared = start(0, "shared");
    const [first, second] = [drawings.watch(shared), drawings.watch(shared)];
    first("never");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(cancelled).toEqual([]);
    second(undefined);
    second("never");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(cancelled).toEqual([]);
  });

  it("starts anew after a drawing was cancelled or could not be made", async () => {
    const first = start(0, "key");
    drawings.watch(first)("never");
    expect(start(1, "key")).not.toBe(first);
    const failed = drawings.join(identity(0, "other"), () => Promise.reject(new Error("no")));
    await expect(failed.created).rejects.toThrow("no");
    expect(start(1, "other")).not.toBe(failed);
  });

  it("refuses another request with the same key", () => {
    start(0, "key");
    const other = { ...identity(0, "key"), fingerprint: "other" };
    expect(() => drawings.join(other, async () => ({}) as Job)).toThrow("Idempotency-Key");
  });
});
