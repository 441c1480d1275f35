import fc from "fast-check";
import { zlibSync } from "fflate";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import type { Image } from "./image.js";
import { decodePng, encodePng, inspectPng, readPngText } from "./png.js";
import { type Chunk, readChunks, textChunk, unpack, writeChunks } from "./png-chunks.js";

function noise(width: number, height: number, channels: 3 | 4): Image {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (i * 7919 + (i >> 3) * 104_729) & 255,
  );
  return { width, height, channels, data };
}

function refusal(bytes: Uint8Array): string {
  try {
    decodePng(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(NishikiError);
    expect((error as NishikiError).code).toBe("file");
    return (error as NishikiError).message;
  }
  return expect.fail("the file was accepted");
}

describe("encodePng", () => {
  it.each([3, 4] as const)("is read back equal, by us and by libpng, with %i channels", async (channels) => {
    const image = noise(37, 23, channels);
    const bytes = encodePng(image, { text: { parameters: "cat" } });
    expect(decodePng(bytes)).toEqual({ ...image, text: { parameters: "cat" } });
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([37, 23, channels]);
    expect(new Uint8Array(data)).toEqual(image.data);
  });

  it("gives the same bytes for the same pixels and texts, also from clamped arrays", () => {
    const image = noise(8, 8, 3);
    const clamped = { ...image, data: new Uint8ClampedArray(image.data) };
    const text = { a: "1", b: "é☃" };
    expect(encodePng(clamped, { text })).toEqual(encodePng(image, { text }));
  });

  it("puts texts before the pixels, Latin-1 as tEXt and the rest as iTXt", () => {
    const text = { parameters: "café\nline", nishiki: "猫 🐱" };
    const chunks = readChunks(encodePng(noise(2, 2, 3), { text }));
    expect(chunks.map(({ type }) => type)).toEqual(["IHDR", "tEXt", "iTXt", "IDAT", "IEND"]);
    expect(chunks[1]!.data).toEqual(new Uint8Array(Buffer.from("parameters\0café\nline", "latin1")));
  });

  it("keeps any text", () => {
    const codePoint = fc.integer({ min: 1, max: 0x10ffff }).filter((point) => point >> 11 !== 27); // no surrogates
    const anyText = fc.array(codePoint).map((points) => String.fromCodePoint(...points));
    fc.assert(
      fc.property(anyText, (text) => {
        expect(readPngText(encodePng(noise(1, 1, 3), { text: { key: text } }))).toEqual({ key: text });
      }),
      { seed: 1 },
    );
  });

  it("writes Latin-1 that readers would take for UTF-8 as iTXt", () => {
    const text = { key: "Ã©" };
    const bytes = encodePng(noise(1, 1, 3), { text });
    expect(readChunks(bytes)[1]!.type).toBe("iTXt");
    expect(readPngText(bytes)).toEqual(text);
  });

  it("refuses what is no picture, and texts that PNG cannot hold", () => {
    expect(() => encodePng({ ...noise(2, 2, 3), width: 3 })).toThrow(
      /Expected 18 bytes .* 3x2 with 3 channels, got 12/,
    );
    expect(() => encodePng({ ...noise(2, 2, 3), height: 0 })).toThrow(NishikiError);
    for (const key of ["", " a", "a ", "a  b", "猫", "a\n", "x".repeat(80)]) {
      expect(() => textChunk(key, "text")).toThrow(/cannot name a text/);
    }
    expect(() => textChunk("key", "a\0b")).toThrow(/NUL/);
  });
});

describe("decodePng", () => {
  const rgb = Buffer.from(noise(19, 11, 3).data);
  const source = () => sharp(rgb, { raw: { width: 19, height: 11, channels: 3 } });

  it.each([
    ["grey", () => source().greyscale().png()],
    ["palette", () => source().png({ palette: true, colours: 16 })],
    ["two colours", () => source().greyscale().threshold(128).png({ palette: true, colours: 2 })],
    ["palette with alpha", () => source().ensureAlpha(0.5).png({ palette: true, colours: 4 })],
    ["interlaced", () => source().png({ progressive: true })],
    ["16 bits", () => source().toColourspace("rgb16").png()],
    ["grey with alpha", () => source().greyscale().ensureAlpha(0.3).png()],
  ] as const)("reads %s as libpng does", async (kind, make) => {
    const bytes = new Uint8Array(await make().toBuffer());
    const ours = decodePng(bytes);
    const { data, info } = await sharp(bytes)
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([ours.width, ours.height, ours.channels]).toEqual([19, 11, info.channels]);
    // From 16 bits, libvips cuts where we round.
    const most = Math.max(...Array.from(ours.data, (value, i) => Math.abs(value - data[i]!)));
    expect(most).toBeLessThanOrEqual(kind === "16 bits" ? 1 : 0);
  });

  /** A PNG made by hand: rows as they are before packing. */
  function handMade(
    header: readonly number[],
    rows: readonly number[],
    extra: { type: string; data: Uint8Array }[] = [],
  ) {
    const [width, height, ...rest] = header;
    const data = new Uint8Array([0, 0, 0, width!, 0, 0, 0, height!, ...rest, 0, 0, 0].slice(0, 13));
    const idat = { type: "IDAT", data: zlibSync(Uint8Array.from(rows)) };
    return writeChunks([{ type: "IHDR", data }, ...extra, idat, { type: "IEND", data: new Uint8Array() }]);
  }

  it("reads 1, 2 and 4 bits of grey, whose rows begin on whole bytes", () => {
    const oneBit = decodePng(handMade([3, 2, 1, 0], [0, 0b10100000, 0, 0b01000000]));
    expect([...oneBit.data].filter((_, i) => i % 3 === 0)).toEqual([255, 0, 255, 0, 255, 0]);
    const twoBits = decodePng(handMade([3, 1, 2, 0], [0, 0b00011011]));
    expect([...twoBits.data].filter((_, i) => i % 3 === 0)).toEqual([0, 85, 170]);
    const fourBits = decodePng(handMade([2, 1, 4, 0], [0, 0x3f]));
    expect([...fourBits.data].filter((_, i) => i % 3 === 0)).toEqual([51, 255]);
  });

  it("reads a transparent colour as alpha", () => {
    const key = { type: "tRNS", data: Uint8Array.of(0, 1, 0, 2, 0, 3) };
    const { channels, data } = decodePng(handMade([3, 1, 8, 2], [0, 1, 2, 3, 1, 2, 4, 3, 2, 1], [key]));
    expect([channels, ...data]).toEqual([4, 1, 2, 3, 0, 1, 2, 4, 255, 3, 2, 1, 255]);
  });

  it("reads compressed texts, and ignores malformed ones", () => {
    const packed = zlibSync(new TextEncoder().encode("cat"));
    const bytes = (head: string, body: Uint8Array) =>
      new Uint8Array([...Buffer.from(head, "latin1"), ...body]);
    const chunks = [
      { type: "zTXt", data: bytes("z\0\0", packed) },
      { type: "iTXt", data: bytes("i\0\x01\0en\0word\0", packed) },
      { type: "zTXt", data: bytes("broken\0\0", packed.subarray(0, 4)) },
      { type: "tEXt", data: bytes("no separator", new Uint8Array()) },
      { type: "iTXt", data: bytes("utf\0\0\0\0\0", Uint8Array.of(0xff)) },
    ];
    expect(decodePng(handMade([1, 1, 8, 2], [0, 1, 2, 3], chunks)).text).toEqual({ z: "cat", i: "cat" });
  });

  it("refuses with a plain sentence", () => {
    const good = encodePng(noise(9, 9, 3));
    expect(refusal(new Uint8Array())).toMatch(/not a readable PNG file: it is empty/);
    expect(refusal(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0))).toMatch(/does not begin like one/);
    for (let length = 8; length < good.length; length++)
      expect(refusal(good.slice(0, length))).toMatch(/truncated/);
    const damaged = good.slice();
    damaged[60]! ^= 1;
    expect(refusal(damaged)).toMatch(/checksum of its chunk IDAT .* damaged/);
    expect(refusal(handMade([0, 1, 8, 2], []))).toMatch(/it is 0x1 pixels/);
    expect(refusal(handMade([2, 1, 8, 5], [0, 1, 2]))).toMatch(/colour type 5 with 8 bits/);
    expect(refusal(handMade([2, 1, 8, 3], [0, 1, 2]))).toMatch(/^This PNG picture cannot be/);
    expect(refusal(handMade([2, 1, 8, 2], [0, 1, 2]))).toMatch(/do not fill its size/);
    expect(refusal(handMade([2, 1, 8, 2], Array(5000).fill(0)))).toMatch(/do not fill its size/);
    expect(refusal(handMade([2, 1, 8, 2], [9, 1, 2, 3, 4, 5, 6]))).toMatch(/cannot be decoded/);
  });

  it("refuses a size that its data cannot fill before it takes the memory", () => {
    const chunks = readChunks(encodePng(noise(2, 2, 3)));
    const header = chunks[0]!.data.slice();
    new DataView(header.buffer).setUint32(0, 8192);
    new DataView(header.buffer).setUint32(4, 8192);
    const before = process.memoryUsage().arrayBuffers;
    expect(refusal(writeChunks([{ type: "IHDR", data: header }, ...chunks.slice(1)]))).toMatch(
      /do not fill its size/,
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  /** An image with these chunks before its pixels. */
  function withChunks(...texts: Chunk[]): Uint8Array {
    const [header, ...rest] = readChunks(encodePng(noise(2, 2, 3)));
    return writeChunks([header!, ...texts, ...rest]);
  }
  const bytesOf = (text: string) => new TextEncoder().encode(text);

  it("reads UTF-8 where the standard has Latin-1, and Latin-1 where it is that", () => {
    const utf8 = { type: "tEXt", data: bytesOf("parameters\0猫耳 naïve") };
    const latin1 = { type: "tEXt", data: Uint8Array.from(Buffer.from("other\0naïve ÿ", "latin1")) };
    expect(readPngText(withChunks(utf8, latin1))).toEqual({ parameters: "猫耳 naïve", other: "naïve ÿ" });
  });

  it("has one limit for the texts of a file, and says what is left out", () => {
    const packed = zlibSync(new Uint8Array(15 * 2 ** 20).fill(97));
    const bombs = Array.from({ length: 16 }, (_, i) => ({
      type: "zTXt",
      data: Buffer.concat([bytesOf(`k${i}\0\0`), packed]),
    }));
    const { text, problems } = inspectPng(withChunks(...bombs));
    const total = Object.values(text).reduce((sum, { length }) => sum + length, 0);
    expect(total).toBe(15 * 2 ** 20);
    expect(problems[0]).toBe('The text "k1" was not read: it goes beyond 16 MiB for all texts.');
    expect(problems.length).toBeLessThanOrEqual(5);
  });

  it("unpacks bit by bit, so that one long text or picture is noticed before it takes the memory", () => {
    const size = 24 * 2 ** 20;
    const packed = zlibSync(new Uint8Array(size).fill(97));
    let longest = 0;
    const take = (piece: Uint8Array) => (longest = Math.max(longest, piece.length));
    expect(unpack([packed], size, take)).toBe(size);
    expect(longest).toBeLessThan(4 * 2 ** 20);
    expect(() => unpack([packed], size - 1, take)).toThrow(RangeError);
  });

  it("leaves off unpacking texts after several that are too long, and still reads plain ones", () => {
    const packed = zlibSync(new Uint8Array(17 * 2 ** 20).fill(97));
    const bombs = Array.from({ length: 9 }, (_, i) => ({
      type: "zTXt",
      data: Buffer.concat([bytesOf(`k${i}\0\0`), packed]),
    }));
    const small = { type: "zTXt", data: Buffer.concat([bytesOf("z\0\0"), zlibSync(bytesOf("a dog"))]) };
    const plain = { type: "tEXt", data: bytesOf("key\0a cat") };
    expect(inspectPng(withChunks(...bombs.slice(0, 7), small, plain)).text).toEqual({
      z: "a dog",
      key: "a cat",
    });
    expect(inspectPng(withChunks(...bombs, small, plain)).text).toEqual({ key: "a cat" });
  });

  it("bears a wrong checksum in a text alone", () => {
    const good = withChunks({ type: "tEXt", data: bytesOf("key\0a cat") });
    const bad = good.slice();
    bad[33 + 8 + 5]! ^= 1; // behind signature and header: the text's chunk, its length, type and content
    expect(decodePng(bad).data).toEqual(decodePng(good).data);
    expect(inspectPng(bad).problems).toEqual(['The checksum of the text "key" is wrong: it may be damaged.']);
  });

  it("looks at a picture of any size, and decodes none beyond a limit", () => {
    const header = Uint8Array.of(0, 0, 0x80, 0, 0, 0, 0x80, 0, 1, 0, 0, 0, 0);
    const chunks = [
      { type: "IHDR", data: header },
      { type: "IDAT", data: zlibSync(new Uint8Array(9)) },
      { type: "IEND", data: new Uint8Array(0) },
    ];
    const bytes = writeChunks(chunks);
    expect(inspectPng(bytes)).toMatchObject({ width: 32_768, height: 32_768, depth: 1, hasAlpha: false });
    expect(refusal(bytes)).toMatch(/has 32768x32768 pixels; the limit is 67 million/);
    expect(() => decodePng(encodePng(noise(9, 9, 3)), { maxPixels: 80 })).toThrow(/9x9 pixels/);
  });

  it("survives any damage, checksums mended or not", () => {
    const good = encodePng(noise(12, 7, 4), { text: { parameters: "a cat", nishiki: "猫" } });
    const place = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 4 }), fc.boolean(), (places, mend) => {
        const bad = good.slice();
        for (const { at, to } of places) bad[at] = to;
        try {
          decodePng(mend ? mendChecksums(bad) : bad);
        } catch (error) {
          expect(error).toBeInstanceOf(NishikiError);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  /** Writes the right checksum behind each chunk, so that damage reaches what lies behind the check. */
  function mendChecksums(bytes: Uint8Array): Uint8Array {
    const view = new DataView(bytes.buffer);
    const chunks = [];
    for (let at = 8; at + 12 <= bytes.length; ) {
      const length = Math.min(view.getUint32(at), bytes.length - at - 12);
      const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
      at += length + 12;
    }
    return writeChunks(chunks);
  }
});
