// Thousands of broken files, made from good ones by a seeded generator. Whatever comes, a file is either read or refused
// with a NishikiError; nothing crashes, hangs, or takes memory by the numbers that a file claims.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NishikiError } from "../errors.js";
import { fileDtypeNames, storedDtypes } from "./dtype.js";
import { parseHeader } from "./header.js";
import { decodeSafetensors, encodeSafetensors } from "./memory-file.js";
import { openSafetensors } from "./node-file.js";

/** mulberry32 (T. Ettinger, 2017): small, seeded, good enough to choose mutations. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
type Random = ReturnType<typeof generator>;

const good = [
  encodeSafetensors([]),
  encodeSafetensors([{ name: "a", dtype: "f32", shape: [2, 3], data: new Float32Array(6) }]),
  encodeSafetensors(
    storedDtypes
      .slice(4)
      .map((dtype, i) => ({ name: `layer.${i}.${dtype}`, dtype, shape: [8], data: dataFor(dtype) })),
    { format: "pt", note: 'é 🐱 \\ "' },
  ),
];

function dataFor(dtype: (typeof storedDtypes)[number]): Uint8Array {
  return new Uint8Array((8 * Number((/(\d+)/.exec(dtype.replace(/^f8.*/, "f8")) ?? ["", "8"])[1]!)) / 8);
}

const hostileNumbers = [
  "-1",
  "0",
  "1",
  "7",
  "4294967295",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "18446744073709551615",
  "18446744073709551616",
  "1e308",
  "1e999",
  "-0",
  "0.5",
  "1E1",
  "00",
  "0x10",
  "NaN",
  "null",
  '"8"',
  "[]",
  "{}",
  "true",
  "9".repeat(400),
];
const hostileText = [
  '"__metadata__"',
  '"__proto__"',
  '"constructor"',
  '""',
  '"\\u0000"',
  '"\\ud83d"',
  '"\\',
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "[".repeat(5000),
  '{"a":'.repeat(2000),
  "\u0000",
  "\ufeff",
  "//",
  "'a'",
  ...fileDtypeNames.map((name) => `"${name}"`),
];

function withHeader(bytes: Uint8Array, edit: (header: string) => string): Uint8Array {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = new TextEncoder().encode(edit(new TextDecoder().decode(bytes.subarray(8, 8 + length))));
  const out = new Uint8Array(8 + header.byteLength + bytes.byteLength - 8 - length);
  new DataView(out.buffer).setBigUint64(0, BigInt(header.byteLength), true);
  out.set(header, 8);
  out.set(bytes.subarray(8 + length), 8 + header.byteLength);
  return out;
}

/** Replaces one match of `pattern`, chosen at random. */
function replaceOne(text: string, pattern: RegExp, replacement: string, random: Random): string {
  const matches = [...text.matchAll(pattern)];
  const match = matches[random(matches.length)];
  if (!match) return text + replacement;
  return text.slice(0, match.index) + replacement + text.slice(match.index + match[0].length);
}

const mutations: readonly ((bytes: Uint8Array, random: Random) => Uint8Array)[] = [
  function flipBits(bytes, random) {
    const out = bytes.slice();
    for (let n = 1 + random(4); n > 0; n--) out[random(out.length)]! ^= 1 << random(8);
    return out;
  },
  function flipBitsOfTheHeaderLength(bytes, random) {
    const out = bytes.slice();
    out[random(8)]! ^= 1 << random(8);
    return out;
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random(bytes.length));
  },
  function extend(bytes, random) {
    const out = new Uint8Array(bytes.length + 1 + random(64));
    out.set(bytes);
    return out;
  },
  function changeNumber(bytes, random) {
    const number = hostileNumbers[random(hostileNumbers.length)]!;
    return withHeader(bytes, (header) => replaceOne(header, /\d+/g, number, random));
  },
  function nudgeNumber(bytes, random) {
    return withHeader(bytes, (header) => replaceOne(header, /\d+(?=[,\]])/g, String(random(200)), random));
  },
  function changeToken(bytes, random) {
    const text = hostileText[random(hostileText.length)]!;
    return withHeader(bytes, (header) => replaceOne(header, /"[^"]*"|[[\]{},:]/g, text, random));
  },
  function insertText(bytes, random) {
    const text = hostileText[random(hostileText.length)]!;
    return withHeader(bytes, (header) => {
      const at = random(header.length);
      return header.slice(0, at) + text + header.slice(at);
    });
  },
  function repeatEntry(bytes, random) {
    return withHeader(bytes, (header) => {
      const entries = header.match(/"[^"]*":\{"dtype[^}]*\}/g) ?? ['"a":1'];
      return header.replace("}}", `},${entries[random(entries.length)]}}`);
    });
  },
  function manyDimensions(bytes, random) {
    const shape = `[${Array(1 + random(3000))
      .fill(random(2))
      .join(",")}]`;
    return withHeader(bytes, (header) => replaceOne(header, /\[[^\]]*\]/g, shape, random));
  },
  function randomBytes(_, random) {
    return Uint8Array.from({ length: random(300) }, () => random(256));
  },
];

function mutant(index: number): Uint8Array {
  const random = generator(index);
  let bytes = good[random(good.length)]!;
  const mutate = mutations[index % mutations.length]!;
  bytes = mutate(bytes, random);
  // A third get a second fault, so that one fault may hide behind another.
  if (random(3) === 0 && bytes.length > 16 && bytes[8] === 0x7b) bytes = mutations[random(2)]!(bytes, random);
  return bytes;
}

/** Reads a broken file; true where it was accepted after all. Fails on any other error than a clear refusal. */
function survives(bytes: Uint8Array, index: number): boolean {
  try {
    const { tensors } = decodeSafetensors(bytes, "broken.safetensors");
    let total = 0;
    for (const { data } of tensors.values()) total += data.byteLength;
    expect(total).toBeLessThanOrEqual(bytes.byteLength);
    return true;
  } catch (error) {
    if (!(error instanceof NishikiError))
      throw new Error(`File ${index} caused ${String(error)}`, { cause: error });
    // Plain checks: twenty thousand times three expectations take longer than the reading.
    const isClear = /^broken\.safetensors is not a valid safetensors file: .{10,}\.$/s.test(error.message);
    if (error.code !== "checkpoint" || !isClear || error.message.length > 1500) {
      expect.fail(`File ${index} was refused with ${error.code}: ${error.message.slice(0, 2000)}`);
    }
    return false;
  }
}

describe("broken files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nishiki-hostile-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("20,000 of them are read or refused, never worse", () => {
    const count = 20_000;
    let accepted = 0;
    for (let index = 0; index < count; index++) if (survives(mutant(index), index)) accepted++;
    // Some faults hit only data or metadata, and leave a good file; most must be found.
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(count / 4);
  });

  it("500 of them on disk likewise", async () => {
    const path = join(folder, "broken.safetensors");
    for (let index = 0; index < 500; index++) {
      const bytes = mutant(index * 37);
      await writeFile(path, bytes);
      const opened = await openSafetensors(path).catch((error: unknown) => error);
      if (opened instanceof NishikiError) continue;
      expect(opened).not.toBeInstanceOf(Error);
      const file = opened as Awaited<ReturnType<typeof openSafetensors>>;
      for (const name of file.tensors.keys())
        expect((await file.read(name)).data.byteLength).toBeLessThan(bytes.length);
    }
  });
});

// Makes the collector callable from here on, without a flag on the command line.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("memory", () => {
  const huge = "9007199254740991";
  const entry = (shape: string, offsets: string) =>
    `{"a":{"dtype":"U8","shape":${shape},"data_offsets":${offsets}}}`;
  const list = (item: string, count: number) => `[${Array(count).fill(item).join(",")}]`;

  /** The most that reading took, in bytes, of several times; each starts on a collected heap, against noise. */
  function taken(bytes: Uint8Array): { buffers: number; heap: number } {
    const most = { buffers: 0, heap: 0 };
    for (let i = 0; i < 3; i++) {
      collectGarbage();
      const before = process.memoryUsage();
      expect(() => parseHeader(bytes, bytes.byteLength)).toThrow(NishikiError);
      const after = process.memoryUsage();
      most.buffers = Math.max(most.buffers, after.arrayBuffers - before.arrayBuffers);
      most.heap = Math.max(most.heap, after.heapUsed - before.heapUsed);
    }
    return most;
  }

  function framed(header: string): Uint8Array {
    return withHeader(good[0]!, () => header);
  }

  it.each([
    ["huge shape", framed(entry(`[${huge}]`, `[0,${huge}]`))],
    ["huge offsets", framed(entry("[1]", `[${huge},${huge}]`))],
    ["a shape of two million sizes", framed(entry(list("1", 2_000_000), "[0,1]"))],
    ["two million offsets", framed(entry("[1]", list("1", 2_000_000)))],
    ["nesting two million deep", framed(`{"a":${"[".repeat(2_000_000)}`)],
    ["a list of two million objects", framed(`{"a":${list("{}", 1_000_000)}}`)],
    ["a number of two million digits", framed(entry(`[${"9".repeat(2_000_000)}]`, "[0,1]"))],
  ])("%s takes no more than the file", (_, bytes) => {
    const { buffers, heap } = taken(bytes);
    expect(buffers).toBeLessThanOrEqual(bytes.byteLength);
    // Beyond the file, half a megabyte for the test runner and the error with its stack.
    expect(heap).toBeLessThanOrEqual(bytes.byteLength + 500_000);
  });

  it("a header that claims 100 MB in a file of 100 bytes takes no buffer of that size", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nishiki-hostile-"));
    const bytes = new Uint8Array(100).fill(0x20);
    for (const claim of [99_999_999n, 100_000_001n, 2n ** 63n, 2n ** 64n - 1n]) {
      new DataView(bytes.buffer).setBigUint64(0, claim, true);
      await writeFile(join(folder, "claims.safetensors"), bytes);
      const before = process.memoryUsage().arrayBuffers;
      await expect(openSafetensors(join(folder, "claims.safetensors"))).rejects.toThrow(NishikiError);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
    }
    await rm(folder, { recursive: true });
  });
});
