// Prompts into what Stable Diffusion's denoiser takes: states of one or two encoders side by side, and XL's vector of a
// text. A weight multiplies the states of its tokens, after which the mean of the text's states is brought back to what it
// was, as stable-diffusion-webui does it; without weights the states are just the encoder's.
import type { ClipTokenizer } from "../../tokenizer/index.js";
import type { PromptTokens } from "../probe.js";
import { type Chunk, type ChunkedPrompt, chunkPrompt, padChunks } from "./chunks.js";
import { nameClipTokens } from "./clip-words.js";

/** One of a model's text encoders. */
export interface ClipEncoder {
  readonly tokenizer: ClipTokenizer;
  /** Tokens of a text. */
  readonly positions: number;
  readonly width: number;
  /**
   * Encodes texts laid one after another.
   * @param ids [texts, positions]
   * @returns states [texts, positions, width] and, where the encoder has one, the vector of each text [texts, projection].
   */
  run(ids: Int32Array): Promise<{ readonly states: Float32Array; readonly vectors?: Float32Array }>;
}

/** A prompt, encoded. */
export interface TextConditioning {
  /** [tokens, width of all encoders] */
  readonly states: Float32Array;
  readonly tokens: number;
  /** XL's vector of the text. */
  readonly vector?: Float32Array;
}

/** A prompt's length, for messages. */
export type PromptLength = Pick<ChunkedPrompt, "tokens" | "dropped"> & { readonly chunks: number };

export interface EncodedPrompts {
  readonly conditionings: readonly TextConditioning[];
  readonly lengths: readonly PromptLength[];
  /** As the first encoder splits them. */
  readonly tokens: readonly PromptTokens[];
}

function weigh(states: Float32Array, chunk: Chunk, width: number): void {
  if (chunk.weights.every((weight) => weight === 1)) return;
  const mean = () => states.reduce((sum, value) => sum + value, 0) / states.length;
  const before = mean();
  chunk.weights.forEach((weight, token) => {
    for (let i = 0; i < width; i++) states[token * width + i]! *= weight;
  });
  const after = mean();
  if (after === 0) return;
  for (let i = 0; i < states.length; i++) states[i]! *= before / after;
}

/** One encoder's states of one prompt: [chunks · positions, width], and the vector of its first text. */
async function encodeChunks(
  { positions, width, run }: ClipEncoder,
  chunks: readonly Chunk[],
): Promise<{ states: Float32Array; vector?: Float32Array }> {
  const ids = new Int32Array(chunks.length * positions);
  chunks.forEach((chunk, i) => {
    ids.set(chunk.ids, i * positions);
  });
  const { states, vectors } = await run(ids);
  const size = positions * width;
  chunks.forEach((chunk, i) => {
    weigh(states.subarray(i * size, (i + 1) * size), chunk, width);
  });
  return { states, ...(vectors && { vector: vectors.slice(0, vectors.length / chunks.length) }) };
}

/** [tokens, a] and [tokens, b] as [tokens, a + b]. */
function join(parts: readonly Float32Array[], tokens: number): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const widths = parts.map((part) => part.length / tokens);
  const width = widths.reduce((sum, value) => sum + value, 0);
  const out = new Float32Array(tokens * width);
  let offset = 0;
  parts.forEach((part, i) => {
    const own = widths[i]!;
    for (let token = 0; token < tokens; token++)
      out.set(part.subarray(token * own, (token + 1) * own), token * width + offset);
    offset += own;
  });
  return out;
}

/** A text and what it is encoded with. */
export interface PromptToEncode {
  readonly text: string;
  readonly encoders: readonly ClipEncoder[];
}

/** Encodes prompts that are asked for together; all become as long as the longest. */
export async function encodePrompts(prompts: readonly PromptToEncode[]): Promise<EncodedPrompts> {
  const chunked = prompts.map(({ text, encoders }) =>
    encoders.map(({ tokenizer, positions }) => chunkPrompt(tokenizer, text, positions)),
  );
  const count = Math.max(...chunked.flat().map(({ chunks }) => chunks.length));
  const conditionings: TextConditioning[] = [];
  for (const [i, { encoders }] of prompts.entries()) {
    const own = chunked[i]!.map(({ chunks }, e) => padChunks(encoders[e]!.tokenizer, chunks, count));
    conditionings.push(await encodeWith(encoders, own));
  }
  const lengths = chunked.map(([first]) => ({
    tokens: first!.tokens,
    dropped: first!.dropped,
    chunks: first!.chunks.length,
  }));
  const tokens = prompts.map(({ text, encoders }, i) =>
    nameClipTokens(encoders[0]!.tokenizer, text, chunked[i]![0]!, count * encoders[0]!.positions),
  );
  return { conditionings, lengths, tokens };
}

/** One prompt by all its encoders; the vector is that of the last that has one. */
async function encodeWith(
  encoders: readonly ClipEncoder[],
  chunked: readonly (readonly Chunk[])[],
): Promise<TextConditioning> {
  const parts: Float32Array[] = [];
  let vector: Float32Array | undefined;
  for (const [e, encoder] of encoders.entries()) {
    const found = await encodeChunks(encoder, chunked[e]!);
    parts.push(found.states);
    vector = found.vector ?? vector;
  }
  const tokens = chunked[0]!.length * encoders[0]!.positions;
  return { states: join(parts, tokens), tokens, ...(vector && { vector }) };
}
