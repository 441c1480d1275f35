// The prompts of an evaluation, made from a seed, each with the content that its image must show.
import {
  type Catalogue,
  type ColourName,
  colourNames,
  describeScene,
  firstBackgrounds,
  isHeldOutPair,
  pairsOf,
  type SceneContent,
  type SceneLayout,
  type SceneMix,
  type StyleDrawings,
  type StyleName,
  sceneMix,
  styleNamed,
  thingNamed,
  vocabulary,
  writeCaption,
} from "../data/index.js";
import { NishikiError } from "../errors.js";
import { type Random, random } from "../random/index.js";
import type { SkillName } from "./skills.js";
import { type Synonym, synonyms } from "./synonyms.js";

/** One image to be drawn. */
export interface Task {
  /** Name in the report, such as "colour-17". */
  readonly id: string;
  readonly group: GroupName;
  readonly prompt: string;
  readonly seed: number;
  /** Content of the prompt; for a synonym, its meaning. */
  readonly content: SceneContent;
  readonly synonym?: Synonym;
}

const coloured = { flat: 5, noto: 2, sticker: 1.5, blob: 1 };
const shaded = { "3d": 4, noto: 3, flat: 2 };

/** The sets of drawings that the embedded model's styles were trained on, and their relative frequencies. */
export const embeddedDrawings: StyleDrawings = {
  flat: { flat: 6, sticker: 2, outlined: 1, blob: 0.6, doodle: 0.4 },
  woodblock: coloured,
  cubist: coloured,
  gouache: coloured,
  "ink wash": coloured,
  "stained glass": coloured,
  pencil: shaded,
  watercolour: shaded,
};

/**
 * What evaluations of the embedded model ask for unless told otherwise: what all of its versions have learned, composed
 * as for the present one. A model trained on other data is measured with its mix.
 */
export const embeddedMix: SceneMix = sceneMix({
  things: vocabulary.map(({ name }) => name),
  colours: colourNames,
  backgrounds: firstBackgrounds,
  styles: {
    "3d": 1,
    flat: 1,
    silhouette: 1,
    woodblock: 1,
    cubist: 1,
    watercolour: 1,
    "pixel art": 1,
    pencil: 1,
  },
  drawings: embeddedDrawings,
  mirrored: 0.15,
  filters: 2,
});

interface Group {
  /** Prompts of the group, relative to the other groups. */
  readonly share: number;
  /** Whether the contents are pairs held out from training. */
  readonly heldOut: "never" | "always";
  readonly skills: readonly SkillName[];
  readonly choose: (stream: Random, mix: SceneMix, number: number) => SceneContent | null;
}

const plain = { background: null, layout: "single" } as const;

function freeColour(stream: Random, mix: SceneMix): ColourName {
  // White is invisible without a background.
  return stream.pick(mix.colours.filter((name) => name !== "white"));
}

/** Cycles through the styles, so that each is equally frequent. */
function styleAt(mix: SceneMix, number: number): StyleName {
  const names = (Object.keys(mix.styles) as StyleName[]).filter((name) => (mix.styles[name] ?? 0) > 0);
  return names[number % names.length]!;
}

const single = (
  stream: Random,
  mix: SceneMix,
  content: Partial<SceneContent> = {},
  colour: ColourName | null = null,
) => ({
  ...plain,
  things: [{ name: stream.pick(mix.things), colour, count: 1 }],
  style: styleOf(stream, mix),
  ...content,
});

/** Half of all prompts use the first style; the others use any. */
function styleOf(stream: Random, mix: SceneMix): StyleName {
  return styleAt(mix, stream.uniform() < 0.5 ? 0 : stream.integer(64));
}

function pair(stream: Random, mix: SceneMix, layout: SceneLayout): SceneContent | null {
  const [a, b] = [stream.pick(mix.things), stream.pick(mix.things)];
  if (a === b) return null;
  const things = [a, b].map((name) => ({ name, colour: null, count: 1 }));
  return { things, layout, background: null, style: styleOf(stream, mix) };
}

function several(stream: Random, mix: SceneMix, number: number): SceneContent | null {
  const name = stream.pick(mix.things);
  if (thingNamed(name).plural === null) return null;
  const count = 1 + (number % 4);
  const things = [{ name, colour: null, count }];
  return { things, layout: count === 1 ? "single" : "count", background: null, style: styleOf(stream, mix) };
}

function before(stream: Random, mix: SceneMix, number: number): SceneContent {
  const name = mix.backgrounds[number % mix.backgrounds.length]!;
  const coloured = name === "plain" || name === "stripes" || name === "dots" || name === "checks";
  const colour = coloured ? stream.pick(mix.colours) : null;
  return single(stream, mix, { background: { name, colour } });
}

/**
 * The groups of prompts. Held-out ones pair a thing with a colour, thing or filter never combined in
 * training.
 */
export const groups = {
  thing: { share: 200, heldOut: "never", skills: ["thing"], choose: (stream, mix) => single(stream, mix) },
  colour: {
    share: 150,
    heldOut: "never",
    skills: ["colour", "colourAndThing"],
    choose: (stream, mix) => single(stream, mix, {}, freeColour(stream, mix)),
  },
  colourHeldOut: {
    share: 120,
    heldOut: "always",
    skills: ["colour", "colourAndThing"],
    choose: (stream, mix) =>
      single(stream, mix, { style: styleAt(mix, stream.integer(2)) }, freeColour(stream, mix)),
  },
  twoThings: {
    share: 100,
    heldOut: "never",
    skills: ["twoThings"],
    choose: (stream, mix) => pair(stream, mix, "pair"),
  },
  twoThingsHeldOut: {
    share: 60,
    heldOut: "always",
    skills: ["twoThings"],
    choose: (stream, mix) => pair(stream, mix, "pair"),
  },
  count: { share: 100, heldOut: "never", skills: ["count"], choose: several },
  place: {
    share: 100,
    heldOut: "never",
    skills: ["place"],
    choose: (stream, mix, number) => pair(stream, mix, number % 2 === 0 ? "left" : "above"),
  },
  background: { share: 110, heldOut: "never", skills: ["background"], choose: before },
  style: {
    share: 104,
    heldOut: "never",
    skills: ["style"],
    choose: (stream, mix, number) => single(stream, mix, { style: styleAt(mix, number) }),
  },
  styleHeldOut: {
    share: 60,
    heldOut: "always",
    skills: ["style"],
    choose: (stream, mix, number) => {
      const style = styleAt(mix, number);
      return styleNamed(style).filter === null ? null : single(stream, mix, { style });
    },
  },
  synonym: { share: 0, heldOut: "never", skills: [], choose: () => null },
  diversity: { share: 0, heldOut: "never", skills: [], choose: () => null },
  manyThings: { share: 0, heldOut: "never", skills: [], choose: () => null },
} as const satisfies Record<string, Group>;

export type GroupName = keyof typeof groups;
export const groupNames = Object.keys(groups) as readonly GroupName[];

/** Prompts of `thing` that are drawn with several seeds, and the number of seeds. */
export const diversityPrompts = 24;
export const diversitySeeds = 4;

export interface PlanOptions {
  readonly seed: number;
  /** Approximate number of prompts in all groups, without synonyms and extra seeds. */
  readonly prompts: number;
  readonly mix: SceneMix;
  /** The available drawings: only contents that can be composed can be compared. */
  readonly catalogue: Catalogue;
}

/**
 * Makes an evaluation's tasks. Equal options give equal tasks.
 * @throws NishikiError "data" if there are none
 */
export function makePlan({ seed, prompts, mix, catalogue }: PlanOptions): Task[] {
  const total = Object.values(groups).reduce((sum, { share }) => sum + share, 0);
  const tasks: Task[] = [];
  for (const group of groupNames) {
    const count = Math.ceil((groups[group].share * prompts) / total);
    for (let number = 0; number < count; number++) {
      const content = chooseContent(group, number, seed, mix, catalogue);
      if (content === undefined) break; // then there is none, or next to none, for the others either
      const prompt = writeCaption(content, random(seed, "evaluation caption", group, number));
      tasks.push({ id: `${group}-${number}`, group, prompt, seed: seed + tasks.length, content });
    }
  }
  if (tasks.length === 0)
    throw new NishikiError(
      "data",
      "No prompt fits: the sprites have no drawing of the mix's things. Build them: nishiki data build.",
    );
  const further = [...synonymTasks(seed, mix), ...diversityTasks(tasks, prompts)];
  return [...tasks, ...further, ...manyThingsTasks({ seed, prompts, mix, catalogue })];
}

/** Prompts of many things, one for each ten others, if the mix has scenes of them. */
function manyThingsTasks({ seed, prompts, mix, catalogue }: PlanOptions): Task[] {
  if (!mix.manyThings) return [];
  const only = { ...mix, manyThings: 1, twoThings: 0, counts: 0 };
  return Array.from({ length: Math.ceil(prompts / 10) }, (_, i): Task => {
    const { caption, content } = describeScene(2 ** 51 + seed, i, only, catalogue);
    const id = `manyThings-${i}`;
    return { id, group: "manyThings", prompt: caption, seed: seed + 300_000 + i, content };
  });
}

function chooseContent(
  name: GroupName,
  number: number,
  seed: number,
  mix: SceneMix,
  catalogue: Catalogue,
): SceneContent | undefined {
  const { choose, heldOut }: Group = groups[name];
  // One pair in 31 is held out; 2000 attempts find one for every number.
  for (let attempt = 0; attempt < 2000; attempt++) {
    const content = choose(random(seed, "evaluation", name, number, attempt), mix, number);
    if (content === null) {
      if (name === "styleHeldOut") number += 1;
      continue;
    }
    if (pairsOf(content).some(isHeldOutPair) !== (heldOut === "always")) continue;
    const { sets } = styleNamed(content.style);
    const exists = (thing: string) => sets.some((set) => catalogue.has(thing, set));
    if (content.things.every(({ name }) => exists(name))) return content;
  }
  return undefined;
}

/** Prompts with words absent from training, each alone or with a thing. */
function synonymTasks(seed: number, mix: SceneMix): Task[] {
  return synonyms.flatMap((synonym, i): Task[] => {
    const thing = "thing" in synonym ? synonym.thing : synonym.with;
    if (!mix.things.includes(thing)) return [];
    const colour = "colour" in synonym ? synonym.colour : null;
    const content: SceneContent = { ...plain, things: [{ name: thing, colour, count: 1 }], style: "3d" };
    const words = "colour" in synonym ? `${synonym.word} ${synonym.with}` : synonym.word;
    const prompt = `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
    return [{ id: `synonym-${i}`, group: "synonym", prompt, seed: seed + 100_000 + i, content, synonym }];
  });
}

function diversityTasks(tasks: readonly Task[], prompts: number): Task[] {
  const count = Math.min(diversityPrompts, Math.ceil(prompts / 20));
  const some = tasks.filter(({ group }) => group === "thing").slice(0, count);
  return some.flatMap((task, i) =>
    Array.from({ length: diversitySeeds - 1 }, (_, j): Task => {
      const seed = task.seed + 200_000 + j;
      return { ...task, id: `diversity-${i}-${j + 1}`, group: "diversity", seed };
    }),
  );
}
