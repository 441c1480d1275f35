// Weights in prompts: ctrl+up and ctrl+down raise and lower that of the selected text, of the brackets around the cursor, or of
// the word at it. "(word:1.1)" is written around it, and taken away again at a weight of 1. Also the check of brackets.

export interface Edit {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const delimiters = /[.,\\/!?%^*;:{}=`~()<>\s]/;
const step = 0.1;
/** Within <…>, as in "<lora:name:0.8>". */
const fineStep = 0.05;

/** The innermost pair of brackets around a range, without escaped ones. Positions of the opening and closing bracket. */
function findBrackets(
  text: string,
  start: number,
  end: number,
  open: string,
  close: string,
): [number, number] | undefined {
  const isSign = (place: number, sign: string) => text[place] === sign && text[place - 1] !== "\\";
  let depth = 0;
  let left = start - 1;
  for (; left >= 0; left--) {
    if (isSign(left, close)) depth++;
    else if (isSign(left, open) && depth-- === 0) break;
  }
  if (left < 0) return undefined;
  depth = 0;
  for (let right = end; right < text.length; right++) {
    if (isSign(right, open)) depth++;
    else if (isSign(right, close) && depth-- === 0) return [left, right];
  }
  return undefined;
}

/** The word at the cursor, without white space. */
function findWord(text: string, cursor: number): [number, number] | undefined {
  let start = cursor;
  let end = cursor;
  while (start > 0 && !delimiters.test(text[start - 1]!)) start--;
  while (end < text.length && !delimiters.test(text[end]!)) end++;
  return start === end ? undefined : [start, end];
}

const format = (weight: number) => String(Math.round(weight * 100) / 100).replace(/^(-?\d+)$/, "$1.0");

const readWeight = (inner: string) => /^(.*):\s*(-?\d*\.?\d+)\s*$/s.exec(inner);

/**
 * Changes the weight of a selection.
 * @param direction 1 or −1
 * @returns the new text and selection; undefined if there is no word at the cursor
 */
export function changeWeight(text: string, start: number, end: number, direction: 1 | -1): Edit | undefined {
  const angle = findBrackets(text, start, end, "<", ">");
  if (angle) return changeAngle(text, angle, direction);
  const around = findBrackets(text, start, end, "(", ")");
  // A selection inside brackets means these brackets only if it is all that they hold, or nothing is selected.
  const inner = around && text.slice(around[0] + 1, around[1]);
  const isWhole =
    inner !== undefined &&
    (start === end || text.slice(start, end).trim() === (readWeight(inner)?.[1] ?? inner).trim());
  if (around && isWhole) return changeRound(text, around, direction);
  const word = start === end ? findWord(text, start) : trim(text, start, end);
  if (!word) return undefined;
  return wrap(text, word, 1 + direction * step);
}

function trim(text: string, start: number, end: number): [number, number] | undefined {
  const part = text.slice(start, end);
  const from = start + part.length - part.trimStart().length;
  const to = end - (part.length - part.trimEnd().length);
  return from < to ? [from, to] : undefined;
}

function wrap(text: string, [from, to]: readonly [number, number], weight: number): Edit {
  const wrapped = `(${text.slice(from, to)}:${format(weight)})`;
  return { text: text.slice(0, from) + wrapped + text.slice(to), start: from + 1, end: to + 1 };
}

function changeRound(text: string, [left, right]: readonly [number, number], direction: 1 | -1): Edit {
  const inner = text.slice(left + 1, right);
  const [, content = inner, number] = readWeight(inner) ?? [];
  // Brackets without a number mean 1.1.
  const weight = Math.round(((number === undefined ? 1.1 : Number(number)) + direction * step) * 100) / 100;
  const isPlain = weight === 1;
  const replaced = isPlain ? content : `(${content}:${format(weight)})`;
  const from = left + (isPlain ? 0 : 1);
  return {
    text: text.slice(0, left) + replaced + text.slice(right + 1),
    start: from,
    end: from + content.length,
  };
}

function changeAngle(
  text: string,
  [left, right]: readonly [number, number],
  direction: 1 | -1,
): Edit | undefined {
  const inner = text.slice(left + 1, right);
  const [, content = inner, number = "1"] = readWeight(inner) ?? [];
  const replaced = `<${content}:${format(Number(number) + direction * fineStep)}>`;
  return {
    text: text.slice(0, left) + replaced + text.slice(right + 1),
    start: left + 1,
    end: left + 1 + content.length,
  };
}

/**
 * Moves the part between commas at the cursor to the left or to the right.
 * @returns undefined if there is nothing to change places with
 */
export function movePart(text: string, cursor: number, direction: 1 | -1): Edit | undefined {
  const parts = text.split(",");
  let from = 0;
  const index = parts.findIndex((part) => {
    if (cursor <= from + part.length) return true;
    from += part.length + 1;
    return false;
  });
  const other = index + direction;
  if (index < 0 || other < 0 || other >= parts.length) return undefined;
  const texts = parts.map((part) => part.trim());
  [texts[index], texts[other]] = [texts[other]!, texts[index]!];
  const joined = texts.join(", ");
  const start = texts.slice(0, other).reduce((sum, part) => sum + part.length + 2, 0);
  return { text: joined, start, end: start + texts[other]!.length };
}

/** The first bracket that has no partner: its sign and position. Escaped ones do not count. */
export function findLooseBracket(text: string): { readonly sign: string; readonly at: number } | undefined {
  const partners: Readonly<Record<string, string>> = { ")": "(", "]": "[", ">": "<" };
  const open: { sign: string; at: number }[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (text[at - 1] === "\\") continue;
    // "<" alone is a sign like others ("<3"); only "<name:" opens.
    if (sign === "(" || sign === "[") open.push({ sign, at });
    else if (sign === "<" && /^<\w+:/.test(text.slice(at))) open.push({ sign, at });
    else if (sign === ">" && open.at(-1)?.sign !== "<") continue;
    else if (partners[sign] !== undefined) {
      if (open.pop()?.sign !== partners[sign]) return { sign, at };
    }
  }
  return open[0];
}
