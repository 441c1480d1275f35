// The texts of the view that explains a picture, in every language.
import { de } from "./texts-de.js";
import { en, type InsideTexts } from "./texts-en.js";

export type { InsideTexts } from "./texts-en.js";

const all: Readonly<Record<string, InsideTexts>> = { en, de };

/** The texts of a language; English where there are none. */
export const getInsideTexts = (code: string): InsideTexts => all[code] ?? en;
