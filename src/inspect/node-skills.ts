// How often the embedded model gets things right, and how much its drawings differ: from the scorecard in the package (node).
import { readFile } from "node:fs/promises";
import { getPackageFile } from "../engine/node.js";
import { parse, z } from "../schema/index.js";
import type { Explanation } from "./explanation.js";

const scorecardSchema = z.object({
  skills: z.array(z.object({ skill: z.string(), share: z.number(), heldOut: z.boolean() })),
  diversity: z.object({ generated: z.number(), scenes: z.number() }),
});

export interface Scores {
  /** The skills that were measured, without those that were held out. */
  readonly skills: NonNullable<Explanation["skills"]>;
  /** Mean feature distances: of drawings of one prompt, and of scenes composed for one. */
  readonly diversity: { readonly drawings: number; readonly scenes: number };
}

/** @returns Undefined if there is no scorecard. */
export async function readScores(): Promise<Scores | undefined> {
  const text = await readFile(getPackageFile("docs/scorecard.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { skills, diversity } = parse(scorecardSchema, JSON.parse(text), { name: "docs/scorecard.json" });
  const named = new Map(skills.filter(({ heldOut }) => !heldOut).map(({ skill, share }) => [skill, share]));
  return {
    skills: [...named].map(([skill, share]) => ({ skill, share })),
    diversity: { drawings: diversity.generated, scenes: diversity.scenes },
  };
}
