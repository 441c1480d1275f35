// The OpenAPI document, made from the routes' declarations.
import { getShape, isRecord, toJsonSchema, z } from "../../schema/index.js";
import {
  apiVersion,
  capabilitiesSchema,
  catalogueSchema,
  eventSchema,
  imagePageSchema,
  imageSchema,
  jobPageSchema,
  jobRequestSchema,
  jobSchema,
  modelSchema,
  moveSchema,
  progressSchema,
  uploadSchema,
} from "../api/index.js";
import type { Answer, Route } from "./route.js";

type Json = Readonly<Record<string, unknown>>;

const faultSchema = z.object({
  error: z.object({
    code: z.string().meta({ description: "stable, such as usage, not-found, conflict, token or origin" }),
    message: z.string().meta({ description: "what was expected, what came, and what cures it" }),
  }),
});

/** Declarations of what is sent that have a name in the document. */
const requests = { JobRequest: jobRequestSchema, Move: moveSchema };

/** Declarations of what is answered that have a name in the document. */
const responses = {
  Capabilities: capabilitiesSchema,
  Catalogue: catalogueSchema,
  Event: eventSchema,
  Fault: faultSchema,
  Image: imageSchema,
  ImagePage: imagePageSchema,
  Job: jobSchema,
  JobPage: jobPageSchema,
  Model: modelSchema,
  Progress: progressSchema,
  Upload: uploadSchema,
};

const refer = (name: string) => `#/components/schemas/${name}`;

const makeReferences = (schemas: Readonly<Record<string, z.ZodType>>) =>
  new Map(Object.entries(schemas).map(([name, schema]) => [schema, refer(name)] as const));

const references = { input: makeReferences(requests), output: makeReferences(responses) };

function writeOut(schema: z.ZodType, direction: "input" | "output"): Json {
  const { $schema: _, ...json } = toJsonSchema(schema, { direction, references: references[direction] });
  return direction === "output" ? (openObjects(json) as Json) : json;
}

/** Answers may get further fields one day, and clients must not stumble over them. */
function openObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(openObjects);
  if (!isRecord(value)) return value;
  const isClosed = value.additionalProperties === false;
  const entries = Object.entries(value).filter(([key]) => !(isClosed && key === "additionalProperties"));
  return Object.fromEntries(entries.map(([key, inner]) => [key, openObjects(inner)]));
}

/** A reference where the declaration has a name. */
function describeSchema(schema: z.ZodType, direction: "input" | "output"): Json {
  const reference = references[direction].get(schema);
  return reference === undefined ? writeOut(schema, direction) : { $ref: reference };
}

const jsonContent = (schema: Json) => ({ content: { "application/json": { schema } } });
const fileContent = (types: readonly string[]) => ({
  content: Object.fromEntries(types.map((type) => [type, {}])),
});

const describeAnswer = (status: number, { description, schema, types }: Answer): Json => ({
  description,
  ...(schema && jsonContent(describeSchema(schema, "output"))),
  ...(types && fileContent(types)),
  ...(status >= 400 && jsonContent({ $ref: refer("Fault") })),
});

/** The parameters of a route: the {id} of its path, and its query. */
function describeParameters({ id, noun, query }: Route): Json[] {
  const fields = Object.entries((query && getShape(query)) ?? {}) as [string, z.ZodType][];
  const path = id && { name: "id", in: "path", required: true, description: `id of the ${noun}` };
  return [
    ...(path ? [{ ...path, schema: describeSchema(id, "input") }] : []),
    ...fields.map(([name, field]) => {
      const { description, ...schema } = writeOut(field, "input");
      return {
        name,
        in: "query",
        required: false,
        ...(description !== undefined && { description }),
        schema,
      };
    }),
  ];
}

function describeBody({ method, body, file }: Route): Json {
  if (file) return { requestBody: { required: true, ...fileContent(file.types) } };
  if (!body || method === "get") return {};
  const isRequired = !body.safeParse({}).success;
  return { requestBody: { required: isRequired, ...jsonContent(describeSchema(body, "input")) } };
}

function describeRoute(route: Route): Json {
  const { method, tag, summary, description, answers, id, query, body, file } = route;
  const takesInput = id !== undefined || query !== undefined || body !== undefined || file !== undefined;
  const all: Record<string, Answer> = {
    ...answers,
    ...(takesInput && !answers[400] && { 400: { description: "a request that cannot be right" } }),
    ...(id && method !== "put" && { 404: { description: `there is no such ${route.noun}` } }),
  };
  return {
    operationId: getOperationId(route),
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    parameters: describeParameters(route),
    ...describeBody(route),
    responses: {
      ...Object.fromEntries(
        Object.entries(all).map(([status, answer]) => [status, describeAnswer(Number(status), answer)]),
      ),
      default: describeAnswer(500, {
        description: "an error: 401 without the token, 403 from other pages, …",
      }),
    },
  };
}

/** "postJobsIdCancel": what generators of clients call a route. */
const getOperationId = ({ method, path }: Route) =>
  method +
  path
    .split(/[^A-Za-z]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** Makes the document. */
export function makeOpenApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method] = describeRoute(route);
  }
  const schemas = [
    ...Object.entries(requests).map(([name, schema]) => [name, writeOut(schema, "input")]),
    ...Object.entries(responses).map(([name, schema]) => [name, writeOut(schema, "output")]),
  ];
  return {
    openapi: "3.1.0",
    info: {
      title: "Nishiki",
      version,
      description: "Text to images on your own machine: jobs, images, models and events.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `/api/${apiVersion}` }],
    security: [{}, { token: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        token: { type: "http", scheme: "bearer", description: "needed where the server has a token" },
      },
    },
  };
}
