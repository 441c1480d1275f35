// Images as the pipeline holds them; files and formats are the image room's.
import { NishikiError } from "../errors.js";

/** Pixels [height, width, 3] of 8 bits. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** An image that a request starts from, or a mask. */
export interface InputImage extends Pixels {
  /** What receipts call it: a file's name without its folder. */
  readonly name?: string;
}

/** Numbers of a decoder, in [-1, 1] and a little beyond, as 8 bits. @throws NishikiError "checkpoint" where one is not finite. */
export function toBytes(decoded: Float32Array): Uint8Array {
  const data = new Uint8Array(decoded.length);
  for (let i = 0; i < decoded.length; i++) {
    const value = decoded[i]!;
    if (!Number.isFinite(value)) {
      throw new NishikiError(
        "checkpoint",
        "The decoder gave numbers that are not finite; its weights are damaged. Download the model anew, or name another autoencoder.",
      );
    }
    data[i] = Math.min(255, Math.max(0, Math.round((value + 1) * 127.5)));
  }
  return data;
}

/** 8 bits as numbers in [-1, 1], [height, width, 3]. */
export function fromBytes(data: Uint8Array): Float32Array {
  // A plain loop: Float32Array.from with a function takes forty times as long.
  const values = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) values[i] = (data[i]! / 255) * 2 - 1;
  return values;
}

/** Whether all pixels are of one colour. */
export function isPlain(pixels: Uint8Array): boolean {
  return pixels.every((value, i) => value === pixels[i % 3]);
}
