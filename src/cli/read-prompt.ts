// The prompt of a command line: its words, or standard input for "-".
import { text } from "node:stream/consumers";
import { NishikiError } from "../errors.js";

/** More than any prompt that a model reads. */
const mostCharacters = 100_000;

/** @throws NishikiError "usage" where standard input holds no prompt */
export async function readPrompt(
  words: readonly string[],
  input: NodeJS.ReadableStream = process.stdin,
): Promise<string> {
  if (words.length !== 1 || words[0] !== "-") return words.join(" ");
  const prompt = (await text(input)).trim();
  if (prompt === "")
    throw new NishikiError("usage", "prompt: expected a text on standard input, got nothing.");
  if (prompt.length > mostCharacters)
    throw new NishikiError(
      "usage",
      `prompt: expected up to ${mostCharacters} characters, got ${prompt.length}.`,
    );
  return prompt;
}
