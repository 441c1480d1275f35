import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { renderSvg } from "./node.js";
import { plotLines } from "./plot.js";
import { contactSheet } from "./sheet.js";

/** The paths of curves: lists of points. */
function curves(svg: string): number[][][] {
  const paths = [...svg.matchAll(/<path d="([^"]*)" fill="none"/g)].map((match) => match[1]!);
  return paths.map((path) =>
    [...path.matchAll(/[ML]?(-?[\d.]+) (-?[\d.]+)/g)].map((point) => [Number(point[1]), Number(point[2])]),
  );
}

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map((match) => match[1]);

describe("plotLines", () => {
  it("draws values where the axes say they are", () => {
    const svg = plotLines([{ label: "a", x: [0, 50, 100], y: [0, 5, 10] }], { width: 500, height: 300 });
    const [[first, middle, last]] = curves(svg) as [[number[], number[], number[]]];
    expect(first![0]).toBeCloseTo(76, 5);
    expect(last![0]).toBeCloseTo(478, 5);
    expect(middle![0]).toBeCloseTo((76 + 478) / 2, 1);
    expect(middle![1]).toBeCloseTo((first![1]! + last![1]!) / 2, 1);
    expect(first![1]!).toBeGreaterThan(last![1]!);
    // The grid line of a value runs through the curve's point of that value.
    const tick = /L478 ([\d.]+)" stroke="#e4e4e4"\/>\n<text x="68"[^>]*>5</.exec(svg)?.[1];
    expect(Number(tick)).toBeCloseTo(middle![1]!, 1);
  });

  it("draws a straight line for a power on logarithmic axes", () => {
    const x = [1, 10, 100, 1000];
    const svg = plotLines([{ label: "", x, y: x.map((v) => v ** -2) }], { logX: true, logY: true });
    const points = curves(svg)[0]!;
    const slopes = points.slice(1).map(([px, py], i) => (py! - points[i]![1]!) / (px! - points[i]![0]!));
    expect(Math.max(...slopes) - Math.min(...slopes)).toBeLessThan(1e-3);
    expect(texts(svg)).toEqual(expect.arrayContaining(["1", "10", "100", "1000", "0.01", "1e-6"]));
  });

  it("keeps peaks of long curves, and draws few points for them", () => {
    const y = Float32Array.from({ length: 200_000 }, (_, i) => (i === 123_457 ? 50 : Math.sin(i)));
    const points = curves(plotLines([{ label: "", x: Float64Array.from(y.keys()), y }]))[0]!;
    expect(points.length).toBeLessThan(900 * 4);
    const heights = points.map((point) => point[1]!);
    expect(heights.filter((height) => height < 100).length).toBe(1);
  });

  it("leaves gaps at missing values, and dots at lonely ones", () => {
    const svg = plotLines([
      { label: "", x: [0, 1, 2, 3, 4, 5], y: [1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY, 1] },
    ]);
    expect(svg.match(/<circle/g)?.length).toBe(2);
    expect(curves(svg)[0]!.length).toBe(2);
    expect(plotLines([{ label: "", x: [1, 2, 3], y: [1, 0, -1] }], { logY: true })).toMatch(/<circle/);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it("bears no curves, empty ones, single points and constant values", () => {
    const odd = [
      [],
      [{ x: [], y: [] }],
      [{ x: [3], y: [0] }],
      [{ x: [1, 2], y: [7, 7] }],
      [{ x: [1, 2], y: [-1e-9, -1e9] }],
    ];
    for (const logY of [false, true]) {
      for (const series of odd) {
        const svg = plotLines(
          series.map((one) => ({ label: "l", ...one })),
          { logY },
        );
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      }
    }
  });

  it("escapes text", async () => {
    const svg = plotLines([{ label: 'a<b & "c"\u0001', x: [0, 1], y: [0, 1] }], {
      title: "<script>",
      xLabel: "x",
      yLabel: "y",
    });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(["a&lt;b &amp; &quot;c&quot;\uFFFD", "&lt;script&gt;", "x", "y"]),
    );
    expect(await renderSvg(svg)).toMatchObject({ width: 900, height: 540, channels: 3 });
  });

  it("refuses unequal lists and tiny sizes", () => {
    expect(() => plotLines([{ label: "a", x: [1], y: [1, 2] }])).toThrow(/"a" has 1 values of x and 2 of y/);
    expect(() => plotLines([], { width: 10 })).toThrow(NishikiError);
  });

  it("is coloured where the curve is, when drawn", async () => {
    const svg = plotLines([{ label: "", x: [0, 1], y: [1, 1], color: "#ff0000" }], {
      width: 300,
      height: 200,
    });
    const { width, data } = await renderSvg(svg);
    const [x, y] = curves(svg)[0]![0]! as [number, number];
    const at = (Math.floor(y) * width + Math.floor(x) + 40) * 3;
    expect(data[at]).toBeGreaterThan(200);
    expect(data[at + 1]).toBeLessThan(120);
  });
});

describe("contactSheet", () => {
  const plain = (value: number) => ({
    width: 4,
    height: 4,
    channels: 3 as const,
    data: new Uint8Array(48).fill(value),
  });

  it("shows the pictures in their order, with wrapped captions", async () => {
    const entries = [0, 100, 200].map((value) => ({
      image: plain(value),
      caption: `<cat> ${value} ${"word ".repeat(20)}`,
    }));
    const svg = contactSheet(entries, { columns: 2, size: 80, title: "T" });
    expect(texts(svg).slice(0, 3)).toEqual(["T", "&lt;cat&gt; 0", "word word…"]);
    const { width, height, data } = await renderSvg(svg);
    expect([width, height]).toEqual([190, 36 + 2 * (80 + 32 + 14)]);
    const grey = (x: number, y: number) => data[(y * width + x) * 3];
    expect([grey(50, 76), grey(140, 76), grey(50, 76 + 126), grey(140, 76 + 126)]).toEqual([
      0, 100, 200, 255,
    ]);
  });

  it("needs a picture", () => {
    expect(() => contactSheet([])).toThrow(NishikiError);
  });
});
