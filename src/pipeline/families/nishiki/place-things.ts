// Where the things of a prompt lie, for denoisers that see it: the slots that training had for what the words say. What they say in
// another form, or of more things than two, is left to the denoiser.
import { type LayoutName, layoutSlots, type PlacedBox } from "../../../models/index.js";
import { type KnownWords, splitWords } from "./known-words.js";
import { findSegments, type Segment } from "./prompt-forms.js";

const counts: Readonly<Record<string, number>> = { two: 2, three: 3, four: 4 };
const smallWords = new Set(["small", "little", "tiny"]);

/**
 * The boxes of a prompt's things, in reading order.
 * @param prompt With known names in the place of others.
 * @returns Undefined where the prompt does not say, in a way that training had, what shall be where.
 */
export function placeThings(prompt: string, known: KnownWords): readonly PlacedBox[] | undefined {
  const tokens = splitWords(prompt);
  const segments = findSegments(prompt, tokens, known).filter(({ thing }) => thing !== undefined);
  const [first, second] = segments;
  if (!first || segments.length > 2) return undefined;
  const wordsBefore = ({ first: at }: Segment, from: number) =>
    tokens.slice(from, at).map(({ word }) => word);
  const before = wordsBefore(first, 0);
  const count = before.map((word) => counts[word]).find((each) => each !== undefined) ?? 1;
  if (!second) {
    const layout = count > 1 ? "count" : before.some((word) => smallWords.has(word)) ? "small" : "single";
    return boxesOf(layout, count);
  }
  const between = wordsBefore(second, first.last + 1);
  if (count > 1 || between.some((word) => word in counts)) return undefined;
  const upright = ["above", "over", "below", "under"].some((word) => between.includes(word));
  return boxesOf(upright ? "above" : "pair", 2);
}

/** The first in reading order is the first in the image too: what is said to be right of something is its second. */
function boxesOf(layout: LayoutName, count: number): readonly PlacedBox[] {
  const two = layout === "pair" || layout === "above";
  return layoutSlots(layout, count).map(([x, y, size], i) => {
    return { x, y, size, which: two ? (i === 0 ? 1 : -1) : 0 };
  });
}
