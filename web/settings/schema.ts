// The settings form, from the JSON Schema of a request: a new setting of the server appears by itself.

/** What of JSON Schema the server uses. */
export interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly anyOf?: readonly Property[];
  readonly prefixItems?: readonly Property[];
  readonly properties?: Readonly<Record<string, Property>>;
  readonly required?: readonly string[];
}

export interface SettingsSchema extends Property {
  readonly properties: Readonly<Record<string, Property>>;
}

interface Common {
  /** Where it is in the request: ["variation", "strength"]. */
  readonly path: readonly string[];
  readonly description: string;
  readonly initial: unknown;
}

export type Field =
  | (Common & { readonly kind: "switch" })
  | (Common & { readonly kind: "choice"; readonly choices: readonly string[] })
  | (Common & {
      readonly kind: "number";
      readonly isWhole: boolean;
      readonly least: number | undefined;
      readonly most: number | undefined;
      readonly step: number;
    })
  | (Common & { readonly kind: "pair" })
  | (Common & { readonly kind: "text" })
  | (Common & {
      readonly kind: "group";
      readonly fields: readonly Field[];
      readonly required: readonly string[];
    });

/** Settings that have a place of their own on the page. */
const placedElsewhere = [
  ...["prompt", "negativePrompt", "seed", "count", "size", "init", "inpaint"],
  ...["styleReference", "layoutReference"],
];

/** Where the useful values of a setting end well below its limit. */
const usefulMost: Readonly<Record<string, number>> = { steps: 60, guidance: 15 };

/** The range of a setting's slider; undefined if it has no limits. */
export function getSliderRange({
  path,
  least,
  most,
}: Extract<Field, { kind: "number" }>): [number, number] | undefined {
  if (least === undefined || most === undefined) return undefined;
  return [least, Math.min(most, usefulMost[path.at(-1)!] ?? most)];
}

function getField(
  path: readonly string[],
  property: Property,
  names: Readonly<Record<string, readonly string[]>>,
): Field | undefined {
  const { type, description = "", default: initial, minimum: least, maximum: most } = property;
  const common = { path, description, initial };
  const known = names[path.at(-1)!];
  if (property.enum) return { ...common, kind: "choice", choices: property.enum };
  if (type === "string" && known && known.length > 0) return { ...common, kind: "choice", choices: known };
  if (type === "boolean") return { ...common, kind: "switch" };
  if (type === "integer")
    return { ...common, kind: "number", isWhole: true, least, most, step: property.multipleOf ?? 1 };
  if (type === "number") {
    const step = most !== undefined && most <= 2 ? 0.01 : 0.1;
    return { ...common, kind: "number", isWhole: false, least, most, step: property.multipleOf ?? step };
  }
  if (type === "object" && property.properties)
    return {
      ...common,
      kind: "group",
      fields: getFields(property, names, path),
      required: property.required ?? [],
    };
  if (property.anyOf?.some((one) => one.prefixItems?.length === 2)) return { ...common, kind: "pair" };
  if (type === "string" || property.anyOf?.some((one) => one.type === "string"))
    return { ...common, kind: "text" };
  return undefined;
}

/**
 * The form's fields, in the schema's order.
 * @param names The names that free texts may have: samplers, schedules.
 */
export function getFields(
  schema: Property,
  names: Readonly<Record<string, readonly string[]>> = {},
  path: readonly string[] = [],
): readonly Field[] {
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => path.length > 0 || !placedElsewhere.includes(name))
    .map(([name, property]) => getField([...path, name], property, names))
    .filter((field) => field !== undefined);
}

/** The value at a path; undefined if it is not set. */
export function getAt(settings: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    settings,
  );
}

/** A setting's value with a change inside it; a group without any value left is undefined. */
export function changeAt(value: unknown, path: readonly string[], change: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return change;
  const group = { ...(value as Record<string, unknown> | undefined) };
  const inner = changeAt(group[name], rest, change);
  if (inner === undefined) delete group[name];
  else group[name] = inner;
  return Object.keys(group).length === 0 ? undefined : group;
}

/** "guidanceRescale" → "Guidance rescale": for settings that have no name in the page's language yet. */
export function getPlainName(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
