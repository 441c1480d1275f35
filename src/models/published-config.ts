// Reads a published network's config.json by a declaration: defaults are the reference library's, null counts
// as missing, irrelevant fields pass, and unsupported ones are refused by name.
import { type ActivationName, activations } from "../nn/index.js";
import { numberBetween, oneOf, parse, show, wholeNumber, z } from "../schema/index.js";

export type ConfigRecord = Readonly<Record<string, unknown>>;

/** Channels, heads, rows of a table; far beyond any existing network. */
export const count = wholeNumber(1, 1 << 20);
/** Repetitions: larger counts would exhaust memory before the mistake shows. */
export const repeats = wholeNumber(1, 200);
/** A number of values for each size of a network. */
export const counts = z.array(count).min(1).max(20).meta({ expected: "a list of whole numbers from 1" });
export const finite = numberBetween(-1e9, 1e9);
export const positive = z.number().gt(0).max(1e9).meta({ expected: "a number above 0" });
export const activation = oneOf(Object.keys(activations) as [ActivationName, ...ActivationName[]]);
/** A field that must be absent, because it would mean a different network. */
export const absent = z.never().optional().meta({ expected: "nothing" });

/** A whole number for all levels, or one per level. */
export const perLevel = (element: typeof count, expected: string) =>
  z.union([element, z.array(element).min(1).max(20)]).meta({ expected });

/** Gets the number of each level; undefined if the count does not match the levels. */
export function spread<T>(value: T | readonly T[], levels: number): readonly T[] | undefined {
  if (!Array.isArray(value)) return Array.from({ length: levels }, () => value as T);
  return value.length === levels ? value : undefined;
}

/** Reports a field that does not fit the others, with the expected value. */
export type Fault = (field: string, expected: string) => void;

/**
 * Declares a `config.json`.
 * @param network The config's `_class_name`: "AutoencoderKL".
 * @param check Reports fields that do not fit together, once each field is valid on its own.
 */
export function declareConfig<T extends z.core.$ZodShape>(
  network: string,
  shape: T,
  check: (config: z.output<z.ZodObject<T, z.core.$loose>>, fault: Fault) => void = () => {},
) {
  const schema = z.looseObject({ _class_name: z.literal(network).optional(), ...shape });
  return schema.superRefine((config, context) => {
    const values = config as Readonly<Record<string, unknown>>;
    check(config as never, (field, expected) =>
      context.addIssue({
        code: "custom",
        path: [field],
        message: `expected ${expected}, got ${show(values[field])}.`,
      }),
    );
  });
}

/** Reads a config by its declaration. @throws NishikiError "checkpoint" with all faults */
export function readConfig<T extends z.ZodType>(network: string, schema: T, json: ConfigRecord): z.output<T> {
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
  const given = isObject
    ? Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null))
    : json;
  return parse(schema, given, { name: "the config", code: "checkpoint", prefix: `${network} config: ` });
}
