import keywords from "color-name";
import { expect, it } from "vitest";
import { findColour, nearestColour } from "./colour-words.js";

const colours = new Set(
  "red orange yellow green blue purple pink brown black white grey gray turquoise".split(" "),
);

it.each([
  ["red", "crimson scarlet ruby cherry vermilion carmine burgundy maroon rust firebrick darkred reddish"],
  ["orange", "amber tangerine apricot peach copper coral darkorange orangish"],
  ["yellow", "gold golden lemon mustard goldenrod yellowish"],
  ["green", "emerald lime mint olive sage chartreuse forestgreen seagreen greenish"],
  ["blue", "navy azure cobalt sapphire ultramarine cerulean skyblue steelblue royalblue bluish"],
  ["purple", "violet lavender lilac indigo plum amethyst orchid rebeccapurple purplish"],
  ["pink", "magenta fuchsia rose cerise hotpink pinkish"],
  ["brown", "chocolate chestnut tan sepia bronze sienna taupe khaki mahogany"],
  ["white", "ivory cream beige blond snow linen whitish"],
  ["grey", "silver charcoal slategray dimgrey greyish"],
  ["turquoise", "teal cyan aqua aquamarine"],
])("%s: %s", (colour, words) => {
  for (const word of words.split(" ")) expect([word, nearestColour(word, colours)]).toEqual([word, colour]);
});

it("answers with colours that the model knows, whatever the word and the model", () => {
  for (const known of [colours, new Set(["red", "blue"]), new Set(["gray"]), new Set(["blue", "mauve"])])
    for (const word of Object.keys(keywords)) {
      const found = nearestColour(word, known);
      if (found !== undefined) expect(known).toContain(found);
    }
  expect(nearestColour("crimson", new Set(["red", "blue"]))).toBe("red");
  expect(nearestColour("silver", new Set(["gray"]))).toBe("gray");
  expect(nearestColour("crimson", new Set(["mauve"]))).toBeUndefined();
  expect(nearestColour("crimson", new Set())).toBeUndefined();
});

it("takes nothing else for a colour", () => {
  for (const word of "cat fish irish polish british dish ish peru constructor bright".split(" "))
    expect([word, nearestColour(word, colours)]).toEqual([word, undefined]);
});

const words = new Set([...colours, ..."a cat chestnut lemon rose light sky chocolate shell sea".split(" ")]);

it.each([
  ["crimson cat", 1, "red", false],
  ["dark crimson cat", 2, "red", false],
  ["dark blue cat", 2, "blue", true],
  ["light blue", 2, "blue", true],
  ["sky blue cat", 2, "blue", true],
  ["hot pink", 2, "pink", true],
  ["dark slate grey", 3, "grey", true],
  ["blue violet cat", 2, "purple", false],
  ["chestnut brown cat", 2, "brown", true],
  ["golden brown", 2, "brown", true],
  ["lemon coloured cat", 2, "yellow", true],
  ["crimson colored cat", 2, "red", true],
  ["reddish brown cat", 2, "brown", true],
  ["crimson light cat", 1, "red", false],
  ["crimson rose cat", 1, "red", false],
] as const)("%s begins with a colour of %i words", (text, length, colour, sure) => {
  expect(findColour(text.split(" "), { words, colours })).toEqual({ length, colour, sure });
});

it.each([
  "cat",
  "blue cat",
  "red orange cat",
  "blue crimson cat",
  "chestnut",
  "lemon cat",
  "light cat",
  "sea shell cat",
])("%s does not", (text) => {
  expect(findColour(text.split(" "), { words, colours })).toBeUndefined();
});

it("white chocolate is left to the model", () => {
  expect(findColour(["white", "chocolate", "cat"], { words, colours })).toBeUndefined();
  expect(findColour([], { words, colours })).toBeUndefined();
});
