// A plan: what a prompt becomes as a scene, in words that a model was trained on. It is plain JSON that a person can
// read and change.
import { NishikiError, quote } from "../../../../errors.js";
import { nonEmptyText, oneOf, parse, wholeNumber, z } from "../../../../schema/index.js";
import type { KnownName, KnownWords } from "../known-words.js";
import type { TrainedScenes } from "../manifest.js";
import { grounds, styleWords } from "./everyday-words.js";

export const planRelations = ["beside", "left", "above", "on", "front"] as const;
/** How the first of two things lies to the second. */
export type PlanRelation = (typeof planRelations)[number];

export const scenePlanSchema = z.strictObject({
  things: z
    .array(
      z.strictObject({
        name: nonEmptyText.meta({ description: "a thing that the model draws" }),
        count: wholeNumber(1, 4).default(1),
        colour: nonEmptyText.nullable().default(null).meta({ description: "null: its own" }),
      }),
    )
    .min(1)
    .max(6)
    .readonly(),
  relation: oneOf(planRelations).default("beside").meta({
    description: "how the first of two things lies to the second",
  }),
  ground: z
    .strictObject({
      name: nonEmptyText,
      colour: nonEmptyText
        .nullable()
        .default(null)
        .meta({ description: "of plain, stripes, dots and checks" }),
    })
    .nullable()
    .default(null),
  style: nonEmptyText.nullable().default(null).meta({ description: "null: the model's usual one" }),
});

/** A plan with everything filled in. */
export type ScenePlan = Readonly<z.output<typeof scenePlanSchema>>;
export type PlanThing = ScenePlan["things"][number];

/** What the first models were trained on, which do not say so in their manifest. */
export const firstScenes: TrainedScenes = {
  kinds: 2,
  backgrounds: [
    "plain",
    "sunset",
    "night sky",
    "sea",
    "meadow",
    "snow",
    "desert",
    "space",
    "stripes",
    "dots",
    "checks",
  ],
  styles: ["3d", "flat", "silhouette", "woodblock", "cubist", "pixel art", "pencil", "watercolour"],
};

/** What a planner knows of a model. */
export interface Repertoire {
  readonly known: KnownWords;
  readonly scenes: TrainedScenes;
}

const numbers = ["zero", "one", "two", "three", "four"];

/**
 * Reads a plan, and checks it against what a model can draw.
 * @throws NishikiError "usage" that says what is not possible, and what is
 */
export function readPlan(value: unknown, repertoire: Repertoire): ScenePlan {
  const plan = parse(scenePlanSchema, value, { name: "the plan" });
  const faults = findPlanFaults(plan, repertoire);
  if (faults.length > 0) throw new NishikiError("usage", faults.join("\n"));
  return plan;
}

function findPlanFaults({ things, relation, ground, style }: ScenePlan, { known, scenes }: Repertoire) {
  const faults: string[] = [];
  const choose = (name: string, value: string, among: readonly string[]) => {
    if (!among.includes(value))
      faults.push(`plan.${name}: expected one of ${among.join(", ")}; got ${quote(value)}.`);
  };
  const isKnown = new Set(known.names.map(({ name }) => name));
  for (const [i, { name, colour, count }] of things.entries()) {
    if (!isKnown.has(name))
      faults.push(
        `plan.things.${i}.name: the model does not draw ${quote(name)}; "nishiki data list" has its things.`,
      );
    if (colour !== null) choose(`things.${i}.colour`, colour, [...known.colours]);
    if (count > 1 && known.names.find((each) => each.name === name)?.plural === null)
      faults.push(`plan.things.${i}.count: expected 1 for ${quote(name)}, got ${count}.`);
  }
  if (new Set(things.map(({ name }) => name)).size > scenes.kinds)
    faults.push(
      `plan.things: the model draws at most ${scenes.kinds} different things, got ${things.length}.`,
    );
  const total = things.reduce((sum, { count }) => sum + count, 0);
  if (total > 6) faults.push(`plan.things: expected at most 6 things in all, got ${total}.`);
  if (scenes.kinds <= 2 && things.length === 2 && total > 2)
    faults.push("plan.things: the model draws several of one thing only by themselves.");
  if (scenes.kinds <= 2 && (relation === "on" || relation === "front"))
    faults.push(`plan.relation: expected beside, left or above, got ${quote(relation)}.`);
  if (ground) choose("ground.name", ground.name, scenes.backgrounds);
  if (style !== null) choose("style", style, scenes.styles);
  return faults;
}

/** A plan in the words of training captions: what the model is given as its prompt. */
export function sayPlan({ things, relation, ground, style }: ScenePlan, { known }: Repertoire): string {
  const nouns = things.map((thing) => sayThing(thing, known.names));
  const between = { beside: "and", left: "to the left of", above: "above", on: "on", front: "in front of" };
  const said =
    nouns.length === 2
      ? nouns.join(` ${between[relation]} `)
      : nouns.length === 1
        ? nouns[0]!
        : `${nouns.slice(0, -1).join(", ")} and ${nouns.at(-1)}`;
  const where = ground && sayGround(ground);
  return `${said}${where ? ` ${where}` : ""}${style === null ? "" : `, ${styleWords[style] ?? style}`}`;
}

function sayThing({ name, count, colour }: PlanThing, names: readonly KnownName[]): string {
  const found = names.find((each) => each.name === name);
  const noun = count > 1 ? (found?.plural ?? name) : name;
  const words = colour === null ? noun : `${colour} ${noun}`;
  if (count > 1) return `${numbers[count]} ${words}`;
  if (!found || found.article === null) return words;
  return `${colour === null ? found.article : articleOf(colour)} ${words}`;
}

function articleOf(word: string): "a" | "an" {
  return /^[aeiou]/.test(word) ? "an" : "a";
}

function sayGround({ name, colour }: NonNullable<ScenePlan["ground"]>): string {
  if (name === "plain") return `on ${articleOf(colour ?? "white")} ${colour ?? "white"} background`;
  if (["stripes", "dots", "checks"].includes(name)) return `on ${colour ?? "grey"} ${name}`;
  return grounds[name]?.[0] ?? `in front of ${name}`;
}
