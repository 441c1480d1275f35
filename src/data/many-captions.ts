// Wording of scenes with more than two things, or with one thing on or in front of another.

import type { Random } from "../random/index.js";
import { isRidden, roleOf } from "./scene-roles.js";
import type { SceneContent } from "./scene-types.js";

/** Text in pieces: words, or the words for the thing with this number. */
export type Pieces = readonly (string | number)[];

/** What stands between the pieces of a scene of many things. */
export function sayMany(content: SceneContent, random: Random): Pieces {
  if (content.layout === "on") return [0, random.pick(onPhrases(content)), 1];
  if (content.layout === "front") {
    return random.uniform() < 0.7 ? [0, "in front of", 1] : [1, "behind", 0];
  }
  return saySpace(content, random) ?? sayList(content.things.map((_, i) => i));
}

function onPhrases({ things }: SceneContent): readonly string[] {
  const [, under] = things;
  return isRidden(under!.name) ? ["on", "riding", "on top of"] : ["on", "on top of", "sitting on"];
}

/** "0, 1 and 2", with the comma at the word before it. */
function sayList(indices: readonly number[]): Pieces {
  return indices.flatMap((index, at): (string | number)[] => {
    if (at === 0) return [index];
    return [at === indices.length - 1 ? "and" : ",", index];
  });
}

/** Says where things of a landscape lie: "a dog in front of a house under the moon". @returns null where that does not fit */
function saySpace({ things, layout }: SceneContent, random: Random): Pieces | null {
  if (layout !== "landscape" || random.uniform() < 0.6) return null;
  const of = (role: string) => things.flatMap(({ name }, i) => (roleOf(name) === role ? [i] : []));
  const [sky, far, near] = [of("sky"), of("far"), of("near")];
  if (sky.length > 1 || far.length + near.length === 0 || things.length > 4) return null;
  const below =
    far.length > 0 && near.length > 0
      ? random.uniform() < 0.75
        ? [...sayList(near), "in front of", ...sayList(far)]
        : [...sayList(far), "behind", ...sayList(near)]
      : sayList([...far, ...near]);
  if (sky.length === 0) return far.length > 0 && near.length > 0 ? below : null;
  return [...below, random.pick(["under", "below"]), ...sky];
}

/** Tokens that a caption may have by the count below; the two at the ends come on top. */
const mostTokens = 28;

/** At least as many as a word has, but for few words: common ones are one token, others about one in three letters. */
function estimateTokens(word: string): number {
  return word.length < 5 || common.has(word) ? 1 : Math.ceil(word.length / 3);
}

/** Whether a caption fits into the 32 tokens of the embedded model's text encoder. */
export function isShort(caption: string): boolean {
  const words = caption.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];
  const tokens = words.reduce((sum, word) => sum + estimateTokens(word), 0);
  return tokens <= mostTokens;
}

/** Long words of captions that are one token. */
const common = new Set(
  (
    "style front background three against behind painting orange green turquoise purple house black " +
    "yellow brown under pencil glass houses stained garden mosaic mountain cartoon drawing plain pixel " +
    "below white castle sitting church bridge circus tower temple riding window print cloud Picasso night " +
    "horse forest illustration silhouette Pablo sheep sketch chair sunrise desert brush bicycle chicken " +
    "trees eagle motorcycle woods rainbow beach robot mushroom snowy stripes balloon checks rooster " +
    "donkey Japanese helicopter turtle meadow space airplane butterfly sunset tents camel soccer snail " +
    "table colored squirrel truck flower unicorn autumn rabbit elephant drawn painted dinosaur tractor " +
    "flowers clouds plant mountains aurora piano rocket canoe books whale couch render horses landscape " +
    "bears suitcase sandy winter street stack trucks churches alien moose penguin temples package dragon " +
    "wolves snake plants robots bridges foxes rabbits ducks buses bison ghost lights motorcycles teddy " +
    "chairs birds rocks panda bicycles mouse water chickens"
  ).split(" "),
);
