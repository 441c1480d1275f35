import { describe, expect, it } from "vitest";
import { flag, nonEmptyText, numberBetween, oneOf, readText, wholeNumber, z } from "./index.js";

const control = z.strictObject({
  image: z.string(),
  weight: numberBetween(0, 2).default(1),
  invert: flag.optional(),
  kind: oneOf(["edges", "depth"]).optional(),
});

describe("a command-line text", () => {
  it.each<[string, unknown]>([
    ["7.5", 7.5],
    ["-3", -3],
    ["1e3", 1000],
    ["", ""],
    ["0x10", "0x10"],
    ["five", "five"],
    ["NaN", Number.NaN],
    ["Infinity", "Infinity"],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", "9007199254740992"],
    ["18446744073709551615", "18446744073709551615"],
  ])("%j is read as %j where a number is expected", (text, value) => {
    expect(readText(wholeNumber(0).optional(), text)).toEqual(value);
  });

  it("stays a text where one is expected", () => {
    expect(readText(nonEmptyText, "7")).toBe("7");
    expect(readText(z.union([nonEmptyText, control]), "a.png")).toBe("a.png");
  });

  it("is an object where it names a field first, whose values may have commas and equals signs", () => {
    expect(readText(control, "image=a, b=c.png,weight=0.5,invert=yes,kind=depth")).toEqual({
      image: "a",
      b: "c.png",
      weight: 0.5,
      invert: true,
      kind: "depth",
    });
    expect(readText(z.union([nonEmptyText, control]), "image=my, cat.png, weight=x")).toEqual({
      image: "my, cat.png",
      weight: "x",
    });
    expect(readText(z.union([nonEmptyText, control]), "other=1")).toBe("other=1");
  });
});
