// Reading a published network's config.json: defaults are the reference library's, null means not given, and what this
// program cannot do is refused by name.
import { NishikiError } from "../errors.js";

export type ConfigRecord = Readonly<Record<string, unknown>>;

/** Reads the fields of one config; every fault is a NishikiError "checkpoint" that names network and field. */
export class ConfigReader {
  private readonly network: string;
  private readonly json: ConfigRecord;

  /** @param network How the network is called in messages and in the config's `_class_name`: "AutoencoderKL". */
  constructor(network: string, json: ConfigRecord) {
    this.network = network;
    this.json = json;
    this.only("_class_name", [network]);
  }

  /** An error about a field: what was expected, and what came. */
  reject(field: string, expected: string): NishikiError {
    const came = JSON.stringify(this.json[field]) ?? "nothing";
    return new NishikiError(
      "checkpoint",
      `${this.network} config: ${field}: expected ${expected}, got ${came}.`,
    );
  }

  /** Whether the field is there and not null. */
  has(field: string): boolean {
    return this.json[field] !== undefined && this.json[field] !== null;
  }

  private read<T>(field: string, fallback: T, expected: string, check: (value: unknown) => value is T): T {
    if (!this.has(field)) return fallback;
    const value = this.json[field];
    if (!check(value)) throw this.reject(field, expected);
    return value;
  }

  /** A whole number from 1. */
  count(field: string, fallback: number): number {
    return this.read(field, fallback, "a whole number from 1", isCount);
  }

  /** How many times something is repeated: what is beyond all networks would fill the memory before it is found wrong. */
  repeats(field: string, fallback: number): number {
    return this.read(field, fallback, `a whole number from 1 to ${mostRepeats}`, isRepeat);
  }

  number(field: string, fallback: number): number {
    return this.read(field, fallback, "a number", isNumber);
  }

  /** A number above 0. */
  positive(field: string, fallback: number): number {
    return this.read(
      field,
      fallback,
      "a number above 0",
      (value): value is number => isNumber(value) && value > 0,
    );
  }

  flag(field: string, fallback: boolean): boolean {
    return this.read(field, fallback, "true or false", (value) => typeof value === "boolean");
  }

  /** One of the names of `choices`. */
  choice<T extends string>(field: string, fallback: T, choices: readonly T[]): T {
    const isChoice = (value: unknown): value is T => choices.some((choice) => choice === value);
    return this.read(field, fallback, `one of ${choices.join(", ")}`, isChoice);
  }

  /** Whole numbers from 1, at least one of them. */
  counts(field: string, fallback: readonly number[]): readonly number[] {
    return this.read(field, fallback, "a list of whole numbers from 1", (value) => isList(value, isCount));
  }

  /** A whole number from 1 for every level, or one for all; of repeated parts see {@link repeats}. */
  perLevel(field: string, fallback: number, levels: number, isRepeated = false): readonly number[] {
    const check = isRepeated ? isRepeat : isCount;
    const value = this.read<unknown>(field, fallback, "", (_): _ is unknown => true);
    const list = check(value) ? Array.from({ length: levels }, () => value) : value;
    if (isList(list, check) && list.length === levels) return list;
    throw this.reject(
      field,
      `a whole number from 1${isRepeated ? ` to ${mostRepeats}` : ""}, or ${levels} of them`,
    );
  }

  /** Names out of `choices`. */
  names<T extends string>(field: string, choices: readonly T[], fallback: readonly string[]): readonly T[] {
    const isChoice = (value: unknown): value is T => choices.some((choice) => choice === value);
    const expected = `a list of ${choices.join(", ")}`;
    return this.read(field, fallback as readonly T[], expected, (value): value is readonly T[] =>
      isList(value, isChoice),
    );
  }

  /** Numbers; undefined where the field is not given. */
  numbers(field: string): readonly number[] | undefined {
    return this.read(field, undefined, "a list of numbers", (value): value is readonly number[] =>
      isList(value, isNumber),
    );
  }

  /** Refuses a field with a value that is not among those that this program can do. */
  only(field: string, allowed: readonly (string | number | boolean)[]): void {
    if (this.has(field) && !allowed.includes(this.json[field] as string)) {
      throw this.reject(field, allowed.map((value) => JSON.stringify(value)).join(" or "));
    }
  }

  /** Refuses a list with another entry than `entry`, or another length. */
  allOf(field: string, entry: string, length: number): void {
    if (!this.has(field)) return;
    const isEntry = (value: unknown): value is string => value === entry;
    const value = this.json[field];
    if (!isList(value, isEntry) || value.length !== length) {
      throw this.reject(field, `${length} times ${JSON.stringify(entry)}`);
    }
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

const mostRepeats = 200;

function isRepeat(value: unknown): value is number {
  return isCount(value) && value <= mostRepeats;
}

function isList<T>(value: unknown, check: (entry: unknown) => entry is T): value is readonly T[] {
  return Array.isArray(value) && value.length > 0 && value.every(check);
}
