// The text under the key `parameters` that stable-diffusion-webui puts into its images, and that most programs and
// image sites read:
//
//     blue cat against a sunset background
//     Negative prompt: blurry
//     Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Model: "a, b"
//
// The format cannot hold everything: a line of a prompt that begins with "Negative prompt:" starts the negative prompt
// for every reader, and white space at the ends of lines is lost. What must be exact is in the receipt.

import { NishikiError } from "../errors.js";

/** An image's parameters: prompts, and the named values of the last line in their order. */
export interface ImageParameters {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What is written; fields that are undefined or empty are left out. */
export interface ParametersToWrite {
  readonly prompt: string;
  readonly negativePrompt?: string;
  readonly fields: Readonly<Record<string, string | number | undefined>>;
}

const NEGATIVE = "Negative prompt:";
const FIELD_NAME = /^\w[\w \-/]*\w$/u;

function quoteValue(value: string): string {
  const isPlain = !/[,:\n\r]/.test(value) && !/^["[{]/.test(value) && value.trim() === value;
  return isPlain ? value : JSON.stringify(value);
}

/**
 * Writes the text. A value that holds a comma, a colon or a line break is quoted as JSON.
 *
 * Readers take the last line for fields only where it has three or more (or begins with "Steps:"), so write that many.
 *
 * @throws NishikiError `usage` for a field name that readers would not recognise
 */
export function formatParameters({ prompt, negativePrompt, fields }: ParametersToWrite): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === "") continue;
    if (!FIELD_NAME.test(name)) {
      throw new NishikiError(
        "usage",
        `"${name}" cannot name a parameter: use two or more letters, digits, spaces, "-" and "/".`,
      );
    }
    parts.push(`${name}: ${quoteValue(String(value))}`);
  }
  const lines = [prompt];
  if (negativePrompt) lines.push(`${NEGATIVE} ${negativePrompt}`);
  lines.push(parts.join(", "));
  return lines.join("\n");
}

/** Reads the text, from whatever program; a text without fields or negative prompt is all prompt. */
export function parseParameters(text: string): ImageParameters {
  const lines = text.replaceAll("\r\n", "\n").trim().split("\n");
  const fields = readFields(lines.at(-1) ?? "");
  if (fields) lines.pop();
  const prompt: string[] = [];
  const negative: string[] = [];
  let isNegative = false;
  for (const line of lines.map((raw) => raw.trim())) {
    if (line.startsWith(NEGATIVE)) {
      isNegative = true;
      const first = line.slice(NEGATIVE.length).trim();
      if (first) negative.push(first);
    } else (isNegative ? negative : prompt).push(line);
  }
  return { prompt: prompt.join("\n"), negativePrompt: negative.join("\n"), fields: fields ?? {} };
}

/** The fields of a line, or undefined where it is no line of fields but a part of a prompt. */
function readFields(line: string): Record<string, string> | undefined {
  const fields = new Map<string, string>();
  const name = /\s*(\w[\w \-/]*\w)\s*:\s*/uy;
  let position = 0;
  while (position < line.length) {
    name.lastIndex = position;
    const match = name.exec(line);
    if (!match) {
      // Not a field: skip to the next comma, as other readers do.
      const comma = line.indexOf(",", position);
      position = comma < 0 ? line.length : comma + 1;
      continue;
    }
    const { value, end } = readValue(line, name.lastIndex);
    fields.set(match[1]!, value);
    position = end;
  }
  return fields.size >= 3 || /^\s*Steps:/.test(line) ? Object.fromEntries(fields) : undefined;
}

/** Reads a value: JSON text in quotes, JSON in brackets (as some programs write it, unquoted), or all up to a comma. */
function readValue(line: string, start: number): { value: string; end: number } {
  const quoted = /"(?:\\.|[^"\\])*"\s*(?:,|$)/y;
  quoted.lastIndex = start;
  const match = quoted.exec(line);
  if (match) {
    const literal = match[0].replace(/\s*,?$/, "");
    return { value: unquote(literal), end: start + match[0].length };
  }
  const bracketEnd = /[[{]/.test(line[start] ?? "") ? closingBracket(line, start) : undefined;
  const comma = line.indexOf(",", bracketEnd ?? start);
  const end = comma < 0 ? line.length : comma;
  return { value: line.slice(start, end).trim(), end: end + 1 };
}

function unquote(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal; // some other program's idea of quotes: keep what is there
  }
}

/** The place behind the bracket that closes the one at `start`, or undefined where none does. */
function closingBracket(line: string, start: number): number | undefined {
  const token = /"(?:\\.|[^"\\])*"|[[\]{}]/g;
  token.lastIndex = start;
  let depth = 0;
  for (let match = token.exec(line); match; match = token.exec(line)) {
    if (match[0] === "[" || match[0] === "{") depth++;
    else if (match[0] === "]" || match[0] === "}") depth--;
    if (depth === 0) return token.lastIndex;
  }
  return undefined;
}
