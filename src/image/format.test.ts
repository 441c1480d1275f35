import { describe, expect, it } from "vitest";
import { getImageFormat, withArticle } from "./format.js";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The box that HEIC, AVIF and films begin with. */
const box = (...brands: string[]) =>
  bytes(
    `\0\0\0${String.fromCharCode(12 + 4 * brands.length)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`,
  );

describe("getImageFormat", () => {
  it.each<[string, boolean, Uint8Array]>([
    ["PNG", true, bytes("\x89PNG\r\n\x1a\n")],
    ["JPEG", true, bytes("\xff\xd8\xff\xe0")],
    ["WebP", true, bytes("RIFF\x00\x01\x02\x03WEBPVP8 ")],
    ["TIFF", true, bytes("MM\0\x2a\0\0\0\x08")],
    ["AVIF", true, box("avif", "mif1", "miaf")],
    ["AVIF", true, box("mif1", "avif")],
    ["HEIC", false, box("heic", "mif1", "heic")],
    ["HEIC", false, box("mif1", "heic")],
    ["MP4 or QuickTime video", false, box("isom", "avc1")],
    ["BMP", false, bytes("BM\x36\x48\0\0\0\0\0\0\x36\0")],
    ["JPEG XL", false, bytes("\xff\x0a\x00")],
    ["SVG", false, bytes('<?xml version="1.0"?><svg xmlns="">')],
    ["PDF", false, bytes("%PDF-1.7")],
  ])("%s", (name, isRead, start) => {
    expect(getImageFormat(start)).toEqual({ name, isRead });
  });

  it.each([[""], ["\0"], ["a text"], ["\0\0\0\x10ftyp"], ["RIFF"], ["{}"]])("%j is none", (text) => {
    expect(getImageFormat(bytes(text))).toBeUndefined();
  });

  it("has an article that suits its name", () => {
    expect(["SVG", "AVIF", "icon (ICO)", "JPEG", "HEIC", "GIF"].map(withArticle)).toEqual([
      "an SVG",
      "an AVIF",
      "an icon (ICO)",
      "a JPEG",
      "a HEIC",
      "a GIF",
    ]);
  });
});
