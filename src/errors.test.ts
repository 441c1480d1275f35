import { describe, expect, it } from "vitest";
import { listSome, quote, showText } from "./errors.js";

describe("foreign text in messages", () => {
  it("is cut at its limit, and never inside of a character", () => {
    expect(quote("a".repeat(1000)).length).toBeLessThanOrEqual(82);
    expect(showText("a".repeat(1000), { limit: 300 })).toBe(`${"a".repeat(299)}…`);
    expect(showText(`${"a".repeat(78)}😀bcd`)).toBe(`${"a".repeat(78)}…`);
    expect(quote("short")).toBe('"short"');
  });

  it("shows what a terminal would obey", () => {
    expect(showText("\u001b[2Jx\n\u009b1m")).toBe("\\u001b[2Jx\\u000a\\u009b1m");
    expect(quote("\u001b[2J\u202e\u007f")).toBe('"\\u001b[2J\\u202e\\u007f"');
    expect(showText("猫 👩‍👧 café")).toBe("猫 👩‍👧 café");
  });

  it("lists some names and counts the others", () => {
    expect(listSome(["a", "b"])).toBe("a, b");
    expect(listSome(["a", "b", "c"], 2)).toBe("a, b and 1 more");
    const long = Array.from({ length: 700 }, (_, index) => quote(`${index}${"x".repeat(500)}`));
    expect(listSome(long, 100).length).toBeLessThan(330);
    expect(listSome(long, 100)).toMatch(/ and \d+ more$/);
  });
});
