// The feed's geometry: lines are full, nothing overlaps, and what is new never moves what is below it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Block, findLines, layOut, type Measures } from "./layout.js";

const measures: Measures = { width: 1000, tileHeight: 200, gap: 4, blockGap: 20, captionHeight: 30 };
const block = (key: string, tiles = 1, aspect = 1): Block => ({ key, tiles, aspect });

const anyBlocks = fc
  .array(
    fc.record({
      tiles: fc.integer({ min: 1, max: 30 }),
      aspect: fc.double({ min: 0.2, max: 4, noNaN: true }),
    }),
    {
      maxLength: 40,
    },
  )
  .map((list) => list.map(({ tiles, aspect }, index) => block(String(index), tiles, aspect)));
const anyMeasures = fc.integer({ min: 200, max: 3000 }).map((width) => ({ ...measures, width }));

describe("layOut", () => {
  it("places every tile once, within the width, without overlaps", () => {
    fc.assert(
      fc.property(anyBlocks, anyMeasures, fc.nat(40), (blocks, size, anchor) => {
        const { lines, height } = layOut(blocks, size, Math.min(anchor, blocks.length));
        const seen = new Map<string, number>();
        let bottom = 0;
        for (const line of lines) {
          expect(line.y).toBeGreaterThanOrEqual(bottom - 1e-6);
          bottom = line.y + line.height;
          let right = -1e-6;
          for (const part of line.parts) {
            expect(part.x).toBeGreaterThanOrEqual(right);
            right = part.x + part.width;
            expect(right).toBeLessThanOrEqual(size.width + 1);
            expect(part.from).toBe(seen.get(part.key) ?? 0);
            seen.set(part.key, part.to);
          }
        }
        expect([...seen.values()]).toEqual([...seen.keys()].map((key) => blocks[Number(key)]!.tiles));
        expect(seen.size).toBe(blocks.length);
        if (lines.length > 0) expect(height).toBeCloseTo(bottom);
      }),
    );
  });

  it("keeps the order, newest first", () => {
    const blocks = Array.from({ length: 20 }, (_, index) => block(String(index)));
    for (const anchor of [0, 7, 20]) {
      const keys = layOut(blocks, measures, anchor).lines.flatMap(({ parts }) => parts.map(({ key }) => key));
      expect(keys).toEqual(blocks.map(({ key }) => key));
    }
  });

  it("fills lines by stretching their tiles, but not a line that is nearly empty", () => {
    const [full, rest] = layOut([block("a", 4), block("b", 1)], measures).lines;
    const last = full!.parts.at(-1)!;
    expect(last.x + last.width).toBeCloseTo(1000);
    expect(rest!.parts[0]!.tileHeight).toBe(200);
  });

  it("puts four tiles into two rows of two where three would fit", () => {
    const { lines } = layOut([block("a", 4)], { ...measures, width: 650 });
    expect(lines.map(({ parts }) => parts.map(({ from, to }) => [from, to]))).toEqual([[[0, 2]], [[2, 4]]]);
    expect(lines.map(({ parts }) => parts[0]!.hasCaption)).toEqual([true, false]);
  });

  it("moves no line below a new block, however many come", () => {
    const old = Array.from({ length: 30 }, (_, index) => block(`old${index}`, 1 + (index % 4)));
    let before: ReturnType<typeof layOut> | undefined;
    for (let added = 0; added <= 12; added++) {
      const fresh = Array.from({ length: added }, (_, index) =>
        block(`new${added - index}`, 1 + ((added - index) % 3)),
      );
      const now = layOut([...fresh, ...old], measures, added);
      if (before) {
        // All lines but the topmost one hold the same blocks as before.
        const content = (layout: typeof now) =>
          layout.lines.map(({ parts }) => parts.map(({ key }) => key).join());
        const kept = content(before).slice(1);
        expect(content(now).slice(-kept.length)).toEqual(kept);
      }
      before = now;
    }
  });

  it("gives a block of fixed height whole lines", () => {
    const { lines } = layOut([block("a"), { ...block("table", 1), fixedHeight: 500 }, block("b")], measures);
    expect(lines.map(({ parts }) => parts.length)).toEqual([1, 1, 1]);
    expect(lines[1]!.parts[0]).toMatchObject({ x: 0, width: 1000, tileHeight: 500 });
  });
});

describe("findLines", () => {
  it("finds the lines that touch a part of the height", () => {
    const layout = layOut(
      Array.from({ length: 100 }, (_, index) => block(String(index), 4)),
      measures,
    );
    const [from, to] = findLines(layout, 5000, 6000);
    expect(from).toBeGreaterThan(0);
    for (const [index, { y, height }] of layout.lines.entries())
      expect(index >= from && index < to).toBe(y + height >= 5000 && y <= 6000);
  });
});
