// Reads the body of a request: JSON, or the multipart form that carries images. Fields of a form are text; each becomes the
// value that its parameter's declaration expects.
import type { Context } from "hono";
import { getOptions, getShape, isRecord, readText, type z } from "../../schema/index.js";
import { readForm, readJson } from "../http/body.js";
import { imageBodyBytes } from "../http/limits.js";
import { Refusal } from "./errors.js";

export interface Body {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Files by their field's name, without the "[]" of lists. */
  readonly files: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** Reads a JSON body. Fields that are null are left out. @throws Refusal, HTTPException */
export async function readJsonBody(c: Context): Promise<Body> {
  const value = await readJson(c);
  if (!isRecord(value)) throw new Refusal(400, "The body must be a JSON object.", { code: "invalid_json" });
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return { fields: Object.fromEntries(fields), files: new Map() };
}

/** Reads a multipart body. @param schema Declares the fields that are not files. @throws HTTPException */
export async function readFormBody(c: Context, schema: z.ZodObject): Promise<Body> {
  return sortForm(await readForm(c, imageBodyBytes), schema);
}

async function sortForm(form: FormData, schema: z.ZodObject): Promise<Body> {
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
    const field = schema && getFields(schema)?.[inner];
    const before = Object.hasOwn(fields, name) && isRecord(fields[name]) ? fields[name] : {};
    setOwn(fields, name, { ...before, [inner]: field ? readText(field, text) : text });
    return;
  }
  const value = schema ? readValue(schema, text) : text;
  const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
  // Also where one value is expected: the check then refuses the second.
  const isList = inner === "" || before !== undefined;
  const list = before === undefined ? [] : Array.isArray(before) ? before : [before];
  setOwn(fields, name, isList ? [...list, value] : value);
}

/** Sets a field even if it is called "__proto__". */
const setOwn = (object: object, name: string, value: unknown) =>
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });

/** The fields of an object, or of the alternative that is one. */
const getFields = (schema: z.core.$ZodType) =>
  getShape(schema) ??
  getOptions(schema)
    ?.map(getShape)
    .find((shape) => shape !== undefined);

/** The value of a text; objects may be given as JSON. */
function readValue(schema: z.core.$ZodType, text: string): unknown {
  if (getFields(schema) && /^\s*\{/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return readText(schema, text);
}
