#!/usr/bin/env node
// Where the program begins: nothing but arguments and exit code.
import { runCommandLine } from "./run.js";
import { watchOutput } from "./terminal.js";

watchOutput();
process.exitCode = await runCommandLine(process.argv.slice(2));
