// Which of the colours that a model knows a colour word comes nearest to. A text encoder does not know colours apart, so red, green
// and blue decide, in OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/). What people call a colour, and which words they
// have for it, is from the xkcd colour survey (Munroe 2010, https://xkcd.com/color/rgb.txt, CC0; 222,500 people took part); the other
// words are CSS's keywords.
import keywords from "color-name";

/** Where a colour begins a text. */
export interface ColourPhrase {
  /** Of how many words. */
  readonly length: number;
  /** The known colour that comes nearest. */
  readonly colour: string;
  /** Whether the words say a colour wherever they stand ("navy blue", "lemon-coloured"), as "ruby" does not. */
  readonly sure: boolean;
}

/**
 * What people in the survey called by the colour's plain name first, then what they called dark, light, pale, dull, dirty and bright,
 * as far as they did; for brown, very light; for white, off-white. A colour is all that lies between the first and one of the others.
 */
const shades: Readonly<Record<string, string>> = {
  red: "e50000 840000 ff474c d9544d bb3f3f ff000d",
  orange: "f97306 c65102 fdaa48 ffa756 d8863b c87606 ff5b00",
  yellow: "ffff14 d5b60a fffe7a ffff84 eedc5b cdc50a fffd01",
  green: "15b01a 033500 96f97b c7fdb5 74a662 667e2c 01ff07",
  blue: "0343df 00035b 95d0fc d0fefe 49759c 3f829d 0165fc",
  purple: "7e1e9c 35063e bf77f6 b790d4 84597e 734a65 be03fd",
  pink: "ff81c0 cb416b ffd1df ffcfdc d5869d ca7b80 fe01b1",
  brown: "653700 341c02 ad8150 d3b683 876e4b",
  black: "000000",
  white: "ffffff ffffe4",
  grey: "929591 363737 d8dcd6",
  turquoise: "06c2ac 045c5a 7ef4cc a5fbd5 0ffef9",
};

/** Words of the survey that CSS lacks, or has for another colour than people do: its azure and lavender are nearly white. */
const spoken: Readonly<Record<string, string>> = {
  amber: "feb308",
  amethyst: "9b5fc0",
  apricot: "ffb16d",
  auburn: "9a3001",
  azure: "069af3",
  bronze: "a87900",
  burgundy: "610023",
  caramel: "af6f09",
  carmine: "9d0216",
  celadon: "befdb7",
  cerise: "de0c62",
  cerulean: "0485d1",
  charcoal: "343837",
  cherry: "cf0234",
  chestnut: "742802",
  chocolate: "3d1c02",
  claret: "680018",
  cobalt: "1e488f",
  copper: "b66325",
  cream: "ffffc2",
  ecru: "feffca",
  emerald: "01a049",
  fawn: "cfaf7b",
  fuchsia: "ed0dd9",
  golden: "f5bf03",
  jade: "1fa774",
  khaki: "aaa662",
  lavender: "c79fef",
  lemon: "fdff52",
  lilac: "cea2fd",
  magenta: "c20078",
  mahogany: "4a0100",
  mauve: "ae7181",
  mint: "9ffeb0",
  mustard: "ceb301",
  ocher: "bf9005",
  ochre: "bf9005",
  peach: "ffb07c",
  periwinkle: "8e82fe",
  plum: "580f41",
  rose: "cf6275",
  ruby: "ca0147",
  russet: "a13905",
  rust: "a83c09",
  saffron: "feb209",
  sage: "87ae73",
  sapphire: "2138ab",
  scarlet: "be0119",
  sepia: "985e2b",
  tangerine: "ff9408",
  taupe: "b9a281",
  terracotta: "ca6641",
  ultramarine: "2000b1",
  umber: "b26400",
  vermilion: "f4320c",
  vermillion: "f4320c",
  violet: "9a0eea",
  viridian: "1e9167",
  // Nobody in the survey said it; this is the encyclopaedia's (Wikipedia, "Blond").
  blond: "faf0be",
  blonde: "faf0be",
};

/** Keywords that name a thing or a country wherever anyone says them. */
const neverColours = new Set(["bisque", "honeydew", "moccasin", "peru", "thistle"]);

/** Said of a colour, and lost on a model that knows only one of each. */
const modifiers = new Set(
  "very dark light bright pale deep vivid dull pastel neon faded medium muted dusty rich".split(" "),
);
const coloured = new Set(["coloured", "colored"]);

/** The longest name of a colour: "light sea green". */
const mostWords = 3;

/** Lightness counts less than hue: light and dark blue are both called blue. */
const lightness = 0.7;

type Point = readonly [lightness: number, a: number, b: number];

/** Red, green and blue (0 to 255, sRGB) in OKLab, its lightness scaled by what it counts. */
function pointOf(rgb: readonly number[]): Point {
  const [red, green, blue] = rgb.map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    lightness * (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s),
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function parse(hex: string): readonly number[] {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

const points = Object.entries(shades).map(([name, list]) => {
  return { name, shades: list.split(" ").map((hex) => pointOf(parse(hex))) };
});

/** How far a point is from the straight line between two others. */
function distance(point: Point, from: Point, to: Point): number {
  const dot = (f: (i: 0 | 1 | 2) => number) => f(0) + f(1) + f(2);
  const length = dot((i) => (to[i] - from[i]) ** 2);
  const along = length === 0 ? 0 : dot((i) => (point[i] - from[i]) * (to[i] - from[i])) / length;
  const share = Math.min(1, Math.max(0, along));
  return Math.sqrt(dot((i) => (point[i] - from[i] - share * (to[i] - from[i])) ** 2));
}

function rgbOf(word: string): readonly number[] | undefined {
  if (Object.hasOwn(spoken, word)) return parse(spoken[word]!);
  return Object.hasOwn(keywords, word) && !neverColours.has(word) ? keywords[word] : undefined;
}

/** The colour among those that a model knows which a colour word ("crimson", "skyblue", "bluish") comes nearest to, if it is one. */
export function nearestColour(word: string, colours: ReadonlySet<string>): string | undefined {
  if (colours.has(word)) return word;
  const rgb = rgbOf(word);
  if (!rgb) return /^\w{3,}ish$/.test(word) ? nearestStem(word.slice(0, -3), colours) : undefined;
  const point = pointOf(rgb);
  let found: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const { name, shades } of points) {
    const said = name === "grey" && !colours.has(name) ? "gray" : name;
    const far = Math.min(...shades.map((shade) => distance(point, shades[0]!, shade)));
    if (colours.has(said) && far < least) [least, found] = [far, said];
  }
  return found;
}

/** "bluish" is blue and "reddish" red: an e was left out, or the last letter doubled. */
function nearestStem(stem: string, colours: ReadonlySet<string>): string | undefined {
  const stems = [stem, `${stem}e`, ...(stem.at(-1) === stem.at(-2) ? [stem.slice(0, -1)] : [])];
  for (const each of stems) {
    const found = nearestColour(each, colours);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What a model knows. */
interface Known {
  readonly words: ReadonlySet<string>;
  readonly colours: ReadonlySet<string>;
}

/**
 * The colour phrase that small-lettered words begin with, if anything in it is new to the model. Its last colour is the one that is
 * meant: "golden brown" is brown. Words that the model knows for things belong to one only where a known colour or "coloured"
 * follows: "chestnut brown", but not "chestnut".
 */
export function findColour(
  words: readonly string[],
  { words: shown, colours }: Known,
): ColourPhrase | undefined {
  let found: ColourPhrase | undefined;
  let onlyThings = false;
  for (let at = 0; at < words.length; ) {
    const next = nameAt(words, at, colours);
    if (!next) {
      if (!modifiers.has(words[at]!)) break;
      at++;
      continue;
    }
    const name = words.slice(at, at + next.length);
    at += next.length;
    const marked = coloured.has(words[at] ?? "");
    if (marked) at++;
    const sure = marked || colours.has(name.at(-1)!);
    if (!sure && name.every((word) => shown.has(word))) onlyThings = true;
    if (sure || !onlyThings) found = { length: at, colour: next.colour, sure };
  }
  const first = words[0];
  if (first === undefined || !found || words.slice(0, found.length).every((word) => colours.has(word)))
    return undefined;
  return colours.has(first) && nameAt(words, 0, colours)?.length === 1 && !coloured.has(words[1] ?? "")
    ? undefined
    : found;
}

/** The longest name of a colour that begins at a word: "sky blue" as one, not as sky. */
function nameAt(
  words: readonly string[],
  at: number,
  colours: ReadonlySet<string>,
): { length: number; colour: string } | undefined {
  for (let length = Math.min(mostWords, words.length - at); length > 0; length--) {
    const name = words.slice(at, at + length);
    const nearest = nearestColour(name.join(""), colours);
    if (nearest === undefined) continue;
    const last = name.at(-1)!;
    return { length, colour: colours.has(last) ? last : nearest };
  }
  return undefined;
}
