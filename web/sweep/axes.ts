// What a sweep can vary: every setting that the model takes, the model itself, its size, and words of the prompt. From the
// JSON Schema that the server gives for the model, so that a new setting appears here by itself.
import type { AxisType } from "./values.js";

export interface Axis {
  /** Path in the request, such as "steps" or "init.strength"; or "model", or "prompt" for search and replace. */
  readonly path: string;
  readonly type: AxisType;
  /** How dear a change is: axes with a higher cost change more rarely. */
  readonly cost: number;
}

type Schema = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const numberOf = (value: unknown) => (typeof value === "number" ? value : undefined);

/** Settings that mean nothing as an axis: texts and images have their own, the count is the grid's. */
const left = new Set([
  "prompt",
  "count",
  "init.image",
  "inpaint.mask",
  "inpaint.extend",
  "inpaint.pasteBack",
]);

/** A changed model must be loaded; a changed network or size must be prepared; the others are free. */
const costs: Readonly<Record<string, number>> = { model: 100, fast: 20, size: 10, upscale: 5, seamless: 5 };

function typeOf(path: string, schema: Schema): AxisType | undefined {
  if (path === "size") return { kind: "size" };
  if (path === "negativePrompt") return { kind: "text" };
  if (Array.isArray(schema.enum))
    return { kind: "choice", choices: schema.enum.filter((choice) => typeof choice === "string") };
  const { type } = schema;
  if (type === "boolean") return { kind: "flag" };
  if (type === "integer" || type === "number")
    return {
      kind: "number",
      isWhole: type === "integer",
      least: numberOf(schema.minimum),
      most: numberOf(schema.maximum),
    };
  return undefined;
}

/**
 * The axes of a model.
 * @param schema JSON Schema of its requests.
 * @param choices Names for settings whose schema is only a text, such as samplers.
 */
export function getAxes(
  schema: Schema,
  choices: Readonly<Record<string, readonly string[]>>,
  models: readonly string[],
): readonly Axis[] {
  const axes: Axis[] = [{ path: "prompt", type: { kind: "replace" }, cost: 1 }];
  const visit = (properties: unknown, prefix: string) => {
    if (!isRecord(properties)) return;
    for (const [name, property] of Object.entries(properties)) {
      const path = `${prefix}${name}`;
      if (left.has(path) || !isRecord(property)) continue;
      const listed = choices[path];
      const type = listed ? ({ kind: "choice", choices: listed } as const) : typeOf(path, property);
      if (type) axes.push({ path, type, cost: costs[path] ?? 0 });
      else visit(property.properties, `${path}.`);
    }
  };
  visit(schema.properties, "");
  if (models.length > 1)
    axes.push({ path: "model", type: { kind: "choice", choices: models }, cost: costs.model! });
  return axes;
}
