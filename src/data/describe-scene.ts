// Decides the content and layout of a scene without drawing it. Scene `index` of a seed is the same on every
// machine.

import { NishikiError, unknownName } from "../errors.js";
import { type Random, random } from "../random/index.js";
import { arrangeThings } from "./arrange-scene.js";
import {
  type BackgroundName,
  backgroundNames,
  firstBackgrounds,
  hiddenColour,
  isColoured,
} from "./backgrounds.js";
import { type Caption, isShort, phraseCaption } from "./captions.js";
import { type ColourName, colourNames, firstColours } from "./colours.js";
import { isHeldOut } from "./held-out.js";
import { chooseMany } from "./many-things.js";
import type { SceneBackground, SceneContent, SceneLayout, SceneRecipe, SceneThing } from "./scene-types.js";
import { type SetName, spriteSets } from "./sprite-sets.js";
import type { Catalogue } from "./sprites.js";
import { type StyleName, styleNamed, styleNames } from "./styles.js";
import { commonThings, thingNamed, vocabulary } from "./vocabulary.js";

/** The mix of scenes. Shares are of all scenes, 0 to 1; every field has a default. */
export interface SceneOptions {
  /** Names from the vocabulary. Default: the common things. */
  readonly things?: readonly string[];
  /** Share of things other than the common ones, if there are any. */
  readonly rarer?: number;
  /** Styles and their relative frequencies. */
  readonly styles?: Readonly<Partial<Record<StyleName, number>>>;
  readonly colours?: readonly ColourName[];
  readonly backgrounds?: readonly BackgroundName[];
  /** Shares of scenes with two things and with two to four of one thing; all others show a single thing. */
  readonly twoThings?: number;
  readonly counts?: number;
  /** Share of single things that are small; captions say so. */
  readonly small?: number;
  /** Share of things that are recoloured. */
  readonly recoloured?: number;
  /** Share of scenes with a background, and share of plain colours among the backgrounds. */
  readonly withBackground?: number;
  readonly plainBackground?: number;
  /** Jitter of positions and of sizes, as shares of the image's side and of the thing's size. */
  readonly positionJitter?: number;
  readonly sizeJitter?: number;
  /** Share of scenes with up to six things. Default none. */
  readonly manyThings?: number;
  /** Share of things that are mirrored, where their mirror image is right. Default none. */
  readonly mirrored?: number;
  /** Sets that a style's things are drawn from, and their relative frequencies. Default: its first set. */
  readonly drawings?: StyleDrawings;
  /** Version of the filters. Default: the first. */
  readonly filters?: 2;
}

/** For styles, the sets that their things are drawn from, and their relative frequencies. */
export type StyleDrawings = Readonly<Partial<Record<StyleName, Readonly<Partial<Record<SetName, number>>>>>>;

/** What a mix leaves out unless it is asked for: mixes of earlier runs do not have it. */
type Further = "manyThings" | "mirrored" | "drawings" | "filters";

/** A mix with all defaults filled in. */
export type SceneMix = Required<Omit<SceneOptions, Further>> & Pick<SceneOptions, Further>;

/**
 * Defaults for a first model on little compute: single things, large and centred, in four styles and eight
 * colours.
 */
export const defaultMix: SceneMix = {
  things: commonThings.map((thing) => thing.name),
  rarer: 0.4,
  styles: { "3d": 0.34, flat: 0.26, woodblock: 0.2, cubist: 0.2 },
  colours: firstColours,
  backgrounds: firstBackgrounds,
  twoThings: 0.18,
  counts: 0.12,
  small: 0.04,
  recoloured: 0.4,
  withBackground: 0.55,
  plainBackground: 0.35,
  positionJitter: 0.04,
  sizeJitter: 0.08,
};

/** Fills in the defaults and checks every name and share. Throws `usage`. */
export function sceneMix(options: SceneOptions = {}): SceneMix {
  const mix: SceneMix = { ...defaultMix, ...options };
  for (const name of mix.things) thingNamed(name);
  if (mix.things.length < 2)
    throw new NishikiError("usage", `things: expected at least two, got ${mix.things.length}.`);
  checkNames("style", Object.keys(mix.styles), styleNames);
  checkNames("colour", mix.colours, colourNames);
  checkNames("background", mix.backgrounds, backgroundNames);
  for (const share of [
    "rarer",
    "twoThings",
    "counts",
    "small",
    "recoloured",
    "withBackground",
    "plainBackground",
    "manyThings",
    "mirrored",
  ] as const) {
    const value = mix[share] ?? 0;
    if (!(value >= 0 && value <= 1)) {
      throw new NishikiError("usage", `${share}: expected a number from 0 to 1, got ${value}.`);
    }
  }
  checkDrawings(mix);
  const { manyThings = 0 } = mix;
  if (mix.twoThings + mix.counts + manyThings > 1) {
    const names = manyThings > 0 ? "twoThings, counts and manyThings" : "twoThings and counts";
    throw new NishikiError("usage", `${names}: expected a sum of at most 1. Lower one of them.`);
  }
  if (!Object.values(mix.styles).some((weight) => weight > 0)) {
    throw new NishikiError("usage", "styles: expected at least one weight above 0.");
  }
  return mix;
}

function checkDrawings({ drawings = {} }: SceneMix): void {
  checkNames("style", Object.keys(drawings), styleNames);
  const setNames = spriteSets.map(({ name }) => name);
  for (const [style, weights] of Object.entries(drawings)) {
    checkNames("sprite set", Object.keys(weights), setNames);
    for (const [set, weight] of Object.entries(weights)) {
      if (weight >= 0) continue;
      throw new NishikiError("usage", `drawings.${style}.${set}: expected a number from 0, got ${weight}.`);
    }
  }
}

/** The sets that a mix draws a style's things from. */
export function setsOf(style: StyleName, { drawings }: Pick<SceneMix, "drawings">): readonly SetName[] {
  const weights = Object.entries(drawings?.[style] ?? {}) as [SetName, number][];
  const weighed = weights.filter(([, weight]) => weight > 0).map(([set]) => set);
  return [...new Set([...weighed, ...styleNamed(style).sets])];
}

/** What a mix's scenes show, as a model that learns them is described. */
export function describeMix(mix: SceneMix) {
  const styles = styleNames.filter((name) => (mix.styles[name] ?? 0) > 0);
  const kinds = (mix.manyThings ?? 0) > 0 ? 6 : mix.twoThings > 0 ? 2 : 1;
  return { kinds, backgrounds: mix.backgrounds, styles };
}

function checkNames(kind: string, names: readonly string[], known: readonly string[]): void {
  for (const name of names) if (!known.includes(name)) throw unknownName(kind, name, known);
}

/**
 * A catalogue with every thing in every set, for describing scenes without sprites.
 */
export const wholeCatalogue: Catalogue = {
  things: vocabulary.map((thing) => thing.name),
  has: () => true,
};

/**
 * Describes scene `index` of `seed`. It never shows a held-out pair.
 *
 * @param index a whole number from 0
 * @param mix the result of `sceneMix`
 * @param catalogue the available drawings, such as loaded sprites
 * @throws NishikiError `data` if the mix and the catalogue leave nothing to draw
 */
export function describeScene(seed: number, index: number, mix: SceneMix, catalogue: Catalogue): SceneRecipe {
  for (let attempt = 0; attempt < 100; attempt++) {
    const stream = random(seed, "scene", index, attempt);
    const content = chooseContent(stream, mix, catalogue);
    if (content === null || isHeldOut(content)) continue;
    const caption = shortCaption(content, seed, index);
    if (caption === null) continue;
    return arrangeScene(content, caption, stream, mix, catalogue);
  }
  throw new NishikiError(
    "data",
    "No scene can be drawn: none of the things exists in the sets of the chosen styles.",
  );
}

/** A wording of a content. @returns null where it has many things and even a short wording is too long */
function shortCaption(content: SceneContent, seed: number, index: number): Caption | null {
  const first = phraseCaption(content, random(seed, "caption", index));
  if (content.things.length <= 2 || isShort(first.text)) return first;
  for (let attempt = 1; attempt < 6; attempt++) {
    const caption = phraseCaption(content, random(seed, "caption", index, attempt));
    if (isShort(caption.text)) return caption;
  }
  return null;
}

/**
 * Describes a scene of a given content, held out or not: for evaluation. Equal arguments give equal scenes.
 */
export function describeContent(
  content: SceneContent,
  seed: number,
  mix: SceneMix,
  catalogue: Catalogue,
): SceneRecipe {
  const caption = phraseCaption(content, random(seed, "content caption"));
  return arrangeScene(content, caption, random(seed, "content"), mix, catalogue);
}

function chooseContent(stream: Random, mix: SceneMix, catalogue: Catalogue): SceneContent | null {
  const style = chooseStyle(stream, mix);
  const kind = stream.uniform();
  const two = kind < mix.twoThings;
  const several = !two && kind < mix.twoThings + mix.counts;
  const background = chooseBackground(stream, mix);
  if (kind >= 1 - (mix.manyThings ?? 0)) return chooseManyThings(stream, mix, catalogue, style, background);
  const first = chooseThing(stream, mix);
  const second = chooseThing(stream, mix);
  const names = two ? [first, second] : [first];
  if (two && first === second) return null;
  if (names.some((name) => !setsOf(style, mix).some((set) => catalogue.has(name, set)))) return null;
  if (several && thingNamed(first).plural === null) return null;
  const count = several ? 2 + stream.integer(3) : 1;
  const things = names.map(
    (name): SceneThing => ({ name, colour: chooseColour(stream, mix, background), count }),
  );
  const layout = chooseLayout(stream, mix, two, several);
  return { things, layout, background, style };
}

/** Several things are recoloured half as often: most of a crowd have their own colours. */
const recolouredOfMany = 0.5;

function chooseManyThings(
  stream: Random,
  mix: SceneMix,
  catalogue: Catalogue,
  style: StyleName,
  background: SceneBackground | null,
): SceneContent | null {
  const sets = setsOf(style, mix);
  const known = namesOf(mix);
  const isThere = (name: string) => known.has(name) && sets.some((set) => catalogue.has(name, set));
  const many = chooseMany({ stream, background, isThere, anyThing: () => chooseThing(stream, mix) });
  if (many === null) return null;
  const rarely = { ...mix, recoloured: mix.recoloured * recolouredOfMany };
  const things = many.kinds.map(
    (kind): SceneThing => ({ ...kind, colour: chooseColour(stream, rarely, background) }),
  );
  return { things, layout: many.layout, background, style };
}

const namesByList = new WeakMap<readonly string[], ReadonlySet<string>>();
/** A mix's things as a set, cached per mix. */
function namesOf({ things }: SceneMix): ReadonlySet<string> {
  let names = namesByList.get(things);
  if (names === undefined) {
    names = new Set(things);
    namesByList.set(things, names);
  }
  return names;
}

const commonNames = new Set(commonThings.map((thing) => thing.name));
/** A mix's common and rarer things, cached per mix. */
const sorted = new WeakMap<readonly string[], readonly [common: string[], rarer: string[]]>();

function chooseThing(stream: Random, { things, rarer: share }: SceneMix): string {
  let parts = sorted.get(things);
  if (parts === undefined) {
    parts = [things.filter((name) => commonNames.has(name)), things.filter((name) => !commonNames.has(name))];
    sorted.set(things, parts);
  }
  const [common, rarer] = parts;
  if (common.length === 0 || rarer.length === 0) return stream.pick(things);
  return stream.pick(stream.uniform() < share ? rarer : common);
}

function chooseStyle(stream: Random, mix: SceneMix): StyleName {
  const entries = styleNames.map((name) => [name, mix.styles[name] ?? 0] as const);
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  let left = stream.uniform() * total;
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries.findLast(([, weight]) => weight > 0)![0];
}

function chooseBackground(stream: Random, mix: SceneMix): SceneBackground | null {
  const plain = mix.backgrounds.includes("plain") && stream.uniform() < mix.plainBackground;
  const others = mix.backgrounds.filter((name) => name !== "plain");
  const colour = stream.pick(mix.colours);
  const name = plain || others.length === 0 ? "plain" : stream.pick(others);
  if (mix.backgrounds.length === 0 || stream.uniform() >= mix.withBackground) return null;
  return { name, colour: isColoured(name) ? colour : null };
}

/**
 * A colour that is visible against the background: a red cat on red would teach little, and white needs a
 * background.
 */
function chooseColour(stream: Random, mix: SceneMix, background: SceneBackground | null): ColourName | null {
  const recoloured = stream.uniform() < mix.recoloured;
  const hidden = background === null ? "white" : hiddenColour(background);
  const free = mix.colours.filter((name) => name !== hidden);
  return recoloured && free.length > 0 ? stream.pick(free) : null;
}

function chooseLayout(stream: Random, mix: SceneMix, two: boolean, several: boolean): SceneLayout {
  const choice = stream.uniform();
  if (two) return choice < 0.5 ? "pair" : choice < 0.78 ? "left" : "above";
  if (several) return "count";
  return choice < mix.small ? "small" : "single";
}

function arrangeScene(
  content: SceneContent,
  { text: caption, phrases }: Caption,
  stream: Random,
  mix: SceneMix,
  catalogue: Catalogue,
): SceneRecipe {
  const placements = arrangeThings(content, stream, mix, catalogue);
  const { filters } = mix;
  return { content, caption, phrases, placements, variant: stream.uint32(), ...(filters && { filters }) };
}
