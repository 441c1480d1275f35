import { expect, test } from "vitest";
import { NishikiError } from "../errors.js";
import { type Random, random } from "./random.js";

const words = (source: Random, n: number) => Array.from({ length: n }, () => source.uint32());

// What a seed means may never change. Made by this implementation; the first is also Random123's vector for zero.
const golden: { seed: number; stream: (number | string)[]; words: number[] }[] = [
  { seed: 0, stream: [], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  { seed: 1, stream: [], words: [0x844515e1, 0xf08d6eaa, 0x0f19c053, 0x83f875f0] },
  { seed: 2 ** 53 - 1, stream: [], words: [0xe9a3018b, 0xab48d2cc, 0x3358c61b, 0xb689fa05] },
  { seed: 0, stream: ["noise"], words: [0xf59b459f, 0xc15b3958, 0x588192b5, 0x25d47211] },
  { seed: 0, stream: ["noise", 0], words: [0x55cfa325, 0xf2a49f7a, 0x6d27c1f2, 0x55d8e551] },
  { seed: 0, stream: ["noise", 1], words: [0x0356f9a6, 0xbd48392c, 0x53ea4669, 0x6d433932] },
  { seed: 7, stream: ["a longer name"], words: [0x244ce5d9, 0x2ce6eae3, 0x277f8942, 0xe586c9d4] },
  { seed: 7, stream: [""], words: [0x987c09a7, 0x58fe898f, 0x629d6340, 0xf4cac6b1] },
  { seed: 7, stream: ["abcdef"], words: [0x55b1524d, 0x63ea2712, 0x3a0469aa, 0x271a973d] },
];

test.each(golden)(
  "seed $seed, stream $stream starts as it always has",
  ({ seed, stream, words: expected }) => {
    expect(words(random(seed, ...stream), 4)).toEqual(expected);
  },
);

test("normals and uniforms start as they always have", () => {
  expect([...random(0).normals(4)]).toEqual([
    0.04700499027967453, -1.3546754121780396, -0.7775894403457642, 0.09584151953458786,
  ]);
  expect([...random(42, "noise", 3).normals(3)]).toEqual([
    1.0349678993225098, 0.8810847997665405, -1.3421008586883545,
  ]);
  expect(random(0).uniform()).toBe(0.39904647231489565);
  expect(random(0).integer(1e12)).toBe(291088041750);
});

test("different names are different streams, however alike they look", () => {
  const streams = [
    [],
    ["a"],
    ["ab"],
    ["a", "b"],
    ["b", "a"],
    [""],
    ["", ""],
    ["1"],
    [1],
    [0],
    ["a", 0],
    [0, "a"],
  ];
  const long = ["abcdef", "abcdefg", "abcdefabcdef", "abcdef\0", "é", "画"].map((name) => [name]);
  const all: (number | string)[][] = [...streams, ...long, ["abcdef", "abcdef"], [2 ** 32], [2 ** 53 - 1]];
  const firsts = all.map((stream) => words(random(5, ...stream), 2).join());
  expect(new Set(firsts).size).toBe(all.length);
});

test("a seed above 2^32 is not cut", () => {
  expect(words(random(2 ** 32 + 3), 2)).not.toEqual(words(random(3), 2));
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
  "refuses %s as a seed or a stream number",
  (bad) => {
    expect(() => random(bad)).toThrow(NishikiError);
    expect(() => random(0, "step", bad)).toThrow(/whole number from 0/);
  },
);

test("a stream goes on where it stopped, however it is asked", () => {
  const whole = random(3, "x").normals(101);
  const parts = random(3, "x");
  const pieces = [
    ...parts.normals(3),
    ...parts.normals(0),
    parts.normal(),
    ...parts.normals(60),
    ...parts.normals(37),
  ];
  expect(pieces).toEqual([...whole]);
  const one = random(3, "x");
  expect(Array.from({ length: 101 }, () => one.normal())).toEqual([...whole]);
});

test("words never repeat from one buffer to the next", () => {
  expect(new Set(words(random(0, "long"), 5000)).size).toBe(5000);
});

test("normals have the moments, tails and quantiles of a standard normal", () => {
  const n = 400_000;
  const z = random(0, "moments").normals(n);
  const moment = (p: number) => z.reduce((sum, value) => sum + value ** p, 0) / n;
  // Standard errors: √(Var zᵖ / n) = 1, √2, √15, √96 over √n. Five of them, for a fixed seed.
  const tolerance = (variance: number) => 5 * Math.sqrt(variance / n);
  expect(Math.abs(moment(1))).toBeLessThan(tolerance(1));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(tolerance(2));
  expect(Math.abs(moment(3))).toBeLessThan(tolerance(15));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(tolerance(96));
  const below = (x: number) => z.filter((value) => value < x).length / n;
  for (const [x, p] of [
    [-3, 0.0013499],
    [-1, 0.15865525],
    [0, 0.5],
    [0.5, 0.69146246],
    [2, 0.97724987],
  ] as const)
    expect(Math.abs(below(x) - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));
});

test("neighbouring streams, seeds and numbers are uncorrelated", () => {
  const n = 100_000;
  const correlation = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0) / n;
  const base = random(0, "noise", 0).normals(n + 2);
  const others = [
    random(0, "noise", 1),
    random(1, "noise", 0),
    random(0, "noisf", 0),
    random(2 ** 32, "noise", 0),
  ];
  for (const other of others)
    expect(Math.abs(correlation(base.subarray(0, n), other.normals(n)))).toBeLessThan(5 / Math.sqrt(n));
  expect(Math.abs(correlation(base.subarray(0, n), base.subarray(1, n + 1)))).toBeLessThan(5 / Math.sqrt(n));
  expect(Math.abs(correlation(base.subarray(0, n), base.subarray(2, n + 2)))).toBeLessThan(5 / Math.sqrt(n));
});

test("uniform is in [0, 1) and even", () => {
  const source = random(0, "uniform");
  const n = 100_000;
  const bins = new Array<number>(20).fill(0);
  for (let i = 0; i < n; i++) bins[Math.floor(source.uniform() * 20)]!++;
  const chiSquare = bins.reduce((sum, count) => sum + (count - n / 20) ** 2 / (n / 20), 0);
  expect(bins.length).toBe(20);
  expect(chiSquare).toBeLessThan(43.8); // 19 degrees of freedom, p = 0.001
});

test.each([1, 2, 3, 7, 2 ** 31 + 1, 3 * 2 ** 30, 2 ** 32, 2 ** 32 + 1, 3 * 2 ** 51])(
  "integer(%s) is even",
  (n) => {
    const source = random(0, "integer");
    const draws = Array.from({ length: 20_000 }, () => source.integer(n));
    expect(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < n)).toBe(true);
    // Without rejection, 3·2^30 would favour the lowest third: mean 0.4167 n. That is 40 standard errors off.
    const scaled = draws.reduce((sum, draw) => sum + (n === 1 ? 0.5 : draw / (n - 1)), 0) / draws.length;
    expect(Math.abs(scaled - 0.5)).toBeLessThan(5 * Math.sqrt(1 / (4 * draws.length)));
  },
);

test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("integer(%s) is refused", (n) => {
  expect(() => random(0).integer(n)).toThrow(NishikiError);
});

test("shuffle gives every order equally often and leaves the list alone; pick takes every item", () => {
  const source = random(0, "shuffle");
  const list = ["a", "b", "c"] as const;
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = source.shuffle(list).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(list).toEqual(["a", "b", "c"]);
  expect([...counts.keys()].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
  for (const count of counts.values())
    expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt((1000 * 5) / 6));
  expect(new Set(Array.from({ length: 100 }, () => source.pick(list)))).toEqual(new Set(list));
  expect(() => source.pick([])).toThrow(NishikiError);
});
