// How often the embedded model gets things right: from the scorecard in the package (node).
import { readFile } from "node:fs/promises";
import { getPackageFile } from "../engine/node.js";
import { parse, z } from "../schema/index.js";
import type { Explanation } from "./explanation.js";

const scorecardSchema = z.object({
  skills: z.array(z.object({ skill: z.string(), share: z.number(), heldOut: z.boolean() })),
});

/** The skills that the scorecard measured, without those that it held out; undefined if there is no scorecard. */
export async function readSkills(): Promise<Explanation["skills"]> {
  const text = await readFile(getPackageFile("docs/scorecard.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { skills } = parse(scorecardSchema, JSON.parse(text), { name: "docs/scorecard.json" });
  const named = new Map(skills.filter(({ heldOut }) => !heldOut).map(({ skill, share }) => [skill, share]));
  return [...named].map(([skill, share]) => ({ skill, share }));
}
