// What `nishiki info` found out, as text for people and as JSON for programs.
import { showText } from "../errors.js";
import type { Description } from "../pipeline/index.js";

export { type Description, formatBytes, formatCount } from "../pipeline/index.js";

/** Characters of one value that a terminal is given. */
const MAX_VALUE = 4000;

function shorten(value: string | number): string {
  const text = String(value);
  if (text.length <= MAX_VALUE) return text;
  return `${text.slice(0, MAX_VALUE)}… (${text.length - MAX_VALUE} more characters; --json has all)`;
}

/** Values in a column behind their names; parts below, further in. Values that are undefined are left out. */
export function formatDescription({ title, values, parts = [] }: Description, indent = ""): string {
  const rows = Object.entries(values).filter(([, value]) => value !== undefined);
  const width = Math.min(40, Math.max(0, ...rows.map(([name]) => name.length)));
  const lines = rows.map(([name, value]) => {
    const text = shorten(value ?? "").replaceAll("\n", `\n${indent}${" ".repeat(width + 4)}`);
    return `${indent}  ${showText(name).padEnd(width)}  ${text}\n`;
  });
  const below = parts.map((part) => formatDescription(part, `${indent}  `));
  return `${indent}${title}\n${lines.join("")}${below.join("")}`;
}
