import { describe, expect, it } from "vitest";
import type { NumberedEvent, ServerEvent } from "../api/index.js";
import { EventHub } from "./hub.js";

const warn = (message: string, job = "a"): ServerEvent => ({ kind: "warning", job, message });
const state: readonly ServerEvent[] = [{ kind: "queue", paused: false, order: [] }];

const open = (kept = 3) => new EventHub({ state: async () => state, kept, epoch: "now" });

/** Takes some events, then leaves. */
async function take(
  hub: EventHub,
  count: number,
  options: { readonly after?: string; readonly job?: string } = {},
): Promise<string[]> {
  const stop = new AbortController();
  const events: NumberedEvent[] = [];
  if (count === 0) return [];
  for await (const event of hub.subscribe({ ...options, signal: stop.signal })) {
    events.push(event);
    if (events.length === count) stop.abort();
  }
  return events.map(({ id, event }) => `${id} ${event.kind === "warning" ? event.message : event.kind}`);
}

describe("EventHub", () => {
  it("numbers events, from now on for a new client", async () => {
    const hub = open();
    hub.publish(warn("before"));
    const events = take(hub, 2);
    await Promise.resolve();
    hub.publish(warn("one"));
    hub.publish(warn("two"));
    expect(await events).toEqual(["now-2 one", "now-3 two"]);
  });

  it("replays what a client missed, and only a job's events if asked", async () => {
    const hub = open();
    for (const [message, job] of [
      ["one", "a"],
      ["two", "b"],
      ["three", "a"],
    ] as const)
      hub.publish(warn(message, job));
    expect(await take(hub, 2, { after: "now-1" })).toEqual(["now-2 two", "now-3 three"]);
    expect(await take(hub, 2, { after: "now-0", job: "a" })).toEqual(["now-1 one", "now-3 three"]);
  });

  it("repeats the state for ids that are too old, of another start, or none of its own", async () => {
    const hub = open();
    for (let i = 1; i <= 20; i++) hub.publish(warn(String(i)));
    for (const after of ["now-2", "earlier-20", "now-21", "now-x", "", "now-99999999999999999"])
      expect(await take(hub, 1, { after })).toEqual(["now-20 queue"]);
    expect(await take(hub, 1, { after: "now-19" })).toEqual(["now-20 20"]);
  });

  it("gives a client that is too slow the state instead of all that it missed, and goes on from there", async () => {
    const hub = open();
    const stop = new AbortController();
    const events = hub.subscribe({ signal: stop.signal, after: "now-0" });
    hub.publish(warn("1"));
    expect((await events.next()).value).toMatchObject({ id: "now-1" });
    for (let i = 2; i <= 20; i++) hub.publish(warn(String(i)));
    expect((await events.next()).value).toMatchObject({ id: "now-20", event: { kind: "queue" } });
    hub.publish(warn("21"));
    expect((await events.next()).value).toMatchObject({ id: "now-21" });
    stop.abort();
    expect((await events.next()).done).toBe(true);
  });

  it("ends waiting clients when the signal fires, and all when it closes", async () => {
    const hub = open();
    const stop = new AbortController();
    const [one, other] = [
      hub.subscribe({ signal: stop.signal }),
      hub.subscribe({ signal: new AbortController().signal }),
    ];
    const ends = [one.next(), other.next()];
    stop.abort();
    expect((await ends[0]!).done).toBe(true);
    hub.close();
    expect((await ends[1]!).done).toBe(true);
  });
});
