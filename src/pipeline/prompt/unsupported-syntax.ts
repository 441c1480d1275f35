// Detects prompt syntax of other programs that Nishiki reads as plain words, and suggests alternatives.
import { quote } from "../../errors.js";

/** What a model's prompts understand: the weights of attention-syntax.ts, or words alone. */
export type PromptDialect = "weights" | "words";

interface Syntax {
  readonly pattern: RegExp;
  /** Only words that are not understood are worth a notice. */
  readonly in: readonly PromptDialect[];
  readonly cure: (match: string, composes: boolean) => string;
}

const both = ["weights", "words"] as const;

/** The file and weight of "<lora:name:0.8>" as the command line takes them. */
function loraOption(tag: string): string {
  const [, name = "", weight] = tag.slice(1, -1).split(":");
  return `--lora ${name}.safetensors${weight === undefined ? "" : `:${weight}`}`;
}

const syntaxes: readonly Syntax[] = [
  {
    pattern: /<(?:lora|lyco|locon):[^<>]{1,200}>/i,
    in: both,
    cure: (match) => `It does not load a file; use ${loraOption(match)}.`,
  },
  {
    pattern: /<hypernet:[^<>]{1,200}>/i,
    in: both,
    cure: () => "Hypernetworks are not supported; load a LoRA with --lora FILE.",
  },
  {
    pattern: /AND(?<=\S\s+AND)(?=\s+\S)/,
    in: both,
    cure: (_, composes) =>
      composes
        ? 'It joins parts of a prompt, outside of brackets; elsewhere write "and".'
        : 'Parts are not joined here; write "and".',
  },
  {
    pattern: /\{[^{}|]{0,200}\|[^{}]{0,200}\}/,
    in: both,
    cure: () => "No variant is chosen; use --wildcards FOLDER, or write each prompt out.",
  },
  {
    pattern: /(?<![\p{L}\p{N}_])__[\p{L}\p{N}][\p{L}\p{N}_/ *-]{0,100}?__(?![\p{L}\p{N}_])/u,
    in: both,
    cure: () => "Its list is not read; use --wildcards FOLDER, or write the words out.",
  },
  {
    pattern: /(?<!\\)\([^()\\]{0,200}:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)/,
    in: ["words"],
    cure: () =>
      "This model knows no weights; write the words alone, and raise the guidance for more of them.",
  },
  {
    pattern: /(?<![\\(])\({2,}[^()\\]{1,200}\){2,}/,
    in: ["words"],
    cure: () =>
      "This model knows no weights; write the words alone, and raise the guidance for more of them.",
  },
  {
    pattern: /BREAK(?<=\S\s+BREAK)(?=\s+\S)/,
    in: ["words"],
    cure: () => "This model reads a prompt in one part; leave it out.",
  },
];

/** In a text that is all capitals, AND and BREAK are words like any other. */
const isAllCapitals = (text: string) => !/\p{Ll}/u.test(text);

/**
 * Notices for syntax in a prompt that this model reads as words.
 * @param composes Whether this text may have parts that are joined by AND.
 * @param name What to call the text in a message: "prompt" or "negative prompt".
 */
export function findUnsupportedSyntax(
  text: string,
  dialect: PromptDialect,
  name = "prompt",
  composes = false,
): string[] {
  const cures = new Set<string>();
  return syntaxes.flatMap(({ pattern, in: dialects, cure }) => {
    const match = dialects.includes(dialect) ? pattern.exec(text)?.[0] : undefined;
    if (match === undefined || (/^[A-Z]+$/.test(match) && isAllCapitals(text))) return [];
    const remedy = cure(match, composes);
    if (cures.has(remedy)) return [];
    cures.add(remedy);
    return [`${quote(match)} in the ${name} is read as plain words. ${remedy}`];
  });
}

/** A word that a textual inversion teaches, and the name of its file. */
export interface LearnedWordName {
  readonly word: string;
  readonly name: string;
}

/** Notices for embeddings without effect, because no prompt contains their word. */
export function findUnusedWords(learned: readonly LearnedWordName[], prompts: readonly string[]): string[] {
  const texts = prompts.map((prompt) => prompt.normalize("NFC").toLowerCase());
  return learned.flatMap(({ word, name }) => {
    const isUsed = texts.some((text) => text.includes(word.normalize("NFC").toLowerCase()));
    const [quoted, file] = [quote(word), quote(name)];
    return isUsed
      ? []
      : [
          `The embedding ${file} has no effect: no prompt contains its word ${quoted}. Add the word to a prompt.`,
        ];
  });
}
