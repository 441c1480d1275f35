// The header of a safetensors file: which tensors it holds and where their bytes lie. Pure: works on bytes that somebody
// else has read, so that it serves Node and browsers alike, and allocates nothing by the numbers that a file claims.
// Format: https://github.com/huggingface/safetensors (README, "Format").

import { NishikiError, quote, showShape } from "../errors.js";
import { byteLength, dtypeFromFile, dtypeToFile, fileDtypeNames, type StoredDtype } from "./dtype.js";
import { HeaderScanner } from "./header-scanner.js";

/** The format's limit on the header: more is refused, as every reader does. */
export const MAX_HEADER_BYTES = 100_000_000;

/** More dimensions than any tensor library can hold (NumPy stops at 64, PyTorch at 64). */
const MAX_RANK = 64;

/** One tensor of a file. `offset` counts from the start of the file, `length` is in bytes. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** What a header says: free-form text, and the tensors in the order of their bytes. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Where the tensors' bytes begin: 8 + the length of the header. */
  readonly dataStart: number;
}

function refuse(file: string, reason: string): never {
  throw new NishikiError("checkpoint", `${file} is not a valid safetensors file: ${reason}.`);
}

/** Other files that people take for weights, recognised by their first bytes. */
function foreignKind(first: Uint8Array): string | undefined {
  const text = String.fromCharCode(...first.subarray(0, 8));
  const isPickle = first[0] === 0x80 && first[1] !== undefined && first[1] >= 2 && first[1] <= 5;
  if (isPickle || text.startsWith("PK\x03\x04")) {
    return (
      "it is a pickled checkpoint (.ckpt, .bin, .pt). Such files run code when they are loaded, so they are not read; " +
      "use the .safetensors form of the same model"
    );
  }
  if (text === "version ")
    return "it is a Git LFS pointer, not the weights: fetch the file itself (git lfs pull)";
  if (text.startsWith("GGUF")) return "it is a GGUF file; use the .safetensors form of the same model";
  if (/^\s*<(!|html)/i.test(text)) return "it is a web page: the download went wrong";
  return undefined;
}

/**
 * Reads how long the header is, from the first 8 bytes, before anything of that length is allocated.
 *
 * @param first at least the first 8 bytes of the file (fewer only where the file is shorter)
 * @param fileSize the size of the whole file in bytes
 * @param file what to call the file in messages
 * @returns bytes of header that follow the first 8
 * @throws NishikiError `checkpoint` where the length cannot be right
 */
export function readHeaderLength(first: Uint8Array, fileSize: number, file = "The file"): number {
  // Only where the length is wrong: by chance, a true length may look like another format's first bytes.
  const fail = (reason: string): never => refuse(file, foreignKind(first) ?? reason);
  if (fileSize < 8 || first.byteLength < 8) {
    fail(
      `it has ${Math.min(fileSize, first.byteLength)} bytes, and a file begins with 8 bytes that give the length of its header`,
    );
  }
  const view = new DataView(first.buffer, first.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) {
    fail(`its first 8 bytes claim a header of ${length} bytes, and the format allows ${MAX_HEADER_BYTES}`);
  }
  if (length > fileSize - 8) {
    fail(`its header should take ${length} bytes, and only ${fileSize - 8} follow: the file is truncated`);
  }
  return length;
}

/**
 * Parses and checks a header: every tensor's type, shape and place, and that together they cover the file exactly.
 *
 * @param bytes the start of the file: at least 8 bytes and the header (more is ignored)
 * @param fileSize the size of the whole file in bytes
 * @param file what to call the file in messages
 * @throws NishikiError `checkpoint` that names the file, the tensor, what was found and what is right
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, file = "The file"): SafetensorsHeader {
  const length = readHeaderLength(bytes, fileSize, file);
  if (bytes.byteLength < 8 + length) {
    throw new NishikiError(
      "internal",
      `parseHeader needs ${8 + length} bytes of ${file}, and was given ${bytes.byteLength}.`,
    );
  }
  const fail = (reason: string): never => refuse(file, reason);
  const header = bytes.subarray(8, 8 + length);
  if (header[0] !== 0x7b) fail('its header does not begin with "{"');
  const scanner = new HeaderScanner(header, fail);
  let metadata: Map<string, string> | undefined;
  const tensors = new Map<string, TensorEntry>();
  scanner.object("the header", (key) => {
    if (key === "__metadata__") {
      if (metadata) fail("__metadata__ appears twice");
      metadata = readMetadata(scanner, fail);
      return;
    }
    if (tensors.has(key)) fail(`tensor ${quote(key)} appears twice`);
    tensors.set(key, readEntry(scanner, key, 8 + length, fail));
  });
  scanner.end();
  return {
    metadata: Object.fromEntries(metadata ?? []),
    tensors: checkPlaces(tensors, 8 + length, fileSize, fail),
    dataStart: 8 + length,
  };
}

function readMetadata(scanner: HeaderScanner, fail: (reason: string) => never): Map<string, string> {
  const metadata = new Map<string, string>();
  scanner.object("__metadata__", (key) => {
    if (metadata.has(key)) fail(`__metadata__ has ${quote(key)} twice`);
    metadata.set(key, scanner.string(`the text of ${quote(key)} in __metadata__`));
  });
  return metadata;
}

/** Reads `{"dtype": …, "shape": …, "data_offsets": …}` and checks it by itself. */
function readEntry(
  scanner: HeaderScanner,
  name: string,
  dataStart: number,
  fail: (reason: string) => never,
): TensorEntry {
  const tensor = `tensor ${quote(name)}`;
  let dtypeName: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object(tensor, (key) => {
    if (key === "dtype" && dtypeName === undefined) dtypeName = scanner.string(`the dtype of ${tensor}`);
    else if (key === "shape" && !shape) shape = scanner.unsignedList(`the shape of ${tensor}`, MAX_RANK);
    else if (key === "data_offsets" && !offsets)
      offsets = scanner.unsignedList(`data_offsets of ${tensor}`, 2);
    else if (key === "dtype" || key === "shape" || key === "data_offsets") fail(`${tensor} has ${key} twice`);
    else fail(`${tensor} has ${quote(key)}; a tensor has dtype, shape and data_offsets`);
  });
  if (dtypeName === undefined) return fail(`${tensor} has no dtype`);
  if (!shape) return fail(`${tensor} has no shape`);
  if (!offsets) return fail(`${tensor} has no data_offsets`);
  const dtype = dtypeFromFile(dtypeName);
  if (!dtype)
    return fail(
      `${tensor} has the unknown dtype ${quote(dtypeName)}; the format has ${fileDtypeNames.join(", ")}`,
    );
  return { name, dtype, shape, ...readPlace(tensor, dtype, shape, offsets, dataStart, fail) };
}

function readPlace(
  tensor: string,
  dtype: StoredDtype,
  shape: readonly number[],
  offsets: readonly number[],
  dataStart: number,
  fail: (reason: string) => never,
): { offset: number; length: number } {
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined)
    return fail(`${tensor} has ${offsets.length} data_offsets, not 2`);
  if (end < begin) fail(`${tensor} ends before it begins: data_offsets [${begin}, ${end}]`);
  const needed = byteLength(dtype, shape);
  const what = `shape ${showShape(shape)} of ${dtypeToFile(dtype)}`;
  if (needed === undefined)
    return fail(`${tensor} has ${what}, which is no whole number of bytes below 2^53`);
  if (needed !== end - begin) {
    fail(
      `${tensor} has ${what}, which takes ${needed} bytes, but its data_offsets [${begin}, ${end}] span ${end - begin}`,
    );
  }
  return { offset: dataStart + begin, length: needed };
}

/** Checks that the tensors lie one after the other without overlap or hole, and end where the file ends. */
function checkPlaces(
  tensors: Map<string, TensorEntry>,
  dataStart: number,
  fileSize: number,
  fail: (reason: string) => never,
): Map<string, TensorEntry> {
  const sorted = [...tensors.values()].sort((a, b) => a.offset - b.offset || a.length - b.length);
  let next = dataStart;
  let before: TensorEntry | undefined;
  for (const entry of sorted) {
    const tensor = `tensor ${quote(entry.name)}`;
    const place = `[${entry.offset - dataStart}, ${entry.offset - dataStart + entry.length}]`;
    if (entry.offset + entry.length > fileSize) {
      fail(
        `${tensor} has data_offsets ${place}, and the file holds ${fileSize - dataStart} bytes of data: it is truncated`,
      );
    }
    if (entry.offset < next)
      fail(
        `${tensor} at ${place} overlaps tensor ${quote(before?.name ?? "")}, which ends at ${next - dataStart}`,
      );
    if (entry.offset > next)
      fail(
        `${tensor} begins at ${entry.offset - dataStart}, and the bytes from ${next - dataStart} belong to no tensor`,
      );
    next = entry.offset + entry.length;
    before = entry;
  }
  if (next !== fileSize) fail(`${fileSize - next} bytes after the last tensor belong to none`);
  return new Map(sorted.map((entry) => [entry.name, entry]));
}
