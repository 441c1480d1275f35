// Safetensors in memory: for browsers, where a file is fetched bytes, and for small files.

import { NishikiError, quote } from "../errors.js";
import { type TensorData, viewElements } from "./dtype.js";
import { parseHeader } from "./header.js";
import { layOut } from "./layout.js";

/** A tensor to write. */
export interface NamedTensor extends TensorData {
  readonly name: string;
}

/** The content of a file. */
export interface SafetensorsContent {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorData>;
}

/**
 * Reads a whole file from memory. The tensors are views of `bytes` if alignment allows.
 *
 * @param file the file's name in error messages
 * @throws NishikiError `checkpoint` for a malformed file
 */
export function decodeSafetensors(bytes: Uint8Array, file?: string): SafetensorsContent {
  const header = parseHeader(bytes, bytes.byteLength, file);
  const tensors = new Map<string, TensorData>();
  for (const { name, dtype, shape, offset, length } of header.tensors.values()) {
    tensors.set(name, { dtype, shape, data: viewElements(dtype, bytes.subarray(offset, offset + length)) });
  }
  return { metadata: header.metadata, tensors };
}

/**
 * Views a tensor's elements as bytes, without copying. Throws `checkpoint` if the count does not match the
 * shape.
 */
export function tensorBytes(name: string, data: ArrayBufferView, length: number): Uint8Array {
  if (data.byteLength !== length) {
    throw new NishikiError(
      "checkpoint",
      `Tensor ${quote(name)} cannot be written: its shape and type need ${length} bytes, but its data has ${data.byteLength}.`,
    );
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Writes a file to memory; the same tensors and metadata produce the same bytes.
 *
 * @throws NishikiError `checkpoint` for tensors that the format cannot store
 */
export function encodeSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const { header, order, fileSize } = layOut(tensors, metadata);
  const bytes = new Uint8Array(fileSize);
  bytes.set(header);
  let offset = header.byteLength;
  for (const { tensor, length } of order) {
    bytes.set(tensorBytes(tensor.name, tensor.data, length), offset);
    offset += length;
  }
  return bytes;
}
