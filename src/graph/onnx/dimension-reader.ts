// Computes symbolic dimensions at run time: reads them from input shapes and evaluates their formulas.
import { NishikiError } from "../../errors.js";
import { type Polynomial, parseDim, parseFloor } from "../dimension.js";
import type { Shape } from "../types.js";
import type { Lowering } from "./lowering.js";

/** An axis of an input. */
interface Place {
  readonly dim: string;
  readonly name: string;
  readonly axis: number;
}

/** Provides dimensions as int64 vectors of one element. */
export class DimensionReader {
  readonly #lowering: Pick<Lowering, "node" | "integers">;
  readonly #places = new Map<string, Place>();
  readonly #known = new Map<string, string>();

  constructor(lowering: Pick<Lowering, "node" | "integers">) {
    this.#lowering = lowering;
  }

  /** Registers the symbols in an input's shape; the first input with a symbol provides it. */
  see(shape: Shape, name: string): void {
    shape.forEach((dim, axis) => {
      if (typeof dim === "string" && !this.#places.has(dim)) this.#places.set(dim, { dim, name, axis });
    });
  }

  /** Whether an input has exactly this dimension. */
  has(dim: string): boolean {
    return this.#places.has(dim);
  }

  /** Computes a dimension. @throws NishikiError "shape" if no input determines it */
  get(dim: string): string {
    const before = this.#known.get(dim);
    if (before) return before;
    const place = this.#places.get(dim);
    const value = place ? this.#read(place) : this.#compute(parseDim(dim), dim);
    this.#known.set(dim, value);
    return value;
  }

  #read({ name, axis }: Place): string {
    return this.#lowering.node("Shape", [name], { start: axis, end: axis + 1 });
  }

  #compute(polynomial: Polynomial, dim: string): string {
    const terms = polynomial.map(({ coefficient, atoms }) => {
      const factors = atoms.map((atom) => this.#atom(atom, dim));
      if (coefficient !== 1 || factors.length === 0) factors.push(this.#lowering.integers([coefficient]));
      return factors.reduce((a, b) => this.#lowering.node("Mul", [a, b]));
    });
    return terms.reduce((a, b) => this.#lowering.node("Add", [a, b]));
  }

  #atom(atom: string, wanted: string): string {
    const known = this.#known.get(atom);
    if (known || this.#places.has(atom)) return known ?? this.get(atom);
    const floor = parseFloor(atom);
    const value = floor
      ? this.#lowering.node("Div", [
          this.#compute(floor.numerator, wanted),
          this.#lowering.integers([floor.divisor]),
        ])
      : this.#solve(atom, wanted);
    this.#known.set(atom, value);
    return value;
  }

  /** Solves for a symbol that occurs only in formulas such as "height*8" or "tokens*2+1". */
  #solve(symbol: string, wanted: string): string {
    for (const place of this.#places.values()) {
      const [term, constant, ...more] = parseDim(place.dim);
      if (term!.atoms.join() !== symbol || more.length > 0 || (constant && constant.atoms.length > 0))
        continue;
      let value = this.#read(place);
      if (constant)
        value = this.#lowering.node("Sub", [value, this.#lowering.integers([constant.coefficient])]);
      return this.#lowering.node("Div", [value, this.#lowering.integers([term!.coefficient])]);
    }
    throw new NishikiError("shape", `No input determines the dimension "${wanted}" when the program runs.`);
  }
}
