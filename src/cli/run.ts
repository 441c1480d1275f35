// The command line as a function: arguments in, exit code out.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, CommanderError, type Help, type Option } from "commander";
import { getPackageFile } from "../engine/node.js";
import { NishikiError } from "../errors.js";
import { embeddedModel, ownVersion } from "../pipeline/node.js";
import { commands } from "./commands/index.js";
import { type KnownCommands, refuseMistyped } from "./mistyped.js";
import { outputExit, report, usageExit } from "./report.js";
import { outputFailure, print } from "./terminal.js";

const examples = `
Examples:
  nishiki                         on a terminal: starts the application in your browser
  nishiki "blue cat against a sunset background"
  nishiki "cactus and keyboard, style by Hiroshige" --seed 7 --count 4 --output pictures
  nishiki verify pictures/cactus-and-keyboard-style-by-hiroshige-7.png
`;

/** The options that the help of all commands shows; `nishiki draw --help` has every one. */
const common = ["negativePrompt", "seed", "count", "size", "steps", "model", "image", "output"];

/** The most used options of drawing, as its own help shows them. */
function listCommon(draw: Command, help: Help): string {
  const options = help
    .visibleOptions(draw)
    .filter((option: Option) => common.includes(option.attributeName()));
  const width = Math.max(...options.map((option) => help.optionTerm(option).length));
  help.prepareContext({ helpWidth: process.stdout.columns ?? 80 });
  return options
    .map((option) => help.formatItem(help.optionTerm(option), width, help.optionDescription(option), help))
    .join("\n");
}

/** Commands that do something themselves, however deep they stand. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

const namesOf = (command: Command) => command.commands.flatMap((one) => [one.name(), ...one.aliases()]);

async function makeProgram(print: (text: string) => void): Promise<Command> {
  const program = new Command("nishiki")
    .usage('"PROMPT" [options]\n       nishiki COMMAND [options]')
    .description("Draw images from text on your own machine.")
    .version(await ownVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    // Commands inherit these: errors are thrown to be told in one place and one way.
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: () => {} });
  for (const add of commands) add(program);
  for (const command of leaves(program)) command.option("--debug", "print the stack trace of errors");
  const draw = program.commands.find((command) => command.name() === "draw");
  if (draw) {
    program.addHelpText(
      "after",
      () =>
        `\nMain options for drawing (all of them: nishiki draw --help):\n${listCommon(draw, program.createHelp())}`,
    );
  }
  return program.addHelpText("after", examples);
}

/** Refuses a mistyped command before it is drawn. Throws like `refuseMistyped`. */
async function checkFirstWord(args: readonly string[], program: Command): Promise<void> {
  const known: KnownCommands = {
    names: [...namesOf(program), "help"],
    subcommands: (name) => program.commands.filter((one) => one.name() === name).flatMap(namesOf),
  };
  const [first, second] = args;
  if (first === "help" && second !== undefined && !known.names.includes(second))
    throw new NishikiError("usage", `There is no command "${second}". See: nishiki --help`);
  await refuseMistyped(args, known, isEnglish);
}

/** Whether a word stands in the vocabulary of the embedded model's tokenizer: common English, whole words. */
async function isEnglish(word: string): Promise<boolean> {
  const path = join(embeddedModel, "tokenizer.json");
  const text = await readFile(path, "utf8").catch(() => "{}");
  const { model } = JSON.parse(text) as { model?: { vocab?: Readonly<Record<string, number>> } };
  return Object.hasOwn(model?.vocab ?? {}, word);
}

/** Where faults are reported, as package.json says. */
async function getBugsUrl(): Promise<string | undefined> {
  try {
    const { bugs } = JSON.parse(await readFile(getPackageFile("package.json"), "utf8")) as {
      bugs?: { url?: string };
    };
    return bugs?.url;
  } catch {
    return undefined; // A report of an error must not fail for another.
  }
}

/**
 * Runs a command line, printing to the process's streams.
 * @param args Without the program's name.
 * @returns The exit code. A command whose result is a "no" sets process.exitCode itself.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  const help: string[] = [];
  const code = await run(args, (text) => void help.push(text));
  if (help.length > 0) await print(help.join("")).catch(() => {});
  const failure = outputFailure();
  return failure && code === 0 ? outputExit(failure) : code;
}

/** Whether a person sits before this process: then no arguments mean the application. */
const isTerminal = () => process.stdin.isTTY === true && process.stdout.isTTY === true;

async function run(args: readonly string[], printHelp: (text: string) => void): Promise<number> {
  try {
    const program = await makeProgram(printHelp);
    if (args.length === 0 && !isTerminal()) program.outputHelp();
    else if (args.length === 0) await program.parseAsync(["serve"], { from: "user" });
    else {
      await checkFirstWord(args, program);
      await program.parseAsync(args, { from: "user" });
    }
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error);
    return report(error, { debug: args.includes("--debug"), bugs: await getBugsUrl() });
  }
}
