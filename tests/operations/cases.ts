// All cases, and a check that no exported operation is without one.
import * as graph from "../../src/graph/index.js";
import type { OperationCase } from "./case.js";
import { elementwiseCases } from "./elementwise-cases.js";
import { imageCases } from "./image-cases.js";
import { matmulCases } from "./matmul-cases.js";
import { reduceCases } from "./reduce-cases.js";
import { shapeCases } from "./shape-cases.js";

export const cases: readonly OperationCase[] = [
  ...elementwiseCases,
  ...reduceCases,
  ...matmulCases,
  ...imageCases,
  ...shapeCases,
];

/** Exports that are no operations on tensors. */
const others = [
  "apply",
  "convolutionArithmetic",
  "countMultiplications",
  "countPeakBytes",
  "describe",
  "fixedSize",
  "formatShape",
  "getUsualSizes",
  "Graph",
  "gradients",
  "inferBroadcast",
  "isFloat",
  "lowerProgram",
  "rewriteRules",
  "sameShape",
  "simplify",
  "sizeOf",
  "trace",
];

/** Operations without a case: must be none. */
export function uncovered(): string[] {
  const covered = new Set(cases.flatMap(({ covers }) => covers));
  return Object.keys(graph).filter((name) => !covered.has(name) && !others.includes(name));
}
