// The token that a server beyond loopback needs. Programs send it as a bearer or as the password of Basic; the page sends it
// once and gets a cookie for it, since image tags and event streams cannot send headers. Never part of a URL that is sent.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { NishikiError } from "../../errors.js";
import { type AddressReader, getNetwork } from "./address.js";
import type { HttpEnv } from "./environment.js";
import { refuse } from "./errors.js";

/** Makes a token with 144 random bits. */
export const makeToken = () => randomBytes(18).toString("base64url");

/** @throws NishikiError "usage" for a token that could be guessed, or that no header can carry */
export function checkToken(token: string): void {
  if (!/^[\x21-\x7e]{12,200}$/.test(token))
    throw new NishikiError(
      "usage",
      `token: expected 12 to 200 letters, digits and signs without spaces, got ${token.length} characters.`,
    );
}

const hash = (text: string) => createHash("sha256").update(text).digest();

/** Compares in constant time. */
const isEqual = (a: string, b: string) => timingSafeEqual(hash(a), hash(b));

/** Wrong tokens that one address may send within the window before it has to wait. */
const mostAttempts = 10;
const windowSeconds = 60;
const mostAddresses = 10_000;

/** Counts wrong tokens by address. */
export class Attempts {
  readonly #counts = new Map<string, { count: number; until: number }>();

  /** Seconds that an address has to wait; 0 if it may try. */
  wait(address: string, now = Date.now()): number {
    const entry = this.#counts.get(address);
    if (!entry || entry.until <= now || entry.count < mostAttempts) return 0;
    return Math.ceil((entry.until - now) / 1000);
  }

  add(address: string, now = Date.now()): void {
    const entry = this.#counts.get(address);
    if (entry && entry.until > now) {
      entry.count++;
      return;
    }
    this.#counts.delete(address);
    this.#counts.set(address, { count: 1, until: now + windowSeconds * 1000 });
    // The oldest goes: the map keeps the order of insertion.
    if (this.#counts.size > mostAddresses) this.#counts.delete(this.#counts.keys().next().value!);
  }
}

/** Reads the token from the header Authorization. */
function readAuthorization(header: string | undefined): string | undefined {
  const [, scheme = "", value = ""] = /^\s*([A-Za-z]+)\s+(\S+)\s*$/.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : pair;
}

/** Checks tokens and hands out cookies. */
export class Gate {
  readonly #token: string;
  readonly #getAddress: AddressReader;
  readonly #attempts = new Attempts();

  /** @throws NishikiError "usage" for a token that cannot be right */
  constructor(token: string, getAddress: AddressReader) {
    checkToken(token);
    this.#token = token;
    this.#getAddress = getAddress;
  }

  /** Cookies of one host go to all its ports: the name tells servers apart, and the value is not the token itself. */
  #cookie(c: Context): { readonly name: string; readonly value: string } {
    const port = /:(\d+)$/.exec(c.req.header("host") ?? "")?.[1] ?? "";
    return {
      name: `nishiki${port}`,
      value: createHmac("sha256", this.#token).update("nishiki page").digest("base64url"),
    };
  }

  #refuse(c: Context<HttpEnv>, message: string): never {
    // A browser that is asked for Basic shows a dialogue of its own, which the page does not want.
    const scheme = c.req.path.startsWith("/sdapi/") ? 'Basic realm="Nishiki"' : 'Bearer realm="Nishiki"';
    refuse(401, message, { "WWW-Authenticate": scheme });
  }

  /** @throws HTTPException 401, or 429 after many wrong tokens */
  #check(c: Context<HttpEnv>, token: string): void {
    const network = getNetwork(this.#getAddress(c));
    const seconds = this.#attempts.wait(network);
    if (seconds > 0)
      refuse(429, `Too many wrong tokens: wait ${seconds} seconds.`, { "Retry-After": String(seconds) });
    if (isEqual(token, this.#token)) return;
    this.#attempts.add(network);
    this.#refuse(c, "The token is wrong. The server printed the right one when it started.");
  }

  /** Lets requests with the token or its cookie pass. */
  guard(): MiddlewareHandler<HttpEnv> {
    return async (c, next) => {
      const token = readAuthorization(c.req.header("authorization"));
      if (token !== undefined) this.#check(c, token);
      else {
        const { name, value } = this.#cookie(c);
        const cookie = getCookie(c, name);
        if (cookie === undefined || !isEqual(cookie, value))
          this.#refuse(
            c,
            "This server needs its token: Authorization: Bearer and the token that it printed.",
          );
      }
      await next();
    };
  }

  /** Gives the page a cookie for the token. @throws HTTPException 401, 429 */
  signIn(c: Context<HttpEnv>, token: string): void {
    this.#check(c, token);
    const { name, value } = this.#cookie(c);
    const secure = c.req.header("origin")?.startsWith("https:") ?? false;
    setCookie(c, name, value, { httpOnly: true, sameSite: "Strict", path: "/", maxAge: 30 * 86_400, secure });
  }
}
