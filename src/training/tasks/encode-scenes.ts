// Makes the denoiser's training shards: encodes images and captions.
import { type Phrase, type Placement, type SceneContent, showsMany } from "../../data/index.js";
import type { Session } from "../../engine/index.js";
import { NishikiError } from "../../errors.js";
import { checkAborted } from "../../pipeline/index.js";
import type { Tokenizer } from "../../tokenizer/index.js";
import {
  boxNumbers,
  type EncodedShard,
  mostBoxes,
  mostSpots,
  placeNumbers,
  spotNumbers,
} from "./encoded-scenes.js";

/** The frozen networks that encode the denoiser's inputs. */
export interface SceneEncoder {
  /** `pixels [batch, size, size, 3] u8` → `latents [batch, h, w, channels]`. */
  readonly images: Session;
  /** `tokens [batch, n] i64`, `mask [batch, n] f32` → `states [batch, n, width]`. */
  readonly words: Session;
  readonly tokenizer: Tokenizer;
}

export interface Captioned {
  readonly pixels: Uint8Array;
  readonly caption: string;
  /** For composed scenes: the contents, and the phrases that name them. */
  readonly content?: SceneContent;
  readonly phrases?: readonly Phrase[];
  readonly placements?: readonly Placement[];
}

/** Images and captions per run of a network. */
const [imagesAtOnce, captionsAtOnce] = [8, 32];

/** Latents of images. */
async function encodeImages(
  session: Session,
  images: readonly Captioned[],
  size: number,
  signal: AbortSignal | undefined,
) {
  const parts: Float32Array[] = [];
  let shape: readonly number[] = [];
  for (let from = 0; from < images.length; from += imagesAtOnce) {
    checkAborted(signal);
    const slice = images.slice(from, from + imagesAtOnce);
    const pixels = new Uint8Array(slice.length * size * size * 3);
    for (const [i, { pixels: bytes }] of slice.entries()) pixels.set(bytes, i * size * size * 3);
    const { latents } = await session.run({
      pixels: { dtype: "u8", shape: [slice.length, size, size, 3], data: pixels },
    });
    parts.push(latents!.data as Float32Array);
    shape = latents!.shape.slice(1);
  }
  return { latents: join(parts), shape: [images.length, ...shape] };
}

/**
 * Token states of captions, without padding. Batches captions of similar length, to compute little padding.
 */
export async function encodeCaptions(
  { words, tokenizer }: Pick<SceneEncoder, "words" | "tokenizer">,
  captions: readonly string[],
  batch: number,
  signal?: AbortSignal,
) {
  const encodings = captions.map((caption) => tokenizer.encode(caption));
  const long = encodings.find(({ dropped }) => dropped.length > 0);
  if (long) {
    const words = long.dropped.join(" ");
    throw new NishikiError(
      "data",
      `A caption is longer than ${tokenizer.maxTokens} tokens: "${words}" would be lost. Shorten it.`,
    );
  }
  const order = captions.map((_, i) => i).sort((a, b) => encodings[a]!.ids.length - encodings[b]!.ids.length);
  const states: Float32Array[] = new Array(captions.length);
  let width = 0;
  for (let from = 0; from < order.length; from += batch) {
    checkAborted(signal);
    const chosen = order.slice(from, from + batch);
    const rows = tokenizer.encodeBatch(chosen.map((i) => captions[i]!));
    const [count, length] = rows.shape;
    const result = await words.run({
      tokens: {
        dtype: "i64",
        shape: [count, length],
        data: BigInt64Array.from(rows.ids, (id) => BigInt(id)),
      },
      mask: { dtype: "f32", shape: [count, length], data: rows.mask },
    });
    const all = result.states!.data as Float32Array;
    width = result.states!.shape[2]!;
    for (const [row, i] of chosen.entries()) {
      const start = row * length * width;
      states[i] = all.slice(start, start + encodings[i]!.ids.length * width);
    }
  }
  const starts = new Int32Array(captions.length + 1);
  for (const [i, { ids }] of encodings.entries()) starts[i + 1] = starts[i]! + ids.length;
  return { text: join(states), textWidth: width, starts };
}

/**
 * Token ranges of the words for two things, and their layout; zeros for all other images.
 */
export function placesOf(scenes: readonly Captioned[], tokenizer: Tokenizer): Int32Array {
  const places = new Int32Array(scenes.length * placeNumbers);
  const ends = tokenizer.encode("").ids.length;
  const start = tokenizer.encode("a").words[0]!.start;
  for (const [i, { caption, content, phrases = [] }] of scenes.entries()) {
    const layout = content?.layout;
    const direction = layout === "above" ? 2 : layout === "left" || layout === "pair" ? 1 : 0;
    if (direction === 0 || phrases.length !== 2) continue;
    const bounds = phrases.flat().map((at) => start + countTokens(caption, at, tokenizer) - ends);
    places.set([direction, ...bounds], i * placeNumbers);
  }
  return places;
}

/** Tokens never span words, so the text before a phrase has as many tokens alone as in the caption. */
function countTokens(caption: string, at: number, tokenizer: Tokenizer): number {
  return tokenizer.encode(caption.slice(0, at).trimEnd()).ids.length;
}

/**
 * Token ranges and boxes of the things in scenes of many things; zeros for all others. Undefined if no scene
 * is of that kind.
 */
export function spotsOf(scenes: readonly Captioned[], tokenizer: Tokenizer): Float32Array | undefined {
  if (!scenes.some(({ content }) => content && showsMany(content.layout))) return undefined;
  const spots = new Float32Array(scenes.length * mostSpots * spotNumbers);
  const ends = tokenizer.encode("").ids.length;
  const start = tokenizer.encode("a").words[0]!.start;
  for (const [i, { caption, content, phrases = [], placements = [] }] of scenes.entries()) {
    if (!content || !showsMany(content.layout)) continue;
    for (const [j, { thing, x, y, size }] of placements.slice(0, mostSpots).entries()) {
      const phrase = phrases[content.things.findIndex(({ name }) => name === thing)];
      if (!phrase) continue;
      const [from, to] = phrase.map((at) => start + countTokens(caption, at, tokenizer) - ends);
      spots.set([from!, to!, x, y, size], (i * mostSpots + j) * spotNumbers);
    }
  }
  return spots;
}

/** Boxes of the things in scenes; zeros if unknown, and for scenes of many things. */
export function boxesOf(scenes: readonly Captioned[]): Float32Array {
  const boxes = new Float32Array(scenes.length * mostBoxes * boxNumbers);
  for (const [i, { content, placements = [] }] of scenes.entries()) {
    if (content && showsMany(content.layout)) continue;
    const two = content?.things.length === 2;
    for (const [j, { x, y, size }] of placements.slice(0, mostBoxes).entries()) {
      const which = two ? (j === 0 ? 1 : -1) : 0;
      boxes.set([x, y, size, which], (i * mostBoxes + j) * boxNumbers);
    }
  }
  return boxes;
}

function join(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Encodes captioned images of one size. */
export async function encodeScenes(
  encoder: SceneEncoder,
  scenes: readonly Captioned[],
  size: number,
  signal?: AbortSignal,
): Promise<EncodedShard> {
  const images = await encodeImages(encoder.images, scenes, size, signal);
  const captions = scenes.map(({ caption }) => caption);
  const words = await encodeCaptions(encoder, captions, captionsAtOnce, signal);
  const places = placesOf(scenes, encoder.tokenizer);
  const boxes = boxesOf(scenes);
  const spots = spotsOf(scenes, encoder.tokenizer);
  const rest = { captions, places, boxes, ...(spots && { spots }) };
  return { latents: images.latents, latentShape: images.shape, ...words, ...rest };
}
