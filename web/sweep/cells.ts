// The cells of a sweep: one job each, in the order that changes expensive axes most rarely. A job's labels say where its
// image stands in the grid, so that the grid can be shown from the jobs alone, after a reload or on another screen.
import type { Axis } from "./axes.js";
import type { Value } from "./values.js";

export const axisNames = ["x", "y", "z"] as const;
export type AxisName = (typeof axisNames)[number];

export interface ChosenAxis {
  readonly axis: Axis;
  readonly values: readonly Value[];
}

/** The axes in use; x always is. */
export type Sweep = Partial<Readonly<Record<AxisName, ChosenAxis>>>;

export interface Cell {
  /** Index along each axis in use. */
  readonly at: Partial<Readonly<Record<AxisName, number>>>;
  readonly request: Readonly<Record<string, unknown>>;
  /** The model, if an axis varies it. */
  readonly model?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export const countCells = (sweep: Sweep): number =>
  axisNames.reduce((count, name) => count * (sweep[name]?.values.length ?? 1), 1);

/** The same request with one value in place: "init.strength" goes into the group init. */
export function setValue(
  request: Readonly<Record<string, unknown>>,
  path: string,
  value: unknown,
): Readonly<Record<string, unknown>> {
  const [name, ...rest] = path.split(".");
  if (rest.length === 0) return { ...request, [name!]: value };
  const group = request[name!];
  const inner = typeof group === "object" && group !== null ? (group as Record<string, unknown>) : {};
  return { ...request, [name!]: setValue(inner, rest.join("."), value) };
}

function apply(request: Readonly<Record<string, unknown>>, { axis, values }: ChosenAxis, i: number) {
  const value = values[i]!;
  if (axis.path === "model") return request;
  if (axis.type.kind !== "replace") return setValue(request, axis.path, value);
  const replace = (text: unknown) =>
    String(text ?? "")
      .split(String(values[0]))
      .join(String(value));
  return { ...request, prompt: replace(request.prompt), negativePrompt: replace(request.negativePrompt) };
}

/** Whether the text that prompt search-and-replace looks for is in the prompt. */
export const findsText = (request: Readonly<Record<string, unknown>>, searched: string): boolean =>
  [request.prompt, request.negativePrompt].some(
    (text) => typeof text === "string" && text.includes(searched),
  );

/**
 * All cells, in the order to draw them.
 * @param base The request that every cell shares; its seed is the same for all.
 */
export function getCells(base: Readonly<Record<string, unknown>>, sweep: Sweep): readonly Cell[] {
  const used = axisNames.filter((name) => sweep[name]);
  // Sorting is stable: of two axes that cost the same, z changes more rarely than y, and y than x.
  const order = [...used].reverse().sort((a, b) => sweep[b]!.axis.cost - sweep[a]!.axis.cost);
  let cells: readonly Partial<Record<AxisName, number>>[] = [{}];
  for (const name of order)
    cells = cells.flatMap((at) => sweep[name]!.values.map((_, i) => ({ ...at, [name]: i })));
  return cells.map((at) => {
    const request = used.reduce((changed, name) => apply(changed, sweep[name]!, at[name]!), base);
    const model = used.find((name) => sweep[name]!.axis.path === "model");
    return {
      at,
      request: { ...request, count: 1 },
      ...(model && { model: String(sweep[model]!.values[at[model]!]) }),
      labels: makeLabels(sweep, used, at),
    };
  });
}

function makeLabels(
  sweep: Sweep,
  used: readonly AxisName[],
  at: Partial<Record<AxisName, number>>,
): Record<string, string> {
  const entries = used.flatMap((name) => {
    const { axis, values } = sweep[name]!;
    return [
      [name, String(values[at[name]!]).slice(0, 500)],
      [`${name}Index`, String(at[name]!)],
      [`${name}Setting`, axis.path],
    ];
  });
  return Object.fromEntries(entries);
}

/** A grid as its jobs' labels describe it. */
export interface Grid<T> {
  readonly axes: Partial<
    Readonly<Record<AxisName, { readonly path: string; readonly values: readonly string[] }>>
  >;
  /** The item at a place, if its job is there. */
  at(x: number, y: number, z: number): T | undefined;
}

/** Rebuilds the grid of a group of jobs. */
export function readGrid<T extends { readonly labels: Readonly<Record<string, string>> }>(
  items: readonly T[],
): Grid<T> {
  const axes: Partial<Record<AxisName, { path: string; values: string[] }>> = {};
  const places = new Map<string, T>();
  for (const item of items) {
    const { labels } = item;
    const at = axisNames.map((name) => {
      const [i, value] = [Number(labels[`${name}Index`]), labels[name]];
      if (value === undefined || !Number.isInteger(i) || i < 0 || i >= 10_000) return 0;
      axes[name] ??= { path: labels[`${name}Setting`] ?? "", values: [] };
      axes[name].values[i] = value;
      return i;
    });
    places.set(at.join(), item);
  }
  for (const axis of Object.values(axes)) axis.values = Array.from(axis.values, (value) => value ?? "");
  return { axes, at: (x, y, z) => places.get(`${x},${y},${z}`) };
}
