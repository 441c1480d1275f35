// Server-sent events. The next event is taken only when the reader has room for it, so a slow reader costs a small buffer; if
// it falls too far behind, the application gives it the state of everything instead of the events that it missed.
import type { NumberedEvent, ServerEvent } from "../api/index.js";
import { eventBuffer, eventHeartbeat } from "./limits.js";

/** An event for one stream; without an id, a reader does not continue from it. */
export interface StreamedEvent {
  readonly id?: NumberedEvent["id"];
  readonly event: ServerEvent;
}

const encoder = new TextEncoder();

/** JSON has no line breaks, so one data line carries it. */
export const formatEvent = ({ id, event }: StreamedEvent): string =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;

export interface EventStreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called once when the stream has ended, whatever ended it. */
  readonly onEnd: () => void;
  /** Called with what the source of the events threw. */
  readonly onError: (error: unknown) => void;
}

/** Writes events to a stream until they end, the signal fires or the reader goes. */
export function makeEventStream(
  open: (signal: AbortSignal) => AsyncIterable<StreamedEvent>,
  { signal, onEnd, onError }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const stop = new AbortController();
  const events = open(stop.signal)[Symbol.asyncIterator]();
  let writer: ReadableStreamDefaultController<Uint8Array> | undefined;
  const write = (text: string) => writer?.enqueue(encoder.encode(text));
  const beat = setInterval(() => {
    if ((writer?.desiredSize ?? 0) > 0) write(": still here\n\n");
  }, eventHeartbeat);

  function end(): void {
    if (stop.signal.aborted) return;
    stop.abort();
    clearInterval(beat);
    signal.removeEventListener("abort", end);
    writer?.close();
    writer = undefined;
    // It may stand at an event that nobody takes any more, or still wait for one.
    void events.return?.().catch(() => {});
    onEnd();
  }

  const source: UnderlyingDefaultSource<Uint8Array> = {
    start(controller) {
      writer = controller;
      write("retry: 1000\n\n");
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    },
    // Called only while there is room: a slow reader leaves its events where all readers' events are.
    async pull() {
      try {
        const next = await events.next();
        if (next.done) end();
        else write(formatEvent(next.value));
      } catch (error) {
        if (!stop.signal.aborted) onError(error);
        end();
      }
    },
    cancel() {
      // A cancelled stream is closed already.
      writer = undefined;
      end();
    },
  };
  return new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: eventBuffer }));
}
