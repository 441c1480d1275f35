// The command line as a function: arguments in, exit code out.
import { Command, CommanderError } from "commander";
import { ownVersion } from "../pipeline/node.js";
import { commands } from "./commands/index.js";
import { report, usageExit } from "./report.js";

const examples = `
Examples:
  nishiki "blue cat against a sunset background"
  nishiki "cactus and keyboard, style by Hiroshige" --seed 7 --count 4 --output pictures
  nishiki verify pictures/cactus-and-keyboard-style-by-hiroshige-7.png
  nishiki info pictures/cactus-and-keyboard-style-by-hiroshige-7.png
`;

/** The options of a command as its own help shows them. */
function listOptions(command: Command): string {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const width = Math.max(...options.map((option) => help.optionTerm(option).length));
  return options
    .map((option) => `  ${help.optionTerm(option).padEnd(width)}  ${help.optionDescription(option)}`)
    .join("\n");
}

/** Commands that do something themselves, however deep they stand. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

async function makeProgram(): Promise<Command> {
  const program = new Command("nishiki")
    .description("Pictures from text, drawn on your own machine.")
    .version(await ownVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    // Commands inherit these: errors are thrown to be told in one place and one way.
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  for (const add of commands) add(program);
  for (const command of leaves(program)) command.option("--debug", "print where an error comes from");
  const generate = program.commands.find((command) => command.name() === "generate");
  if (generate)
    program.addHelpText("after", () => `\nDrawing, nishiki "PROMPT" [options]:\n${listOptions(generate)}`);
  return program.addHelpText("after", examples);
}

/**
 * Runs a command line, printing to the process's streams.
 * @param args Without the program's name.
 * @returns The exit code. A command whose result is a "no" sets process.exitCode itself.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  try {
    const program = await makeProgram();
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error);
    return report(error, { debug: args.includes("--debug") });
  }
}
