// One entry of the vocabulary.

/** A thing in scenes. */
export interface Thing {
  /** Plain English name, singular where there is one. */
  readonly name: string;
  /** Unicode code point of the emoji that draws it, lower-case hexadecimal. */
  readonly codePoint: string;
  /** "cats"; null where the drawing shows a mass or a set that is not counted (grapes, scissors, fire). */
  readonly plural: string | null;
  /** Synonyms in captions, with the same grammatical number. */
  readonly synonyms: readonly string[];
}

interface Extra {
  plural?: string;
  synonyms?: readonly string[];
}

export function thing(name: string, codePoint: string, extra: Extra = {}): Thing {
  return { name, codePoint, plural: extra.plural ?? `${name}s`, synonyms: extra.synonyms ?? [] };
}

/** A thing without article and number: "grapes", "a blue fire" would be wrong. */
export function uncounted(name: string, codePoint: string, synonyms: readonly string[] = []): Thing {
  return { name, codePoint, plural: null, synonyms };
}
