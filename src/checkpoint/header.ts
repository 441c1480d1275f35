// The header of a safetensors file: its tensors and the location of their bytes. Pure: works on bytes that
// the caller has read, so it serves Node and browsers alike, and allocates nothing based on numbers that a
// file claims.
// Format: https://github.com/huggingface/safetensors (README, "Format").

import { NishikiError, quote, showShape } from "../errors.js";
import { byteLength, dtypeFromFile, dtypeToFile, fileDtypeNames, type StoredDtype } from "./dtype.js";
import { HeaderScanner } from "./header-scanner.js";

/** The format's limit on the header, which every reader enforces. */
export const MAX_HEADER_BYTES = 100_000_000;

/** Enough dimensions for any tensor library (NumPy and PyTorch allow 64). */
const MAX_RANK = 64;

/** One tensor of a file. `offset` counts from the start of the file; `length` is in bytes. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** The content of a header: free-form metadata, and the tensors in byte order. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Where tensor data begins: 8 + the length of the header. */
  readonly dataStart: number;
}

function refuse(file: string, reason: string): never {
  throw new NishikiError("checkpoint", `${file} is not a valid safetensors file: ${reason}.`);
}

/** Recognises other files that are mistaken for weights, by their first bytes. */
function foreignKind(first: Uint8Array): string | undefined {
  const text = String.fromCharCode(...first.subarray(0, 8));
  const isPickle = first[0] === 0x80 && first[1] !== undefined && first[1] >= 2 && first[1] <= 5;
  if (isPickle || text.startsWith("PK\x03\x04")) {
    return (
      "it is a pickled checkpoint (.ckpt, .bin, .pt). Such files run code when loaded, so Nishiki does not read them; " +
      "use the .safetensors version of the model"
    );
  }
  if (text === "version ") return "it is a Git LFS pointer, not the weights: fetch the file (git lfs pull)";
  if (text.startsWith("GGUF")) return "it is a GGUF file; use the .safetensors version of the model";
  if (/^\s*<(!|html)/i.test(text)) return "it is a web page: the download failed";
  return undefined;
}

/**
 * Reads the length of the header from the first 8 bytes, before allocating anything of that length.
 *
 * @param first at least the first 8 bytes of the file (fewer only if the file is shorter)
 * @param fileSize the size of the whole file in bytes
 * @param file the file's name in error messages
 * @returns the number of header bytes after the first 8
 * @throws NishikiError `checkpoint` if the length is impossible
 */
export function readHeaderLength(first: Uint8Array, fileSize: number, file = "The file"): number {
  // Checked only if the length is wrong: a valid length may look like another format's first bytes by chance.
  const fail = (reason: string): never => refuse(file, foreignKind(first) ?? reason);
  if (fileSize < 8 || first.byteLength < 8) {
    fail(
      `it has ${Math.min(fileSize, first.byteLength)} bytes, but a file begins with 8 bytes that give the length of its header`,
    );
  }
  const view = new DataView(first.buffer, first.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) {
    fail(`its first 8 bytes claim a header of ${length} bytes, but the format allows ${MAX_HEADER_BYTES}`);
  }
  if (length > fileSize - 8) {
    fail(`its header claims ${length} bytes, but only ${fileSize - 8} follow: the file is truncated`);
  }
  return length;
}

/**
 * Parses and checks a header: every tensor's type, shape and byte range, and that together they cover the
 * file exactly.
 *
 * @param bytes the start of the file: at least 8 bytes and the header (the rest is ignored)
 * @param fileSize the size of the whole file in bytes
 * @param file the file's name in error messages
 * @throws NishikiError `checkpoint` that names the file and the tensor, with the expected and the actual
 *   value
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, file = "The file"): SafetensorsHeader {
  const length = readHeaderLength(bytes, fileSize, file);
  if (bytes.byteLength < 8 + length) {
    throw new NishikiError(
      "internal",
      `parseHeader needs ${8 + length} bytes of ${file}, got ${bytes.byteLength}.`,
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

/** Reads `{"dtype": …, "shape": …, "data_offsets": …}` and checks the entry on its own. */
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
    return fail(`${tensor} has ${what}, which is not a whole number of bytes below 2^53`);
  if (needed !== end - begin) {
    fail(
      `${tensor} has ${what}, which takes ${needed} bytes, but its data_offsets [${begin}, ${end}] span ${end - begin}`,
    );
  }
  return { offset: dataStart + begin, length: needed };
}

/** Checks that the tensors are contiguous, without overlaps or gaps, and end where the file ends. */
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
        `${tensor} has data_offsets ${place}, but the file holds ${fileSize - dataStart} bytes of data: it is truncated`,
      );
    }
    if (entry.offset < next)
      fail(
        `${tensor} at ${place} overlaps tensor ${quote(before?.name ?? "")}, which ends at ${next - dataStart}`,
      );
    if (entry.offset > next)
      fail(
        `${tensor} begins at ${entry.offset - dataStart}, but the bytes from ${next - dataStart} belong to no tensor`,
      );
    next = entry.offset + entry.length;
    before = entry;
  }
  if (next !== fileSize) fail(`the last ${fileSize - next} bytes belong to no tensor`);
  return new Map(sorted.map((entry) => [entry.name, entry]));
}
