// Damages files in ways that broken disks, other programs and attackers do. All from a seeded generator: a failure has a number.
import type { Random } from "../../src/random/index.js";

const wholeNumber = (rng: Random, below: number) => Math.floor(rng.uniform() * below);

const pick = <T>(rng: Random, choices: readonly T[]): T => choices[wholeNumber(rng, choices.length)]!;

/** Numbers that programs stumble over, in four bytes. */
const magic = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Damage = (bytes: Uint8Array, rng: Random) => Uint8Array;

const damages: readonly Damage[] = [
  // A bit.
  (bytes, rng) => {
    const at = wholeNumber(rng, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << wholeNumber(rng, 8));
    return bytes;
  },
  // The end is missing.
  (bytes, rng) => bytes.subarray(0, wholeNumber(rng, bytes.length)),
  // A number that is too large or too small.
  (bytes, rng) => {
    if (bytes.length < 4) return bytes;
    const at = wholeNumber(rng, bytes.length - 3);
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, pick(rng, magic), rng.uniform() < 0.5);
    return bytes;
  },
  // A part twice.
  (bytes, rng) => {
    const from = wholeNumber(rng, bytes.length);
    const to = Math.min(bytes.length, from + 1 + wholeNumber(rng, 64));
    return Uint8Array.from([...bytes.subarray(0, to), ...bytes.subarray(from)]);
  },
  // A part is missing.
  (bytes, rng) => {
    const from = wholeNumber(rng, bytes.length);
    return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(from + 1 + wholeNumber(rng, 64))]);
  },
  // A part is noise.
  (bytes, rng) => {
    const from = wholeNumber(rng, bytes.length);
    for (let i = from; i < Math.min(bytes.length, from + 16); i++) bytes[i] = wholeNumber(rng, 256);
    return bytes;
  },
];

/** A copy of bytes with one to four damages. */
export function mutateBytes(good: Uint8Array, rng: Random): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(good);
  for (let i = 1 + wholeNumber(rng, 4); i > 0 && bytes.length > 0; i--)
    bytes = pick(rng, damages)(bytes, rng);
  return Uint8Array.from(bytes);
}

/** Values that no reader expects. */
const wild: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 0,
  () => 1e308,
  () => 0.5,
  () => Number.MAX_SAFE_INTEGER,
  () => "",
  () => "../../../etc/passwd",
  () => "\u001b[2J\u202e".repeat(50),
  () => "x".repeat(100_000),
  () => [],
  () => ({}),
  () => ({ __proto__: null, constructor: 1, toString: "x" }),
  () => Array.from({ length: 1000 }, (_, i) => i),
  () => JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`),
];

/** A copy of a JSON value with one to three places changed. */
export function mutateJson(good: unknown, rng: Random): unknown {
  let value: unknown = structuredClone(good);
  for (let i = 1 + wholeNumber(rng, 3); i > 0; i--) value = changeOne(value, rng);
  return value;
}

type Change = (holder: Record<string, unknown>, key: string, rng: Random) => void;

const replace: Change = (holder, key, rng) => {
  holder[key] = pick(rng, wild)();
};

const remove: Change = (holder, key) => {
  delete holder[key];
};

const addUnknown: Change = (holder, key) => {
  holder[`${key}\u0000`] = holder[key];
};

/** Replacing is the likeliest. */
const changes: readonly Change[] = [replace, replace, remove, addUnknown];

function changeOne(value: unknown, rng: Random): unknown {
  if (typeof value !== "object" || value === null || rng.uniform() < 0.1) return pick(rng, wild)();
  const holder = value as Record<string, unknown>;
  const keys = Object.keys(holder);
  if (keys.length === 0) return pick(rng, wild)();
  const key = pick(rng, keys);
  const inside = holder[key];
  if (typeof inside === "object" && inside !== null && rng.uniform() < 0.8)
    holder[key] = changeOne(inside, rng);
  else pick(rng, changes)(holder, key, rng);
  return value;
}
