// The prompt of a command line: its words, or standard input for "-".
import { NishikiError } from "../errors.js";

/** Longer prompts are refused, by the request; here it only ends what would never end by itself. */
const MAX_BYTES = 2 ** 20;

/** @throws NishikiError "usage" where standard input holds no prompt, or no text */
export async function readPrompt(
  words: readonly string[],
  input: NodeJS.ReadableStream = process.stdin,
): Promise<string> {
  if (words.length !== 1 || words[0] !== "-") return words.join(" ");
  const prompt = (await decode(await readBytes(input))).trim();
  if (prompt === "")
    throw new NishikiError("usage", "prompt: expected a text on standard input, got nothing.");
  return prompt;
}

async function readBytes(input: NodeJS.ReadableStream): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of input) {
    pieces.push(Buffer.from(piece));
    size += piece.length;
    if (size > MAX_BYTES)
      throw new NishikiError("usage", "prompt: expected a text on standard input, got more than 1 MiB.");
  }
  return Buffer.concat(pieces);
}

/** UTF-8, or UTF-16 as PowerShell pipes it. */
async function decode(bytes: Uint8Array): Promise<string> {
  const { decodeText } = await import("../data/index.js");
  try {
    return decodeText(bytes);
  } catch (error) {
    throw new NishikiError("usage", `prompt: standard input ${(error as Error).message}.`);
  }
}
