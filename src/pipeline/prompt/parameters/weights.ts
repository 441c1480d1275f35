// Weights as Midjourney's users write them, "a forest::2 a red fox fog::-0.5", as the parts of a composed prompt. They count by
// their share of the sum, which must be above 0.
import { NishikiError } from "../../../errors.js";
import { splitComposition } from "../composition.js";

/** Two colons after a word, perhaps with a weight, and then a space, a comma or the end: "std::vector" is a word. */
const weight = /(?<=\S)[ \t]*::\s?([+-]?(?:\d+\.?\d*|\.\d+))?(?=\s|,|$)/g;

/** Within brackets and braces, colons belong to prompts that change, and to wildcards. */
function maskBrackets(text: string): string {
  let masked = text;
  for (let depth = 0; depth < 10; depth++) {
    const more = masked.replace(/[[{][^[\]{}]*[\]}]/g, (whole) => "x".repeat(whole.length));
    if (more === masked) break;
    masked = more;
  }
  return masked;
}

interface Part {
  readonly text: string;
  readonly weight: number;
}

function splitParts(text: string): readonly Part[] {
  const marks = [...maskBrackets(text).matchAll(weight)];
  const parts = marks.map((mark, i): Part => {
    const before = marks[i - 1];
    const start = before ? before.index + before[0].length : 0;
    return { text: text.slice(start, mark.index), weight: mark[1] === undefined ? 1 : Number(mark[1]) };
  });
  const last = marks.at(-1);
  const rest = last ? text.slice(last.index + last[0].length) : text;
  return [...parts, { text: rest, weight: 1 }]
    .map((part) => ({ ...part, text: part.text.replace(/^[\s,]+|[\s,]+$/g, "") }))
    .filter((part) => part.text !== "");
}

/** Words with two colons that are no weights: those that "std::vector" is one of. */
export function findLooseColons(text: string): readonly string[] {
  const rest = maskBrackets(text).replace(weight, (whole) => " ".repeat(whole.length));
  return [...rest.matchAll(/::/g)].map(({ index }) => {
    const [before] = /\S{0,30}$/.exec(text.slice(Math.max(0, index - 30), index))!;
    const [after] = /^\S{0,30}/.exec(text.slice(index))!;
    return before + after;
  });
}

/**
 * The prompt with its weights as AND takes them; undefined if it has none.
 * @throws NishikiError "usage" for weights that add up to 0 or less, or beside AND
 */
export function composeWeights(text: string): string | undefined {
  if (maskBrackets(text).search(weight) < 0) return undefined;
  if (splitComposition(text).length > 1)
    throw new NishikiError("usage", "Weights after :: cannot be combined with AND; use one of them.");
  const parts = splitParts(text);
  if (parts.length === 0) throw new NishikiError("usage", "There is no prompt before the weights after ::.");
  const sum = parts.reduce((total, part) => total + part.weight, 0);
  if (!(sum > 0)) {
    const got = Number(sum.toFixed(6));
    throw new NishikiError("usage", `The weights after :: add up to ${got}; their sum must be above 0.`);
  }
  if (parts.length === 1) return parts[0]!.text;
  return parts.map((part) => `${part.text} :${Number((part.weight / sum).toFixed(6))}`).join(" AND ");
}
