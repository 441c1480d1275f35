#!/usr/bin/env node
// The command line: parse, call, print. Only this room prints and exits.
import { Command, CommanderError } from "commander";
import { ownVersion } from "../pipeline/node.js";
import { commands } from "./commands/index.js";
import { endQuietlyWhenUnread, report, usageExit } from "./report.js";

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

async function makeProgram(): Promise<Command> {
  const program = new Command("nishiki")
    .description("Pictures from text, drawn on your own machine.")
    .version(await ownVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .showHelpAfterError(false)
    .configureOutput({ writeErr: () => {} });
  for (const add of commands) add(program);
  const generate = program.commands.find((command) => command.name() === "generate");
  if (generate)
    program.addHelpText("after", () => `\nDrawing, nishiki "PROMPT" [options]:\n${listOptions(generate)}`);
  program.addHelpText("after", examples);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
    if (command !== program) command.option("--debug", "print where an error comes from");
  }
  return program;
}

async function main(args: readonly string[]): Promise<void> {
  endQuietlyWhenUnread();
  try {
    const program = await makeProgram();
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = usageExit(error);
    else process.exitCode = report(error, { debug: args.includes("--debug") });
  }
}

await main(process.argv.slice(2));
