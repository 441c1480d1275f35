// Prompt syntax of other programs that is read here as plain words: one notice each, with what works instead.
import { quote } from "../../errors.js";

/** What a model's prompts understand: the weights of attention-syntax.ts, or words alone. */
export type PromptDialect = "weights" | "words";

interface Syntax {
  readonly pattern: RegExp;
  /** Only words that are not understood are worth a notice. */
  readonly in: readonly PromptDialect[];
  readonly cure: (found: string) => string;
}

const both = ["weights", "words"] as const;

/** The file and weight of "<lora:name:0.8>" as the command line takes them. */
function loraOption(found: string): string {
  const [, name = "", weight] = found.slice(1, -1).split(":");
  return `--lora ${name}.safetensors${weight === undefined ? "" : `:${weight}`}`;
}

const syntaxes: readonly Syntax[] = [
  {
    pattern: /<(?:lora|lyco|locon):[^<>]{1,200}>/i,
    in: both,
    cure: (found) => `It loads no file; load one with ${loraOption(found)}.`,
  },
  {
    pattern: /<hypernet:[^<>]{1,200}>/i,
    in: both,
    cure: () => "Hypernetworks are not supported; load a LoRA with --lora FILE.",
  },
  {
    // [from:to:when], [to:when], [from::when]; a colon alone may be punctuation.
    pattern: /(?<!\\)\[[^[\]\\]{0,200}:\s*(?:\d+\.?\d*|\.\d+)\s*\]/,
    in: both,
    cure: () => "A prompt is the same in all steps; write one of the variants.",
  },
  {
    pattern: /(?<!\\)\[[^[\]\\|]{0,200}\|[^[\]\\]{0,200}\]/,
    in: both,
    cure: () => "A prompt is the same in all steps; write one of the variants, or draw each of them.",
  },
  {
    pattern: /(?<=\S\s+)AND(?=\s+\S)/,
    in: both,
    cure: () => 'Prompts are not composed; write "and", or BREAK between two parts for Stable Diffusion.',
  },
  {
    pattern: /\{[^{}|]{0,200}\|[^{}]{0,200}\}/,
    in: both,
    cure: () => "No variant is chosen; write each prompt out.",
  },
  {
    pattern: /(?<![\p{L}\p{N}_])__[\p{L}\p{N}][\p{L}\p{N}_/ *-]{0,100}?__(?![\p{L}\p{N}_])/u,
    in: both,
    cure: () => "Wildcard files are not read; write the words out.",
  },
  {
    pattern: /(?<!\\)\([^()\\]{0,200}:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)/,
    in: ["words"],
    cure: () =>
      "This model knows no weights; write the words alone, and raise the guidance for more of them.",
  },
  {
    pattern: /(?<!\\)\({2,}[^()\\]{1,200}\){2,}/,
    in: ["words"],
    cure: () =>
      "This model knows no weights; write the words alone, and raise the guidance for more of them.",
  },
  {
    pattern: /(?<=\S\s+)BREAK(?=\s+\S)/,
    in: ["words"],
    cure: () => "This model reads a prompt in one part; leave it out.",
  },
];

/** In a text that is all capitals, AND and BREAK are words like any other. */
const isAllCapitals = (text: string) => !/\p{Ll}/u.test(text);

/**
 * Notices for syntax in a prompt that this model reads as words.
 * @param name What to call the text in a message: "prompt" or "negative prompt".
 */
export function findUnsupportedSyntax(text: string, dialect: PromptDialect, name = "prompt"): string[] {
  const cures = new Set<string>();
  return syntaxes.flatMap(({ pattern, in: dialects, cure }) => {
    const found = dialects.includes(dialect) ? pattern.exec(text)?.[0] : undefined;
    if (found === undefined || (/^[A-Z]+$/.test(found) && isAllCapitals(text))) return [];
    const remedy = cure(found);
    if (cures.has(remedy)) return [];
    cures.add(remedy);
    return [`${quote(found)} in the ${name} is read as plain words. ${remedy}`];
  });
}

/** A word that a textual inversion teaches, and the name of its file. */
export interface LearnedWordName {
  readonly word: string;
  readonly name: string;
}

/** Notices for learned words that stand in none of the prompts, so that their files have no effect. */
export function findUnusedWords(learned: readonly LearnedWordName[], prompts: readonly string[]): string[] {
  const texts = prompts.map((prompt) => prompt.normalize("NFC").toLowerCase());
  return learned.flatMap(({ word, name }) => {
    const isUsed = texts.some((text) => text.includes(word.normalize("NFC").toLowerCase()));
    const [shown, file] = [quote(word), quote(name)];
    return isUsed
      ? []
      : [
          `The embedding ${file} has no effect: its word ${shown} is in no prompt. Write it where it belongs.`,
        ];
  });
}
