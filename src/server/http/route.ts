// A route is declared once: the router, the checks of its input and the OpenAPI document come from the declaration.
import { type Context, Hono } from "hono";
import { NishikiError, quote } from "../../errors.js";
import { getElement, getShape, parse, readText, z } from "../../schema/index.js";
import type { Application, Caller } from "../application.js";
import { getContentType, readBytes, readJson } from "./body.js";
import type { HttpEnv, NativeContext } from "./environment.js";
import { refuse } from "./errors.js";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** What a route is given. */
export interface RouteInput<Query, Body> {
  readonly c: Context<HttpEnv>;
  readonly application: Application;
  readonly context: NativeContext;
  readonly caller: Caller;
  /** The {id} of the path; "" if it has none. */
  readonly id: string;
  readonly query: Query;
  readonly body: Body;
}

/** What a route answers with under one status. */
export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Media types of an answer that is not JSON. */
  readonly types?: readonly string[];
}

/** A file as a body. */
export interface FileBody {
  readonly types: readonly string[];
  readonly limit: number;
}

export interface RouteDeclaration<Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method;
  /** Below /api/v1, such as "/jobs/{id}". */
  readonly path: string;
  readonly tag: string;
  /** What it does, in a few words: "Cancel a job". */
  readonly summary: string;
  readonly description?: string;
  readonly id?: z.ZodType;
  /** What the {id} names, for messages: "job". */
  readonly noun?: string;
  readonly query?: Q;
  /** A JSON body; left out: none, or {}. */
  readonly body?: B;
  readonly file?: FileBody;
  readonly answers: Readonly<Record<number, Answer>>;
  /** @returns undefined if the id is not known: 404 */
  handle(input: RouteInput<z.output<Q>, z.output<B>>): Promise<Response | undefined> | Response | undefined;
}

/** A route with its types erased. */
export interface Route extends Omit<RouteDeclaration<z.ZodType, z.ZodType>, "handle"> {
  handle(input: RouteInput<unknown, unknown>): Promise<Response | undefined> | Response | undefined;
}

/** Declares a route. */
export const route = <Q extends z.ZodType = z.ZodType<unknown>, B extends z.ZodType = z.ZodType<unknown>>(
  declaration: RouteDeclaration<Q, B>,
): Route => declaration as unknown as Route;

/** A body that says nothing. */
export const emptySchema = z.strictObject({});

/** Reads the query as the declaration's types. Lists are repeated parameters, or one with commas. */
function readQuery(c: Context, schema: z.ZodType): unknown {
  const shape = getShape(schema) ?? {};
  const entries = Object.entries(c.req.queries()).map(([name, texts]) => {
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const element = field && getElement(field);
    if (element)
      return [name, texts.flatMap((text) => text.split(",")).map((text) => readText(element, text))];
    if (texts.length > 1)
      throw new NishikiError("usage", `${quote(name)} is given ${texts.length} times; once is enough.`);
    return [name, field ? readText(field, texts[0]!) : texts[0]];
  });
  return parse(schema, Object.fromEntries(entries), { name: "the query", noun: "parameter" });
}

async function readBody(c: Context, { method, body, file }: Route): Promise<unknown> {
  if (method === "get") return undefined;
  if (!file) return parse(body ?? emptySchema, (await readJson(c)) ?? {}, { name: "the body" });
  const type = getContentType(c);
  if (!file.types.includes(type))
    refuse(415, `The body must have one of the types ${file.types.join(", ")}; got ${quote(type)}.`);
  return readBytes(c, file.limit);
}

const unknownId = (noun: string, id: string): never => refuse(404, `There is no ${noun} ${quote(id)}.`);

/** An id that cannot be one is not known; only where a client chooses the id is it an error of its own. */
function readId(c: Context, { id: schema, noun = "entry", method }: Route): string {
  const id = c.req.param("id") ?? "";
  if (!schema || schema.safeParse(id).success) return id;
  if (method === "put") parse(schema, id, { name: "the id" });
  return unknownId(noun, id);
}

/** Makes the router of some routes. */
export function mountRoutes(
  routes: readonly Route[],
  application: Application,
  context: NativeContext,
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const methods = new Map<string, string[]>();
  for (const each of routes) {
    const path = each.path.replace(/\{(\w+)\}/g, ":$1");
    methods.set(path, [...(methods.get(path) ?? []), each.method.toUpperCase()]);
    app.on(each.method, [path], async (c) => {
      const id = readId(c, each);
      const query = each.query ? readQuery(c, each.query) : readQuery(c, emptySchema);
      const body = await readBody(c, each);
      const response = await each.handle({
        c,
        application,
        context,
        caller: context.caller(c),
        id,
        query,
        body,
      });
      return response ?? unknownId(each.noun ?? "entry", id);
    });
  }
  for (const [path, known] of methods) {
    const allow = [...known, ...(known.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
    app.all(path, (c) => {
      if (c.req.method === "OPTIONS") return c.body(null, 204, { Allow: allow });
      return refuse(405, `${c.req.path} takes ${allow}, not ${quote(c.req.method)}.`, { Allow: allow });
    });
  }
  return app;
}
