// The predictions of a drawing's steps as a film: an animated WebP whose frames are the pictures' own bytes, so that it can be
// made in a browser, too. Format: RIFF chunks, as in "WebP Container Specification" (RFC 9649, section 2).
import { NishikiError } from "../errors.js";
import type { ImageUrl } from "./explanation.js";

export interface StepFilmOptions {
  /** Milliseconds of each step. Default 150. */
  readonly milliseconds?: number;
  /** Milliseconds of the last one. Default 1500. */
  readonly endMilliseconds?: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  /** The chunks that hold its pixels. */
  readonly chunks: Uint8Array;
}

const text = (bytes: Uint8Array, at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
const uint24 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255];
const uint32 = (value: number) => [...uint24(value), value >>> 24];

function join(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A chunk: its name, its size, its bytes, and one more where their number is odd. */
const chunk = (name: string, ...parts: readonly (Uint8Array | readonly number[])[]) => {
  const body = join(parts);
  const letters = Array.from(name, (letter) => letter.charCodeAt(0));
  return join([letters, uint32(body.length), body, body.length % 2 === 1 ? [0] : []]);
};

function readFrame(url: ImageUrl): Frame {
  const binary = atob(url.slice(url.indexOf(",") + 1));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  if (text(bytes, 0) !== "RIFF" || text(bytes, 8) !== "WEBP")
    throw new NishikiError("data", "Steps: expected WebP images, got something else.");
  const kept: Uint8Array[] = [];
  let size: { width: number; height: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const end = at + 8 + length + (length % 2);
    const name = text(bytes, at);
    if (["VP8 ", "VP8L", "ALPH"].includes(name)) kept.push(bytes.subarray(at, end));
    // A key frame's size stands after its tag and start code; a lossless image's in 14 bits each after its signature.
    if (name === "VP8 ")
      size = {
        width: view.getUint16(at + 14, true) & 0x3fff,
        height: view.getUint16(at + 16, true) & 0x3fff,
      };
    if (name === "VP8L") {
      const bits = view.getUint32(at + 9, true);
      size = { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    at = end;
  }
  if (!size) throw new NishikiError("data", "Steps: a WebP image has no pixels.");
  return { ...size, chunks: join(kept) };
}

/**
 * Joins the images of steps into a film.
 * @param images WebP as `data:` URLs, of one size: `stepImages` of an explanation.
 * @returns An animated WebP that repeats.
 * @throws NishikiError "usage" without images, "data" for images that are no WebP
 */
export function makeStepFilm(
  images: readonly ImageUrl[],
  { milliseconds = 150, endMilliseconds = 1500 }: StepFilmOptions = {},
): Uint8Array<ArrayBuffer> {
  if (images.length === 0)
    throw new NishikiError(
      "usage",
      "A film of steps needs at least one image: this model shows no predictions.",
    );
  const frames = images.map(readFrame);
  const width = Math.max(...frames.map((frame) => frame.width));
  const height = Math.max(...frames.map((frame) => frame.height));
  const animated = 2;
  const size = [...uint24(width - 1), ...uint24(height - 1)];
  // Frames do not blend with the one before, so that each is whole.
  const doNotBlend = 2;
  const body = [
    chunk("VP8X", [animated, 0, 0, 0], size),
    // Black behind it; repeats without end.
    chunk("ANIM", [0, 0, 0, 255, 0, 0]),
    ...frames.map((frame, i) => {
      const shown = i === frames.length - 1 ? endMilliseconds : milliseconds;
      const place = [...uint24(0), ...uint24(0), ...uint24(frame.width - 1), ...uint24(frame.height - 1)];
      return chunk("ANMF", place, uint24(shown), [doNotBlend], frame.chunks);
    }),
  ];
  return chunk("RIFF", [0x57, 0x45, 0x42, 0x50], ...body);
}
