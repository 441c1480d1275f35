import { describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { byteLength, storedDtypes } from "./dtype.js";
import { parseHeader } from "./header.js";
import { encodeSafetensors } from "./memory-file.js";

/** A file with this text as its header, however wrong, and `dataBytes` bytes behind it. */
function fileOf(header: string | Uint8Array, dataBytes = 0): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  bytes.set(text, 8);
  return bytes;
}

function parse(bytes: Uint8Array) {
  return parseHeader(bytes, bytes.byteLength, "m.safetensors");
}

function refusal(bytes: Uint8Array): string {
  try {
    parse(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(NishikiError);
    expect((error as NishikiError).code).toBe("checkpoint");
    return (error as NishikiError).message;
  }
  return expect.fail("the file was accepted");
}

const entry = (shape: string, offsets: string, dtype = "F32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe("a well-formed header", () => {
  it("is read in the order of the bytes, with offsets from the start of the file", () => {
    const header = `{"b":${entry("[2]", "[4,12]")}, "a" :\n${entry("[]", "[0,4]")},"e":${entry("[3,0]", "[4,4]")}}   `;
    const { tensors, metadata, dataStart } = parse(fileOf(header, 12));
    expect(dataStart).toBe(8 + header.length);
    expect(metadata).toEqual({});
    expect([...tensors.values()]).toEqual([
      { name: "a", dtype: "f32", shape: [], offset: dataStart, length: 4 },
      { name: "e", dtype: "f32", shape: [3, 0], offset: dataStart + 4, length: 0 },
      { name: "b", dtype: "f32", shape: [2], offset: dataStart + 4, length: 8 },
    ]);
  });

  it("may be empty, may hold every type, escapes, and names that JavaScript gives a meaning", () => {
    expect(parse(fileOf("{}")).tensors.size).toBe(0);
    for (const dtype of storedDtypes) {
      const data = new Uint8Array(byteLength(dtype, [4])!);
      const bytes = encodeSafetensors([{ name: "t", dtype, shape: [4], data }]);
      expect(parse(bytes).tensors.get("t")?.dtype).toBe(dtype);
    }
    const odd = `{"__proto__":${entry("[1]", "[0,4]")},"\\u00e9\\ud83d\\udc31":${entry("[0]", "[4,4]")},"":${entry("[0]", "[4,4]")}}`;
    expect([...parse(fileOf(odd, 4)).tensors.keys()].sort()).toEqual(["", "__proto__", "é🐱"]);
    const meta = parse(fileOf('{"__metadata__":{"__proto__":"x","a":"\\n"}}')).metadata;
    expect(Object.entries(meta)).toEqual([
      ["__proto__", "x"],
      ["a", "\n"],
    ]);
  });
});

describe("a malformed file is refused with the file, the tensor, what was found and what is right:", () => {
  const ok = entry("[2]", "[0,8]");
  it.each([
    [
      "shorter than 8 bytes",
      new Uint8Array(5),
      /^m\.safetensors is not a valid safetensors file: it has 5 bytes/,
    ],
    [
      "header longer than the file",
      fileOf("{}").fill(0x7f, 0, 1),
      /header claims 127 bytes, but only 2 follow/,
    ],
    [
      "header over 100 MB",
      fileOf("{}").fill(0xff, 0, 8),
      /claim a header of 1844\d+ bytes, but the format allows 100000000/,
    ],
    ["no header at all", fileOf(""), /does not begin with "\{"/],
    ["space before the header", fileOf(" {}"), /does not begin with "\{"/],
    ["an array as header", fileOf("[]"), /does not begin with "\{"/],
    ["invalid UTF-8", fileOf(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a])), /not valid UTF-8/],
    ["half a surrogate pair", fileOf(`{"\\ud800":${ok}}`, 8), /an unpaired surrogate/],
    ["unknown escape", fileOf(`{"\\x":${ok}}`, 8), /unknown escape/],
    ["unfinished JSON", fileOf(`{"a":${ok}`, 8), /not valid JSON .* expected "\}" at byte 61, found the end/],
    [
      "text after the header",
      fileOf(`{"a":${ok}}x`, 8),
      /expected the end of the header at byte \d+, found "x"/,
    ],
    ["a trailing comma", fileOf(`{"a":${ok},}`, 8), /expected a name in the header/],
    ["duplicate names", fileOf(`{"a":${ok},"a":${ok}}`, 8), /tensor "a" appears twice/],
    ["duplicate names, one escaped", fileOf(`{"a":${ok},"\\u0061":${ok}}`, 8), /tensor "a" appears twice/],
    ["duplicate metadata", fileOf('{"__metadata__":{},"__metadata__":{}}'), /__metadata__ appears twice/],
    ["duplicate key of metadata", fileOf('{"__metadata__":{"k":"1","k":"2"}}'), /__metadata__ has "k" twice/],
    ["metadata that is no text", fileOf('{"__metadata__":{"k":1}}'), /the text of "k" in __metadata__/],
    ["duplicate field", fileOf('{"a":{"dtype":"F32","dtype":"F32"}}'), /tensor "a" has dtype twice/],
    ["unknown field", fileOf('{"a":{"strides":[1]}}'), /tensor "a" has "strides"/],
    ["missing dtype", fileOf('{"a":{"shape":[2],"data_offsets":[0,8]}}', 8), /tensor "a" has no dtype/],
    ["missing shape", fileOf('{"a":{"dtype":"F32","data_offsets":[0,8]}}', 8), /tensor "a" has no shape/],
    ["missing offsets", fileOf('{"a":{"dtype":"F32","shape":[2]}}', 8), /tensor "a" has no data_offsets/],
    ["a tensor that is none", fileOf('{"a":null}'), /expected "\{"/],
    [
      "unknown dtype",
      fileOf(`{"a":${entry("[2]", "[0,8]", "F23")}}`, 8),
      /"a" has the unknown dtype "F23"; .* BF16/,
    ],
    [
      "negative size",
      fileOf(`{"a":${entry("[-2]", "[0,8]")}}`, 8),
      /a number of the shape of tensor "a", an integer of 0 or more/,
    ],
    [
      "fractional size",
      fileOf(`{"a":${entry("[2.0]", "[0,8]")}}`, 8),
      /integer of 0 or more at byte \d+, found "\."/,
    ],
    ["exponent", fileOf(`{"a":${entry("[2e0]", "[0,8]")}}`, 8), /integer of 0 or more/],
    ["leading zero", fileOf(`{"a":${entry("[02]", "[0,8]")}}`, 8), /leading zero/],
    ["size as text", fileOf(`{"a":${entry('["2"]', "[0,8]")}}`, 8), /integer of 0 or more/],
    ["size beyond 2^53", fileOf(`{"a":${entry("[9007199254740993]", "[0,8]")}}`, 8), /larger than 2\^53 - 1/],
    [
      "product beyond 2^53",
      fileOf(`{"a":${entry("[4294967296,4294967296]", "[0,8]")}}`, 8),
      /"a" has shape .*not a whole number/,
    ],
    [
      "hundreds of dimensions",
      fileOf(`{"a":${entry(`[${Array(500).fill(1)}]`, "[0,4]")}}`, 4),
      /more than 64 numbers/,
    ],
    [
      "half a byte",
      fileOf(`{"a":${entry("[3]", "[0,2]", "F4")}}`, 2),
      /shape \[3\] of F4, which is not a whole number of bytes/,
    ],
    [
      "size that is not shape × type",
      fileOf(`{"a":${entry("[3]", "[0,8]")}}`, 8),
      /"a" has shape \[3\] of F32, which takes 12 bytes, .* span 8/,
    ],
    ["one offset", fileOf(`{"a":${entry("[2]", "[8]")}}`, 8), /"a" has 1 data_offsets, not 2/],
    ["three offsets", fileOf(`{"a":${entry("[2]", "[0,8,9]")}}`, 8), /more than 2 numbers/],
    [
      "reversed offsets",
      fileOf(`{"a":${entry("[2]", "[8,0]")}}`, 8),
      /"a" ends before it begins: data_offsets \[8, 0\]/,
    ],
    ["truncated data", fileOf(`{"a":${ok}}`, 7), /"a" has data_offsets \[0, 8\], but the file holds 7 bytes/],
    [
      "offset out of range",
      fileOf(`{"a":${entry("[1]", "[1000000,1000004]")}}`, 8),
      /the file holds 8 bytes/,
    ],
    [
      "overlap",
      fileOf(`{"a":${ok},"b":${entry("[2]", "[4,12]")}}`, 12),
      /"b" at \[4, 12\] overlaps tensor "a", which ends at 8/,
    ],
    [
      "hole",
      fileOf(`{"a":${ok},"b":${entry("[1]", "[12,16]")}}`, 16),
      /"b" begins at 12, but the bytes from 8 belong to no tensor/,
    ],
    [
      "bytes before the first tensor",
      fileOf(`{"a":${entry("[1]", "[4,8]")}}`, 8),
      /begins at 4, but the bytes from 0/,
    ],
    ["bytes after the last tensor", fileOf(`{"a":${ok}}`, 9), /the last 1 bytes belong to no tensor/],
    ["bytes and no tensor", fileOf("{}", 3), /the last 3 bytes belong/],
    ["deep nesting", fileOf(`{"a":${"[".repeat(100_000)}`), /expected "\{"/],
  ])("%s", (_, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });
});
