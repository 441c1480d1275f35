// JSON Schema of requests and load options: for OpenAPI documents, forms and editors.
import { type JsonSchema, toJsonSchema } from "../schema/index.js";
import { commonSettings, imageRequestSchema } from "./image-request.js";
import { loadOptionsSchema } from "./load-options.js";
import type { ImageSizes, RequestContext } from "./request-context.js";
import { formatSize } from "./request-values.js";

type Properties = Readonly<Record<string, JsonSchema>>;

/**
 * The JSON Schema of a request. Images may be any value, because their encoding depends on the protocol.
 * @param context A model's context; limits the schema to the settings it supports and adds its defaults and sizes.
 */
export function getRequestJsonSchema(context?: RequestContext): JsonSchema {
  const schema = toJsonSchema(imageRequestSchema, { title: "Image request" });
  if (!context) return schema;
  const takes: readonly string[] = [...commonSettings, ...context.takes];
  const properties = Object.entries(schema.properties as Properties).filter(([name]) => takes.includes(name));
  const defaults = getDefaults(context);
  const adapted = properties.map(([name, property]) => [
    name,
    {
      ...property,
      ...(defaults[name] !== undefined && { default: defaults[name] }),
      ...limits(name, context),
    },
  ]);
  return { ...schema, properties: Object.fromEntries(adapted) };
}

function getDefaults({ defaults, sizes }: RequestContext): Readonly<Record<string, unknown>> {
  const { steps, guidance, sampler, schedule, rng } = defaults;
  return { steps, guidance, sampler, schedule, rng, size: formatSize(sizes.usual) };
}

/** A model's size limits, which completeRequest enforces. */
function limits(name: string, { sizes }: RequestContext): JsonSchema {
  if (name !== "size") return {};
  const { range } = sizes;
  if (!range) return { examples: listSizes(sizes) };
  const side = { type: "integer", minimum: range.least, maximum: range.most, multipleOf: range.step };
  const properties = { width: side, height: side };
  const object = { type: "object", properties, required: ["width", "height"], additionalProperties: false };
  return { anyOf: [{ type: "string", pattern: "^\\d+(x\\d+)?$" }, object] };
}

const listSizes = ({ usual, enlarging }: ImageSizes) =>
  [1, ...(enlarging?.factors ?? [])].map((factor) => `${usual.width * factor}x${usual.height * factor}`);

/** The JSON Schema of load options. */
export function getLoadOptionsJsonSchema(): JsonSchema {
  return toJsonSchema(loadOptionsSchema, { title: "Load options" });
}
