// Ids of models and additions: their names, made unique. Never paths.
import { basename, dirname } from "node:path";
import { catalogueIdSchema } from "../api/index.js";

interface Named {
  readonly name: string;
  readonly path: string | undefined;
}

/** A name as an id may be. */
function clean(name: string): string {
  const text = name
    .normalize("NFC")
    .replace(/[^\p{L}\p{N} ._+()[\]-]+/gu, "-")
    .replace(/^[^\p{L}\p{N}]+/u, "")
    .slice(0, 160)
    .trim();
  return catalogueIdSchema.safeParse(text).success ? text : "model";
}

/**
 * Gives each an id: its name, or its name and folder where another one has that name. The order of the list decides who gets
 * the short one.
 */
export function giveIds<T extends Named>(
  list: readonly T[],
  taken: Iterable<string> = [],
): ReadonlyMap<string, T> {
  const used = new Set(taken);
  const byId = new Map<string, T>();
  for (const one of list) {
    const short = clean(one.name);
    const parent = one.path === undefined ? "" : basename(dirname(one.path));
    const candidates = [short, `${short} (${clean(parent)})`];
    for (let number = 2; candidates.length < list.length + 3; number++)
      candidates.push(`${short} (${number})`);
    const id = candidates.find((candidate) => !used.has(candidate))!;
    used.add(id);
    byId.set(id, one);
  }
  return byId;
}
