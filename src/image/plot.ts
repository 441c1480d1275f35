// A line plot as SVG: how a loss falls, one or several curves. Pure; node.ts turns it into an image.

import { NishikiError } from "../errors.js";

/** One curve. Points that are not finite (or not above zero on a logarithmic axis) leave a gap. */
export interface Series {
  readonly label: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** CSS colour; by default one of eight that people with colour-blindness can tell apart. */
  readonly color?: string;
  /** Drawn thin and pale, as the noise behind a smoothed curve. */
  readonly faint?: boolean;
}

export interface PlotOptions {
  readonly title?: string;
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Logarithmic axes; both linear by default. */
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Pixels; 900 x 540 by default. */
  readonly width?: number;
  readonly height?: number;
}

// M. Okabe and K. Ito, "Color Universal Design", 2008, without yellow, which is hard to see on white.
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f"];

const MARGIN = { left: 76, right: 22, top: 40, bottom: 52 };

/** One axis: maps a value to a pixel, and says where its grid lines stand. */
interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
}

/**
 * Draws curves into one SVG text. Of long curves, each pixel column keeps its lowest and highest point, so that a million
 * steps draw as fast as a thousand and no peak is lost.
 *
 * @throws NishikiError `usage` where a size is too small, or a curve has unequal numbers of x and y
 */
export function plotLines(series: readonly Series[], options: PlotOptions = {}): string {
  const { width = 900, height = 540, logX = false, logY = false } = options;
  if (!(width >= 200 && height >= 150)) {
    throw new NishikiError("usage", `A plot is at least 200x150 pixels; ${width}x${height} was asked for.`);
  }
  const curves = series.map((one) => cleanPoints(one, logX, logY));
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom];
  const xAxis = makeAxis(
    curves.map(({ x }) => x),
    logX,
    left,
    right,
    false,
  );
  const yAxis = makeAxis(
    curves.map(({ y }) => y),
    logY,
    bottom,
    top,
    true,
  );
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      'font-family="DejaVu Sans, Liberation Sans, Arial, Helvetica, sans-serif" font-size="13" fill="#333">',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...drawGrid(xAxis, yAxis, { left, right, top, bottom }),
    ...curves.map((curve, i) => drawCurve(curve, series[i]!, i, xAxis, yAxis)),
    ...drawLegend(series, right, top),
    ...drawTitles(options, { left, right, top, bottom, height }),
    "</svg>",
  ];
  return parts.join("\n");
}

interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Points as the axes take them; NaN where there is none. */
function cleanPoints({ label, x, y }: Series, logX: boolean, logY: boolean): Points {
  if (x.length !== y.length) {
    throw new NishikiError("usage", `The curve "${label}" has ${x.length} values of x and ${y.length} of y.`);
  }
  const clean = (value: number, log: boolean) =>
    Number.isFinite(value) && (!log || value > 0) ? value : Number.NaN;
  const xs = Array.from(x, (value) => clean(value, logX));
  const ys = Array.from(y, (value, i) => (Number.isNaN(xs[i]) ? Number.NaN : clean(value, logY)));
  return { x: xs.map((value, i) => (Number.isNaN(ys[i]) ? Number.NaN : value)), y: ys };
}

function rangeOf(lists: readonly (readonly number[])[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const list of lists) {
    for (const value of list) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

/** Room below and above the curves, so that they do not run along the frame. */
function widen(low: number, high: number, log: boolean, share: number): [number, number] {
  if (log) return [low * (low / high) ** share, high * (high / low) ** share];
  return [low - (high - low) * share, high + (high - low) * share];
}

function makeAxis(
  lists: readonly (readonly number[])[],
  log: boolean,
  from: number,
  to: number,
  isVertical: boolean,
): Axis {
  let [low, high] = rangeOf(lists);
  if (low > high) [low, high] = log ? [0.1, 1] : [0, 1]; // no points at all
  if (low === high)
    [low, high] = log
      ? [low / 2, high * 2]
      : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const margin = isVertical ? 0.03 : 0;
  [low, high] = widen(low, high, log, margin);
  const count = Math.max(2, Math.floor(Math.abs(to - from) / (isVertical ? 50 : 90)));
  const ticks = log ? logTicks(low, high, count) : linearTicks(low, high, count);
  const scale = log ? Math.log10 : (value: number) => value;
  const [a, b] = [scale(low), scale(high)];
  const place = (value: number) => from + ((scale(value) - a) / (b - a)) * (to - from);
  return { place, ticks, format: formatterFor(ticks) };
}

/** Multiples of 1, 2 or 5 times a power of ten, at most about `count` of them. */
function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}

/** Powers of ten, with 2 and 5 times them where there is room; linear ticks where even those are too few. */
function logTicks(low: number, high: number, count: number): number[] {
  const decades = Math.log10(high / low);
  const factors = decades * 3 <= count ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((decades * factors.length) / count));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    if (power % every !== 0) continue;
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks.length >= 3 ? ticks : linearTicks(low, high, count).filter((tick) => tick > 0);
}

/** Short numbers that all ticks of an axis can share: 20k, 0.05, 1e-7. */
function formatterFor(ticks: readonly number[]): (value: number) => string {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  return (value) => {
    const size = Math.abs(value);
    if (size < largest * 1e-12 || size === 0) return "0";
    if (size >= 1e9 || size < 1e-4)
      return value
        .toExponential(2)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e");
    const [unit, suffix] = size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
    return `${Number((value / unit).toPrecision(6))}${suffix}`;
  };
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function drawGrid(xAxis: Axis, yAxis: Axis, { left, right, top, bottom }: Box): string[] {
  const line = (x1: number, y1: number, x2: number, y2: number, color: string) =>
    `<path d="M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}" stroke="${color}"/>`;
  return [
    ...xAxis.ticks.flatMap((tick) => {
      const x = xAxis.place(tick);
      return [line(x, top, x, bottom, "#e4e4e4"), label(x, bottom + 18, "middle", xAxis.format(tick))];
    }),
    ...yAxis.ticks.flatMap((tick) => {
      const y = yAxis.place(tick);
      return [line(left, y, right, y, "#e4e4e4"), label(left - 8, y + 4.5, "end", yAxis.format(tick))];
    }),
    line(left, bottom, right, bottom, "#555"),
    line(left, top, left, bottom, "#555"),
  ];
}

function drawCurve(points: Points, series: Series, index: number, xAxis: Axis, yAxis: Axis): string {
  const color = colorOf(series, index);
  const style = series.faint ? 'stroke-width="1" stroke-opacity="0.3"' : 'stroke-width="1.8"';
  const { path, dots } = trace(points, xAxis, yAxis);
  const circles = dots.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2.5" fill="${color}"/>`).join("");
  return `<path d="${path}" fill="none" stroke="${color}" stroke-linejoin="round" ${style}/>${circles}`;
}

/** The curve as a path, cut where points are missing; a point without neighbours is a dot. */
function trace({ x, y }: Points, xAxis: Axis, yAxis: Axis): { path: string; dots: [string, string][] } {
  let path = "";
  const dots: [string, string][] = [];
  let start = 0;
  for (let i = 0; i <= x.length; i++) {
    if (i < x.length && !Number.isNaN(x[i])) continue;
    const places = Array.from({ length: i - start }, (_, k): [number, number] => [
      xAxis.place(x[start + k]!),
      yAxis.place(y[start + k]!),
    ]);
    const kept = thin(places).map(([px, py]): [string, string] => [round(px), round(py)]);
    if (kept.length === 1) dots.push(kept[0]!);
    else if (kept.length > 1) path += `M${kept.map(([px, py]) => `${px} ${py}`).join("L")}`;
    start = i + 1;
  }
  return { path, dots };
}

/** Of the points of one pixel column: the first, the lowest, the highest and the last, in their order. */
function thin(places: readonly [number, number][]): [number, number][] {
  const kept: [number, number][] = [];
  for (let begin = 0; begin < places.length; ) {
    const column = Math.floor(places[begin]![0]);
    let end = begin;
    let [low, high] = [begin, begin];
    while (end < places.length && Math.floor(places[end]![0]) === column) {
      if (places[end]![1] < places[low]![1]) low = end;
      if (places[end]![1] > places[high]![1]) high = end;
      end++;
    }
    const chosen = [...new Set([begin, low, high, end - 1])].sort((a, b) => a - b);
    for (const i of chosen) kept.push(places[i]!);
    begin = end;
  }
  return kept;
}

function drawLegend(series: readonly Series[], right: number, top: number): string[] {
  const named = series.flatMap((one, i) => (one.label ? [{ one, color: colorOf(one, i) }] : []));
  if (named.length === 0) return [];
  const widest = Math.max(...named.map(({ one }) => one.label.length)) * 8;
  const [x, y] = [right - widest - 44, top + 8];
  const frame = `<rect x="${x}" y="${y}" width="${widest + 36}" height="${named.length * 20 + 8}" fill="#fff" fill-opacity="0.85" stroke="#ccc"/>`;
  const rows = named.map(({ one, color }, i) => {
    const middle = y + 14 + i * 20;
    const opacity = one.faint ? 0.4 : 1;
    const stroke = `<path d="M${x + 8} ${middle}h18" stroke="${color}" stroke-width="2.5" stroke-opacity="${opacity}"/>`;
    return stroke + label(x + 32, middle + 4.5, "start", one.label);
  });
  return [frame, ...rows];
}

function drawTitles(
  { title, xLabel, yLabel }: PlotOptions,
  box: Box & { readonly height: number },
): string[] {
  const parts: string[] = [];
  const middle = (box.left + box.right) / 2;
  if (title) parts.push(`<g font-size="16" font-weight="bold">${label(middle, 25, "middle", title)}</g>`);
  if (xLabel) parts.push(label(middle, box.height - 12, "middle", xLabel));
  if (yLabel) {
    const turn = `translate(20 ${round((box.top + box.bottom) / 2)}) rotate(-90)`;
    parts.push(`<g transform="${turn}">${label(0, 0, "middle", yLabel)}</g>`);
  }
  return parts;
}

function colorOf(series: Series, index: number): string {
  return escapeXml(series.color ?? palette[index % palette.length]!);
}

function label(x: number, y: number, anchor: "start" | "middle" | "end", text: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Text as XML may hold it. */
export function escapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  // Control characters and halves of surrogate pairs are not allowed in XML in any form.
  const allowed = text.replace(/[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
  return allowed.replace(/[&<>"]/g, (character) => names[character]!);
}
