// Permutations as Midjourney's users write them: "a {red, green} cat" is two prompts.
import { NishikiError } from "../../../errors.js";

/** As many as Midjourney draws at most. */
export const mostPermutations = 40;

interface Braces {
  readonly start: number;
  readonly end: number;
  readonly options: readonly string[];
}

/** The outermost braces with a comma in them: where they begin and end, and their options. */
function findBraces(text: string): Braces | undefined {
  const open: { readonly start: number; readonly commas: number[] }[] = [];
  let found: Braces | undefined;
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]!;
    if (sign === "\\") i++;
    else if (sign === "{") open.push({ start: i, commas: [] });
    else if (sign === "," || sign === "，" || sign === "、") open.at(-1)?.commas.push(i);
    else if (sign === "}" && open.length > 0) {
      const { start, commas } = open.pop()!;
      if (commas.length === 0 || (found && found.start < start)) continue;
      const cuts = [start, ...commas, i];
      const options = cuts.slice(1).map((cut, k) => text.slice(cuts[k]! + 1, cut).trim());
      found = { start, end: i + 1, options };
      if (open.length === 0) return found;
    }
  }
  return found;
}

/**
 * The prompts of a text with braces; braces without a comma are left alone. "\," is a comma within an option.
 * @throws NishikiError "usage" for more than 40
 */
export function expandPermutations(text: string): readonly string[] {
  let expanded: readonly string[] = [text];
  for (;;) {
    const next = expanded.flatMap(expandOnce);
    if (next.length > mostPermutations)
      throw new NishikiError(
        "usage",
        `The braces in the prompt make more than ${mostPermutations} prompts; use fewer options.`,
      );
    // Each round doubles them at least.
    if (next.length > expanded.length) expanded = next;
    else break;
  }
  // A comma with a backslash is no joint within further braces, either: it becomes a plain one at last.
  return expanded.length === 1 ? expanded : expanded.map((variant) => variant.replaceAll("\\,", ","));
}

function expandOnce(text: string): readonly string[] {
  const braces = findBraces(text);
  if (!braces) return [text];
  const { start, end, options } = braces;
  return options.map((option) => `${text.slice(0, start)}${option}${text.slice(end)}`);
}
