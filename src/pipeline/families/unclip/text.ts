// Texts as unCLIP's prior and Karlo's decoder take them: CLIP's states of 77 tokens, which of them belong to the text, and
// its embedding. A prompt is read in one part, without weights.
import type { ClipTextConfig } from "../../../models/index.js";
import type { ClipTokenizer } from "../../../tokenizer/index.js";
import { checkAborted } from "../../cancel.js";
import { findUnsupportedSyntax } from "../../prompt/unsupported-syntax.js";
import { floats } from "../../tensors.js";
import type { TokenCount } from "../../token-count.js";
import { findEnd } from "../stable-diffusion/conditioning.js";
import type { Networks } from "./networks.js";

/** A text, encoded. */
export interface EncodedText {
  /** [tokens, width] */
  readonly states: Float32Array;
  /** 1 for tokens of the text and its two ends, 0 for padding: [tokens] */
  readonly mask: Float32Array;
  /** [projection] */
  readonly embedding: Float32Array;
}

export interface TextEncoder {
  readonly config: ClipTextConfig;
  readonly tokenizer: ClipTokenizer;
}

interface Tokens {
  readonly ids: Int32Array;
  readonly mask: Float32Array;
  /** Tokens of the text without its ends, and how many did not fit. */
  readonly count: number;
  readonly dropped: number;
}

function tokenize({ config: { positions }, tokenizer }: TextEncoder, text: string): Tokens {
  const all = tokenizer.encode(text);
  const kept = all.slice(0, positions - 2);
  const ids = new Int32Array(positions).fill(tokenizer.pad);
  ids.set([tokenizer.start, ...kept, tokenizer.end]);
  const mask = new Float32Array(positions).fill(1, 0, kept.length + 2);
  return { ids, mask, count: all.length, dropped: all.length - kept.length };
}

/** Counts a prompt's tokens. */
export function countTokens(encoder: TextEncoder, text: string): TokenCount {
  return { tokens: tokenize(encoder, text).count, parts: 1, room: encoder.config.positions - 2 };
}

/** Encodes a text. */
export async function encodeText(
  encoder: TextEncoder,
  text: string,
  networks: Networks,
): Promise<EncodedText> {
  checkAborted(networks.signal);
  const { positions, endToken } = encoder.config;
  const { ids, mask } = tokenize(encoder, text);
  const inputs = {
    ids: { dtype: "i32" as const, shape: [1, positions], data: ids },
    ends: { dtype: "i32" as const, shape: [1], data: Int32Array.of(findEnd(ids, endToken)) },
  };
  const outputs = await networks.use({ part: "text encoder" }, (session) => session.run(inputs));
  return { states: floats(outputs, "states"), mask, embedding: floats(outputs, "vectors") };
}

/** A text and what to call it in a message. */
interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Warnings about texts: those that are cut, and syntax that is read as words. */
export function findTextWarnings(
  encoder: TextEncoder,
  { prompts, negatives }: { readonly prompts: readonly string[]; readonly negatives: readonly string[] },
): string[] {
  const texts: readonly NamedText[] = [
    ...prompts.map((text) => ({ name: "prompt", text })),
    ...negatives.map((text) => ({ name: "negative prompt", text })),
  ];
  const warnings = texts.flatMap(({ name, text }) => {
    const { count, dropped } = tokenize(encoder, text);
    const cut = `The ${name} has ${count} tokens, over the limit of ${count - dropped}; the last ${dropped} are ignored.`;
    return [...findUnsupportedSyntax(text, "words", name, name === "prompt"), ...(dropped > 0 ? [cut] : [])];
  });
  return [...new Set(warnings)];
}
