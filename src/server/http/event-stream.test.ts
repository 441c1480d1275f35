import { afterEach, describe, expect, it, vi } from "vitest";
import type { ServerEvent } from "../api/index.js";
import { formatEvent, makeEventStream, type StreamedEvent } from "./event-stream.js";
import { eventBuffer } from "./limits.js";

const event = (text: string): ServerEvent => ({ kind: "warning", job: "one", message: text });

/** A stream over events that a test makes, and what became of it. */
function open(source: (signal: AbortSignal) => AsyncIterable<StreamedEvent>) {
  const closing = new AbortController();
  const seen = { ends: 0, errors: [] as unknown[] };
  const stream = makeEventStream(source, {
    signal: closing.signal,
    onEnd: () => seen.ends++,
    onError: (error) => seen.errors.push(error),
  });
  return { stream, closing, seen };
}

/** A source without events, which ends when the signal fires. */
async function* quiet(signal: AbortSignal): AsyncGenerator<StreamedEvent, void, void> {
  while (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  yield* [];
}

afterEach(() => void vi.useRealTimers());

describe("makeEventStream", () => {
  it("writes events with their ids, and ends when they do", async () => {
    const { stream, seen } = open(async function* () {
      yield { id: "a-1", event: event("two\nlines") };
      yield { event: event("no id") };
    });
    const text = await new Response(stream).text();
    expect(text).toBe(
      `retry: 1000\n\nid: a-1\nevent: warning\ndata: ${JSON.stringify(event("two\nlines"))}\n\n${formatEvent({ event: event("no id") })}`,
    );
    expect(seen).toEqual({ ends: 1, errors: [] });
  });

  it("takes no more events than a reader that has stopped reading has room for", async () => {
    let taken = 0;
    let isLeft = false;
    const { stream, seen } = open(async function* () {
      try {
        for (;;) {
          taken++;
          yield { event: event("x".repeat(1000)) };
        }
      } finally {
        isLeft = true;
      }
    });
    const reader = stream.getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = taken;
    expect(before).toBeLessThan(eventBuffer / 1000 + 5);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(taken).toBe(before);
    for (let i = 0; i < 200; i++) await reader.read();
    expect(taken).toBeGreaterThan(before);
    await reader.cancel();
    expect(seen.ends).toBe(1);
    await vi.waitFor(() => expect(isLeft).toBe(true));
  });

  it("ends when the reader goes, when the server closes, and when the source fails", async () => {
    const gone = open(quiet);
    await gone.stream.cancel();
    expect(gone.seen).toEqual({ ends: 1, errors: [] });
    const closed = open(quiet);
    const text = new Response(closed.stream).text();
    closed.closing.abort();
    expect(await text).toBe("retry: 1000\n\n");
    expect(closed.seen).toEqual({ ends: 1, errors: [] });
    const failed = open(async function* () {
      yield { event: event("one") };
      throw new Error("the source failed");
    });
    expect(await new Response(failed.stream).text()).toContain("one");
    expect(failed.seen.ends).toBe(1);
    expect(failed.seen.errors).toHaveLength(1);
  });

  it("is over at once on a server that is closing", async () => {
    const closing = new AbortController();
    closing.abort();
    let ends = 0;
    const options = { signal: closing.signal, onEnd: () => ends++, onError: () => {} };
    const stream = makeEventStream(quiet, options);
    expect(await new Response(stream).text()).toBe("retry: 1000\n\n");
    expect(ends).toBe(1);
  });

  it("shows every 15 seconds that it lives", async () => {
    vi.useFakeTimers();
    const { stream } = open(quiet);
    const reader = stream.getReader();
    await reader.read();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(new TextDecoder().decode((await reader.read()).value)).toMatch(/^: .+\n\n$/);
    await reader.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });
});
