// The tensors of a single-file checkpoint while their names are translated: what is read is crossed off, so that what nobody
// knows can be listed.
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

  /** A tensor's shape, empty where there is no such tensor. */
  shape(name: string): readonly number[] {
    return this.#places.get(name)?.shape ?? [];
  }

  /** Names that begin like this, without the beginning. */
  under(prefix: string): string[] {
    return [...this.#places.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }

  /** How many of 0, 1, 2, … stand between these two parts of a name. */
  count(before: string, after: string): number {
    let n = 0;
    while (this.has(`${before}${n}${after}`)) n++;
    return n;
  }

  take(name: string): Place {
    this.#unused.delete(name);
    return this.#places.get(name)!;
  }

  /** Crosses off tensors that are known and not needed. */
  ignore(pattern: RegExp): void {
    for (const name of this.#unused) if (pattern.test(name)) this.#unused.delete(name);
  }

  /** Tensors that nobody asked for. */
  unused(): string[] {
    return [...this.#unused];
  }
}

/** One translated tensor: its new name, and where it lies. */
export type Renamed = readonly (readonly [name: string, place: Place])[];

/** Rows of a matrix or of a vector, one of several equal parts. */
export function partOf(place: Place, part: number, parts: number): Place {
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
