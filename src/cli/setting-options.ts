// Command-line options out of declarations, so that options, help and defaults are written once.
import { type Command, Option } from "commander";
import { type FieldDescription, getEntries, getMeta, listFields, readText, type z } from "../schema/index.js";

type Schema = z.core.$ZodType;

/** The fields of a declaration that have an option, by their paths: "init.strength". */
const listOptions = (schema: Schema) =>
  listFields(schema).filter(
    (field): field is FieldDescription & { flag: string } => field.flag !== undefined,
  );

/** Whether an option switches off what is on by default. */
const isNegated = (flag: string) => /(^|\s)--no-/.test(flag);

/** What an option's text is read as; texts of an option that may be repeated are a list. */
function parserOf({ schema }: FieldDescription) {
  const element = getEntries(schema);
  return (text: string, before: unknown) =>
    element ? [...(Array.isArray(before) ? before : []), readText(element, text)] : readText(schema, text);
}

/**
 * Adds an option for every field that has a flag.
 * @param paths Which fields; left out, all of them.
 */
export function addSettingOptions(command: Command, schema: Schema, paths?: readonly string[]): Command {
  for (const field of listOptions(schema)) {
    if (paths && !paths.includes(field.path)) continue;
    const { flag, description, defaultText } = field;
    const words = defaultText === undefined ? "" : ` (default: ${defaultText})`;
    const negated = isNegated(flag) ? "do not " : "";
    const add = (option: Option) =>
      // An option without a value is a switch.
      command.addOption(option.flags.includes("<") ? option.argParser(parserOf(field)) : option);
    add(new Option(flag, `${negated}${description}${words}`));
    for (const alias of aliasesOf(field)) add(new Option(alias, description).hideHelp());
  }
  return command;
}

/** Other names of an option, with the same value behind them. */
function aliasesOf({ schema, flag }: FieldDescription & { flag: string }): string[] {
  const value = /<.*>/.exec(flag)?.[0];
  const aliases = getMeta(schema, "aliases") ?? [];
  return aliases.map((alias) => (value === undefined || alias.includes("<") ? alias : `${alias} ${value}`));
}

/** The values of a declaration's fields among a command's options, in their groups. What was not given is left out. */
export function pickSettings(
  options: Readonly<Record<string, unknown>>,
  schema: Schema,
  paths?: readonly string[],
): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const field of listOptions(schema)) {
    if (paths && !paths.includes(field.path)) continue;
    const names = [field.flag, ...aliasesOf(field)].map((flag) => new Option(flag).attributeName());
    const name = names.find((each) => options[each] !== undefined);
    // An option "--no-…" that is not given has the value true.
    if (name === undefined || (isNegated(field.flag) && options[name] !== false)) continue;
    setAt(settings, field.path.split("."), options[name]);
  }
  return settings;
}

/**
 * A message about settings in the words of the command line, where a setting's option has another name:
 * "init.image" is "--image", and the group "inpaint" is "--mask, --extend or --no-paste-back".
 */
export function nameOptions(message: string, schema: Schema): string {
  const options = listOptions(schema).map(({ path, flag }) => ({ path, option: /--[\w-]+/.exec(flag)![0] }));
  const renamed = options.filter(({ path, option }) => option !== `--${path}`);
  const named = renamed.reduce(
    (text, { path, option }) =>
      text.replace(new RegExp(`(^|[ (])${path.replace(".", "\\.")}(?=[ ,:.)])`, "gm"), `$1${option}`),
    message,
  );
  return named.replace(/^(\w+)(?=: )/gm, (group) => {
    const inside = options.filter(({ path }) => path.startsWith(`${group}.`)).map(({ option }) => option);
    return inside.join(", ").replace(/, (?=[^,]*$)/, " or ") || group;
  });
}

function setAt(settings: Record<string, unknown>, [first, ...rest]: readonly string[], value: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) settings[first] = value;
  else {
    const group = (settings[first] ?? {}) as Record<string, unknown>;
    settings[first] = group;
    setAt(group, rest, value);
  }
}
