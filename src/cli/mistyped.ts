// Detects mistyped commands. A prompt may replace a command, so "trian" would otherwise be drawn as a one-word prompt.
import { existsSync } from "node:fs";
import { editDistance, NishikiError } from "../errors.js";
import { quoteArgument } from "./shell.js";

/** Words that other programs have as commands; as prompts of a single word they are far less likely. */
const elsewhere: Readonly<Record<string, string>> = {
  version: "--version",
  usage: "--help",
  options: "draw --help",
  generate: "draw",
  create: "draw",
  paint: "draw",
  render: "draw",
  txt2img: "draw",
  img2img: "draw --image FILE",
  download: "pull",
  fetch: "pull",
  install: "pull",
  list: "models",
  ls: "models",
  show: "info",
  inspect: "info",
  check: "verify",
  resume: "train CONFIG --resume",
  eval: "evaluate",
  test: "evaluate",
  build: "data build",
  preview: "data preview",
  server: "serve",
  web: "serve",
  ui: "serve",
  start: "serve",
  init: "--help",
  config: "--help",
  settings: "--help",
  words: "--help",
  samplers: "draw --help",
  login: "--help",
  update: "--help",
  upgrade: "--help",
  run: "--help",
  commands: "--help",
};

/** The command that a word is nearest to: within two edits, one for words of up to four letters, or its beginning. */
function nearestCommand(word: string, commands: readonly string[]): string | undefined {
  const limit = word.length > 4 ? 2 : 1;
  const [nearest] = commands
    .map((command) => ({ command, distance: editDistance(word, command) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest && nearest.distance <= limit) return nearest.command;
  return commands.find((command) => word.length >= 3 && command.startsWith(word));
}

const looksLikePath = (text: string) => /[/\\]|^\.|\.\w{2,11}$/.test(text) || existsSync(text);

/** What stands behind the first word without being an option or, as far as can be seen, an option's value. */
const plainArguments = (rest: readonly string[]) =>
  rest.filter((text, i) => !text.startsWith("-") && !rest[i - 1]?.startsWith("-"));

export interface KnownCommands {
  /** Every command's name and aliases. */
  readonly names: readonly string[];
  /** The names of the commands below one. */
  subcommands(name: string): readonly string[];
}

/**
 * Refuses a command line whose first word is a mistyped command rather than a prompt.
 *
 * @param isWord Whether English has the word: "rain" by itself is a prompt and not a mistyped "train".
 * @throws NishikiError "usage" that names the command which was probably meant, and how to draw the word
 */
export async function refuseMistyped(
  [first = "", ...rest]: readonly string[],
  commands: KnownCommands,
  isWord: (word: string) => Promise<boolean>,
): Promise<void> {
  const word = first.toLowerCase();
  if (!/^[a-z0-9-]+$/.test(word) || word.startsWith("-") || commands.names.includes(first)) return;
  const isElsewhere = Object.hasOwn(elsewhere, word);
  const meant = isElsewhere ? elsewhere[word]! : nearestCommand(word, commands.names);
  const others = plainArguments(rest);
  // Paths and names of subcommands can be a command's arguments; other words make it a prompt.
  const isArgument = (text: string) =>
    looksLikePath(text) || commands.subcommands(meant ?? "").includes(text);
  if (meant === undefined) return;
  const areArguments = others.every(isArgument);
  // One other word may still be a file's name that is mistyped itself ("evalute my-modle"); a capital begins a person's.
  if (!areArguments && (others.length > 1 || isElsewhere || first !== word)) return;
  const isSure = areArguments && (isElsewhere || meant === word || meant === `${word}s` || others.length > 0);
  if (!isSure && (await isWord(word))) return;
  const draw = `To draw it: nishiki draw ${[first, ...rest].map(quoteArgument).join(" ")}`;
  throw new NishikiError("usage", `There is no command "${first}". Did you mean nishiki ${meant}? ${draw}`);
}
