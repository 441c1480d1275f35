// Prompts that no training set repeats: what the pull of a prompt is compared with (node).
import { describeScene, wholeCatalogue } from "../data/index.js";
import { embeddedMix } from "../evaluate/index.js";

/** Captions as the embedded model's training has them, of content that is left to chance. */
const captions = (count: number) =>
  Array.from({ length: count }, (_, i) => describeScene(71, i, embeddedMix, wholeCatalogue).caption);

const published = [
  "a wooden chair beside a window",
  "two children playing football in a park",
  "a bowl of soup on a kitchen table",
  "an old man reading a newspaper",
  "a black dog running along a beach",
  "a street in a small town after rain",
  "a glass of water on a desk",
  "a red bicycle leaning against a wall",
  "a woman with an umbrella at a bus stop",
  "a mountain lake in the morning",
  "a cat asleep on a sofa",
  "a plate of pancakes with berries",
  "a train crossing a bridge",
  "a vase of yellow flowers",
  "a narrow path through a forest",
  "a fishing boat in a harbour",
  "a shelf full of books",
  "a horse standing in a meadow",
  "a bakery with bread in its window",
  "a lighthouse on a rocky coast",
  "a pair of worn leather boots",
  "an orange cut in half",
  "a city skyline at night",
  "a hand holding a pencil",
] as const;

/** Ordinary prompts to compare with, where one step is quick. */
export const usualOrdinary = 24;

/** @param count At most 24 for models other than the embedded one */
export const getOrdinaryPrompts = (isEmbedded: boolean, count: number): readonly string[] =>
  isEmbedded ? captions(count) : published.slice(0, count);
