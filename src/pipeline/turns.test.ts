import { describe, expect, it } from "vitest";
import { Turns } from "./turns.js";

const later = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("turns", () => {
  it("come one after another, and may be cancelled while they wait", async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = await turns.take(undefined, () => order.push("wait 1"));
    const cancelled = new AbortController();
    const second = turns.take(cancelled.signal, () => order.push("wait 2"));
    const third = turns
      .take(undefined, () => order.push("wait 3"))
      .then((turn) => {
        order.push("turn 3");
        turn.end();
      });
    cancelled.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    order.push("end 1");
    first.end();
    await third;
    expect(order).toEqual(["wait 2", "wait 3", "end 1", "turn 3"]);
    (await turns.take(undefined, () => order.push("wait 4"))).end();
    expect(order).not.toContain("wait 4");
  });

  it("stay with a request whose caller comes back at once", async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = await turns.take();
    const second = turns.take().then((turn) => {
      order.push("second");
      return turn;
    });
    for (let step = 0; step < 3; step++) {
      first.pause();
      await Promise.resolve();
      await first.resume();
      order.push(`step ${step}`);
    }
    first.end();
    (await second).end();
    expect(order).toEqual(["step 0", "step 1", "step 2", "second"]);
  });

  it("are lent by a request that is paused, and come back to it before those that came later", async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = await turns.take();
    first.pause();
    const second = await turns.take(); // would wait forever otherwise
    const third = turns.take().then((turn) => {
      order.push("third");
      turn.end();
    });
    const resumed = first.resume().then(() => order.push("first"));
    await later(1);
    expect(order).toEqual([]);
    second.end();
    await resumed;
    first.end();
    await third;
    expect(order).toEqual(["first", "third"]);
  });

  it("are lent at once by a request that was left some time ago", async () => {
    const turns = new Turns();
    (await turns.take()).pause();
    await later(300);
    let hasStarted = false;
    const second = turns.take().then((turn) => {
      hasStarted = true;
      return turn;
    });
    await Promise.resolve();
    await Promise.resolve();
    await later(0);
    expect(hasStarted).toBe(true);
    (await second).end();
  });

  it("may be cancelled while they are waited for again", async () => {
    const turns = new Turns();
    const first = await turns.take();
    first.pause();
    const second = await turns.take();
    const stop = new AbortController();
    const resumed = first.resume(stop.signal);
    stop.abort();
    await expect(resumed).rejects.toMatchObject({ code: "aborted" });
    first.end();
    second.end();
    (await turns.take()).end();
  });
});
