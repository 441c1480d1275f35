// A prompt as CLIP's encoder takes it: texts of 77 tokens. What is longer goes on in further texts, each with its own two
// tokens at the ends, whose states are laid one after another (as stable-diffusion-webui does it).
import type { ClipTokenizer } from "../../tokenizer/index.js";
import { parseAttention } from "./attention-syntax.js";

/** A text of the encoder's length. */
export interface Chunk {
  readonly ids: Int32Array;
  /** What each token's state is multiplied with; 1 at the ends and in the padding. */
  readonly weights: Float32Array;
}

export interface ChunkedPrompt {
  readonly chunks: readonly Chunk[];
  /** Tokens of the prompt, without those at the ends. */
  readonly tokens: number;
  /** How many of them did not fit into the chunks that there may be. */
  readonly dropped: number;
  /** The position of each token that fits, in the chunks laid one after another. */
  readonly positions: readonly number[];
}

/** More than any prompt that was written by hand; the cost of a step grows with their number. */
export const mostChunks = 16;

interface Weighted {
  readonly id: number;
  readonly weight: number;
}

/** How far before a full text's end a comma may stand for the text to end there, as stable-diffusion-webui does it. */
const mostBack = 20;

/** Tokens into texts of `room`: what is cut goes on after the last comma, if one is near. */
class Cutter {
  readonly parts: Weighted[][] = [[]];
  readonly #room: number;
  readonly #comma: number | undefined;
  #lastComma = -1;

  constructor(room: number, comma: number | undefined) {
    this.#room = room;
    this.#comma = comma;
  }

  begin(part: Weighted[] = []): void {
    this.parts.push(part);
    this.#lastComma = -1;
  }

  add(token: Weighted): void {
    const part = this.parts.at(-1)!;
    const isComma = token.id === this.#comma;
    if (part.length < this.#room) {
      if (isComma) this.#lastComma = part.length;
      part.push(token);
      return;
    }
    const isNear = this.#lastComma >= 0 && part.length - this.#lastComma <= mostBack;
    // A comma itself takes nothing with it.
    this.begin(isNear && !isComma ? part.splice(this.#lastComma + 1) : []);
    this.parts.at(-1)!.push(token);
  }
}

/** @param length Tokens of a text, those at its ends included. */
export function chunkPrompt(tokenizer: ClipTokenizer, prompt: string, length: number): ChunkedPrompt {
  const [comma, ...rest] = tokenizer.encode(",");
  const cutter = new Cutter(length - 2, rest.length === 0 ? comma : undefined);
  let tokens = 0;
  for (const piece of parseAttention(prompt)) {
    if (piece === "break") {
      cutter.begin();
      continue;
    }
    for (const id of tokenizer.encode(piece.text)) {
      cutter.add({ id, weight: piece.weight });
      tokens += 1;
    }
  }
  const { parts } = cutter;
  const dropped = parts.slice(mostChunks).reduce((sum, part) => sum + part.length, 0);
  const kept = parts.slice(0, mostChunks);
  // A chunk begins with a token of its own.
  const positions = kept.flatMap((part, chunk) => part.map((_, i) => chunk * length + 1 + i));
  return { chunks: kept.map((part) => fillChunk(tokenizer, part, length)), tokens, dropped, positions };
}

function fillChunk({ start, end, pad }: ClipTokenizer, part: readonly Weighted[], length: number): Chunk {
  const ids = new Int32Array(length).fill(pad);
  const weights = new Float32Array(length).fill(1);
  ids[0] = start;
  part.forEach(({ id, weight }, i) => {
    ids[i + 1] = id;
    weights[i + 1] = weight;
  });
  ids[part.length + 1] = end;
  return { ids, weights };
}

/** As many chunks as `count`: empty texts are added, so that a prompt and its negative are equally long. */
export function padChunks(
  tokenizer: ClipTokenizer,
  chunks: readonly Chunk[],
  count: number,
): readonly Chunk[] {
  const length = chunks[0]!.ids.length;
  const missing = Math.max(0, count - chunks.length);
  return [...chunks, ...Array.from({ length: missing }, () => fillChunk(tokenizer, [], length))];
}
