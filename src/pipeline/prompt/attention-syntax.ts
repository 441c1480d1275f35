// Weights within a prompt, in the syntax of stable-diffusion-webui:
//
//     (word)  1.1 times;  ((word))  1.21 times;  [word]  1/1.1 times;  (word:1.3)  1.3 times;  \( \) \[ \] \\  the sign itself
//     BREAK   what follows begins a new part of its own
//
// A bracket that is never closed counts to the end of the prompt; one that was never opened is a sign like any other.
import { NishikiError } from "../../errors.js";

/** A stretch of text with one weight, or the mark where a new part begins. */
export type PromptPiece = { readonly text: string; readonly weight: number } | "break";

const more = 1.1;

/** Beyond this, words drown all others; far beyond it, states are no numbers any more. */
const mostWeight = 1000;
/** Brackets within each other; every one of them is looked at for what stands inside. */
const mostOpen = 200;

const token = /\\[\\()[\]]|\(|\[|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|\)|\]|\bBREAK\b|[^\\()[\]:B]+|[\s\S]/g;

interface Piece {
  text: string;
  weight: number;
}

/**
 * Cuts a prompt into pieces with weights. A prompt without the syntax is one piece of weight 1.
 * @throws NishikiError "usage" for weights beyond 1000, or more than 200 open brackets.
 */
export function parseAttention(prompt: string): readonly PromptPiece[] {
  const pieces: (Piece | "break")[] = [];
  const open: { readonly sign: "(" | "["; readonly from: number }[] = [];
  const weigh = (from: number, factor: number) => {
    for (const piece of pieces.slice(from)) if (piece !== "break") piece.weight *= factor;
  };
  const close = (sign: "(" | "[", factor: number) => {
    const at = open.findLastIndex((bracket) => bracket.sign === sign);
    if (at < 0) return false;
    weigh(open[at]!.from, factor);
    open.splice(at, 1);
    return true;
  };
  const literal = (text: string) => {
    pieces.push({ text, weight: 1 });
  };
  for (const [found, weight] of prompt.matchAll(token)) {
    if (found === "(" || found === "[") {
      if (open.length === mostOpen) throw tooMuch(`more than ${mostOpen} open brackets`);
      open.push({ sign: found, from: pieces.length });
    } else if (weight !== undefined) {
      if (!close("(", Number(weight))) literal(found);
    } else if (found === ")") close("(", more) || literal(found);
    else if (found === "]") close("[", 1 / more) || literal(found);
    else if (found === "BREAK") pieces.push("break");
    else literal(found.length === 2 && found.startsWith("\\") ? found.slice(1) : found);
  }
  for (const { sign, from } of open) weigh(from, sign === "(" ? more : 1 / more);
  const heavy = pieces.find((piece) => piece !== "break" && !(Math.abs(piece.weight) <= mostWeight));
  if (heavy) throw tooMuch(`a weight beyond ${mostWeight}`);
  return join(pieces);
}

function tooMuch(what: string): NishikiError {
  const cure = "Write \\( where a bracket is meant as a sign";
  return new NishikiError("usage", `The prompt has ${what}. ${cure}.`);
}

/** Neighbours of one weight become one piece, so that words are never cut where brackets did not cut them. */
function join(pieces: readonly (Piece | "break")[]): PromptPiece[] {
  const joined: (Piece | "break")[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece !== "break" && last !== undefined && last !== "break" && last.weight === piece.weight)
      last.text += piece.text;
    else joined.push(piece === "break" ? piece : { ...piece });
  }
  return joined.length === 0 ? [{ text: "", weight: 1 }] : joined;
}
