// What is compared, and how.
import { signal } from "@preact/signals";
import { stored } from "../store/storage.js";

export const compareModes = ["slider", "side", "hover"] as const;
export type CompareMode = (typeof compareModes)[number];

export const compareMode = stored<CompareMode>("compare", "slider");
/** Ids of the two images: the first is shown on the left. */
export const pair = signal<readonly [string, string] | undefined>(undefined);

export const nextMode = (mode: CompareMode): CompareMode =>
  compareModes[(compareModes.indexOf(mode) + 1) % compareModes.length]!;
