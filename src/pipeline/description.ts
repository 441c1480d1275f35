// The contents of a model, an image or a weight file, as plain data for people and programs.

/** A title, named values and nested parts. */
export interface Description {
  readonly title: string;
  readonly values: Readonly<Record<string, string | number | undefined>>;
  readonly parts?: readonly Description[];
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

/** Tensors as weight files list them. */
type NamedTensors = readonly (readonly [
  name: string,
  tensor: { readonly dtype: string; readonly shape: readonly number[] },
])[];

/** How many numbers all tensors hold together. */
export function countNumbers(tensors: NamedTensors): number {
  return tensors.reduce((sum, [, { shape }]) => sum + shape.reduce((product, side) => product * side, 1), 0);
}

/** How many tensors there are of each type: "12 f32, 30 i8". */
export function countTypes(tensors: NamedTensors): string {
  const counts = new Map<string, number>();
  for (const [, { dtype }] of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].map(([dtype, count]) => `${count} ${dtype}`).join(", ");
}
