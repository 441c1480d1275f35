// The words of scene captions, and the names among them: the vocabulary of a model trained on them.
import { random } from "../random/index.js";
import { backgroundPhrases } from "./backgrounds.js";
import { articleOf, writeCaption } from "./captions.js";
import { colourNames } from "./colours.js";
import type { SceneMix } from "./describe-scene.js";
import type { SceneContent, SceneLayout } from "./scene-types.js";
import { type StyleName, styleNamed } from "./styles.js";
import { thingNamed } from "./vocabulary.js";

/** Texts that contain every word of a mix's captions, and the names in them. */
export interface CaptionWords {
  readonly texts: readonly string[];
  /** All names of things: singular, plural, synonyms. */
  readonly nouns: readonly string[];
  readonly colours: readonly string[];
  readonly names: readonly {
    readonly name: string;
    readonly plural: string | null;
    readonly article: "a" | "an" | null;
  }[];
}

/** Wordings tried per content: each phrase is one of at most ten. */
const wordings = 200;

export function captionWords(mix: SceneMix): CaptionWords {
  const things = mix.things.map(thingNamed);
  const nouns = things.flatMap(({ name, plural, synonyms }) => [
    name,
    ...(plural === null ? [] : [plural]),
    ...synonyms,
  ]);
  const colours = [...colourNames, "gray"];
  const styles = (Object.keys(mix.styles) as StyleName[])
    .filter((name) => (mix.styles[name] ?? 0) > 0)
    .map(styleNamed);
  const grounds = mix.backgrounds.flatMap((name) =>
    [null, ...colourNames].flatMap((colour) => backgroundPhrases({ name, colour })),
  );
  const texts = [
    ...nouns,
    ...colours,
    ...styles.flatMap(({ prefixes, suffixes }) => [...prefixes, ...suffixes]),
    ...grounds,
    ...sayings(mix.things[0]!),
    ...((mix.manyThings ?? 0) > 0 ? manySayings : []),
  ];
  const names = things.map(({ name, plural }) => {
    return { name, plural, article: plural === null ? null : articleOf(name) };
  });
  return { texts, nouns, colours, names };
}

/** What scenes of many things say beside them. */
const manySayings = [
  "in front of",
  "behind",
  "on",
  "riding",
  "on top of",
  "sitting on",
  "under",
  "below",
  "and",
];

/** Captions in every layout and wording, for function words: "to the left of", "two". */
function sayings(name: string): string[] {
  const layouts: readonly SceneLayout[] = ["single", "small", "count", "pair", "left", "above"];
  return layouts.flatMap((layout) =>
    Array.from({ length: wordings }, (_, i) => {
      const count = layout === "count" ? 2 + (i % 3) : 1;
      const thing = { name, colour: null, count };
      const things = ["pair", "left", "above"].includes(layout) ? [thing, thing] : [thing];
      const content: SceneContent = { things, layout, background: null, style: "3d" };
      return writeCaption(content, random(0, "sayings", layout, i));
    }),
  );
}
