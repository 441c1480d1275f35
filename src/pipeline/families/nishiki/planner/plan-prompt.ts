// Turns a prompt into a plan of what a model can draw, and says what became of its words.
import { listSome, quote, showText } from "../../../../errors.js";
import {
  everydayWords,
  grounds,
  type Impossible,
  jointGrounds,
  type Reading,
  type Relation,
} from "./everyday-words.js";
import { type NamedThing, type ReadWords, readWords } from "./read-words.js";
import { type PlanRelation, type PlanThing, type Repertoire, type ScenePlan, sayPlan } from "./scene-plan.js";

/** What a prompt becomes. */
export interface PlannedPrompt {
  /** Null where nothing of the prompt can be drawn. */
  readonly plan: ScenePlan | null;
  /** The plan in the model's words; null without a plan. */
  readonly prompt: string | null;
  /** Words that were taken for something else: "lake" for "by the sea". */
  readonly changes: readonly { readonly from: string; readonly to: string }[];
  /** Words that are not in the plan. */
  readonly leftOut: readonly string[];
  /** Those of them that stand where a thing's name does and that nothing is known of. */
  readonly unknown: readonly string[];
  /** All of this as sentences for people. */
  readonly sentences: readonly string[];
}

type ThingReading = Extract<Reading, { kind: "thing" }>;

/** Most things in an image. */
const mostThings = 6;

/** Plans a prompt for a model. */
export function planPrompt(prompt: string, repertoire: Repertoire): PlannedPrompt {
  const planner = new Planner(repertoire);
  const read = readWords(prompt, repertoire.known);
  for (const [i, words] of read.entries()) planner.take(words, read[i + 1]);
  return planner.finish(prompt);
}

/** Whether words name a thing, and not a place that a model may draw as one. */
function namesThing([first]: ReadWords["readings"]): boolean {
  return first?.kind === "named" || first?.kind === "thing";
}

interface FoundThing {
  name: string;
  count: number;
  colour: string | null;
  readonly from: string;
  /** Whether the prompt says a number of it; a plural alone says none. */
  readonly isCounted: boolean;
  /** Whether it stands for a place that the model has no ground for. */
  readonly isPlace: boolean;
}

class Planner {
  readonly #repertoire: Repertoire;
  readonly #things: FoundThing[] = [];
  readonly #grounds: { readonly name: string; readonly from: string; readonly isExact: boolean }[] = [];
  #pattern: { name: string; colour: string | null } | undefined;
  #style: string | null = null;
  #relation: Relation = "beside";
  #count: number | undefined;
  #colour: { readonly name: string; readonly from: string } | undefined;
  /** Whether a thing's name may stand next: after an article, a number, a colour, "with". */
  #mayName = true;
  readonly #changes: { from: string; to: string }[] = [];
  readonly #leftOut: string[] = [];
  readonly #unknown: string[] = [];
  readonly #impossible = new Map<Impossible, string>();

  constructor(repertoire: Repertoire) {
    this.#repertoire = repertoire;
  }

  /** Takes the first reading that the model has something for. */
  take({ text, readings, afterComma, touchesNext }: ReadWords, next: ReadWords | undefined): void {
    if (afterComma && this.#colour) this.#giveColourBack();
    const usable = readings.filter((reading) => this.#isPossible(reading));
    const [reading] = usable;
    // Of two names side by side the second is the thing: a stone castle is a castle.
    const isModifier = touchesNext && next !== undefined && namesThing(next.readings);
    if (!reading || (isModifier && namesThing(readings))) {
      this.#leftOut.push(text);
      if (readings.length === 0 && !isModifier && this.#mayName && text.length > 2) this.#unknown.push(text);
      this.#mayName = false;
      return;
    }
    this.#mayName = ["skip", "count", "colour", "relation"].includes(reading.kind);
    // A place that is drawn as a thing of its own: "on a mountain road" is on no mountain.
    if (reading.kind === "thing" && readings[0]!.kind === "ground") this.#relation = "beside";
    this.#apply(reading, text, reading === readings[0]);
  }

  #apply(reading: ReadWords["readings"][number], text: string, isExact: boolean): void {
    switch (reading.kind) {
      case "named":
      case "thing":
        this.#takeThing(reading, text, isExact);
        break;
      case "colour":
        this.#colour = { name: reading.name, from: text };
        break;
      case "count":
        this.#count = reading.count;
        break;
      case "relation":
        if (this.#things.length === 1) this.#relation = reading.name;
        break;
      case "ground":
        this.#grounds.push({ name: reading.name, from: text, isExact });
        break;
      case "plain":
        if (this.#colour) this.#pattern = { name: reading.name, colour: this.#colour.name };
        this.#colour = undefined;
        break;
      case "style":
        this.#style ??= reading.name;
        if (!isExact) this.#changes.push({ from: text, to: this.#style });
        break;
      case "cannot":
        this.#impossible.set(reading.what, text);
        this.#leftOut.push(text);
        break;
      case "skip":
        break;
    }
  }

  /** A colour after a thing and a comma is the thing's: "comb, green". */
  #giveColourBack(): void {
    const last = this.#things.at(-1);
    if (last && last.colour === null && this.#colour) last.colour = this.#colour.name;
    this.#colour = undefined;
  }

  #isPossible(reading: ReadWords["readings"][number]): boolean {
    const { known, scenes } = this.#repertoire;
    if (reading.kind === "ground" || reading.kind === "plain")
      return scenes.backgrounds.includes(reading.name);
    if (reading.kind === "style") return scenes.styles.includes(reading.name);
    if (reading.kind !== "thing") return true;
    return known.names.some(({ name }) => name === reading.name);
  }

  #takeThing(reading: NamedThing | ThingReading, from: string, isExact: boolean): void {
    const { kind, name } = reading;
    const isCounted = this.#count !== undefined;
    const count = this.#count ?? (kind === "named" && reading.isPlural ? 2 : 1);
    const colour = this.#colour?.name ?? null;
    this.#count = undefined;
    this.#colour = undefined;
    if (this.#things.some((each) => each.name === name)) return;
    this.#things.push({ name, count, colour, from, isCounted, isPlace: kind === "thing" && !isExact });
  }

  finish(prompt: string): PlannedPrompt {
    if (this.#colour) this.#giveColourBack();
    this.#readCapitals(prompt);
    const ground = this.#chooseGround();
    const things = this.#chooseThings(ground?.name ?? null);
    if (things.length === 0) return this.#nothing(prompt);
    const { relation, things: ordered } = this.#arrange(things);
    const plan: ScenePlan = { things: ordered, relation, ground, style: this.#style };
    const said = sayPlan(plan, this.#repertoire);
    const leftOut = [...new Set(this.#leftOut)];
    const sentences = [
      `Drawn as: "${said}".`,
      ...this.#describeChanges(),
      ...this.#describeImpossible(),
      ...(leftOut.length > 0
        ? [
            `Left out: ${listSome(
              leftOut.map((each) => showText(each)),
              20,
            )}.`,
          ]
        : []),
    ];
    return { plan, prompt: said, changes: this.#changes, leftOut, unknown: this.#unknown, sentences };
  }

  /** Words in capitals alone are to be written. */
  #readCapitals(prompt: string): void {
    const isWriting =
      /["“][^"”]+["”]/.test(prompt) || (/^\P{Ll}+$/u.test(prompt) && /\p{Lu}{2}/u.test(prompt));
    if (isWriting) this.#impossible.set("writing", prompt.trim());
  }

  /** A ground that is two of the named ones, or the first exact one, or the first. */
  #chooseGround(): ScenePlan["ground"] {
    if (this.#pattern) return this.#pattern;
    const has = (name: string) => this.#grounds.some((each) => each.name === name);
    const { backgrounds } = this.#repertoire.scenes;
    const joint = jointGrounds.find(
      ([one, other, both]) => has(one) && has(other) && backgrounds.includes(both),
    );
    if (joint) return { name: joint[2], colour: null };
    const chosen = this.#grounds.find(({ isExact }) => isExact) ?? this.#grounds[0];
    if (!chosen) return null;
    for (const each of this.#grounds) {
      if (each.name === chosen.name) {
        if (!each.isExact) this.#changes.push({ from: each.from, to: grounds[each.name]![0] });
      } else this.#leftOut.push(each.from);
    }
    return { name: chosen.name, colour: null };
  }

  /** As many of the named things as the model draws in one image; where none is named, what shows the place. */
  #chooseThings(ground: string | null): FoundThing[] {
    const { kinds } = this.#repertoire.scenes;
    const all = this.#dropPlaces();
    if (all.length === 0 && ground !== null && this.#impossible.size === 0) {
      const shown = grounds[ground]?.[1];
      if (shown !== undefined) {
        all.push({ name: shown, count: 1, colour: null, from: "", isCounted: false, isPlace: true });
      }
    }
    const kept = all.slice(0, kinds);
    for (const { from } of all.slice(kinds)) this.#leftOut.push(from);
    for (const thing of kept) this.#limitCount(thing, kept);
    let left = mostThings;
    return kept.filter((thing, i) => {
      thing.count = Math.min(thing.count, left - (kept.length - 1 - i));
      left -= thing.count;
      return thing.count > 0;
    });
  }

  /**
   * The things in their order. A model of two kinds draws no places as things beside two others, and of a prompt
   * that names nothing but places the first, which it draws better alone.
   */
  #dropPlaces(): FoundThing[] {
    const named = this.#things.filter(({ isPlace }) => !isPlace).length;
    const { kinds } = this.#repertoire.scenes;
    const most = named === 0 ? 1 : Math.max(0, kinds - named);
    if (kinds > 2 || this.#things.length - named <= most) return [...this.#things];
    const places = this.#things.filter(({ isPlace }) => isPlace);
    const dropped = places.slice(most);
    for (const { from } of dropped) this.#leftOut.push(from);
    return this.#things.filter((thing) => !dropped.includes(thing));
  }

  #limitCount(thing: FoundThing, kept: readonly FoundThing[]): void {
    const { known, scenes } = this.#repertoire;
    const isCounted = known.names.find(({ name }) => name === thing.name)?.plural !== null;
    const isAlone = kept.length === 1 || scenes.kinds > 2;
    const most = !isCounted ? 1 : isAlone ? 4 : 1;
    if (thing.count <= most) return;
    const numbers = ["", "one", "two", "three", "four", "five", "six"];
    const to = most === 1 ? `one ${thing.name}` : `${numbers[most]} ${thing.name}s`;
    if (thing.isCounted) this.#changes.push({ from: `${numbers[thing.count]} ${thing.from}`, to });
    thing.count = most;
  }

  /** The order and relation that captions have: the first is left, above, on or in front of the second. */
  #arrange(found: readonly FoundThing[]): { relation: PlanRelation; things: PlanThing[] } {
    const things = found.map(({ name, count, colour, from }): PlanThing => {
      if (from !== "" && !this.#isNamed(name, from)) this.#changes.push({ from, to: name });
      return { name, count, colour };
    });
    if (things.length !== 2) return { relation: "beside", things };
    const isMany = this.#repertoire.scenes.kinds > 2 && things.every(({ count }) => count === 1);
    const turned: Partial<Record<Relation, PlanRelation>> = {
      right: "left",
      below: "above",
      behind: "front",
    };
    const first = turned[this.#relation];
    if (first) things.reverse();
    const relation = first ?? (this.#relation as PlanRelation);
    if (isMany || !["on", "front"].includes(relation)) return { relation, things };
    // Models that know no "on" draw one above the other; what is in front of something stands beside it.
    return { relation: relation === "on" ? "above" : "beside", things };
  }

  /** Whether words are a thing's own name, in one or several. */
  #isNamed(name: string, from: string): boolean {
    const { plural } = this.#repertoire.known.names.find((each) => each.name === name)!;
    return [name, plural].includes(from.toLowerCase());
  }

  #describeChanges(): string[] {
    if (this.#changes.length === 0) return [];
    return [`Taken for: ${this.#changes.map(({ from, to }) => `${quote(from)} as "${to}"`).join(", ")}.`];
  }

  #describeImpossible(): string[] {
    return [...this.#impossible.keys()].map((what) => impossible[what]);
  }

  /** What is said where nothing can be drawn. */
  #nothing(prompt: string): PlannedPrompt {
    const { known } = this.#repertoire;
    const reasons = this.#describeImpossible();
    if (reasons.length === 0 && this.#style !== null)
      reasons.push("Name something for it to show, such as a cat.");
    const sentences = [
      `Nothing of ${quote(prompt.trim())} can be drawn by this model.`,
      ...reasons,
      `It draws ${known.names.length} things, such as ${examples.filter((name) => known.names.some((each) => each.name === name)).join(", ")}, and places such as a meadow, the sea or a night sky ("nishiki data list" has all things).`,
      "Other models draw more: nishiki pull and --model, see docs/stable-diffusion.md.",
    ];
    const leftOut = [...new Set(this.#leftOut)];
    return { plan: null, prompt: null, changes: [], leftOut, unknown: this.#unknown, sentences };
  }
}

const examples = ["cat", "house", "tree", "car", "guitar", "castle", "robot"];

const impossible: Readonly<Record<Impossible, string>> = {
  people: "It draws no people.",
  writing: "It cannot write: letters and words come out as scribbles.",
  photographs: "It makes no photographs: its pictures are drawings.",
  feelings: "It draws things, not ideas.",
};

/** For tests: every name of a thing, ground and style in the table. */
export function tableNames(kind: "thing" | "ground" | "style"): string[] {
  const of = (reading: Reading) => (reading.kind === kind ? [reading.name] : []);
  return [...new Set([...everydayWords.values()].flat().flatMap(of))];
}
