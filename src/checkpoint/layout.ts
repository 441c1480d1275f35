// Lays out the tensors of a safetensors file and writes its header. Pure: the same tensors and metadata
// always produce the same bytes.
// Follows the reference writer: larger elements first, then by name, and a header padded to 8 bytes, so every
// tensor is aligned to its element size and can be memory-mapped.

import { NishikiError, quote, showShape } from "../errors.js";
import { byteLength, dtypeToFile, type StoredDtype, storedDtypes } from "./dtype.js";
import { MAX_HEADER_BYTES } from "./header.js";

/** The properties of a tensor that determine the layout. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
}

/** A tensor and its size in the file, in bytes. */
export interface PlacedTensor<T extends TensorSpec> {
  readonly tensor: T;
  readonly length: number;
}

/** The first bytes of the file, the tensors in byte order, and the file's total size. */
export interface Layout<T extends TensorSpec> {
  readonly header: Uint8Array;
  readonly order: readonly PlacedTensor<T>[];
  readonly fileSize: number;
}

const rank = new Map(storedDtypes.map((dtype, index) => [dtype, index]));
const utf8 = new TextEncoder();

// The reference compares names as UTF-8, which is code point order; JavaScript's string order differs beyond
// the basic
// multilingual plane.
function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function place<T extends TensorSpec>(tensor: T): PlacedTensor<T> {
  const { name, dtype, shape } = tensor;
  const what = `Tensor ${quote(name)} cannot be written`;
  if (name === "__metadata__")
    throw new NishikiError("checkpoint", `${what}: the format reserves that name for metadata.`);
  if (/\p{Surrogate}/u.test(name))
    throw new NishikiError("checkpoint", `${what}: its name has an unpaired surrogate.`);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new NishikiError(
      "checkpoint",
      `${what}: its shape is ${showShape(shape)}; sizes must be non-negative integers.`,
    );
  }
  const length = byteLength(dtype, shape);
  if (length === undefined) {
    throw new NishikiError(
      "checkpoint",
      `${what}: ${showShape(shape)} of ${dtype} is not a whole number of bytes.`,
    );
  }
  return { tensor, length };
}

function metadataText(metadata: Readonly<Record<string, string>>): string[] {
  const keys = Object.keys(metadata).sort(compareCodePoints);
  if (keys.length === 0) return [];
  const parts = keys.map((key) => {
    const value: unknown = metadata[key];
    if (typeof value !== "string" || /\p{Surrogate}/u.test(key + value)) {
      throw new NishikiError(
        "checkpoint",
        `Metadata ${quote(key)} cannot be written: keys and values must be valid text.`,
      );
    }
    return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  });
  return [`"__metadata__":{${parts.join(",")}}`];
}

/**
 * Orders the tensors and writes the header.
 *
 * @throws NishikiError `checkpoint` for a duplicate name, an invalid shape or invalid Unicode
 */
export function layOut<T extends TensorSpec>(
  tensors: Iterable<T>,
  metadata: Readonly<Record<string, string>> = {},
): Layout<T> {
  const order = Array.from(tensors, place).sort(
    (a, b) =>
      rank.get(b.tensor.dtype)! - rank.get(a.tensor.dtype)! ||
      compareCodePoints(a.tensor.name, b.tensor.name),
  );
  const names = new Set<string>();
  const parts = metadataText(metadata);
  let offset = 0;
  for (const { tensor, length } of order) {
    if (names.has(tensor.name)) {
      throw new NishikiError(
        "checkpoint",
        `Tensor ${quote(tensor.name)} appears twice; names must be unique.`,
      );
    }
    names.add(tensor.name);
    const dtype = dtypeToFile(tensor.dtype);
    const shape = tensor.shape.join(",");
    parts.push(
      `${JSON.stringify(tensor.name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${offset},${offset + length}]}`,
    );
    offset += length;
  }
  const header = frame(utf8.encode(`{${parts.join(",")}}`));
  return { header, order, fileSize: header.byteLength + offset };
}

/** Puts the length in front of the header's text and pads it with spaces to a multiple of 8 bytes. */
function frame(json: Uint8Array): Uint8Array {
  const padded = Math.ceil(json.byteLength / 8) * 8;
  if (padded > MAX_HEADER_BYTES) {
    throw new NishikiError(
      "checkpoint",
      `The header would take ${padded} bytes; the format allows ${MAX_HEADER_BYTES}.`,
    );
  }
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}
