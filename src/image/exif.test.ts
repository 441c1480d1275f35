import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readExifText } from "./exif.js";

/** EXIF data with a comment, as programs write it: the first directory names a second, which holds the comment. */
function withComment(comment: Uint8Array, isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(44 + comment.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(isLittle ? "II" : "MM"));
  view.setUint16(2, 42, isLittle);
  view.setUint32(4, 8, isLittle);
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    view.setUint16(at, 1, isLittle);
    view.setUint16(at + 2, tag, isLittle);
    view.setUint16(at + 4, type, isLittle);
    view.setUint32(at + 6, count, isLittle);
    view.setUint32(at + 10, value, isLittle);
  };
  entry(8, 0x8769, 4, 1, 26);
  entry(26, 0x9286, 7, comment.length, 44);
  bytes.set(comment, 44);
  return bytes;
}

function utf16(text: string, isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), isLittle);
  return bytes;
}

const join = (head: string, body: Uint8Array) =>
  Uint8Array.from([...new TextEncoder().encode(head), ...body]);

describe("readExifText", () => {
  const text = "猫耳, a naïve café\nSteps: 28";

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])("reads a UTF-16 comment in either order (file %s, text %s)", (file, order) => {
    const comment = join("UNICODE\0", utf16(text, order));
    expect(readExifText(withComment(comment, file)).UserComment).toBe(text);
    expect(readExifText(join("Exif\0\0", withComment(comment, file))).UserComment).toBe(text);
  });

  it("reads comments in ASCII, in UTF-8 that calls itself ASCII, and without a name of their characters", () => {
    const utf8 = new TextEncoder().encode(text);
    for (const head of ["ASCII\0\0\0", "\0\0\0\0\0\0\0\0", ""])
      expect(readExifText(withComment(join(head, utf8), false)).UserComment).toBe(text);
  });

  it("survives any damage", () => {
    const good = withComment(join("UNICODE\0", utf16(text, true)), true);
    fc.assert(
      fc.property(
        fc.array(fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) })),
        fc.nat(44),
        (places, cut) => {
          const bad = good.slice(0, good.length - cut);
          for (const { at, to } of places) if (at < bad.length) bad[at] = to;
          expect(typeof readExifText(bad)).toBe("object");
        },
      ),
      { numRuns: 500, seed: 1 },
    );
    expect(readExifText(new Uint8Array())).toEqual({});
  });
});
