// Safetensors files on disk (node). Opening reads only the header; tensors are read one by one, on demand.

import { type FileHandle, open, stat } from "node:fs/promises";
import { NishikiError, quote, unknownName } from "../errors.js";
import { type TensorArray, type TensorData, viewElements } from "./dtype.js";
import { toFloat32 } from "./float32.js";
import { parseHeader, readHeaderLength, type SafetensorsHeader } from "./header.js";
import { layOut, type TensorSpec } from "./layout.js";
import { tensorBytes } from "./memory-file.js";
import { type AtomicOptions, fileError, writeAtomically } from "./node-atomic.js";

import type { WeightLocation } from "./weight-location.js";

export type { WeightLocation };

/** An opened file. It holds no handle between reads, so there is nothing to close. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  /**
   * Reads one tensor. Throws `checkpoint` for an unknown name, `file` if the file changed since it was
   * opened.
   */
  read(name: string): Promise<TensorData>;
  /** Reads one tensor as float32, whatever its stored type. */
  readFloat32(name: string): Promise<Float32Array>;
}

// One read call takes at most 2 GiB.
const PIECE_BYTES = 512 * 2 ** 20;

async function readExactly(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(PIECE_BYTES, length - done), offset + done);
    if (bytesRead === 0) {
      throw new NishikiError(
        "file",
        `${path} ended at byte ${offset + done}; ${length - done} more were expected.`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}

/** Opens a file while `use` runs, and turns file system errors into sentences. */
async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    // Check before opening: opening a named pipe would block until a writer appears.
    const entryStats = await stat(path);
    if (!entryStats.isFile()) {
      const what = entryStats.isDirectory() ? "a folder" : "not a regular file";
      throw new NishikiError("file", `Cannot read ${path}: it is ${what}.`);
    }
    handle = await open(path, "r");
    return await use(handle);
  } catch (error) {
    throw fileError(error, `read ${path}`);
  } finally {
    await handle?.close();
  }
}

async function readHeader(
  handle: FileHandle,
  path: string,
): Promise<{ header: SafetensorsHeader; version: string }> {
  const version = await fileVersion(handle);
  const fileSize = (await handle.stat()).size;
  const first = await readExactly(handle, path, 0, Math.min(8, fileSize));
  const length = readHeaderLength(first, fileSize, path);
  const bytes = await readExactly(handle, path, 0, 8 + length);
  return { header: parseHeader(bytes, fileSize, path), version };
}

/** Changes if the file is replaced or written to. */
async function fileVersion(handle: FileHandle): Promise<string> {
  const { size, mtimeMs, ino } = await handle.stat();
  return `${size} ${mtimeMs} ${ino}`;
}

/**
 * Opens a safetensors file: reads and checks its header, but no tensor.
 *
 * @throws NishikiError `file` if it cannot be read, `checkpoint` if it is malformed
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const { header, version } = await withFile(path, (handle) => readHeader(handle, path));

  async function read(name: string): Promise<TensorData> {
    const entry = header.tensors.get(name);
    if (!entry) throw unknownTensor(path, name, [...header.tensors.keys()]);
    return withFile(path, async (handle) => {
      if ((await fileVersion(handle)) !== version) {
        throw new NishikiError("file", `${path} changed while in use. Open it again.`);
      }
      return readTensor(handle, { ...entry, file: path });
    });
  }

  return { path, ...header, read, readFloat32: async (name) => toFloat32(await read(name)) };
}

async function readTensor(
  handle: FileHandle,
  { file, offset, length, dtype, shape }: WeightLocation,
): Promise<TensorData> {
  const bytes = await readExactly(handle, file, offset, length);
  return { dtype, shape, data: viewElements(dtype, bytes) };
}

/**
 * Reads the tensor at a location as float32, with its scale applied. Throws NishikiError `file`,
 * `checkpoint`.
 */
export async function readWeightFloat32(location: WeightLocation): Promise<Float32Array> {
  const values = toFloat32(await readWeight(location));
  if (!location.scale) return values;
  const scales = toFloat32(await readWeight(location.scale));
  const width = values.length / scales.length;
  return values.map((value, i) => value * scales[Math.floor(i / width)]!);
}

/** Reads the tensor at a location. Throws NishikiError `file` if it cannot be read. */
export function readWeight(location: WeightLocation): Promise<TensorData> {
  return withFile(location.file, (handle) => readTensor(handle, location));
}

function unknownTensor(path: string, name: string, names: readonly string[]): NishikiError {
  const most = 20;
  if (names.length <= most) {
    const { message } = unknownName("tensor", name, names);
    return new NishikiError("checkpoint", `${path}: ${message}`);
  }
  const listedNames = names.slice(0, most).map(quote).join(", ");
  return new NishikiError(
    "checkpoint",
    `${path} has no tensor ${quote(name)}. It has ${names.length}: ${listedNames}, ….`,
  );
}

/** A tensor to write; `data` may be a function, so that not all tensors need be in memory at once. */
export interface TensorSource extends TensorSpec {
  readonly data: TensorArray | (() => TensorArray | Promise<TensorArray>);
}

/**
 * Writes a safetensors file atomically, one tensor after the other. The same tensors and metadata produce the
 * same bytes, in any order.
 *
 * @throws NishikiError `checkpoint` for tensors that the format cannot store, `file` if the file cannot be
 *   written
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorSource>,
  metadata?: Readonly<Record<string, string>>,
  options?: AtomicOptions,
): Promise<void> {
  const { header, order } = layOut(tensors, metadata);
  await writeAtomically(
    path,
    async (file) => {
      await file.write(header);
      for (const { tensor, length } of order) {
        const data = typeof tensor.data === "function" ? await tensor.data() : tensor.data;
        await file.write(tensorBytes(tensor.name, data, length));
      }
    },
    options,
  );
}
