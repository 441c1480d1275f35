// What `nishiki info` found out, as text for people and as JSON for programs.

/** A title, then named values, then further parts. */
export interface Description {
  readonly title: string;
  readonly values: Readonly<Record<string, string | number | undefined>>;
  readonly parts?: readonly Description[];
}

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

/** 1234567 → "1.2 MB" */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

/** 7012345 → "7,012,345" */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}
