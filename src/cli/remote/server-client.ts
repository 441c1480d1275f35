// Speaks to a running server over its native API.
import { setTimeout as wait } from "node:timers/promises";
import { type ErrorCode, NishikiError, quote } from "../../errors.js";
import type { ServerEvent } from "../../server/index.js";

/** Pauses before a broken connection is tried again, in milliseconds. */
const pauses = [200, 1000, 3000, 5000];

interface SendOptions extends Omit<RequestInit, "headers"> {
  /** Type of the body. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ServerClient {
  readonly #base: string;
  readonly #token: string | undefined;

  /**
   * @param link As the server prints it: with or without its token. The variable NISHIKI_TOKEN holds one too.
   * @throws NishikiError "usage" for what is no http address
   */
  constructor(link: string, env: Readonly<Record<string, string | undefined>> = process.env) {
    const text = /^[a-z]+:\/\//i.test(link) ? link : `http://${link}`;
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
      throw new NishikiError(
        "usage",
        `--server: expected an address such as http://127.0.0.1:7860, got ${quote(link)}.`,
      );
    const url = new URL(text);
    const inLink = new URLSearchParams(url.hash.slice(1)).get("token") ?? url.searchParams.get("token");
    this.#token = inLink || decodeURIComponent(url.password) || env.NISHIKI_TOKEN || undefined;
    this.#base = `${url.origin}${url.pathname.replace(/\/+$/, "")}/api/v1`;
  }

  /** Asks for JSON. @throws NishikiError with the server's own code and sentence */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const json = body === undefined ? {} : { body: JSON.stringify(body), type: "application/json" };
    return (await (await this.#send(method, path, json)).json()) as T;
  }

  /** Stores an image. @returns its id */
  async upload(bytes: Uint8Array, type: string): Promise<string> {
    const body = bytes as Uint8Array<ArrayBuffer>;
    return ((await (await this.#send("POST", "/uploads", { body, type })).json()) as { id: string }).id;
  }

  async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#send("GET", path)).arrayBuffer());
  }

  /** A job's events until it has ended or the signal fires; comes back where a connection broke. */
  async *follow(job: string, signal: AbortSignal): AsyncGenerator<ServerEvent, void, void> {
    let last: string | undefined;
    for (let broken = 0; !signal.aborted; broken++) {
      try {
        const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": last };
        const response = await this.#send("GET", `/jobs/${job}/events`, { headers, signal });
        for await (const { id, data } of readEvents(response)) {
          last = id ?? last;
          broken = 0;
          yield JSON.parse(data) as ServerEvent;
        }
      } catch (error) {
        if (signal.aborted) return;
        const isFinal = error instanceof NishikiError && error.code !== "file";
        if (isFinal || broken >= pauses.length) throw error;
      }
      await wait(pauses[Math.min(broken, pauses.length - 1)]);
    }
  }

  async #send(
    method: string,
    path: string,
    { type, headers = {}, ...rest }: SendOptions = {},
  ): Promise<Response> {
    const sent = {
      ...headers,
      ...(type !== undefined && { "content-type": type }),
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
    };
    const response = await fetch(`${this.#base}${path}`, { method, headers: sent, ...rest }).catch(
      (cause: unknown) => {
        throw new NishikiError("file", `There is no answer from ${this.#base}: ${describe(cause)}.`, {
          cause,
        });
      },
    );
    if (!response.ok) throw await this.#readError(response);
    return response;
  }

  async #readError(response: Response): Promise<NishikiError> {
    const text = await response.text().catch(() => "");
    const { code, message } = parseError(text) ?? {
      code: "internal",
      message: `${this.#base} answered ${response.status}; it does not seem to be a Nishiki server.`,
    };
    if (code === "token")
      return new NishikiError("usage", `${message} Give it in the address or as NISHIKI_TOKEN.`);
    return new NishikiError(toErrorCode(code), message);
  }
}

const describe = (error: unknown): string => {
  const { cause, message } = error as {
    readonly cause?: { code?: string; message?: string };
    message: string;
  };
  if (cause?.code === "ECONNREFUSED") return "nothing listens there; start it with: nishiki serve";
  return (cause?.message ?? message).replace(/\.$/, "");
};

function parseError(text: string): { readonly code: string; readonly message: string } | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.code === "string" && typeof error.message === "string")
      return { code: error.code, message: error.message };
  } catch {} // Not a server of ours.
  return undefined;
}

const known: readonly string[] = [
  "conflict",
  "data",
  "checkpoint",
  "device",
  "memory",
  "aborted",
  "internal",
];

/** The server's code as one of ours; what HTTP itself refuses is wrong use. */
export const toErrorCode = (code: string): ErrorCode =>
  known.includes(code) ? (code as ErrorCode) : code === "usage" || code === "not-found" ? "usage" : "file";

interface SentEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** Reads server-sent events. */
async function* readEvents(response: Response): AsyncGenerator<SentEvent, void, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of response.body!) {
    text += decoder.decode(part, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield { id: /^id: ?(.*)$/m.exec(block)?.[1], data };
    }
  }
}
