// Pixels as the pipeline holds them; src/image reads and writes files.
import { NishikiError } from "../errors.js";

/** 8-bit RGB pixels [height, width, 3]. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** An init image or a mask. */
export interface InputImage extends Pixels {
  /** The name in receipts: the file's base name. */
  readonly name?: string;
}

/** Converts decoder output, about [-1, 1], to 8 bits. @throws NishikiError "checkpoint" if a value is not finite */
export function toBytes(decoded: Float32Array): Uint8Array {
  const data = new Uint8Array(decoded.length);
  for (let i = 0; i < decoded.length; i++) {
    const value = decoded[i]!;
    if (!Number.isFinite(value)) {
      throw new NishikiError(
        "checkpoint",
        "The decoder returned values that are not finite; its weights are damaged. Download the model again, or choose another autoencoder.",
      );
    }
    data[i] = Math.min(255, Math.max(0, Math.round((value + 1) * 127.5)));
  }
  return data;
}

/** Converts 8-bit pixels to numbers in [-1, 1]. */
export function fromBytes(data: Uint8Array): Float32Array {
  // A plain loop: Float32Array.from with a callback takes forty times as long.
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) values[i] = (data[i]! / 255) * 2 - 1;
  return values;
}

/** Whether all pixels have the same colour. */
export function isPlain(pixels: Uint8Array): boolean {
  return pixels.every((value, i) => value === pixels[i % 3]);
}
