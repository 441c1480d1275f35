// Tracks the tensors of a single-file checkpoint while their names are translated: what is read is crossed
// off, so the unrecognised rest can be listed.
import { cutScale } from "../eight-bit.js";
import type { WeightLocation } from "../weight-location.js";

export type Place = WeightLocation;

export class CheckpointTensors {
  readonly #places: ReadonlyMap<string, Place>;
  readonly #unused: Set<string>;

  constructor(places: ReadonlyMap<string, Place>) {
    this.#places = places;
    this.#unused = new Set(places.keys());
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** Gets a tensor's shape; empty if there is no such tensor. */
  shape(name: string): readonly number[] {
    return this.#places.get(name)?.shape ?? [];
  }

  /** Lists the names with a prefix, without the prefix. */
  under(prefix: string): string[] {
    return [...this.#places.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }

  /** Counts 0, 1, 2, … between these two parts of a name. */
  count(before: string, after: string): number {
    let n = 0;
    while (this.has(`${before}${n}${after}`)) n++;
    return n;
  }

  take(name: string): Place {
    this.#unused.delete(name);
    return this.#places.get(name)!;
  }

  /** Crosses off tensors that are recognised but not needed. */
  ignore(pattern: RegExp): void {
    for (const name of this.#unused) if (pattern.test(name)) this.#unused.delete(name);
  }

  /** Lists the tensors that were not read. */
  unused(): string[] {
    return [...this.#unused];
  }
}

/** Translated tensors: new name and location. */
export type Renamed = readonly (readonly [name: string, place: Place])[];

/** Slices the rows of a matrix or vector into equal parts and returns one part. */
export function slicePart(place: Place, part: number, parts: number): Place {
  const [rows, ...rest] = place.shape as [number, ...number[]];
  const length = place.length / parts;
  return {
    ...place,
    shape: [rows / parts, ...rest],
    offset: place.offset + part * length,
    length,
    ...(place.scale && { scale: cutScale(place.scale, part, parts) }),
  };
}
