// Which words of a prompt its CLIP tokens spell, for whoever looks at what the denoiser attends to.
import type { ClipTokenizer } from "../../tokenizer/index.js";
import type { PromptTokens, PromptWord } from "../probe.js";
import { parseAttention } from "./attention-syntax.js";
import type { ChunkedPrompt } from "./chunks.js";

/** Words and runs of other signs, as CLIP's tokenizer separates them; endings such as 's stand alone. */
const pieces = /'(?:s|t|re|ve|m|ll|d)\b|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]+/giu;

/** The pieces of a text, and how many tokens spell each. */
function countTokens(tokenizer: ClipTokenizer, text: string): { text: string; count: number }[] {
  const words = (text.match(pieces) ?? []).map((word) => ({
    text: word,
    count: tokenizer.encode(word).length,
  }));
  const whole = tokenizer.encode(text).length;
  const sum = words.reduce((count, word) => count + word.count, 0);
  // A learned token may span several words.
  return sum === whole ? words : [{ text: text.trim(), count: whole }];
}

/**
 * Names the tokens of a prompt by its words; punctuation is no word.
 * @param length Positions of all chunks together.
 */
export function nameClipTokens(
  tokenizer: ClipTokenizer,
  prompt: string,
  { positions, chunks }: ChunkedPrompt,
  length: number,
): PromptTokens {
  const tokens = new Array<string>(length).fill("");
  const words: PromptWord[] = [];
  let next = 0;
  for (const piece of parseAttention(prompt)) {
    if (piece === "break") continue;
    for (const { text, count } of countTokens(tokenizer, piece.text)) {
      const own = positions.slice(next, next + count);
      next += count;
      const pieces = tokenizer.pieces(text);
      own.forEach((position, i) => {
        tokens[position] = pieces.length === count ? pieces[i]! : text;
      });
      if (own.length > 0 && /[\p{L}\p{N}]/u.test(text)) words.push({ text, positions: own });
    }
  }
  return { text: prompt, tokens, words, room: chunks[0]!.ids.length };
}
