// Command-line options out of the request schema's tables, so that flags, help and defaults are written once.
import { type Command, Option } from "commander";
import { type Field, valueOfText } from "../pipeline/index.js";

type AnyField = Pick<Field<unknown, never>, "flag" | "numeric" | "repeatable" | "help" | "fallbackWords">;
type Table = Readonly<Record<string, AnyField>>;

/** Adds an option for every field that has a flag. */
export function addSettingOptions(command: Command, table: Table, names = Object.keys(table)): Command {
  for (const name of names) {
    const field = table[name]!;
    if (!field.flag) continue;
    const words = field.fallbackWords === undefined ? "" : ` (default: ${field.fallbackWords})`;
    const option = new Option(field.flag, `${field.help}${words}`);
    // An option without a value is a switch.
    command.addOption(
      field.flag.includes("<")
        ? option.argParser((text: string, before: unknown) => {
            const value = valueOfText(field, text);
            return field.repeatable ? [...(Array.isArray(before) ? before : []), value] : value;
          })
        : option,
    );
  }
  return command;
}

/** The values of a table's fields among a command's options. What was not given is left out. */
export function pickSettings(
  options: Readonly<Record<string, unknown>>,
  table: Table,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(table)
      .filter((name) => options[name] !== undefined)
      .map((name) => [name, options[name]]),
  );
}
