// What `nishiki info` found out, as text for people and as JSON for programs.
import type { Description } from "../pipeline/index.js";

export { type Description, formatBytes, formatCount } from "../pipeline/index.js";

/** Values in a column behind their names; parts below, further in. Values that are undefined are left out. */
export function formatDescription({ title, values, parts = [] }: Description, indent = ""): string {
  const rows = Object.entries(values).filter(([, value]) => value !== undefined);
  const width = Math.min(40, Math.max(0, ...rows.map(([name]) => name.length)));
  const lines = rows.map(([name, value]) => {
    const text = String(value).replaceAll("\n", `\n${indent}${" ".repeat(width + 4)}`);
    return `${indent}  ${name.padEnd(width)}  ${text}\n`;
  });
  const below = parts.map((part) => formatDescription(part, `${indent}  `));
  return `${indent}${title}\n${lines.join("")}${below.join("")}`;
}
