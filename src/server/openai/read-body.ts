// Reads the body of a request: JSON, or the multipart form that carries images. Fields of a form are text; each becomes the
// value that its parameter's declaration expects.
import type { Context } from "hono";
import { getElement, getOptions, getShape, isRecord, readText, type z } from "../../schema/index.js";
import { Refusal } from "./errors.js";

export interface Body {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Files by their field's name, without the "[]" of lists. */
  readonly files: ReadonlyMap<string, readonly Uint8Array[]>;
}

const megabyte = 2 ** 20;

/** Bytes of all fields of a request that are not files. */
const fieldBytes = megabyte;

export interface BodyLimits {
  /** Bytes of all files together. */
  readonly fileBytes: number;
}

/** Reads a JSON body. @throws Refusal */
export async function readJsonBody(c: Context): Promise<Body> {
  const type = getType(c);
  if (type !== "application/json") refuseType("application/json", type);
  const text = new TextDecoder().decode(await readBytes(c, fieldBytes));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal(
      400,
      `The body is not valid JSON: ${reason}.`,
      { code: "invalid_json" },
      { cause: error },
    );
  }
  if (!isRecord(value))
    throw new Refusal(400, "Expected a JSON object as the body.", { code: "invalid_json" });
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return { fields: Object.fromEntries(fields), files: new Map() };
}

/** Reads a multipart body. @param schema Declares the fields that are not files. @throws Refusal */
export async function readFormBody(
  c: Context,
  schema: z.ZodObject,
  { fileBytes }: BodyLimits,
): Promise<Body> {
  const type = getType(c);
  if (type !== "multipart/form-data") refuseType("multipart/form-data", type);
  const bytes = await readBytes(c, fileBytes + fieldBytes);
  const headers = { "content-type": c.req.header("content-type")! };
  let form: FormData;
  try {
    form = await new Response(bytes, { headers }).formData();
  } catch (error) {
    const how = "each part between lines of the boundary that Content-Type names";
    throw new Refusal(400, `The body is not a valid multipart form: expected ${how}.`, {}, { cause: error });
  }
  return readForm(form, schema);
}

const getType = (c: Context) => (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();

function refuseType(expected: string, type: string): never {
  const got = type === "" ? "none" : JSON.stringify(type.slice(0, 80));
  throw new Refusal(415, `Expected a body of type ${expected}, got ${got}.`, {
    code: "unsupported_content_type",
  });
}

/** Reads the whole body, and stops at once where it is larger than allowed. */
async function readBytes(c: Context, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new Refusal(413, `The body is larger than ${Math.floor(most / megabyte)} MB, the limit.`, {
      code: "too_large",
    });
  if (Number(c.req.header("content-length") ?? 0) > most) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Through the raw stream, so that a body without a length is measured while it arrives.
  for await (const chunk of c.req.raw.body ?? []) {
    length += chunk.length;
    if (length > most) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function readForm(form: FormData, schema: z.ZodObject): Promise<Body> {
  const fields: Record<string, unknown> = {};
  const files = new Map<string, Uint8Array[]>();
  const shape = getShape(schema)!;
  for (const [key, value] of form.entries()) {
    const [, name = key, inner] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(key) ?? [];
    if (typeof value !== "string") {
      const bytes = new Uint8Array(await value.arrayBuffer());
      files.set(name, [...(files.get(name) ?? []), bytes]);
    } else if (value !== "null" || name === "prompt")
      // Forms cannot hold null: clients send the word.
      addField(fields, Object.hasOwn(shape, name) ? shape[name] : undefined, { name, inner, text: value });
  }
  return { fields, files };
}

/** Adds `name`, `name[]` of a list or `name[inner]` of an object. */
function addField(
  fields: Record<string, unknown>,
  schema: z.core.$ZodType | undefined,
  { name, inner, text }: { readonly name: string; readonly inner: string | undefined; readonly text: string },
): void {
  if (inner) {
    const field = schema && getShape(schema)?.[inner];
    const before = Object.hasOwn(fields, name) && isRecord(fields[name]) ? fields[name] : {};
    setOwn(fields, name, { ...before, [inner]: field ? readText(field, text) : text });
    return;
  }
  const value = schema ? readValue(schema, text) : text;
  const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
  const isList = inner === "" || (before !== undefined && schema !== undefined && takesList(schema));
  const list = before === undefined ? [] : Array.isArray(before) ? before : [before];
  setOwn(fields, name, isList ? [...list, value] : value);
}

/** Sets a field even if it is called "__proto__". */
const setOwn = (object: object, name: string, value: unknown) =>
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });

const takesList = (schema: z.core.$ZodType) =>
  getElement(schema) !== undefined ||
  (getOptions(schema) ?? []).some((option) => getElement(option) !== undefined);

/** The value of a text; objects may be given as JSON. */
function readValue(schema: z.core.$ZodType, text: string): unknown {
  if (getShape(schema) && /^\s*\{/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return readText(schema, text);
}
