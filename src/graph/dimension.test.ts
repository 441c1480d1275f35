// Formulas of dimensions: equal sizes have equal texts, and texts mean what the arithmetic says.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addDims,
  canonicalDim,
  divideDims,
  floorDivideDim,
  listSymbols,
  multiplyDims,
  type Polynomial,
  parseDim,
  parseFloor,
} from "./dimension.js";
import { inferReshape, windowCount } from "./shape.js";
import type { Dim } from "./types.js";

type Sizes = Readonly<Record<string, number>>;

function evaluate(polynomial: Polynomial, sizes: Sizes): number {
  return polynomial.reduce((total, { coefficient, atoms }) => {
    const factors = atoms.map((atom) => {
      const floor = parseFloor(atom);
      return floor ? Math.floor(evaluate(floor.numerator, sizes) / floor.divisor) : sizes[atom]!;
    });
    return total + factors.reduce((a, b) => a * b, coefficient);
  }, 0);
}

/** A formula made by random steps, beside its value. */
interface Pair {
  readonly dim: Dim;
  readonly value: number;
}

const sizes: Sizes = { batch: 3, height: 17, width: 10 };
const leaf: fc.Arbitrary<Pair> = fc.oneof(
  fc.constantFrom(...Object.keys(sizes)).map((dim) => ({ dim, value: sizes[dim]! })),
  fc.integer({ min: -6, max: 40 }).map((value) => ({ dim: value, value })),
);
const { formula } = fc.letrec<{ formula: Pair }>((tie) => ({
  formula: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc
      .tuple(tie("formula"), tie("formula"))
      .map(([a, b]) => ({ dim: addDims(a.dim, b.dim), value: a.value + b.value })),
    fc
      .tuple(tie("formula"), tie("formula"))
      .map(([a, b]) => ({ dim: multiplyDims(a.dim, b.dim), value: a.value * b.value })),
    fc
      .tuple(tie("formula"), fc.integer({ min: 1, max: 9 }))
      .map(([a, k]) => ({ dim: floorDivideDim(a.dim, k), value: Math.floor(a.value / k) })),
  ),
}));

describe("the symbols of a formula", () => {
  it("are found within floors, too", () => {
    expect(listSymbols("floor((floor((h+1)/2)*w+3)/4)*b+2").sort()).toEqual(["b", "h", "w"]);
    expect(listSymbols(7)).toEqual([]);
  });
});

describe("formulas", () => {
  it("mean what the arithmetic says, and read back as themselves", () => {
    fc.assert(
      fc.property(formula, ({ dim, value }) => {
        expect(evaluate(parseDim(dim), sizes)).toBe(value + 0); // not -0
        expect(canonicalDim(dim)).toBe(dim);
      }),
      { numRuns: 500, seed: 5 },
    );
  });

  it("are equal where sums and products are reordered", () => {
    fc.assert(
      fc.property(formula, formula, formula, (a, b, c) => {
        expect(addDims(a.dim, b.dim)).toBe(addDims(b.dim, a.dim));
        expect(multiplyDims(a.dim, addDims(b.dim, c.dim))).toBe(
          addDims(multiplyDims(c.dim, a.dim), multiplyDims(b.dim, a.dim)),
        );
      }),
      { numRuns: 200, seed: 6 },
    );
  });

  it("divide where there is no rest", () => {
    fc.assert(
      fc.property(formula, fc.constantFrom<Dim>("batch", "height", 6, "batch*4"), (a, divisor) => {
        const product = multiplyDims(a.dim, divisor);
        if (product !== 0) expect(divideDims(product, divisor)).toBe(a.dim);
      }),
      { numRuns: 200, seed: 7 },
    );
    expect(divideDims("batch*6", 4)).toBeUndefined();
    expect(divideDims("batch+1", "batch")).toBeUndefined();
    expect(divideDims(7, 2)).toBeUndefined();
  });

  it.each([
    ["height * 8", "no"],
    ["8*height", "height*8"],
    ["n+77", "n+77"],
    ["77+n", "n+77"],
    ["(n+1)*2-n", "n+2"],
    ["-n+n", "0"],
    ["floor((height-1)/2)", "floor((height+1)/2)-1"],
    ["floor(height*8/8)", "height"],
    ["2**n", "no"],
    ["floor(n)", "no"],
    ["floor(n/0)", "no"],
    ["n)", "no"],
    ["", "no"],
  ])("%s becomes %s", (text, wanted) => {
    if (wanted === "no") expect(() => canonicalDim(text)).toThrow(`"${text}" is not a dimension`);
    else expect(String(canonicalDim(text))).toBe(wanted);
  });
});

describe("windows", () => {
  it("halve even sizes to plain formulas", () => {
    // 3×3 of stride 2 with padding 1, over a size that is known to be a multiple of 8.
    expect(windowCount("height*8", 2 - 3, 2)).toBe("height*4");
    expect(windowCount("height", 2 - 3, 2)).toBe("floor((height+1)/2)");
    expect(windowCount("height", -2, 2)).toBe("floor(height/2)");
    expect(windowCount("height", 2 - 3, 1)).toBe("height");
  });
});

describe("inferReshape", () => {
  it.each<[Dim[], Dim[], Dim[] | undefined]>([
    [
      [2, 3, 4],
      [4, -1],
      [4, 6],
    ],
    [
      ["batch", 2, 3],
      [-1, 3],
      ["batch*2", 3],
    ],
    [
      ["batch*2", 3],
      ["batch", -1],
      ["batch", 6],
    ],
    [
      ["batch", "height", "width", 4],
      ["batch", "height*width", 4],
      ["batch", "height*width", 4],
    ],
    [
      ["batch", "height", "width", 4],
      ["batch", -1, 2],
      ["batch", "height*width*2", 2],
    ],
    [
      ["batch*64", 8],
      ["batch", 64, 2, 4],
      ["batch", 64, 2, 4],
    ],
    [
      ["n+1", 6],
      [-1, 2, 3],
      ["n+1", 2, 3],
    ],
    [
      ["n+1", 6],
      [-1, 2],
      ["n*3+3", 2],
    ],
    [[2, 3], [7], undefined],
    [[2, 3], [4, -1], undefined],
    [["batch", 3], [6], undefined],
    [["batch", 3], ["n", 3], undefined],
    [["batch", 3], [-1, 2], undefined],
  ])("%j as %j is %j", (from, to, wanted) => {
    expect(inferReshape(from, to)).toEqual(wanted);
  });
});
