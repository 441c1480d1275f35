import { describe, expect, it } from "vitest";
import { editDistance, nearestName, showText } from "../errors.js";
import {
  listFields,
  nonEmptyText,
  numberBetween,
  oneOf,
  parse,
  toJsonSchema,
  wholeNumber,
  z,
} from "./index.js";

const loraSchema = z.strictObject({ file: nonEmptyText, weight: numberBetween(-10, 10).default(1) });

const schema = z
  .strictObject({
    steps: wholeNumber(1, 1000)
      .default(20)
      .meta({ description: "steps of the sampler", flag: "--steps <number>" }),
    kind: oneOf(["euler", "heun"]).default("euler"),
    init: z.strictObject({ strength: numberBetween(0, 1).default(0.8) }).optional(),
    loras: z.array(loraSchema).max(3).default([]),
    data: z
      .union([z.strictObject({ scenes: z.strictObject({ count: wholeNumber(1) }) }), loraSchema])
      .optional(),
    size: z.union([z.string(), z.strictObject({ width: wholeNumber(1), height: wholeNumber(1) })]).optional(),
    network: z
      .discriminatedUnion("name", [
        z.strictObject({ name: z.literal("conv"), width: wholeNumber(1) }),
        z.strictObject({ name: z.literal("attention"), heads: wholeNumber(1) }),
      ])
      .optional(),
  })
  .meta({ renamed: { average: "emaDecay" } });

function faultsOf(value: unknown): string[] {
  try {
    parse(schema, value, { name: "the request" });
  } catch (error) {
    return (error as Error).message.split("\n");
  }
  return [];
}

describe("parse", () => {
  it("fills in defaults, of objects inside too", () => {
    expect(parse(schema, { init: {}, loras: [{ file: "a" }] })).toEqual({
      steps: 20,
      kind: "euler",
      init: { strength: 0.8 },
      loras: [{ file: "a", weight: 1 }],
    });
  });

  it.each<[unknown, string[]]>([
    [7, ["the request: expected an object, got 7."]],
    [{ steps: 0 }, ["steps: expected a whole number from 1 to 1000, got 0."]],
    [{ steps: "x" }, ['steps: expected a whole number from 1 to 1000, got "x".']],
    [{ steps: null }, ["steps: expected a whole number from 1 to 1000, got null."]],
    [{ steps: Number.NaN }, ["steps: expected a whole number from 1 to 1000, got NaN."]],
    [{ kind: "eulr" }, ['kind: expected one of euler, heun, got "eulr".']],
    [{ stpes: 1 }, ['unknown field "stpes"; did you mean "steps"?']],
    [{ average: 1 }, ['unknown field "average": its name is now "emaDecay".']],
    [{ zzz: 1 }, ['unknown field "zzz". Known: steps, kind, init, loras, data, size, network.']],
    [{ init: { strength: 2 } }, ["init.strength: expected a number from 0 to 1, got 2."]],
    [{ init: { strenth: 1 } }, ['init: unknown field "strenth"; did you mean "strength"?']],
    [
      { loras: [{ file: " " }, {}] },
      [
        'loras[0].file: expected text that is not empty, got " ".',
        "loras[1].file: expected text that is not empty, got nothing.",
      ],
    ],
    [
      { loras: [{}, {}, {}, {}] },
      expect.arrayContaining(["loras: expected a list of at most 3, got [{},{},{},{}]."]),
    ],
    [{ data: { file: "" } }, ['data.file: expected text that is not empty, got "".']],
    [{ data: { scenes: { count: 0 } } }, ["data.scenes.count: expected a whole number from 1, got 0."]],
    [{ size: 3 }, ["size: expected text or an object, got 3."]],
    [{ size: { width: 0, height: 1 } }, ["size.width: expected a whole number from 1, got 0."]],
    [{ size: { width: 1, height: 1, depth: 1 } }, ['size: unknown field "depth". Known: width, height.']],
    [{ network: { name: "conv", width: 0 } }, ["network.width: expected a whole number from 1, got 0."]],
    [
      { network: { name: "conv", widht: 1, width: 2 } },
      ['network: unknown field "widht"; did you mean "width"?'],
    ],
  ])("%j", (value, faults) => {
    expect(faultsOf(value)).toEqual(faults);
  });

  it("reports all faults at once", () => {
    expect(faultsOf({ steps: 0, kind: 1, init: { strength: -1 }, extra: 1 })).toHaveLength(4);
  });

  it("shows foreign text short and without control characters", () => {
    const [fault] = faultsOf({ kind: `\u001b[31m${"x".repeat(10_000)}` });
    expect(fault!.length).toBeLessThan(200);
    expect(fault).not.toContain("\u001b");
  });

  it("does not mistake names of Object's own for fields", () => {
    expect(faultsOf({ constructor: 1 })[0]).toMatch(/unknown field "constructor"/);
    expect(faultsOf(JSON.parse('{"__proto__": 1}'))[0]).toMatch(/unknown field "__proto__"/);
  });
});

it("lists fields for help texts", () => {
  const rows = listFields(schema);
  expect(rows.map(({ path }) => path)).toEqual([
    "steps",
    "kind",
    "init",
    "init.strength",
    "loras",
    "data",
    "size",
    "network",
  ]);
  expect(rows[0]).toMatchObject({
    description: "steps of the sampler",
    expected: "a whole number from 1 to 1000",
    defaultText: "20",
    flag: "--steps <number>",
    isRequired: false,
  });
});

it("gives JSON Schema without the house's own keys", () => {
  const json = toJsonSchema(schema, { title: "Request" });
  expect(json).toMatchObject({
    title: "Request",
    type: "object",
    additionalProperties: false,
    properties: { steps: { type: "integer", minimum: 1, maximum: 1000, default: 20 } },
  });
  expect(JSON.stringify(json)).not.toMatch(/"(flag|renamed|expected|defaultText)"/);
});

it("finds the name that was meant", () => {
  expect(editDistance("trian", "train")).toBe(1);
  expect(nearestName("trian", ["generate", "train"])).toBe("train");
  expect(nearestName("num-steps", ["numSteps"])).toBe("numSteps");
  expect(nearestName("cat", ["train", "verify"])).toBeUndefined();
});

it("makes control characters visible", () => {
  expect(showText("a\u001b]0;x\u0007\u202eb")).toBe("a\\u001b]0;x\\u0007\\u202eb");
});
