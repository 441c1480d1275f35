// What clients see of the models.
import { formatBytes } from "../../pipeline/index.js";
import type { Memory } from "../../pipeline/node.js";
import type { ModelInfo } from "../api/index.js";
import type { FoundModel } from "./found.js";

export interface ModelStates {
  readonly loaded: readonly string[];
  readonly loading: readonly string[];
  /** Measured on this machine. */
  readonly secondsPerImage: (id: string) => number | undefined;
}

export function describeModel(
  id: string,
  { name, bytes, known, problem }: FoundModel,
  states: ModelStates,
  memory: Memory,
): ModelInfo {
  const { facts, context } = known ?? {};
  const needed = facts?.memory ?? null;
  return {
    id,
    name,
    family: facts?.family ?? "unknown",
    what: facts?.what ?? "cannot be drawn with",
    bytes,
    memory: needed,
    fits: getFit(needed, states.loaded.length > 0 ? memory.total : memory.free, facts?.loadOptions ?? []),
    state: getState(id, problem, states),
    problem: problem ?? null,
    takes: [...(context?.takes ?? [])],
    loadOptions: [...(facts?.loadOptions ?? [])],
    defaults: { ...context?.defaults },
    sizes: { ...context?.sizes },
    tokenLimit: facts?.tokenLimit ?? null,
    licence: facts?.licence ?? null,
    secondsPerImage: states.secondsPerImage(id) ?? null,
  };
}

function getState(
  id: string,
  problem: string | undefined,
  { loaded, loading }: ModelStates,
): ModelInfo["state"] {
  if (problem !== undefined) return "broken";
  if (loading.includes(id)) return "loading";
  return loaded.includes(id) ? "loaded" : "ready";
}

/** @param free What it may have: all memory while other models are loaded, since those make room. */
function getFit(needed: number | null, free: number, loadOptions: readonly string[]): ModelInfo["fits"] {
  if (needed === null || needed <= free) return { fits: true, reason: null };
  const cure = loadOptions.includes("precision")
    ? "Close other programs, or load it with int8 precision."
    : "Close other programs.";
  return {
    fits: false,
    reason: `It needs about ${formatBytes(needed)} of memory; ${formatBytes(free)} are free. ${cure}`,
  };
}
