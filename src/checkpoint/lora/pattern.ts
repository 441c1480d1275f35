// Regular expressions from PEFT's configs (`alpha_pattern`, `rank_pattern`), which Python's `re` matches
// against layer names. They come from untrusted files, and JavaScript's engine may need exponential time for
// them. This matcher instead carries sets of positions through the expression (Thompson 1968), in time
// polynomial in the name's length.
import { NishikiError, quote } from "../../errors.js";

/** Maps the positions before a part of the expression to the positions after it. */
type Step = (text: string, from: ReadonlySet<number>) => ReadonlySet<number>;

const LONGEST = 500;
const MOST_REPEATS = 20;
const DEEPEST = 4;

class PatternReader {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  read(): Step {
    if (this.#pattern.length > LONGEST) this.fail();
    const step = this.#alternatives();
    if (this.#at < this.#pattern.length) this.fail();
    return step;
  }

  fail(): never {
    throw new NishikiError(
      "checkpoint",
      `The pattern ${quote(this.#pattern)} is not supported: use a plain regular expression.`,
    );
  }

  #take(character: string): boolean {
    if (this.#pattern[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #alternatives(): Step {
    const steps = [this.#sequence()];
    while (this.#take("|")) steps.push(this.#sequence());
    return (text, from) => new Set(steps.flatMap((step) => [...step(text, from)]));
  }

  #sequence(): Step {
    const steps: Step[] = [];
    while (this.#at < this.#pattern.length && !"|)".includes(this.#pattern[this.#at]!))
      steps.push(this.#repeated());
    return (text, from) => steps.reduce((positions, step) => step(text, positions), from);
  }

  #repeated(): Step {
    const step = this.#atom();
    const counts = this.#counts();
    if (!counts) return step;
    this.#take("?"); // lazy or greedy makes no difference to whether it matches
    if (this.#pattern[this.#at] === "+" || this.#pattern[this.#at] === "*") this.fail();
    return (text, from) => repeat(step, counts, text, from);
  }

  #counts(): readonly [least: number, most: number] | undefined {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const found = /^\{(\d{1,2})(,(\d{0,2}))?\}/.exec(this.#pattern.slice(this.#at));
    if (!found) return undefined;
    this.#at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY;
    if (least > MOST_REPEATS || (most > MOST_REPEATS && most !== Number.POSITIVE_INFINITY)) this.fail();
    return [least, most];
  }

  #atom(): Step {
    if (this.#take("(")) return this.#group();
    if (this.#take("[")) return this.#class();
    if (this.#take("^")) return (_, from) => new Set([...from].filter((at) => at === 0));
    if (this.#take("$")) return (text, from) => new Set([...from].filter((at) => at === text.length));
    if (this.#take(".")) return one(() => true);
    if (this.#take("\\")) return one(this.#escape());
    const character = this.#pattern[this.#at++];
    if (character === undefined || "*+?{}()]".includes(character)) this.fail();
    return one((other) => other === character);
  }

  #group(): Step {
    if (++this.#depth > DEEPEST) this.fail();
    if (this.#take("?") && !this.#take(":")) this.fail(); // lookahead, names, flags
    const step = this.#alternatives();
    if (!this.#take(")")) this.fail();
    this.#depth--;
    return step;
  }

  #escape(): (character: string) => boolean {
    const character = this.#pattern[this.#at++] ?? this.fail();
    if (character === "d") return (other) => /\d/.test(other);
    if (character === "w") return (other) => /\w/.test(other);
    if (/[A-Za-z0-9]/.test(character)) this.fail(); // \b, \1, \D and the like
    return (other) => other === character;
  }

  #class(): Step {
    const negated = this.#take("^");
    const tests: ((character: string) => boolean)[] = [];
    do {
      const start = this.#pattern[this.#at++] ?? this.fail();
      if (start === "\\") tests.push(this.#escape());
      else if (this.#pattern[this.#at] === "-" && this.#pattern[this.#at + 1] !== "]") {
        const end = this.#pattern[this.#at + 1] ?? this.fail();
        this.#at += 2;
        tests.push((other) => start <= other && other <= end);
      } else tests.push((other) => other === start);
    } while (!this.#take("]"));
    return one((other) => tests.some((test) => test(other)) !== negated);
  }
}

function one(test: (character: string) => boolean): Step {
  return (text, from) =>
    new Set([...from].flatMap((at) => (at < text.length && test(text[at]!) ? [at + 1] : [])));
}

function repeat(
  step: Step,
  [least, most]: readonly [number, number],
  text: string,
  from: ReadonlySet<number>,
) {
  let positions = from;
  for (let i = 0; i < least; i++) positions = step(text, positions);
  const all = new Set(positions);
  for (let i = least; i < most && positions.size > 0; i++) {
    positions = new Set([...step(text, positions)].filter((at) => !all.has(at)));
    for (const at of positions) all.add(at);
  }
  return all;
}

/**
 * Makes PEFT's test of a layer name: the pattern must match the end of the name, starting at its beginning or
 * after a dot.
 * @throws NishikiError "checkpoint" for unsupported expressions: lookahead, back references, too long or too
 *   deep.
 */
export function makeLayerTest(pattern: string): (layer: string) => boolean {
  const step = new PatternReader(pattern).read();
  return (layer) => {
    const starts = [0, ...[...layer.matchAll(/\./g)].map(({ index }) => index + 1)];
    return step(layer, new Set(starts)).has(layer.length);
  };
}
