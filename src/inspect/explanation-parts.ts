// An explanation in parts, as they become known: each part has some fields, whole.
import type { Explanation } from "./explanation.js";

/** An explanation in which nothing was found yet. */
export const emptyExplanation: Explanation = {
  format: 1,
  panels: [],
  ...{ version: "", prompt: "", negativePrompt: "", seed: 0, steps: 0, guidance: 1, sampler: "" },
  model: { name: "", version: "", isEmbedded: false },
  ...{ device: "cpu", runtime: "", devices: [] },
  ...{ width: 1, height: 1, image: "", seconds: 0, energy: { joules: 0, how: "estimated" } },
  ...{ warnings: [], files: [], networks: [], tokens: [], stepImages: [], settled: [] },
  ...{ words: [], negativeWords: [], wordPulls: [], arrows: [], neighbours: [], leftOut: [], scales: [] },
};

export type ExplanationPart = Partial<Explanation>;

/** Later parts replace the fields of earlier ones. */
export const mergeParts = (parts: Iterable<ExplanationPart>): Explanation =>
  Object.assign({}, emptyExplanation, ...parts) as Explanation;

/** Two explanations of one drawing, of which each drew other panels. What the second found counts. */
export function joinExplanations(first: Explanation, second: Explanation): Explanation {
  const found = Object.entries(second).filter(([name, value]) => {
    const nothing: unknown = emptyExplanation[name as keyof Explanation];
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(nothing);
  });
  const others = first.panels.filter(({ panel }) => second.panels.every((run) => run.panel !== panel));
  return { ...first, ...Object.fromEntries(found), panels: [...others, ...second.panels] };
}
