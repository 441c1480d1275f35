import { describe, expect, it } from "vitest";
import { getAxes } from "./axes.js";
import { type Cell, countCells, findsText, getCells, readGrid, type Sweep } from "./cells.js";
import { readValues, type Value } from "./values.js";

const whole = { kind: "number", isWhole: true, least: 1, most: 1000 } as const;
const real = { kind: "number", isWhole: false, least: 0, most: 1 } as const;
const valuesOf = (text: string, type: Parameters<typeof readValues>[1]) => {
  const read = readValues(text, type);
  return "values" in read ? read.values : read.fault;
};

describe("an axis's values", () => {
  it("are lists and ranges of numbers", () => {
    expect(valuesOf("4, 8,16", whole)).toEqual([4, 8, 16]);
    expect(valuesOf("1-4", whole)).toEqual([1, 2, 3, 4]);
    expect(valuesOf("1-10 (+3), 20", whole)).toEqual([1, 4, 7, 10, 20]);
    expect(valuesOf("0-1 [5]", real)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(valuesOf("0.1-0.5 (+0.1)", real)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(valuesOf("3-1", whole)).toEqual([3, 2, 1]);
    expect(valuesOf("-2--1", { kind: "number", isWhole: true })).toEqual([-2, -1]);
    expect(valuesOf("8, 8", whole)).toEqual([8]);
  });

  it("are checked, with the text that is wrong", () => {
    expect(valuesOf("", whole)).toEqual({ kind: "empty" });
    expect(valuesOf("4, many", whole)).toEqual({ kind: "not-a-number", text: "many" });
    expect(valuesOf("0-4", whole)).toMatchObject({ kind: "out-of-range", value: 0 });
    expect(valuesOf("1-1000", whole)).toEqual({ kind: "too-many", most: 200 });
    expect(valuesOf("1-2 (+0)", whole)).toEqual([1]);
  });

  it("are names, whatever their spelling", () => {
    const samplers = { kind: "choice", choices: ["euler", "dpm++2m"] } as const;
    expect(valuesOf("Euler, DPM++ 2M", samplers)).toEqual(["euler", "dpm++2m"]);
    expect(valuesOf("eular", samplers)).toEqual({ kind: "unknown", text: "eular" });
    expect(valuesOf("on, off", { kind: "flag" })).toEqual([true, false]);
    expect(valuesOf("maybe", { kind: "flag" })).toEqual({ kind: "unknown", text: "maybe" });
  });

  it("are sizes and texts", () => {
    expect(valuesOf("512, 512×768", { kind: "size" })).toEqual(["512x512", "512x768"]);
    expect(valuesOf("big", { kind: "size" })).toEqual({ kind: "not-a-size", text: "big" });
    expect(valuesOf('cat, "dog, small"', { kind: "replace" })).toEqual(["cat", "dog, small"]);
  });
});

describe("the axes of a model", () => {
  const schema = {
    properties: {
      prompt: { type: "string" },
      count: { type: "integer" },
      steps: { type: "integer", minimum: 1, maximum: 1000 },
      sampler: { type: "string" },
      size: { anyOf: [] },
      fast: { type: "boolean" },
      init: {
        type: "object",
        properties: { image: {}, strength: { type: "number", minimum: 0, maximum: 1 } },
      },
    },
  };

  it("come from its schema", () => {
    const axes = getAxes(schema, { sampler: ["euler"] }, ["a", "b"]);
    expect(axes.map(({ path, type }) => `${path}: ${type.kind}`)).toEqual([
      "prompt: replace",
      "steps: number",
      "sampler: choice",
      "size: size",
      "fast: flag",
      "init.strength: number",
      "model: choice",
    ]);
    expect(axes[1]!.type).toEqual(whole);
  });

  it("do not offer one model to choose from", () => {
    expect(getAxes({}, {}, ["a"]).map(({ path }) => path)).toEqual(["prompt"]);
  });
});

describe("the cells of a sweep", () => {
  const axis = (path: string, values: readonly Value[], cost = 0, kind: "text" | "replace" = "text") => ({
    axis: { path, type: { kind }, cost },
    values,
  });
  const sweep: Sweep = {
    x: axis("model", ["a", "b"], 100),
    y: axis("steps", [4, 8]),
    z: axis("prompt", ["cat", "dog"], 1, "replace"),
  };
  const base = { prompt: "a cat", negativePrompt: "", seed: 3, count: 4 };
  const cells = getCells(base, sweep);

  it("are all combinations, the dearest axis changing most rarely", () => {
    expect(countCells(sweep)).toBe(8);
    const describeCell = ({ model, request }: Cell) => `${model} ${request.prompt} ${request.steps}`;
    expect(cells.map(describeCell)).toEqual([
      "a a cat 4",
      "a a cat 8",
      "a a dog 4",
      "a a dog 8",
      "b a cat 4",
      "b a cat 8",
      "b a dog 4",
      "b a dog 8",
    ]);
    expect(cells.every(({ request }) => request.count === 1 && request.seed === 3)).toBe(true);
  });

  it("set values inside groups without touching the others", () => {
    const init = { image: "i", strength: 0.5 };
    const [cell] = getCells({ ...base, init }, { x: axis("init.strength", [0.9]) });
    expect(cell!.request.init).toEqual({ image: "i", strength: 0.9 });
    expect(init.strength).toBe(0.5);
  });

  it("can be put together again from their labels alone", () => {
    const { axes, at } = readGrid([...cells].reverse());
    expect(axes.y).toEqual({ path: "steps", values: ["4", "8"] });
    expect(axes.x?.values).toEqual(["a", "b"]);
    expect(at(1, 0, 1)?.request).toMatchObject({ prompt: "a dog", steps: 4 });
    expect(at(2, 0, 0)).toBeUndefined();
    const part = readGrid(cells.slice(4, 5));
    expect(part.axes.x).toEqual({ path: "model", values: ["", "b"] });
  });

  it("do not believe labels of other programs", () => {
    expect(readGrid([{ labels: { x: "1", xIndex: "1e9" } }, { labels: { note: "mine" } }]).axes).toEqual({});
  });

  it("know whether the text to replace is there", () => {
    expect(findsText(base, "cat")).toBe(true);
    expect(findsText(base, "dog")).toBe(false);
  });
});
