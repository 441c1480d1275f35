// Bodies of requests, read within limits. Nothing here trusts a length that a client claims.
import type { Context, MiddlewareHandler } from "hono";
import { showText } from "../../errors.js";
import type { HttpEnv } from "./environment.js";
import { refuse } from "./errors.js";
import { imageBodyBytes, jsonBytes, jsonDepth } from "./limits.js";

const showSize = (bytes: number) =>
  bytes >= 1024 * 1024 ? `${Math.floor(bytes / 1024 / 1024)} MB` : `${Math.floor(bytes / 1024)} kB`;

/** The type of a body without its parameters, in lower case; "" if there is none. */
export const getContentType = (c: Context) =>
  (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();

function refuseLarge(limit: number): never {
  // The rest of the body is not read, so the connection cannot serve another request.
  refuse(413, `The body is too large: at most ${showSize(limit)} are accepted.`, { Connection: "close" });
}

/** Reads a body of at most `limit` bytes. @throws HTTPException 413, 415 for a compressed body */
export async function readBytes(c: Context, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = c.req.header("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity")
    refuse(415, "Compressed bodies are not accepted: send the body without Content-Encoding.");
  if (Number(c.req.header("content-length") ?? 0) > limit) refuseLarge(limit);
  const { body } = c.req.raw;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    length += part.value.byteLength;
    if (length > limit) {
      void reader!.cancel().catch(() => {});
      refuseLarge(limit);
    }
    chunks.push(part.value);
  }
  return joinChunks(chunks, length);
}

function joinChunks(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

/** Whether JSON nests deeper than the limit. Looks at brackets only, so it also holds for text that is not JSON. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (inString) {
      if (character === 92) i++;
      else if (character === 34) inString = false;
    } else if (character === 34) inString = true;
    else if (character === 91 || character === 123) {
      if (++depth > jsonDepth) return true;
    } else if (character === 93 || character === 125) depth--;
  }
  return false;
}

/** Parses JSON text that a client sent. @throws HTTPException 400 */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) refuse(400, `The body nests deeper than ${jsonDepth} levels.`);
  try {
    return JSON.parse(text);
  } catch (error) {
    refuse(400, `The body is not JSON: ${showText((error as Error).message, { limit: 120 })}.`);
  }
}

/**
 * Reads a JSON body. The type must say JSON: browsers let any page send forms and plain text to any server, but ask the
 * server before they send JSON.
 *
 * @returns undefined if there is no body
 * @throws HTTPException 400, 413, 415
 */
export async function readJson(c: Context, { limit = jsonBytes } = {}): Promise<unknown> {
  const type = getContentType(c);
  if (type !== "" && type !== "application/json")
    refuse(415, `The body must be JSON, with the type application/json; got ${showText(type)}.`);
  const bytes = await readBytes(c, limit);
  if (bytes.byteLength === 0) return undefined;
  if (type === "") refuse(415, "The body needs its type: Content-Type: application/json.");
  return parseJson(decodeText(bytes));
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    refuse(400, "The body is not text in UTF-8.");
  }
}

/** Reads a form with files (multipart/form-data). @throws HTTPException 400, 413, 415 */
export async function readForm(c: Context, limit: number): Promise<FormData> {
  const type = getContentType(c);
  if (type !== "multipart/form-data")
    refuse(
      415,
      `The body must be a form, with the type multipart/form-data; got ${showText(type || "none")}.`,
    );
  const bytes = await readBytes(c, limit);
  try {
    return await new Response(bytes, {
      headers: { "content-type": c.req.header("content-type")! },
    }).formData();
  } catch {
    refuse(400, "The body is not a valid form: its parts do not match its boundary.");
  }
}

const bodyTypes = /^(application\/json|multipart\/form-data|application\/octet-stream|image\/[\w.+-]+)$/;

/**
 * Refuses bodies before anything reads them: those that are larger than any route takes, and the types that pages can send
 * to any server and programs have no use for here.
 */
export const checkBody: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const type = getContentType(c);
  if (type !== "" && !bodyTypes.test(type))
    refuse(415, `The body must be JSON, a form with files or an image; got ${showText(type)}.`);
  if (Number(c.req.header("content-length") ?? 0) > imageBodyBytes) refuseLarge(imageBodyBytes);
  await next();
};
