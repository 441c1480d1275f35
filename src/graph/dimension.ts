// Arithmetic of dimensions that are known only at run time. A derived dimension is a formula as text
// ("batch*64", "floor((height+1)/2)"): a polynomial in canonical form, so equal sizes have equal texts.
import { NishikiError } from "../errors.js";
import type { Dim } from "./types.js";

/** A product: its coefficient and its sorted atoms, which are symbols or "floor(…/k)". */
export interface Term {
  readonly coefficient: number;
  readonly atoms: readonly string[];
}

/** A sum of products, sorted, without zeros; the empty sum is 0. */
export type Polynomial = readonly Term[];

const symbolPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

function canonical(terms: readonly Term[]): Polynomial {
  const sums = new Map<string, Term>();
  for (const { coefficient, atoms } of terms) {
    const sorted = [...atoms].sort();
    const key = sorted.join("*");
    sums.set(key, { coefficient: (sums.get(key)?.coefficient ?? 0) + coefficient, atoms: sorted });
  }
  const nonZero = [...sums].filter(([, { coefficient }]) => coefficient !== 0);
  // The constant comes last, as people write formulas: "n+77".
  nonZero.sort(([a], [b]) => (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1));
  return nonZero.map(([, term]) => term);
}

function format(polynomial: Polynomial): Dim {
  if (polynomial.length === 0) return 0;
  if (polynomial.length === 1 && polynomial[0]!.atoms.length === 0) return polynomial[0]!.coefficient;
  const text = polynomial.map(({ coefficient, atoms }) => {
    if (atoms.length === 0) return `${coefficient < 0 ? "" : "+"}${coefficient}`;
    const size = Math.abs(coefficient);
    return `${coefficient < 0 ? "-" : "+"}${atoms.join("*")}${size === 1 ? "" : `*${size}`}`;
  });
  return text.join("").replace(/^\+/, "");
}

/** Recursive descent over sums, products, parentheses and floor(…/k). */
class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  all(): Polynomial {
    const value = this.#sum();
    if (this.#at < this.#text.length) throw this.#error();
    return value;
  }

  #error(): NishikiError {
    const expectation = 'expected a name such as "batch", or a formula of names such as "height*8"';
    return new NishikiError("shape", `"${this.#text}" is not a dimension: ${expectation}.`);
  }

  #take(pattern: RegExp): string | undefined {
    const token = pattern.exec(this.#text.slice(this.#at))?.[0];
    if (token !== undefined) this.#at += token.length;
    return token;
  }

  #expect(mark: string): void {
    if (!this.#text.startsWith(mark, this.#at)) throw this.#error();
    this.#at += mark.length;
  }

  #sum(): Polynomial {
    let value = this.#product();
    for (let sign = this.#take(/^[+-]/); sign; sign = this.#take(/^[+-]/)) {
      const next = this.#product();
      value = canonical([...value, ...(sign === "-" ? times(next, makeConstant(-1)) : next)]);
    }
    return value;
  }

  #product(): Polynomial {
    let value = this.#factor();
    while (this.#take(/^\*/)) value = times(value, this.#factor());
    return value;
  }

  #factor(): Polynomial {
    if (this.#take(/^-/)) return times(this.#factor(), makeConstant(-1));
    const digits = this.#take(/^[0-9]+/);
    if (digits) return makeConstant(Number(digits));
    if (this.#take(/^floor\(/)) {
      const inner = this.#product();
      this.#expect("/");
      const divisor = Number(this.#take(/^[0-9]+/) ?? 0);
      this.#expect(")");
      if (divisor < 1) throw this.#error();
      return floorPolynomial(inner, divisor);
    }
    if (this.#take(/^\(/)) {
      const inner = this.#sum();
      this.#expect(")");
      return inner;
    }
    const name = this.#take(/^[A-Za-z_][A-Za-z0-9_]*/);
    if (!name) throw this.#error();
    return [{ coefficient: 1, atoms: [name] }];
  }
}

function makeConstant(value: number): Polynomial {
  return value === 0 ? [] : [{ coefficient: value, atoms: [] }];
}

function times(a: Polynomial, b: Polynomial): Polynomial {
  return canonical(
    a.flatMap((left) =>
      b.map((right) => ({
        coefficient: left.coefficient * right.coefficient,
        atoms: [...left.atoms, ...right.atoms],
      })),
    ),
  );
}

/** floor(p / k): terms that k divides move outside. */
function floorPolynomial(polynomial: Polynomial, divisor: number): Polynomial {
  const outside: Term[] = [];
  const inside: Term[] = [];
  for (const { coefficient, atoms } of polynomial) {
    const isConstant = atoms.length === 0;
    const whole = isConstant ? Math.floor(coefficient / divisor) : coefficient / divisor;
    if (Number.isInteger(whole)) outside.push({ coefficient: whole, atoms });
    const rest = Number.isInteger(whole) ? coefficient - whole * divisor : coefficient;
    if (rest !== 0) inside.push({ coefficient: rest, atoms });
  }
  if (inside.some(({ atoms }) => atoms.length > 0)) {
    const text = String(format(inside));
    const inner = symbolPattern.test(text) ? text : `(${text})`;
    outside.push({ coefficient: 1, atoms: [`floor(${inner}/${divisor})`] });
  }
  return canonical(outside);
}

/** Parsed formulas; cleared when there are many, because a server keeps meeting new ones. */
const parsed = new Map<string, Polynomial>();
const mostParsed = 10_000;

/** Parses a dimension into its polynomial. */
export function parseDim(dim: Dim): Polynomial {
  if (typeof dim === "number") return makeConstant(dim);
  let polynomial = parsed.get(dim);
  if (!polynomial) {
    polynomial = new Parser(dim).all();
    if (parsed.size >= mostParsed) parsed.clear();
    parsed.set(dim, polynomial);
  }
  return polynomial;
}

/** Gets the content of an atom "floor(…/k)"; undefined for a symbol. */
export function parseFloor(atom: string): { numerator: Polynomial; divisor: number } | undefined {
  const parts = /^floor\((.*)\/([0-9]+)\)$/.exec(atom);
  return parts ? { numerator: parseDim(parts[1]!), divisor: Number(parts[2]) } : undefined;
}

/** Canonicalises a formula. @throws NishikiError "shape" if it is not a formula */
export function canonicalDim(dim: Dim): Dim {
  return typeof dim === "number" ? dim : format(parseDim(dim));
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  return format(canonical([...parseDim(a), ...parseDim(b)]));
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b;
  return format(times(parseDim(a), parseDim(b)));
}

/** The symbols of which a formula is made. */
export function listSymbols(dim: Dim): string[] {
  return parseDim(dim).flatMap(({ atoms }) =>
    atoms.flatMap((atom) => {
      const inner = parseFloor(atom);
      return inner ? inner.numerator.flatMap((term) => term.atoms.flatMap(listSymbols)) : [atom];
    }),
  );
}

/** floor(dim / divisor). */
export function floorDivideDim(dim: Dim, divisor: number): Dim {
  if (typeof dim === "number") return Math.floor(dim / divisor);
  return format(floorPolynomial(parseDim(dim), divisor));
}

/**
 * The number that a formula gives for sizes of its symbols.
 * @throws NishikiError "shape" if a symbol has no size
 */
export function evaluateDim(dim: Dim, sizes: Readonly<Record<string, number>>): number {
  if (typeof dim === "number") return dim;
  const sizeOfAtom = (atom: string): number => {
    const inner = parseFloor(atom);
    if (inner) return Math.floor(evaluate(inner.numerator) / inner.divisor);
    const size = sizes[atom];
    if (size === undefined)
      throw new NishikiError("shape", `The dimension "${dim}" needs a size of "${atom}".`);
    return size;
  };
  const evaluate = (polynomial: Polynomial): number =>
    polynomial.reduce(
      (total, { coefficient, atoms }) =>
        total + atoms.reduce((product, atom) => product * sizeOfAtom(atom), coefficient),
      0,
    );
  return evaluate(parseDim(dim));
}

/** a / b if that is a formula without remainder; otherwise undefined. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return 1;
  const divisor = parseDim(b);
  if (divisor.length !== 1) return undefined;
  const { coefficient, atoms } = divisor[0]!;
  const terms: Term[] = [];
  for (const term of parseDim(a)) {
    const rest = [...term.atoms];
    for (const atom of atoms) {
      const at = rest.indexOf(atom);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    terms.push({ coefficient: term.coefficient / coefficient, atoms: rest });
  }
  if (terms.some((term) => !Number.isInteger(term.coefficient))) return undefined;
  return format(canonical(terms));
}
